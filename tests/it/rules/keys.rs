//! Section 7: encryption key and instance.

use std::path::Path;

use serde_json::Value;
use sesame::testing::app::Creation;
use sesame::testing::domain::keys::KeyOwner;
use sesame::testing::domain::{KeyId, Scope};

use crate::support::{ACCOUNT, NOW, OTHER_ACCOUNT, Options, Server, refusal, scope, scope_of, text};

async fn service_key(server: &Server, scope: &Scope) -> Option<KeyId> {
    let keys = server.app.store().load_keys(scope).await.unwrap().keys;
    keys.into_iter().map(|record| record.key).find(|key| key.owner == KeyOwner::Service).map(|key| key.id)
}

/// The keys that wrap the data keys of a secret.
async fn wrapping(server: &Server, scope: &Scope, name: &str) -> Vec<KeyId> {
    let record = server.app.store().load_secret(scope, &name.parse().unwrap()).await.unwrap().unwrap();
    record.data_keys.into_iter().map(|key| key.key).collect()
}

#[tokio::test]
async fn rule_7_1_a_key_that_nobody_named_is_not_shown() {
    let server = Server::start().await;
    let created = server.create("s").await;
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    let listed = server.ok("ListSecrets", &[]).await;
    let read = server.ok("GetSecretValue", &[("SecretName", "s")]).await;
    for answer in [&created, &described, &listed["SecretList"]["Secret"][0], &read] {
        assert!(answer.get("EncryptionKeyId").is_none(), "{answer}");
    }
    // Clients send the parameter blank when their user named no key.
    let blank = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", "")];
    server.ok("CreateSecret", &blank).await;
    assert!(server.ok("DescribeSecret", &[("SecretName", "t")]).await.get("EncryptionKeyId").is_none());
}

#[tokio::test]
async fn rule_7_1_each_account_has_one_service_key_in_each_region() {
    let server = Server::start().await;
    let scopes = [scope(), scope_of(ACCOUNT, "cn-beijing"), scope_of(OTHER_ACCOUNT, "cn-hangzhou")];
    for scope in &scopes {
        assert_eq!(service_key(&server, scope).await, None);
    }
    for name in ["s", "t"] {
        server.create(name).await;
        let data = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")];
        server.ok_in("cn-beijing", "CreateSecret", &data).await;
        let creation = Creation::generic(name.parse().unwrap(), "v1".parse().unwrap());
        server.app.create(&scopes[2], creation, b"one").await.unwrap();
    }
    server.put("s", "v2", "two").await;
    let mut ids = Vec::new();
    for scope in &scopes {
        let id = vec![service_key(&server, scope).await.unwrap()];
        assert_eq!(wrapping(&server, scope, "s").await, id);
        assert_eq!(wrapping(&server, scope, "t").await, id);
        ids.extend(id);
    }
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn rule_7_3_an_unknown_key_is_refused() {
    let server = Server::start().await;
    for key in [
        "key-hzz62f1cb66fa42qo0000",
        "33caea95-c3e5-4b3e-a9c6-cec76e4e0000",
        "alias/mine",
        "acs:kms:cn-hangzhou:1000000000000001:key/key-hzz62f1cb66fa42qo0000",
    ] {
        let data =
            [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", key)];
        let refused = server.refused("CreateSecret", &data).await;
        assert_eq!(
            refused,
            refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found."),
            "{key}"
        );
    }
    assert!(server.stored("s").await.is_none());
}

#[tokio::test]
async fn rule_7_5_the_key_of_a_secret_stays() {
    let server = Server::start().await;
    server.create("s").await;
    let before = wrapping(&server, &scope(), "s").await;
    let key = ("EncryptionKeyId", "key-hzz62f1cb66fa42qo0000");
    server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", "new"), key]).await;
    server
        .ok("PutSecretValue", &[("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two"), key])
        .await;
    assert!(server.ok("DescribeSecret", &[("SecretName", "s")]).await.get("EncryptionKeyId").is_none());
    let record = server.stored("s").await.unwrap();
    assert_eq!(record.secret.encryption_key, None);
    assert_eq!(wrapping(&server, &scope(), "s").await, before);
    assert_eq!(server.value("s", &[]).await, "two");
}

#[tokio::test]
async fn rule_7_6_an_unknown_instance_is_refused() {
    let server = Server::start().await;
    let data = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    let unknown = refusal(403, "Forbidden.DKMSInstanceNotFound", "The specified DKMS Instance is not found.");
    let instance = ("DKMSInstanceId", "kst-bjj62d8f5e0sgtx8h0000");
    assert_eq!(server.refused("CreateSecret", &[&data[..], &[instance]].concat()).await, unknown);
    assert!(server.stored("s").await.is_none());
    server.ok("CreateSecret", &[&data[..], &[("DKMSInstanceId", "")]].concat()).await;
}

#[tokio::test]
async fn rule_7_7_without_a_default_instance_secrets_belong_to_none() {
    let server = Server::start().await;
    let unknown = refusal(403, "Forbidden.DKMSInstanceNotFound", "The specified DKMS Instance is not found.");
    assert_eq!(server.refused("GetDefaultKmsInstance", &[]).await, unknown);
    server.create("s").await;
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    assert!(described.get("DKMSInstanceId").is_none());
}

/// Whether any file of a directory contains these bytes.
fn on_disk(dir: &Path, text: &str) -> bool {
    let holds = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    std::fs::read_dir(dir).unwrap().any(|file| holds(std::fs::read(file.unwrap().path()).unwrap()))
}

#[tokio::test]
async fn rule_7_8_only_the_values_are_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    let values = ["first-plain-value", "Zmlyc3QtYmluYXJ5LXZhbHVl"];
    let plain =
        ["team/name", "version-one", "version-two", "LabelOfMine", "about-it", "tag-key", "tag-value"];
    let first = [
        ("SecretName", plain[0]),
        ("VersionId", plain[1]),
        ("SecretData", values[0]),
        ("Description", plain[4]),
        ("Tags", r#"[{"TagKey":"tag-key","TagValue":"tag-value"}]"#),
    ];
    server.ok("CreateSecret", &first).await;
    let second = [
        ("SecretName", plain[0]),
        ("VersionId", plain[2]),
        ("SecretData", values[1]),
        ("SecretDataType", "binary"),
        ("VersionStages", r#"["LabelOfMine"]"#),
    ];
    server.ok("PutSecretValue", &second).await;
    let read: Value = server.ok("GetSecretValue", &[("SecretName", plain[0]), ("VersionId", plain[2])]).await;
    assert_eq!(text(&read["SecretData"]), values[1]);
    let check = |when: &str| {
        for text in plain {
            assert!(on_disk(dir.path(), text), "{when}: {text} is not readable");
        }
        for value in values {
            assert!(!on_disk(dir.path(), value), "{when}: {value} is readable");
        }
    };
    check("running");
    server.stop().await;
    check("stopped");
}

/// Creates a key and returns its id.
async fn make(server: &Server, parameters: &[(&str, &str)]) -> String {
    text(&server.ok("CreateKey", parameters).await["KeyMetadata"]["KeyId"]).to_owned()
}

/// The creation of a secret `s` encrypted by a key.
fn under<'a>(name: &'a str, key: &'a str) -> [(&'a str, &'a str); 4] {
    [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", key)]
}

/// A refusal because of the state of a key.
fn in_state(name: &str) -> (u16, String, String) {
    let message = format!("The request was rejected because the key state is {name}.");
    refusal(409, &format!("Rejected.{name}"), &message)
}

#[tokio::test]
async fn rule_7_2_no_asymmetric_key_takes_secrets_whatever_its_spec_and_usage() {
    let server = Server::start().await;
    let unsupported = refusal(400, "UnsupportedOperation", "This action is not supported.");
    let (sign, encrypt) = ("SIGN/VERIFY", "ENCRYPT/DECRYPT");
    for (spec, usage) in
        [("RSA_2048", encrypt), ("EC_P256", sign), ("EC_P256K", sign), ("EC_SM2", sign), ("EC_SM2", encrypt)]
    {
        let made = server.ok("CreateKey", &[("KeySpec", spec), ("KeyUsage", usage)]).await;
        let (key, arn) = (text(&made["KeyMetadata"]["KeyId"]), text(&made["KeyMetadata"]["Arn"]));
        let alias = format!("alias/{key}");
        server.ok("CreateAlias", &[("KeyId", key), ("AliasName", &alias)]).await;
        for named in [key, arn, &alias] {
            let refused = server.refused("CreateSecret", &under("s", named)).await;
            assert_eq!(refused, unsupported, "{spec} {usage}");
        }
    }
    assert!(server.stored("s").await.is_none());
}

#[tokio::test]
async fn rule_7_3_the_key_of_another_region_or_account_is_refused() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let not_found = refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    let region = format!("acs:kms:cn-beijing:{ACCOUNT}:key/{key}");
    assert_eq!(server.refused("CreateSecret", &under("s", &region)).await, not_found);
    let account = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:key/{key}");
    let message = format!("This operation for {account} is forbidden by permission system.");
    let forbidden = refusal(403, "Forbidden.NoPermission", &message);
    assert_eq!(server.refused("CreateSecret", &under("s", &account)).await, forbidden);
    assert!(server.stored("s").await.is_none());
}

#[tokio::test]
async fn rule_7_3_a_secret_keeps_the_key_and_not_the_alias() {
    let server = Server::start().await;
    let (first, second) = (make(&server, &[]).await, make(&server, &[]).await);
    server.ok("CreateAlias", &[("KeyId", &first), ("AliasName", "alias/mine")]).await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:alias/mine");
    server.ok("CreateSecret", &under("s", &arn)).await;
    server.ok("UpdateAlias", &[("KeyId", &second), ("AliasName", "alias/mine")]).await;
    server.put("s", "v2", "two").await;
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    assert_eq!(described["EncryptionKeyId"], first.as_str());
    let keys = wrapping(&server, &scope(), "s").await;
    assert!(keys.iter().all(|key| key.as_str() == first), "{keys:?}");
    server.ok("DeleteAlias", &[("AliasName", "alias/mine")]).await;
    assert_eq!(server.value("s", &[]).await, "two");
}

#[tokio::test]
async fn rule_7_5_no_call_moves_a_secret_to_another_key() {
    let server = Server::start().await;
    let (key, another) = (make(&server, &[]).await, make(&server, &[]).await);
    server.ok("CreateSecret", &under("s", &key)).await;
    let named = ("EncryptionKeyId", another.as_str());
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two"), named];
    server.ok("PutSecretValue", &put).await;
    server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", "new"), named]).await;
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    server.ok("RestoreSecret", &[("SecretName", "s"), named]).await;
    server.put("s", "v3", "three").await;
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    assert_eq!(described["EncryptionKeyId"], key.as_str());
    let keys = wrapping(&server, &scope(), "s").await;
    assert!(keys.iter().all(|wrapping| wrapping.as_str() == key), "{keys:?}");
    // So the other key can be deleted without harm.
    server.ok("ScheduleKeyDeletion", &[("KeyId", &another), ("PendingWindowInDays", "7")]).await;
    server.advance_seconds(8 * 86_400).await;
    assert_eq!(server.value("s", &[]).await, "three");
    assert_eq!(server.value("s", &[("VersionId", "v1")]).await, "one");
}

#[tokio::test]
async fn rule_4_9_every_read_and_write_of_a_value_asks_the_state_of_the_key() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let id = [("KeyId", key.as_str())];
    server.ok("CreateSecret", &under("s", &key)).await;
    server.create("free").await;
    let days = [&id[..], &[("PendingWindowInDays", "7")]].concat();
    let gone = refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    let list = r#"[{"SecretName":"s"},{"SecretName":"free"}]"#;
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    // Read before, so that the cache does not answer in place of the key.
    assert_eq!(server.value("s", &[]).await, "one");
    for (step, back, want) in [
        ("DisableKey", Some("EnableKey"), in_state("Disabled")),
        ("ScheduleKeyDeletion", Some("CancelKeyDeletion"), in_state("PendingDeletion")),
        ("ScheduleKeyDeletion", None, gone),
    ] {
        server.ok(step, if step == "DisableKey" { &id[..] } else { &days }).await;
        if back.is_none() {
            server.advance_seconds(7 * 86_400).await;
        }
        for selector in [&[][..], &[("VersionId", "v1")], &[("VersionStage", "ACSCurrent")]] {
            let read = [&[("SecretName", "s")], selector].concat();
            assert_eq!(server.refused("GetSecretValue", &read).await, want, "{selector:?}");
        }
        let batch = server.ok("BatchGetSecretValue", &[("SecretsList", list)]).await;
        assert_eq!(batch["SecretValues"][0]["SecretData"], "one", "of the secret without the key");
        let failure = &batch["Errors"][0];
        assert_eq!((failure["HttpStatus"].clone(), text(&failure["Code"])), (want.0.into(), want.1.as_str()));
        assert_eq!(server.refused("PutSecretValue", &put).await, want);
        assert_eq!(server.refused("CreateSecret", &under("t", &key)).await, want);
        assert_eq!(server.versions("s").await, "v1[ACSCurrent]", "nothing was put");
        server.ok("DescribeSecret", &[("SecretName", "s")]).await;
        server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", step)]).await;
        if let Some(back) = back {
            server.ok(back, &id).await;
            assert_eq!(server.value("s", &[]).await, "one");
        }
    }
    server.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")]).await;
}

#[tokio::test]
async fn rule_7_2_a_named_key_must_be_symmetric_and_the_users() {
    let server = Server::start().await;
    let unsupported = refusal(400, "UnsupportedOperation", "This action is not supported.");
    let pair =
        text(&server.ok("CreateKey", &[("KeySpec", "EC_P256")]).await["KeyMetadata"]["KeyId"]).to_owned();
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x")];
    let under = |key| [&create[..], &[("EncryptionKeyId", key)]].concat();
    assert_eq!(server.refused("CreateSecret", &under(&pair)).await, unsupported);
    server.create("other").await;
    let services =
        server.ok("ListKeys", &[("Filters", r#"[{"Key":"CreatorType","Values":["Service"]}]"#)]).await;
    let service = text(&services["Keys"]["Key"][0]["KeyId"]).to_owned();
    assert_eq!(server.refused("CreateSecret", &under(&service)).await, unsupported);
    for spec in ["Aliyun_AES_256", "Aliyun_SM4"] {
        let key =
            text(&server.ok("CreateKey", &[("KeySpec", spec)]).await["KeyMetadata"]["KeyId"]).to_owned();
        let name = format!("under-{spec}");
        let create = [
            ("SecretName", name.as_str()),
            ("VersionId", "v1"),
            ("SecretData", "x"),
            ("EncryptionKeyId", &key),
        ];
        server.ok("CreateSecret", &create).await;
        assert_eq!(server.value(&name, &[]).await, "x");
    }
    assert!(server.stored("s").await.is_none());
}

#[tokio::test]
async fn rule_7_3_a_key_is_named_by_id_alias_or_arn_and_its_id_is_kept() {
    let server = Server::start().await;
    let made = server.ok("CreateKey", &[]).await["KeyMetadata"].clone();
    let (key, arn) = (text(&made["KeyId"]), text(&made["Arn"]));
    server.ok("CreateAlias", &[("KeyId", key), ("AliasName", "alias/mine")]).await;
    for (name, named) in [("a", key), ("b", "alias/mine"), ("c", arn)] {
        let create =
            [("SecretName", name), ("VersionId", "v1"), ("SecretData", name), ("EncryptionKeyId", named)];
        server.ok("CreateSecret", &create).await;
        assert_eq!(server.ok("DescribeSecret", &[("SecretName", name)]).await["EncryptionKeyId"], key);
        assert_eq!(server.value(name, &[]).await, name);
    }
}

#[tokio::test]
async fn rule_4_9_a_secret_is_readable_while_its_key_is_enabled() {
    let server = Server::start().await;
    let key = text(&server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", &key)];
    server.ok("CreateSecret", &create).await;
    let id = [("KeyId", key.as_str())];
    let get = [("SecretName", "s")];
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    server.ok("DisableKey", &id).await;
    assert_eq!(server.refused("GetSecretValue", &get).await, rejected("Disabled"));
    assert_eq!(server.refused("PutSecretValue", &put).await, rejected("Disabled"));
    server.ok("DescribeSecret", &get).await;
    server.ok("EnableKey", &id).await;
    assert_eq!(server.value("s", &[]).await, "one");
    server.ok("ScheduleKeyDeletion", &[&id[..], &[("PendingWindowInDays", "7")]].concat()).await;
    assert_eq!(server.refused("GetSecretValue", &get).await, rejected("PendingDeletion"));
    server.ok("CancelKeyDeletion", &id).await;
    assert_eq!(server.value("s", &[]).await, "one");
    server.ok("ScheduleKeyDeletion", &[&id[..], &[("PendingWindowInDays", "7")]].concat()).await;
    server.clock.set(NOW.plus_days(8));
    assert_eq!(
        server.refused("GetSecretValue", &get).await,
        refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
    );
    assert_eq!(
        server.refused("DescribeKey", &id).await,
        refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
    );
    let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
    assert!(damages.is_empty(), "{damages:?}");
}

/// A refusal because of the state of a key.
fn rejected(state: &str) -> (u16, String, String) {
    let message = format!("The request was rejected because the key state is {state}.");
    refusal(409, &format!("Rejected.{state}"), &message)
}
