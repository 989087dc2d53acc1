//! Policies of secrets and keys: what they add to RAM policies, what they deny, and how they share a secret or a key with
//! another account.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::{
    PARTNER, Signer, TEAM, about, allow, arn, deny, enforced, let_ann, no_permission, one_user, policy, put,
    with_ann,
};
use crate::support::{Answer, Options, Server, in_window, not_found, refusal, text};

const PLAINTEXT: (&str, &str) = ("Plaintext", "aGVsbG8=");

fn user(account: &str, name: &str) -> String {
    format!("{account}:user/{name}")
}

async fn set_secret_policy(server: &Server, root: &Signer, name: &str, statements: &[Value]) {
    let parameters = [("SecretName", name), ("Policy", &policy(statements))];
    root.ok(server, "SetSecretPolicy", &parameters).await;
}

async fn set_key_policy(server: &Server, root: &Signer, key: &str, statements: &[Value]) {
    root.ok(server, "SetKeyPolicy", &[("KeyId", key), ("Policy", &policy(statements))]).await;
}

/// The text of a policy as the API returns it.
async fn shown(server: &Server, root: &Signer, action: &str, on: (&str, &str)) -> String {
    text(&root.ok(server, action, &[on]).await["Policy"]).to_owned()
}

/// Expects success, or a refusal for a missing permission on this resource.
fn expect(answer: &Answer, allowed: bool, named: &str, what: &str) {
    if allowed {
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
    } else {
        assert_eq!(answer.refused(), no_permission(named), "{what}");
    }
}

/// What the RAM policy says, what the secret's policy says, and whether the user can read.
const SAME_ACCOUNT: &[(&str, &str, bool)] = &[
    ("-", "-", false),
    ("Allow", "-", true),
    ("-", "Allow", true),
    ("Allow", "Allow", true),
    ("Allow", "Deny", false),
    ("Deny", "Allow", false),
    ("-", "Deny", false),
];

#[tokio::test]
async fn in_one_account_either_policy_allows_and_either_denies() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let key = root.make_key(&server, &[]).await;
    let (secret, key_arn) = (arn(TEAM, "secret/s"), arn(TEAM, &format!("key/{key}")));
    for (ram, own, allowed) in SAME_ACCOUNT {
        let statements: Vec<Value> = [ram]
            .iter()
            .filter(|effect| **effect != &"-")
            .map(|e| super::statement(e, "kms:*", "*"))
            .collect();
        let_ann(&server, &statements).await;
        let mut own_statements = vec![about("Allow", &format!("{TEAM}:*"), "kms:*")];
        if *own != "-" {
            own_statements.push(about(own, &user(TEAM, "ann"), "kms:*"));
        }
        set_secret_policy(&server, &root, "s", &own_statements).await;
        set_key_policy(&server, &root, &key, &own_statements).await;
        let what = format!("RAM {ram}, resource {own}");
        expect(&ann.read(&server, "s").await, *allowed, &secret, &what);
        let sealed = ann.call(&server, "Encrypt", &[("KeyId", &key), PLAINTEXT]).await;
        expect(&sealed, *allowed, &key_arn, &what);
        // What denies a user does not deny the root.
        root.read(&server, "s").await.ok();
    }
}

#[tokio::test]
async fn a_policy_is_about_the_principals_actions_and_conditions_that_it_names() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let secret = arn(TEAM, "secret/s");
    let with_condition = |condition: Value| {
        let mut statement = about("Allow", &user(TEAM, "ann"), "kms:GetSecretValue");
        statement["Condition"] = condition;
        statement
    };
    for (statement, reads) in [
        (about("Allow", &user(TEAM, "ann"), "kms:GetSecretValue"), true),
        (about("Allow", &user(TEAM, "ann"), "kms:Get*"), true),
        (about("Allow", &user(TEAM, "ann"), "kms:DescribeSecret"), false),
        (about("Allow", &user(TEAM, "anna"), "kms:*"), false),
        (about("Allow", &format!("{TEAM}:role/ann"), "kms:*"), false),
        // The account itself, which is the owner.
        (about("Allow", &format!("{TEAM}:*"), "kms:*"), false),
        (with_condition(json!({"IpAddress": {"acs:SourceIp": "127.0.0.1"}})), true),
        (with_condition(json!({"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}})), false),
        (with_condition(json!({"StringEquals": {"kms:tag/team": "blue"}})), false),
    ] {
        set_secret_policy(&server, &root, "s", std::slice::from_ref(&statement)).await;
        expect(&ann.read(&server, "s").await, reads, &secret, &statement.to_string());
    }
    // Actions that such a policy cannot control have no effect in it, and a secret's policy is not about other secrets.
    set_secret_policy(&server, &root, "s", &[about("Allow", &user(TEAM, "ann"), "kms:*")]).await;
    root.create(&server, "t", &[]).await;
    assert_eq!(ann.read(&server, "t").await.refused(), no_permission(&arn(TEAM, "secret/t")));
    for (action, more) in [("GetSecretPolicy", &[][..]), ("SetSecretPolicy", &[("Policy", "{}")])] {
        let parameters = [&[("SecretName", "s")], more].concat();
        assert_eq!(ann.refused(&server, action, &parameters).await, no_permission(&secret), "{action}");
    }
    ann.ok(&server, "PutSecretValue", &[("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "2")]).await;
}

/// Two accounts: `ann` belongs to the team, `bob` to its partner.
async fn two_accounts(bob: &[Value]) -> (Server, [Signer; 3]) {
    let server = enforced().await;
    let_ann(&server, &[]).await;
    put(&server, &one_user(PARTNER, "bob", bob)).await;
    (server, [Signer::of(TEAM), Signer::of(PARTNER), Signer::of("bob")])
}

#[tokio::test]
async fn from_another_account_both_sides_must_allow() {
    let (server, [root, partner, bob]) = two_accounts(&[]).await;
    let secret = root.create(&server, "s", &[]).await;
    let of_bob = |effect| about(effect, &user(PARTNER, "bob"), "kms:GetSecretValue");
    let read = "kms:GetSecretValue";
    for (ram, own, reads) in [
        (vec![], vec![of_bob("Allow")], false),
        (vec![allow(read, &secret)], vec![], false),
        (vec![allow(read, &secret)], vec![of_bob("Allow")], true),
        (vec![allow("kms:*", "*")], vec![of_bob("Allow")], true),
        (vec![allow(read, &arn(PARTNER, "secret/s"))], vec![of_bob("Allow")], false),
        (vec![allow(read, "*"), deny(read, &secret)], vec![of_bob("Allow")], false),
        (vec![allow(read, "*")], vec![of_bob("Allow"), of_bob("Deny")], false),
        (vec![allow(read, "*")], vec![about("Allow", &user(PARTNER, "eve"), "kms:*")], false),
        (vec![allow(read, "*")], vec![about("Allow", &user(TEAM, "bob"), "kms:*")], false),
        (vec![allow(read, "*")], vec![about("Allow", &format!("{PARTNER}:role/bob"), "kms:*")], false),
        // The whole account: everyone whom its own policies allow.
        (vec![allow(read, "*")], vec![about("Allow", &format!("{PARTNER}:*"), "kms:*")], true),
        (vec![], vec![about("Allow", &format!("{PARTNER}:*"), "kms:*")], false),
    ] {
        put(&server, &one_user(PARTNER, "bob", &ram)).await;
        let own: Vec<Value> =
            std::iter::once(about("Allow", &format!("{TEAM}:*"), "kms:*")).chain(own).collect();
        set_secret_policy(&server, &root, "s", &own).await;
        let what = format!("{ram:?} {own:?}");
        let answer = bob.read(&server, &secret).await;
        expect(&answer, reads, &secret, &what);
        if reads {
            assert_eq!(
                (&answer.ok()["SecretData"], &answer.ok()["SecretName"]),
                (&"one".into(), &"s".into())
            );
        }
        // The plain name means a secret of the caller's own account.
        assert!(!bob.read(&server, "s").await.body.contains("one"), "{what}");
        // Per entry of a batch too.
        let list = json!([{"SecretName": secret}]).to_string();
        let batch = bob.ok(&server, "BatchGetSecretValue", &[("SecretsList", &list)]).await;
        assert_eq!(batch["SecretValues"].as_array().unwrap().len(), usize::from(reads), "{what}");
        assert_eq!(batch["Errors"].as_array().unwrap().len(), usize::from(!reads), "{what}");
    }
    // What does not exist is refused in the same way as what is not allowed.
    let absent = arn(TEAM, "secret/absent");
    put(&server, &one_user(PARTNER, "bob", &[allow("kms:*", "*")])).await;
    assert_eq!(bob.read(&server, &absent).await.refused(), no_permission(&absent));
    assert_eq!(partner.read(&server, &absent).await.refused(), no_permission(&absent));
}

#[tokio::test]
async fn an_identity_of_another_account_uses_a_secret_and_never_administers_it() {
    let (server, [root, _, bob]) = two_accounts(&[allow("kms:*", "*")]).await;
    let secret = root.create(&server, "s", &[]).await;
    let everything =
        [about("Allow", &user(PARTNER, "bob"), "kms:*"), about("Allow", &format!("{TEAM}:*"), "kms:*")];
    set_secret_policy(&server, &root, "s", &everything).await;
    let named = ("SecretName", secret.as_str());
    for action in ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds"] {
        bob.ok(&server, action, &[named]).await;
    }
    let in_list = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", &*secret)];
    let administering: &[(&str, &[(&str, &str)])] = &[
        ("DeleteSecret", &[named]),
        ("GetSecretPolicy", &[named]),
        ("PutSecretValue", &[named, ("VersionId", "v2"), ("SecretData", "2")]),
        ("RestoreSecret", &[named]),
        ("RotateSecret", &[named, ("VersionId", "v2")]),
        ("SetSecretPolicy", &[named, ("Policy", "{}")]),
        ("UpdateSecret", &[named, ("Description", "d")]),
        ("UpdateSecretRotationPolicy", &[named, ("EnableAutomaticRotation", "false")]),
        ("UpdateSecretVersionStage", &[named, ("VersionStage", "Mine"), ("MoveToVersion", "v1")]),
        ("TagResources", &[in_list[0], in_list[1], in_list[2], ("Tag.1.Key", "k")]),
        ("UntagResources", &[in_list[0], in_list[1], in_list[2], ("All", "true")]),
        ("ListTagResources", &in_list),
    ];
    let before = root.ok(&server, "DescribeSecret", &[("SecretName", "s"), ("FetchTags", "true")]).await;
    for (action, parameters) in administering {
        assert_eq!(bob.refused(&server, action, parameters).await, no_permission(&secret), "{action}");
    }
    let mut after = root.ok(&server, "DescribeSecret", &[("SecretName", "s"), ("FetchTags", "true")]).await;
    after["RequestId"] = before["RequestId"].clone();
    assert_eq!(after, before);
    assert_eq!(root.read(&server, "s").await.ok()["VersionId"], "v1");
}

#[tokio::test]
async fn an_identity_of_another_account_uses_a_key_and_never_administers_it() {
    let (server, [root, _, bob]) = two_accounts(&[allow("kms:*", "*")]).await;
    let key = root.make_key(&server, &[]).await;
    let named = arn(TEAM, &format!("key/{key}"));
    let everything =
        [about("Allow", &user(PARTNER, "bob"), "kms:*"), about("Allow", &format!("{TEAM}:*"), "kms:*")];
    let id = ("KeyId", named.as_str());
    assert_eq!(bob.refused(&server, "Encrypt", &[id, PLAINTEXT]).await, no_permission(&named));
    set_key_policy(&server, &root, &key, &everything).await;
    for (action, more) in [
        ("Encrypt", &[PLAINTEXT][..]),
        ("GenerateDataKey", &[]),
        ("GenerateDataKeyWithoutPlaintext", &[]),
        ("DescribeKey", &[]),
    ] {
        bob.ok(&server, action, &[&[id], more].concat()).await;
    }
    for (action, more) in [
        ("DisableKey", &[][..]),
        ("EnableKey", &[]),
        ("ScheduleKeyDeletion", &[("PendingWindowInDays", "7")]),
        ("UpdateKeyDescription", &[("Description", "d")]),
        ("CreateKeyVersion", &[]),
        ("ListKeyVersions", &[]),
        ("ListAliasesByKeyId", &[]),
        ("UpdateRotationPolicy", &[("EnableAutomaticRotation", "false")]),
        ("GetKeyPolicy", &[]),
        ("SetKeyPolicy", &[("Policy", "{}")]),
        ("DeleteKeyMaterial", &[]),
        ("SetDeletionProtection", &[("EnableDeletionProtection", "true")]),
        ("ListResourceTags", &[]),
    ] {
        let parameters = [&[id], more].concat();
        assert_eq!(bob.refused(&server, action, &parameters).await, no_permission(&named), "{action}");
    }
    // An alias of the caller's account never stands for a key of another account, nor can a secret use such a key.
    let alias = [("AliasName", "alias/a"), id];
    assert_eq!(bob.refused(&server, "CreateAlias", &alias).await, no_permission(&named));
    let under = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "1"), ("EncryptionKeyId", &*named)];
    assert_eq!(bob.refused(&server, "CreateSecret", &under).await, no_permission(&named));
    assert_eq!(
        root.ok(&server, "DescribeKey", &[("KeyId", &key)]).await["KeyMetadata"]["KeyState"],
        "Enabled"
    );
}

#[tokio::test]
async fn a_ciphertext_opens_for_another_account_when_both_sides_allow() {
    let (server, [root, _, bob]) = two_accounts(&[]).await;
    let key = root.make_key(&server, &[]).await;
    let named = arn(TEAM, &format!("key/{key}"));
    let made = root.ok(&server, "Encrypt", &[("KeyId", &key), PLAINTEXT]).await;
    let sealed = [("CiphertextBlob", text(&made["CiphertextBlob"]))];
    let bobs = about("Allow", &user(PARTNER, "bob"), "kms:Decrypt");
    let owner = about("Allow", &format!("{TEAM}:*"), "kms:*");
    for (ram, own, opens) in [
        (vec![], vec![owner.clone(), bobs.clone()], false),
        (vec![allow("kms:Decrypt", &named)], vec![owner.clone()], false),
        (vec![allow("kms:Encrypt", &named)], vec![owner.clone(), bobs.clone()], false),
        (vec![allow("kms:Decrypt", &named)], vec![owner.clone(), bobs.clone()], true),
        (vec![allow("kms:*", "*"), deny("kms:Decrypt", &named)], vec![owner.clone(), bobs.clone()], false),
    ] {
        put(&server, &one_user(PARTNER, "bob", &ram)).await;
        set_key_policy(&server, &root, &key, &own).await;
        let answer = bob.call(&server, "Decrypt", &sealed).await;
        expect(&answer, opens, &named, &format!("{ram:?} {own:?}"));
        if opens {
            assert_eq!(answer.ok()["Plaintext"], PLAINTEXT.1);
        }
    }
    // Into a key of the caller's account, if re-encryption from there is allowed.
    let mine = Signer::of(PARTNER).make_key(&server, &[]).await;
    let both = [sealed[0], ("DestinationKeyId", mine.as_str())];
    put(&server, &one_user(PARTNER, "bob", &[allow("kms:*", "*")])).await;
    set_key_policy(&server, &root, &key, &[owner.clone(), bobs]).await;
    assert_eq!(bob.refused(&server, "ReEncrypt", &both).await, no_permission(&named));
    let from = about("Allow", &user(PARTNER, "bob"), "kms:ReEncryptFrom");
    set_key_policy(&server, &root, &key, &[owner, from]).await;
    let again = bob.ok(&server, "ReEncrypt", &both).await;
    assert_eq!(again["KeyId"], key.as_str());
    let mine = [("CiphertextBlob", text(&again["CiphertextBlob"]))];
    assert_eq!(bob.ok(&server, "Decrypt", &mine).await["Plaintext"], PLAINTEXT.1);
}

#[tokio::test]
async fn a_secret_under_a_key_is_read_from_another_account_when_the_key_lets_it_too() {
    let (server, [root, _, bob]) = two_accounts(&[allow("kms:GetSecretValue", "*")]).await;
    let key = root.make_key(&server, &[]).await;
    let secret = root.create(&server, "s", &[("EncryptionKeyId", &key)]).await;
    let bobs = |action| about("Allow", &user(PARTNER, "bob"), action);
    set_secret_policy(&server, &root, "s", &[bobs("kms:GetSecretValue")]).await;
    // The refusal names the key by its bare id.
    assert_eq!(bob.read(&server, &secret).await.refused(), no_permission(&key));
    set_key_policy(&server, &root, &key, &[bobs("kms:Decrypt")]).await;
    assert_eq!(bob.read(&server, &secret).await.refused(), no_permission(&key));
    put(&server, &one_user(PARTNER, "bob", &[allow("kms:GetSecretValue", "*"), allow("kms:Decrypt", "*")]))
        .await;
    assert_eq!(bob.read(&server, &secret).await.ok()["SecretData"], "one");
}

#[tokio::test]
async fn a_policy_comes_back_as_it_was_given_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { mode: AuthMode::Enforced, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options()).await;
    let_ann(&server, &[]).await;
    let (root, ann) = (Signer::of(TEAM), Signer::of("ann"));
    // White space, escapes, the order of members and the form of lists are kept.
    let given = r#" { "Statement" : [{"Sid":"a b","Action":"kms:Get*","Effect":"Allow",
        "Principal":{"RAM":"acs:ram::1000000000000003:user/ann"},"Resource":["*"]}],"Version":"\u0031"} "#;
    root.create(&server, "s", &[]).await;
    root.create(&server, "made-with", &[("Policy", given)]).await;
    let key = root.make_key(&server, &[]).await;
    let with = root.make_key(&server, &[("Policy", given)]).await;
    root.ok(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", given), ("PolicyName", "default")])
        .await;
    root.ok(&server, "SetKeyPolicy", &[("KeyId", &key), ("Policy", given), ("PolicyName", "default")]).await;
    server.stop().await;
    let server = Server::with(options()).await;
    for name in ["s", "made-with"] {
        assert_eq!(shown(&server, &root, "GetSecretPolicy", ("SecretName", name)).await, given);
        assert_eq!(ann.read(&server, name).await.ok()["SecretData"], "one");
    }
    for key in [&key, &with] {
        assert_eq!(shown(&server, &root, "GetKeyPolicy", ("KeyId", key)).await, given);
    }
    // Other changes do not affect it.
    root.ok(&server, "UpdateSecret", &[("SecretName", "s"), ("Description", "d")]).await;
    root.ok(&server, "UpdateKeyDescription", &[("KeyId", &key), ("Description", "d")]).await;
    assert_eq!(shown(&server, &root, "GetSecretPolicy", ("SecretName", "s")).await, given);
    assert_eq!(shown(&server, &root, "GetKeyPolicy", ("KeyId", &key)).await, given);
    server.stop().await;
}

#[tokio::test]
async fn a_policy_that_can_no_longer_be_seen_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = |resource_policies| Options {
        mode: AuthMode::Enforced,
        dir: Some(dir.path()),
        resource_policies,
        ..Options::default()
    };
    let (root, ann) = (Signer::of(TEAM), Signer::of("ann"));
    let server = Server::with(options(true)).await;
    let_ann(&server, &[]).await;
    let letting = policy(&[about("Allow", &user(TEAM, "ann"), "kms:*")]);
    let shutting = policy(&[about("Deny", &format!("{TEAM}:*"), "kms:*")]);
    root.create(&server, "open", &[("Policy", &letting)]).await;
    root.create(&server, "shut", &[("Policy", &shutting)]).await;
    let key = root.make_key(&server, &[("Policy", &letting)]).await;
    let encrypt = [("KeyId", key.as_str()), PLAINTEXT];
    ann.read(&server, "open").await.ok();
    ann.ok(&server, "Encrypt", &encrypt).await;
    assert_eq!(root.read(&server, "shut").await.refused(), no_permission(&arn(TEAM, "secret/shut")));
    server.stop().await;
    let server = Server::with(options(false)).await;
    assert_eq!(ann.read(&server, "open").await.refused(), no_permission(&arn(TEAM, "secret/open")));
    let refused = ann.refused(&server, "Encrypt", &encrypt).await;
    assert_eq!(refused, no_permission(&arn(TEAM, &format!("key/{key}"))));
    assert_eq!(root.read(&server, "shut").await.ok()["SecretData"], "one");
    server.stop().await;
}

#[tokio::test]
async fn the_policy_of_a_deleted_secret_is_shown_kept_and_goes_with_it() {
    let (server, root, ann) = with_ann(&[]).await;
    let given = policy(&[about("Allow", &user(TEAM, "ann"), "kms:*")]);
    root.create(&server, "s", &[("Policy", &given)]).await;
    let default = {
        root.create(&server, "other", &[]).await;
        shown(&server, &root, "GetSecretPolicy", ("SecretName", "other")).await
    };
    root.ok(&server, "DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await;
    let set = [("SecretName", "s"), ("Policy", default.as_str())];
    assert_eq!(root.refused(&server, "SetSecretPolicy", &set).await, in_window());
    assert_eq!(shown(&server, &root, "GetSecretPolicy", ("SecretName", "s")).await, given);
    // The user is allowed, but there is nothing to read.
    assert_eq!(ann.read(&server, "s").await.refused(), in_window());
    ann.ok(&server, "RestoreSecret", &[("SecretName", "s")]).await;
    assert_eq!(shown(&server, &root, "GetSecretPolicy", ("SecretName", "s")).await, given);
    assert_eq!(ann.read(&server, "s").await.ok()["SecretData"], "one");
    let force = [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")];
    ann.ok(&server, "DeleteSecret", &force).await;
    assert_eq!(root.refused(&server, "GetSecretPolicy", &[("SecretName", "s")]).await, not_found());
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&arn(TEAM, "secret/s")));
    root.create(&server, "s", &[]).await;
    assert_eq!(shown(&server, &root, "GetSecretPolicy", ("SecretName", "s")).await, default);
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&arn(TEAM, "secret/s")));
}

#[tokio::test]
async fn without_policies_of_resources_nothing_takes_one() {
    let options = Options { mode: AuthMode::Enforced, resource_policies: false, ..Options::default() };
    let server = Server::with(options).await;
    let_ann(&server, &[]).await;
    let root = Signer::of(TEAM);
    root.create(&server, "s", &[]).await;
    let key = root.make_key(&server, &[]).await;
    let given = policy(&[about("Allow", &user(TEAM, "ann"), "kms:*")]);
    let given = ("Policy", given.as_str());
    let creation = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "1"), given];
    let unsupported = root.refused(&server, "GetSecretPolicy", &[("SecretName", "s")]).await;
    assert_eq!((unsupported.0, unsupported.1.as_str()), (400, "Forbidden.KeyPolicyUnSupported"));
    for (action, parameters) in [
        ("SetSecretPolicy", &[("SecretName", "s"), given][..]),
        ("CreateSecret", &creation),
        ("GetKeyPolicy", &[("KeyId", key.as_str())]),
        ("SetKeyPolicy", &[("KeyId", &key), given]),
        ("CreateKey", &[given]),
    ] {
        assert_eq!(root.refused(&server, action, parameters).await, unsupported, "{action}");
    }
    assert_eq!(root.refused(&server, "DescribeSecret", &[("SecretName", "t")]).await, not_found());
    assert_eq!(root.ok(&server, "ListKeys", &[]).await["TotalCount"], 1);
    // Only RAM policies decide.
    assert_eq!(Signer::of("ann").read(&server, "s").await.refused(), no_permission(&arn(TEAM, "secret/s")));
    let absent = refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    assert_eq!(root.refused(&server, "GetKeyPolicy", &[("KeyId", "nothing-there")]).await, absent);
}
