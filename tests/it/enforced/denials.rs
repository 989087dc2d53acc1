//! What the refusal for a missing permission says, where clients read it, and that it changes nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::sessions::{role_arn, trust};
use super::{
    PARTNER, Signer, TEAM, about, allow, arn, deny, let_ann, no_permission, one_user, policy, put, stored,
    with_ann,
};
use crate::support::{ACCOUNT, Answer, OTHER_ACCOUNT, Options, Server, refusal, text};

/// The detail of a refusal in JSON, where it must be an object.
fn detail(answer: &Answer) -> Value {
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(document["AccessDeniedDetail"].is_object(), "{document}");
    document["AccessDeniedDetail"].clone()
}

/// The content of the diagnostic message.
fn diagnosis(detail: &Value) -> Value {
    let message = STANDARD.decode(text(&detail["EncodedDiagnosticMessage"])).unwrap();
    serde_json::from_slice(&message).unwrap()
}

/// The detail without its diagnostic message and the id of the user.
fn plain(detail: &Value) -> Value {
    let mut detail = detail.clone();
    let members = detail.as_object_mut().unwrap();
    assert!(members.remove("EncodedDiagnosticMessage").is_some_and(|message| message.is_string()));
    detail
}

async fn user_id(server: &Server, who: &Signer) -> String {
    text(&who.sts(server, "GetCallerIdentity", &[]).await.ok()["UserId"]).to_owned()
}

#[tokio::test]
async fn a_refusal_names_the_caller_and_the_missing_permission() {
    let (server, root, ann) = with_ann(&[allow("kms:DescribeSecret", "*")]).await;
    root.create(&server, "s", &[]).await;
    let id = user_id(&server, &ann).await;
    let answer = ann.read(&server, "s").await;
    assert_eq!(answer.refused(), no_permission(&arn(TEAM, "secret/s")));
    let lacking = |action: &str| {
        json!({
            "AuthAction": action, "AuthPrincipalType": "SubUser", "AuthPrincipalOwnerId": TEAM,
            "AuthPrincipalDisplayName": id, "NoPermissionType": "ImplicitDeny",
            "PolicyType": "AccountLevelIdentityBasedPolicy",
        })
    };
    let said = detail(&answer);
    assert_eq!(plain(&said), lacking("kms:GetSecretValue"));
    let statements = json!({
        "action": "kms:GetSecretValue", "resource": arn(TEAM, "secret/s"), "decision": "ImplicitDeny",
        "statements": [{
            "policy": "policy own", "statement": 0, "sid": null, "effect": "Allow", "applies": false,
            "mismatch": "Action",
        }],
    });
    assert_eq!(diagnosis(&said), statements);
    // When something else is wrong, permissions are not mentioned.
    let absent = root.read(&server, "absent").await;
    assert!(!absent.body.contains("AccessDeniedDetail"), "{}", absent.body);
    // The missing permission, not the action that was called.
    let key = root.make_key(&server, &[]).await;
    root.create(&server, "under", &[("EncryptionKeyId", &key)]).await;
    let_ann(&server, &[allow("kms:GetSecretValue", "*")]).await;
    let answer = ann.read(&server, "under").await;
    assert_eq!(answer.refused(), no_permission(&key));
    assert_eq!(plain(&detail(&answer)), lacking("kms:Decrypt"));
    assert_eq!(diagnosis(&detail(&answer))["resource"], arn(TEAM, &format!("key/{key}")));
}

#[tokio::test]
async fn an_explicit_deny_is_named_with_its_statement() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let mut denial = deny("kms:Get*", "*");
    denial["Sid"] = json!("no reading");
    let_ann(&server, &[allow("kms:*", "*"), denial]).await;
    let said = detail(&ann.read(&server, "s").await);
    for (name, value) in [
        ("NoPermissionType", json!("ExplicitDeny")),
        ("PolicyType", json!("AccountLevelIdentityBasedPolicy")),
        ("Policy", json!("policy own")),
        ("Statement", json!(1)),
        ("Sid", json!("no reading")),
    ] {
        assert_eq!(said[name], value, "{name} of {said}");
    }
    let statements = diagnosis(&said)["statements"].clone();
    assert_eq!((&statements[0]["applies"], &statements[1]["applies"]), (&json!(true), &json!(true)));
    assert_eq!(diagnosis(&said)["decision"], "ExplicitDeny");
    // In the secret's own policy; the failing condition of the other statement is named.
    let mut conditional = allow("kms:*", "*");
    conditional["Condition"] = json!({"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}});
    let_ann(&server, &[conditional]).await;
    let own = policy(&[about("Deny", &format!("{TEAM}:user/ann"), "kms:GetSecretValue")]);
    root.ok(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", &own)]).await;
    let said = detail(&ann.read(&server, "s").await);
    assert_eq!(
        (&said["PolicyType"], &said["Policy"]),
        (&json!("ResourceBasedPolicy"), &json!("resource policy"))
    );
    assert_eq!(said["Sid"], Value::Null);
    let statements = diagnosis(&said)["statements"].clone();
    assert_eq!(statements[0]["mismatch"], "Condition IpAddress acs:SourceIp");
    assert_eq!(
        (&statements[1]["policy"], &statements[1]["effect"]),
        (&json!("resource policy"), &json!("Deny"))
    );
}

#[tokio::test]
async fn each_kind_of_policy_without_a_needed_allow_is_named() {
    let (server, root, ann) = with_ann(&[]).await;
    let mut account = one_user(TEAM, "ann", &[allow("sts:AssumeRole", "*")]);
    account["roles"] = json!([
        {"name": "app", "trust": policy(&[trust("Allow", &format!("{TEAM}:root"))]), "policies": ["AliyunKMSFullAccess"]},
        {"name": "shut", "trust": policy(&[trust("Allow", &format!("{PARTNER}:root"))])},
    ]);
    put(&server, &account).await;
    put(&server, &one_user(PARTNER, "bob", &[allow("kms:*", "*")])).await;
    let secret = root.create(&server, "s", &[]).await;
    // By a session policy.
    let (role, narrow) = (role_arn(TEAM, "app"), policy(&[allow("kms:DescribeSecret", "*")]));
    let parameters = [("RoleArn", role.as_str()), ("RoleSessionName", "alice"), ("Policy", &*narrow)];
    let session = Signer::in_role(&ann.sts(&server, "AssumeRole", &parameters).await.ok());
    let said = detail(&session.read(&server, "s").await);
    let wanted = json!({
        "AuthAction": "kms:GetSecretValue", "AuthPrincipalType": "AssumedRoleUser", "AuthPrincipalOwnerId": TEAM,
        "AuthPrincipalDisplayName": "app:alice", "NoPermissionType": "ImplicitDeny", "PolicyType": "SessionPolicy",
    });
    assert_eq!(plain(&said), wanted);
    let policies: Vec<Value> =
        diagnosis(&said)["statements"].as_array().unwrap().iter().map(|s| s["policy"].clone()).collect();
    assert!(policies.contains(&json!("session policy")), "{policies:?}");
    assert!(policies.contains(&json!("system policy AliyunKMSFullAccess")), "{policies:?}");
    // By the trust policy of a role.
    let shut = role_arn(TEAM, "shut");
    let answer = ann.sts(&server, "AssumeRole", &[("RoleArn", &shut), ("RoleSessionName", "alice")]).await;
    assert_eq!(answer.refused().1, "NoPermission");
    let said = detail(&answer);
    assert_eq!(
        (&said["AuthAction"], &said["PolicyType"]),
        (&json!("sts:AssumeRole"), &json!("AssumeRolePolicy"))
    );
    // By the policy of a secret in another account.
    let said = detail(&Signer::of("bob").read(&server, &secret).await);
    assert_eq!(
        (&said["AuthPrincipalOwnerId"], &said["PolicyType"]),
        (&json!(PARTNER), &json!("ResourceBasedPolicy"))
    );
    // The root of another account.
    let said = detail(&Signer::of(PARTNER).read(&server, &secret).await);
    assert_eq!(said["AuthPrincipalType"], "RootUser");
}

#[tokio::test]
async fn in_xml_the_detail_is_an_element() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let answer = ann.call(&server, "GetSecretValue", &[("SecretName", "s"), ("Format", "XML")]).await;
    assert_eq!(answer.status, 403);
    let id = user_id(&server, &ann).await;
    let body = &answer.body;
    let (_, rest) = body.split_once("<AccessDeniedDetail>").unwrap();
    let (inside, _) = rest.split_once("</AccessDeniedDetail>").unwrap();
    for (name, value) in [
        ("AuthAction", "kms:GetSecretValue"),
        ("AuthPrincipalType", "SubUser"),
        ("AuthPrincipalOwnerId", TEAM),
        ("AuthPrincipalDisplayName", &id),
        ("NoPermissionType", "ImplicitDeny"),
        ("PolicyType", "AccountLevelIdentityBasedPolicy"),
    ] {
        assert!(inside.contains(&format!("<{name}>{value}</{name}>")), "{name} is not in {inside}");
    }
    let (_, message) = inside.split_once("<EncodedDiagnosticMessage>").unwrap();
    let message = STANDARD.decode(message.split('<').next().unwrap()).unwrap();
    let message: Value = serde_json::from_slice(&message).unwrap();
    assert_eq!((&message["action"], &message["statements"]), (&json!("kms:GetSecretValue"), &json!([])));
    assert!(body.contains("<Code>Forbidden.NoPermission</Code>"), "{body}");
}

#[tokio::test]
async fn a_batch_answers_refusals_next_to_values() {
    let (server, root, ann) = with_ann(&[allow("kms:GetSecretValue", &arn(TEAM, "secret/open/*"))]).await;
    for name in ["open/a", "shut/b"] {
        root.create(&server, name, &[]).await;
    }
    let list =
        json!(["open/a", "shut/b", "open/absent", "shut/absent"].map(|name| json!({"SecretName": name})));
    let list = list.to_string();
    let answer = ann.ok(&server, "BatchGetSecretValue", &[("SecretsList", &list)]).await;
    assert_eq!(answer["SecretValues"].as_array().unwrap().len(), 1);
    assert_eq!(answer["SecretValues"][0]["SecretName"], "open/a");
    let failed: Vec<_> = answer["Errors"].as_array().unwrap().iter().collect();
    let told: Vec<_> = failed.iter().map(|e| (text(&e["SecretName"]), text(&e["Code"]))).collect();
    let no = "Forbidden.NoPermission";
    let wanted = [("shut/b", no), ("open/absent", "Forbidden.ResourceNotFound"), ("shut/absent", no)];
    assert_eq!(told, wanted);
    assert_eq!(failed[0]["Message"], no_permission(&arn(TEAM, "secret/shut/b")).2);
}

#[tokio::test]
async fn a_dry_run_answers_whether_it_would_have_been_refused() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    let key = root.make_key(&server, &[]).await;
    let plaintext = ("Plaintext", "aGVsbG8=");
    let sealed = root.ok(&server, "Encrypt", &[("KeyId", &key), plaintext]).await;
    let blob = ("CiphertextBlob", text(&sealed["CiphertextBlob"]));
    let dry = ("DryRun", "true");
    let id = ("KeyId", key.as_str());
    let calls: [(&str, &[(&str, &str)]); 6] = [
        ("GetSecretValue", &[("SecretName", "s"), dry]),
        ("Encrypt", &[id, plaintext, dry]),
        ("Decrypt", &[blob, dry]),
        ("ReEncrypt", &[blob, ("DestinationKeyId", &key), dry]),
        ("GenerateDataKey", &[id, dry]),
        ("GenerateDataKeyWithoutPlaintext", &[id, dry]),
    ];
    let denied = refusal(403, "AccessDeniedError", "The caller may not perform this operation.");
    let fine = refusal(400, "DryRunOperationError", "The request would have succeeded without DryRun.");
    for (action, parameters) in calls {
        let answer = ann.call(&server, action, parameters).await;
        assert_eq!(answer.refused(), denied, "{action}");
        assert_eq!(detail(&answer)["AuthPrincipalType"], "SubUser", "{action}");
        assert_eq!(root.refused(&server, action, parameters).await, fine, "{action}");
        let wet = &parameters[..parameters.len() - 1];
        assert_eq!(ann.refused(&server, action, wet).await.1, "Forbidden.NoPermission", "{action}");
    }
    // Also for the key that encrypts a secret.
    root.create(&server, "under", &[("EncryptionKeyId", &key)]).await;
    let_ann(&server, &[allow("kms:GetSecretValue", "*")]).await;
    let under = [("SecretName", "under"), dry];
    assert_eq!(ann.refused(&server, "GetSecretValue", &under).await, denied);
    let_ann(&server, &[allow("kms:GetSecretValue", "*"), allow("kms:Decrypt", "*")]).await;
    assert_eq!(ann.refused(&server, "GetSecretValue", &under).await, fine);
}

#[tokio::test]
async fn what_is_refused_changes_nothing_whatever_else_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { mode: AuthMode::Enforced, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options).await;
    let_ann(&server, &[allow("kms:Describe*", "*")]).await;
    let (root, ann) = (Signer::of(TEAM), Signer::of("ann"));
    root.create(&server, "s", &[]).await;
    let before = stored(dir.path());
    // The same name that is taken, an invalid parameter, an unknown member: all answer the same.
    for (action, parameters) in [
        ("CreateSecret", &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "two")][..]),
        ("CreateSecret", &[("SecretName", "bad name"), ("VersionId", "v1"), ("SecretData", "two")]),
        ("CreateSecret", &[]),
    ] {
        let refused = ann.refused(&server, action, parameters).await;
        assert_eq!(refused, no_permission(&arn(TEAM, "secret")));
    }
    for (action, more) in [
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "two")][..]),
        ("PutSecretValue", &[]),
        ("DeleteSecret", &[("ForceDeleteWithoutRecovery", "true")]),
        ("UpdateSecret", &[("Description", "d")]),
        ("UpdateSecretVersionStage", &[("VersionStage", "x"), ("MoveToVersion", "v9")]),
        ("TagResource", &[("Tags", "no JSON")]),
        ("SetSecretPolicy", &[("Policy", "{")]),
        ("SetSecretPolicy", &[("Policy", "{}"), ("PolicyName", "other")]),
    ] {
        let parameters = [&[("SecretName", "s")], more].concat();
        let refused = ann.refused(&server, action, &parameters).await;
        assert_eq!(refused, no_permission(&arn(TEAM, "secret/s")), "{action}");
    }
    assert_eq!(stored(dir.path()), before);
    ann.ok(&server, "DescribeSecret", &[("SecretName", "s")]).await;
    assert_eq!(stored(dir.path()), before);
    server.stop().await;
}

#[tokio::test]
async fn another_accounts_statements_and_aliases_stay_unknown() {
    let server = Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await;
    let root = ("test", "test");
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Sid":"hidden","Effect":"Deny","Principal":{{"RAM":["acs:ram::{OTHER_ACCOUNT}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
    );
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x"), ("Policy", policy.as_str())];
    server.call_as(root, "CreateSecret", &create).await.ok();
    let key = server.call_as(root, "CreateKey", &[("Policy", &policy)]).await.ok();
    let key = text(&key["KeyMetadata"]["KeyId"]).to_owned();
    server.call_as(root, "CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await.ok();
    let other = ("other", "other-secret");
    let mut seen = Vec::new();
    for name in ["s", "absent"] {
        let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/{name}");
        let answer = server.call_as(other, "GetSecretValue", &[("SecretName", &arn)]).await;
        let json: Value = serde_json::from_str(&answer.body).unwrap();
        let detail = &json["AccessDeniedDetail"];
        assert_eq!((&detail["Sid"], &detail["Policy"]), (&Value::Null, &Value::Null));
        seen.push(diagnosis(detail).to_string());
    }
    assert!(seen.iter().all(|message| !message.contains("hidden")), "{seen:?}");
    for alias in ["alias/a", "alias/absent"] {
        let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:{alias}");
        let answer = server.call_as(other, "DescribeKey", &[("KeyId", &arn)]).await;
        assert!(answer.body.contains(&arn) && !answer.body.contains(&key), "{}", answer.body);
    }
}

/// The text of a refusal without the name of what was asked for, so that two refusals can be compared.
fn but_for_the_name(answer: &Answer, name: &str) -> Value {
    let mut document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.status, 403, "{document}");
    let decoded = diagnosis(&document["AccessDeniedDetail"]);
    let members = document.as_object_mut().unwrap();
    members.remove("RequestId");
    members["AccessDeniedDetail"].as_object_mut().unwrap().insert("EncodedDiagnosticMessage".into(), decoded);
    serde_json::from_str(&document.to_string().replace(name, "NAME")).unwrap()
}

#[tokio::test]
async fn a_refusal_never_reveals_whether_something_of_another_account_exists() {
    let (server, root, _) = with_ann(&[]).await;
    put(&server, &one_user(PARTNER, "bob", &[])).await;
    let partner = format!("{PARTNER}:*");
    let with_policy = |effect: &str, action: &str| policy(&[about(effect, &partner, action)]);
    // Four of each kind: one without a policy, one whose policy denies, one whose policy allows, one that does not
    // exist. Each has a tag that a condition of the caller's own policies compares.
    let policies = [None, Some(with_policy("Deny", "kms:*")), Some(with_policy("Allow", "kms:Decrypt"))];
    let tags = r#"[{"TagKey":"team","TagValue":"a"}]"#;
    let (mut secrets, mut keys, mut aliases) = (Vec::new(), Vec::new(), Vec::new());
    for (n, document) in policies.iter().enumerate() {
        let mut more = vec![("Tags", tags)];
        more.extend(document.as_deref().map(|document| ("Policy", document)));
        root.create(&server, &format!("secret{n}"), &more).await;
        secrets.push(format!("secret/secret{n}"));
        let key = root.make_key(&server, &more).await;
        let alias = format!("alias/alias{n}");
        root.ok(&server, "CreateAlias", &[("KeyId", &key), ("AliasName", &alias)]).await;
        keys.push(format!("key/{key}"));
        aliases.push(alias);
    }
    secrets.push("secret/absent".to_owned());
    keys.push("key/key-abcdefghijklmnopqrst".to_owned());
    aliases.push("alias/absent".to_owned());
    let tagged = |effect: &str| {
        let mut statement = super::statement(effect, "kms:*", "*");
        statement["Condition"] = json!({"StringEquals": {"kms:tag/team": "a"}});
        statement
    };
    // What the caller's own policies say must not reveal anything either: about tags, or about the key behind an alias.
    let callers = [
        vec![],
        vec![allow("kms:GetSecretValue", "*"), allow("kms:DescribeKey", "*"), allow("kms:Encrypt", "*")],
        vec![tagged("Deny")],
        vec![tagged("Allow")],
        keys.iter().map(|key| deny("kms:*", &arn(TEAM, key))).collect(),
    ];
    let calls = [
        (&secrets, "GetSecretValue", "SecretName", &[][..]),
        (&secrets, "DeleteSecret", "SecretName", &[]),
        (&keys, "Encrypt", "KeyId", &[("Plaintext", "eA==")]),
        (&aliases, "DescribeKey", "KeyId", &[]),
        (&aliases, "Encrypt", "KeyId", &[("Plaintext", "eA==")]),
        (&aliases, "EnableKey", "KeyId", &[]),
    ];
    for (n, statements) in callers.iter().enumerate() {
        put(&server, &one_user(PARTNER, "bob", statements)).await;
        for (names, action, parameter, more) in &calls {
            // Where the caller's own policy denies a key by name, keys differ by what the caller wrote.
            if n == 4 && *action == "Encrypt" && names[0].starts_with("key/") {
                continue;
            }
            let mut seen = Vec::new();
            for name in *names {
                let name = arn(TEAM, name);
                let parameters = [&[(*parameter, name.as_str())], *more].concat();
                let answer = Signer::of("bob").call(&server, action, &parameters).await;
                seen.push(but_for_the_name(&answer, &name));
            }
            for other in &seen {
                assert_eq!(other, &seen[3], "{action} by caller {n}");
            }
        }
    }
    server.stop().await;
}
