//! Section 10: policies, RAM, other accounts; and the permissions on a user's own key (rules 4.8 and 7.4). The complete
//! cases are in `enforced`.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use crate::enforced::{
    PARTNER, Pairs, Signer, TEAM, about, allow, arn, deny, enforced, let_ann, no_permission, one_user,
    policy, put, with_ann,
};
use crate::support::{ACCOUNT, BEIJING, NOW, Options, Server, invalid, not_found, refusal, text};

fn secret(name: &str) -> String {
    arn(TEAM, &format!("secret/{name}"))
}

/// The user `ann` with system policies only.
async fn let_ann_have(server: &Server, names: &[&str]) {
    let mut account = one_user(TEAM, "ann", &[]);
    account["users"][0]["policies"] = json!(names);
    put(server, &account).await;
}

#[tokio::test]
async fn rule_4_8_a_named_key_must_let_the_reader_decrypt() {
    let (server, root, ann) = with_ann(&[allow("kms:GetSecretValue", "*")]).await;
    let key = root.make_key(&server, &[]).await;
    root.create(&server, "plain", &[]).await;
    root.create(&server, "s", &[("EncryptionKeyId", &key)]).await;
    assert_eq!(ann.read(&server, "plain").await.ok()["SecretData"], "one");
    let named = format!("This operation for {key} is forbidden by permission system.");
    assert_eq!(ann.read(&server, "s").await.refused(), refusal(403, "Forbidden.NoPermission", &named));
    let on_key = arn(TEAM, &format!("key/{key}"));
    let_ann(&server, &[allow("kms:GetSecretValue", "*"), allow("kms:Decrypt", &on_key)]).await;
    assert_eq!(ann.read(&server, "s").await.ok()["SecretData"], "one");
    let_ann(&server, &[allow("kms:*", "*"), deny("kms:Decrypt", &on_key)]).await;
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&key));
}

#[tokio::test]
async fn rule_7_4_a_named_key_must_let_the_writer_make_data_keys() {
    let (server, root, ann) =
        with_ann(&[allow("kms:CreateSecret", "*"), allow("kms:PutSecretValue", "*")]).await;
    let key = root.make_key(&server, &[]).await;
    let on_key = arn(TEAM, &format!("key/{key}"));
    let creation =
        [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", key.as_str())];
    assert_eq!(ann.refused(&server, "CreateSecret", &creation).await, no_permission(&on_key));
    assert_eq!(root.read(&server, "s").await.refused(), not_found());
    ann.ok(&server, "CreateSecret", &creation[..3]).await;
    ann.ok(&server, "PutSecretValue", &[creation[0], ("VersionId", "v2"), creation[2]]).await;
    root.create(&server, "t", &[("EncryptionKeyId", &key)]).await;
    let more = [("SecretName", "t"), ("VersionId", "v2"), ("SecretData", "two")];
    assert_eq!(ann.refused(&server, "PutSecretValue", &more).await, no_permission(&key));
    assert_eq!(root.read(&server, "t").await.ok()["VersionId"], "v1");
    let generating = allow("kms:GenerateDataKey", &on_key);
    let_ann(&server, &[allow("kms:PutSecretValue", "*"), allow("kms:CreateSecret", "*"), generating]).await;
    ann.ok(&server, "PutSecretValue", &more).await;
    let third = [("SecretName", "u"), ("VersionId", "v1"), ("SecretData", "1"), creation[3]];
    ann.ok(&server, "CreateSecret", &third).await;
}

#[tokio::test]
async fn rule_10_1_texts_and_arrays_sids_and_sizes() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let user = format!("acs:ram::{TEAM}:user/ann");
    let lone = json!({"Effect": "Allow", "Principal": {"RAM": user}, "Action": "kms:GetSecretValue", "Resource": "*"});
    let lists = json!({
        "Sid": "kms x_/+=.@-", "Effect": "Allow", "Principal": {"RAM": [user]},
        "Action": ["kms:GetSecretValue", "kms:NoSuchAction"], "Resource": ["*"],
        "Condition": {"IpAddress": {"acs:SourceIp": ["127.0.0.1"]}},
    });
    let long_sid = "s".repeat(128);
    let mut longest_sid = lone.clone();
    longest_sid["Sid"] = json!(long_sid);
    let padded = |length: usize| {
        let text = policy(std::slice::from_ref(&lone));
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let alone = format!(r#"{{"Version":"1","Statement":{lone}}}"#);
    let set = async |text: &str| {
        root.call(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", text)]).await
    };
    for text in [
        policy(std::slice::from_ref(&lone)),
        policy(&[lists]),
        policy(&[longest_sid.clone()]),
        alone,
        padded(32_768),
    ] {
        set(&text).await.ok();
        assert_eq!(ann.read(&server, "s").await.ok()["SecretData"], "one", "{text}");
        let shown = root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await;
        assert_eq!(shown["Policy"], text.as_str());
    }
    longest_sid["Sid"] = json!(format!("{long_sid}s"));
    let mut version = lone.clone();
    version["Effect"] = json!("Maybe");
    for text in [padded(32_769), policy(&[longest_sid]), policy(&[version]), "{}".to_owned()] {
        let refused = set(&text).await.refused();
        let (status, code, message) = invalid("Policy");
        assert_eq!((refused.0, refused.1), (status, code), "{text}");
        assert!(refused.2.starts_with(&message), "{}", refused.2);
    }
}

#[tokio::test]
async fn rule_10_2_the_default_policy_is_answered_byte_for_byte_and_admits_nobody() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let wanted = r#"{"Version":"1","Statement": [{"Sid":"kms default secret policy","Effect":"Allow","Principal":{"RAM": ["acs:ram::1000000000000003:*"]},"Action":["kms:*"],"Resource": ["*"] }] }"#;
    for more in [&[][..], &[("PolicyName", "default")], &[("PolicyName", "")]] {
        let parameters = [&[("SecretName", "s")], more].concat();
        assert_eq!(root.ok(&server, "GetSecretPolicy", &parameters).await["Policy"], wanted);
    }
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&secret("s")));
    // Written back, it is the same and decides the same.
    root.ok(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", wanted)]).await;
    assert_eq!(root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await["Policy"], wanted);
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&secret("s")));
    root.read(&server, "s").await.ok();
    let key = root.make_key(&server, &[]).await;
    let shown = root.ok(&server, "GetKeyPolicy", &[("KeyId", &key)]).await;
    let shown: Value = serde_json::from_str(text(&shown["Policy"])).unwrap();
    let principal = json!({"RAM": [format!("acs:ram::{TEAM}:*")]});
    assert_eq!((&shown["Version"], &shown["Statement"][0]["Principal"]), (&json!("1"), &principal));
}

#[tokio::test]
async fn rule_10_3_a_policy_of_another_name_is_not_found() {
    let (server, root, _) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let key = root.make_key(&server, &[]).await;
    let given = policy(&[about("Allow", &format!("{TEAM}:user/ann"), "kms:*")]);
    for name in ["other", "Default", "default ", "*"] {
        let name = ("PolicyName", name);
        let on: [(&str, &[(&str, &str)]); 4] = [
            ("GetSecretPolicy", &[("SecretName", "s"), name]),
            ("SetSecretPolicy", &[("SecretName", "s"), name, ("Policy", &given)]),
            ("GetKeyPolicy", &[("KeyId", &key), name]),
            ("SetKeyPolicy", &[("KeyId", &key), name, ("Policy", &given)]),
        ];
        for (action, parameters) in on {
            let refused = root.refused(&server, action, parameters).await;
            assert_eq!((refused.0, refused.1.as_str()), (404, "Forbidden.ResourceNotFound"), "{action}");
        }
    }
    let shown = root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await;
    assert!(text(&shown["Policy"]).contains("kms default secret policy"), "{shown}");
}

#[tokio::test]
async fn rule_10_4_without_policies_of_resources_none_is_answered_or_accepted() {
    let options = Options { resource_policies: false, ..Options::default() };
    let server = Server::with(options).await;
    server.create("s").await;
    let given = ("Policy", r#"{"Version":"1","Statement":[]}"#);
    for (action, parameters) in
        [("GetSecretPolicy", &[("SecretName", "s")][..]), ("SetSecretPolicy", &[("SecretName", "s"), given])]
    {
        let refused = server.refused(action, parameters).await;
        assert_eq!((refused.0, refused.1.as_str()), (400, "Forbidden.KeyPolicyUnSupported"), "{action}");
    }
    assert_eq!(server.refused("GetSecretPolicy", &[("SecretName", "absent")]).await, not_found());
    // By default there are policies, in every mode.
    for mode in [AuthMode::Open, AuthMode::Signed, AuthMode::Enforced] {
        let server = Server::with(Options { mode, ..Options::default() }).await;
        let_ann(&server, &[]).await;
        let root = Signer::of(TEAM);
        root.create(&server, "s", &[]).await;
        root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await;
    }
}

#[tokio::test]
async fn rule_10_5_in_one_account_either_allows_and_from_another_both_must() {
    let (server, root, ann) = with_ann(&[]).await;
    let bob = Signer::of("bob");
    let named = root.create(&server, "s", &[]).await;
    let set = async |statements: &[Value]| {
        let text = policy(statements);
        root.ok(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", &text)]).await;
    };
    let of = |who: &str, effect| about(effect, who, "kms:GetSecretValue");
    let (anns, bobs) = (format!("{TEAM}:user/ann"), format!("{PARTNER}:user/bob"));
    for (ram, own, [own_account, other_account]) in [
        (None, None, [false, false]),
        (Some("Allow"), None, [true, false]),
        (None, Some("Allow"), [true, false]),
        (Some("Allow"), Some("Allow"), [true, true]),
        (Some("Allow"), Some("Deny"), [false, false]),
        (Some("Deny"), Some("Allow"), [false, false]),
    ] {
        let statement = |effect: &str| json!({"Effect": effect, "Action": "kms:*", "Resource": "*"});
        let ram: Vec<Value> = ram.map(statement).into_iter().collect();
        let_ann(&server, &ram).await;
        put(&server, &one_user(PARTNER, "bob", &ram)).await;
        let mut statements = vec![about("Allow", &format!("{TEAM}:*"), "kms:*")];
        statements.extend(own.iter().flat_map(|effect| [of(&anns, effect), of(&bobs, effect)]));
        set(&statements).await;
        for (who, reads) in [(&ann, own_account), (&bob, other_account)] {
            let answer = who.read(&server, &named).await;
            if reads {
                assert_eq!(answer.ok()["SecretData"], "one");
            } else {
                assert_eq!(answer.refused(), no_permission(&named), "{} {ram:?} {own:?}", who.id);
            }
        }
    }
}

#[tokio::test]
async fn rule_10_6_identities_of_other_accounts_use_and_never_administer() {
    let server = enforced().await;
    let_ann(&server, &[]).await;
    put(&server, &one_user(PARTNER, "bob", &[allow("kms:*", "*")])).await;
    let (root, bob) = (Signer::of(TEAM), Signer::of("bob"));
    let everything = policy(&[about("Allow", &format!("{PARTNER}:*"), "kms:*")]);
    let named = root.create(&server, "s", &[("Policy", &everything)]).await;
    for action in ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds"] {
        bob.ok(&server, action, &[("SecretName", &named)]).await;
    }
    let put = ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "2")][..]);
    let set = ("SetSecretPolicy", &[("Policy", everything.as_str())][..]);
    for (action, more) in [put, set, ("UpdateSecret", &[("Description", "")]), ("DeleteSecret", &[])] {
        let parameters = [&[("SecretName", &*named)], more].concat();
        assert_eq!(bob.refused(&server, action, &parameters).await, no_permission(&named), "{action}");
    }
}

#[tokio::test]
async fn rule_10_7_actions_and_resources_are_named_as_published() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "team/a", &[]).await;
    let key = root.make_key(&server, &[]).await;
    root.ok(&server, "CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await;
    let on_key = format!("key/{key}");
    let creation = [("SecretName", "b"), ("VersionId", "v1"), ("SecretData", "1")];
    let rows: [(&str, &str, Pairs<'_>); 8] = [
        ("CreateSecret", "secret", &creation),
        ("ListSecrets", "secret", &[]),
        ("DescribeSecret", "secret/team/a", &[("SecretName", "team/a")]),
        ("CreateKey", "key", &[]),
        ("ListKeys", "key", &[]),
        ("DescribeKey", &on_key, &[("KeyId", &key)]),
        ("ListAliases", "alias", &[]),
        // Named by its alias, the key is the same key.
        ("DescribeKey", &on_key, &[("KeyId", "alias/a")]),
    ];
    for (action, resource, parameters) in rows {
        let named = arn(TEAM, resource);
        let_ann(&server, &[allow("kms:*", "acs:kms:cn-hangzhou:*:nothing")]).await;
        assert_eq!(ann.refused(&server, action, parameters).await, no_permission(&named), "{action}");
        let_ann(&server, &[allow(&format!("kms:{action}"), &named)]).await;
        ann.ok(&server, action, parameters).await;
    }
    // Actions without a resource: only `*` matches.
    let_ann(&server, &[allow("kms:GetRandomPassword", "acs:kms:*:*:*")]).await;
    assert_eq!(ann.refused(&server, "GetRandomPassword", &[]).await, no_permission("*"));
    let_ann(&server, &[allow("kms:GetRandomPassword", "*")]).await;
    ann.ok(&server, "GetRandomPassword", &[]).await;
}

#[tokio::test]
async fn rule_10_8_re_encryption_needs_two_rights_and_regions_need_none() {
    let (server, root, ann) = with_ann(&[]).await;
    let (from, to) = (root.make_key(&server, &[]).await, root.make_key(&server, &[]).await);
    let [from_arn, to_arn] = [&from, &to].map(|key| arn(TEAM, &format!("key/{key}")));
    let sealed = root.ok(&server, "Encrypt", &[("KeyId", &from), ("Plaintext", "AAAA")]).await;
    let blob = text(&sealed["CiphertextBlob"]);
    let parameters = [("CiphertextBlob", blob), ("DestinationKeyId", to.as_str())];
    let right = |action: &str, on: &str| allow(&format!("kms:ReEncrypt{action}"), on);
    for (statements, lacks) in [
        (vec![], Some(&from_arn)),
        (vec![right("To", &to_arn)], Some(&from_arn)),
        (vec![right("From", &from_arn)], Some(&to_arn)),
        (vec![right("From", &from_arn), right("To", &from_arn)], Some(&to_arn)),
        (vec![right("From", &to_arn), right("To", &to_arn)], Some(&from_arn)),
        (
            vec![allow("kms:ReEncrypt", "*"), allow("kms:Decrypt", "*"), allow("kms:Encrypt", "*")],
            Some(&from_arn),
        ),
        (vec![right("From", &from_arn), right("To", &to_arn)], None),
        (vec![right("*", "*")], None),
    ] {
        let_ann(&server, &statements).await;
        let answer = ann.call(&server, "ReEncrypt", &parameters).await;
        match lacks {
            Some(lacks) => assert_eq!(answer.refused(), no_permission(lacks), "{statements:?}"),
            None => drop(answer.ok()),
        }
    }
    let_ann(&server, &[deny("*", "*")]).await;
    ann.ok(&server, "DescribeRegions", &[]).await;
}

#[tokio::test]
async fn rule_10_9_conditions_on_address_network_time_and_tags() {
    let (server, root, ann) = with_ann(&[]).await;
    let tags = r#"[{"TagKey":"team","TagValue":"blue"}]"#;
    root.create(&server, "s", &[("Tags", tags)]).await;
    let later = NOW.plus_millis(1_000).to_string();
    for (condition, holds) in [
        (json!({"IpAddress": {"acs:SourceIp": "127.0.0.0/8"}}), true),
        (json!({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}), false),
        (json!({"StringEquals": {"acs:SourceVpc": "vpc-1"}}), false),
        (json!({"DateLessThan": {"acs:CurrentTime": later}}), true),
        (json!({"DateGreaterThan": {"acs:CurrentTime": later}}), false),
        (json!({"StringEquals": {"kms:tag/team": "blue"}}), true),
        (json!({"StringEquals": {"kms:tag/team": "Blue"}}), false),
        (json!({"StringEquals": {"kms:tag/Team": "blue"}}), false),
        (
            json!({"StringLike": {"kms:tag/team": ["red", "b*"]}, "Bool": {"acs:SecureTransport": "false"}}),
            true,
        ),
        (json!({"StringEquals": {"kms:tag/team": "blue"}, "IpAddress": {"acs:SourceIp": "10.0.0.1"}}), false),
    ] {
        let mut statement = allow("kms:GetSecretValue", "*");
        statement["Condition"] = condition.clone();
        let_ann(&server, std::slice::from_ref(&statement)).await;
        let answer = ann.read(&server, "s").await;
        assert_eq!(answer.status, if holds { 200 } else { 403 }, "{condition}");
        // In a Deny it denies.
        statement["Effect"] = json!("Deny");
        let_ann(&server, &[allow("kms:*", "*"), statement]).await;
        assert_eq!(ann.read(&server, "s").await.status, if holds { 403 } else { 200 }, "{condition}");
    }
}

/// Whether a user with only this policy can do each of: read a value, describe a secret, write a value, create a secret,
/// describe a key, encrypt, create a key.
const BY_SYSTEM_POLICY: &[(&str, [bool; 7])] = &[
    ("AliyunKMSFullAccess", [true; 7]),
    ("AdministratorAccess", [true; 7]),
    ("AliyunKMSReadOnlyAccess", [false, true, false, false, true, false, false]),
    ("AliyunKMSCryptoAdminAccess", [false, false, false, false, true, true, true]),
    ("AliyunKMSCryptoUserAccess", [false, false, false, false, false, true, false]),
    ("AliyunKMSSecretAdminAccess", [true, true, true, true, false, false, false]),
    ("AliyunKMSSecretUserAccess", [true, true, false, false, false, false, false]),
];

#[tokio::test]
async fn rule_10_10_system_policies_are_there_and_give_what_they_are_named_for() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let key = root.make_key(&server, &[]).await;
    for (n, (name, wanted)) in BY_SYSTEM_POLICY.iter().enumerate() {
        let_ann_have(&server, &[name]).await;
        let (version, created) = (format!("v{n}x"), format!("made{n}"));
        let calls: [(&str, &[(&str, &str)]); 7] = [
            ("GetSecretValue", &[("SecretName", "s")]),
            ("DescribeSecret", &[("SecretName", "s")]),
            ("PutSecretValue", &[("SecretName", "s"), ("VersionId", &version), ("SecretData", "2")]),
            ("CreateSecret", &[("SecretName", &created), ("VersionId", "v1"), ("SecretData", "1")]),
            ("DescribeKey", &[("KeyId", &key)]),
            ("Encrypt", &[("KeyId", &key), ("Plaintext", "AAAA")]),
            ("CreateKey", &[]),
        ];
        for ((action, parameters), may) in calls.iter().zip(wanted) {
            let answer = ann.call(&server, action, parameters).await;
            assert_eq!(answer.status, if *may { 200 } else { 403 }, "{name}: {action}: {}", answer.body);
        }
    }
    // Two together give both.
    let_ann_have(&server, &["AliyunKMSCryptoUserAccess", "AliyunKMSSecretUserAccess"]).await;
    ann.ok(&server, "Encrypt", &[("KeyId", &key), ("Plaintext", "AAAA")]).await;
    ann.ok(&server, "ListSecretVersionIds", &[("SecretName", "s")]).await;
}

#[tokio::test]
async fn rule_10_11_a_refusal_names_what_it_is_about() {
    let (server, _, ann) = with_ann(&[]).await;
    let refused = ann.read(&server, "team-a").await.refused();
    let message = "This operation for acs:kms:cn-hangzhou:1000000000000003:secret/team-a is forbidden by permission system.";
    assert_eq!(refused, (403, "Forbidden.NoPermission".to_owned(), message.to_owned()));
    // In the requested region, and by ARN as by name.
    let key = (ann.id.as_str(), ann.secret.as_str());
    let there = server.call_as_at(BEIJING, key, "GetSecretValue", &[("SecretName", "team-a")]).await;
    let refused = there.refused();
    assert_eq!(refused, no_permission(&format!("acs:kms:cn-beijing:{TEAM}:secret/team-a")));
    assert_eq!(ann.read(&server, &secret("team-a")).await.refused(), no_permission(&secret("team-a")));
    let refused = ann.refused(&server, "Encrypt", &[("KeyId", "key-x"), ("Plaintext", "AAAA")]).await;
    assert_eq!(refused, no_permission(&arn(TEAM, "key/key-x")));
}

#[tokio::test]
async fn rule_10_12_permission_comes_before_existence() {
    let (server, root, ann) = with_ann(&[allow("kms:*", &secret("mine/*"))]).await;
    root.create(&server, "there", &[]).await;
    for name in ["there", "absent"] {
        for action in ["GetSecretValue", "DescribeSecret", "DeleteSecret", "GetSecretPolicy", "RotateSecret"]
        {
            let refused = ann.refused(&server, action, &[("SecretName", name)]).await;
            assert_eq!(refused, no_permission(&secret(name)), "{action} of {name}");
        }
    }
    assert_eq!(ann.read(&server, "mine/absent").await.refused(), not_found());
    // Before the state of a secret too.
    root.ok(&server, "DeleteSecret", &[("SecretName", "there")]).await;
    assert_eq!(ann.read(&server, "there").await.refused(), no_permission(&secret("there")));
    for key in ["key-absent", "alias/absent"] {
        let named = arn(TEAM, if key.starts_with("alias") { key } else { "key/key-absent" });
        assert_eq!(ann.refused(&server, "DescribeKey", &[("KeyId", key)]).await, no_permission(&named));
    }
}

#[tokio::test]
async fn a_policy_with_an_unknown_action_is_accepted_with_a_warning_in_the_answer() {
    let server = Server::start().await;
    server.create("s").await;
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{ACCOUNT}:*"]}},"Action":["kms:*","{action}"],"Resource":["*"]}}]}}"#
        )
    };
    let set = async |action: &str| {
        let policy = policy(action);
        let answer = server.call("SetSecretPolicy", &[("SecretName", "s"), ("Policy", &policy)]).await;
        answer.ok();
        answer.header("x-sesame-warning").map(str::to_owned)
    };
    assert_eq!(set("kms:GetSecretValue").await, None);
    let warning = set("kms:GetSecretValu").await.unwrap();
    assert!(warning.contains("kms:GetSecretValu") && warning.contains("kms:GetSecretValue"), "{warning}");
}
