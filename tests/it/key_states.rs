//! What a key's state allows (`errors.md` E), and what becomes of secrets and material with their key.

use serde_json::Value;

use crate::support::{NOW, Options, Server, refusal, scope, text};

/// A refusal by the state of a key.
fn state(name: &str) -> (u16, String, String) {
    let message = format!("The request was rejected because the key state is {name}.");
    refusal(409, &format!("Rejected.{name}"), &message)
}

fn not_modified() -> (u16, String, String) {
    refusal(409, "Rejected.StateModifiedFailed", "Keystate modified failed.")
}

fn key_not_found() -> (u16, String, String) {
    refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.")
}

async fn make(server: &Server, parameters: &[(&str, &str)]) -> String {
    text(&server.ok("CreateKey", parameters).await["KeyMetadata"]["KeyId"]).to_owned()
}

/// A key in each state: enabled, disabled, pending deletion, pending import.
async fn in_each_state(server: &Server) -> [(&'static str, String); 4] {
    let enabled = make(server, &[]).await;
    let disabled = make(server, &[]).await;
    server.ok("DisableKey", &[("KeyId", &disabled)]).await;
    let deleted = make(server, &[]).await;
    server.ok("ScheduleKeyDeletion", &[("KeyId", &deleted), ("PendingWindowInDays", "7")]).await;
    let waiting = make(server, &[("Origin", "EXTERNAL")]).await;
    [("Enabled", enabled), ("Disabled", disabled), ("PendingDeletion", deleted), ("PendingImport", waiting)]
}

/// Calls an action on a key in each state; `None` is success.
async fn row(action: &str, more: &[(&str, &str)], want: [Option<(u16, String, String)>; 4]) {
    let server = Server::start().await;
    for ((name, key), want) in in_each_state(&server).await.into_iter().zip(want) {
        let answer = server.call(action, &[&[("KeyId", key.as_str())], more].concat()).await;
        match want {
            None => drop(answer.ok()),
            Some(want) => assert_eq!(answer.refused(), want, "{action} in state {name}"),
        }
    }
}

fn unusable() -> [Option<(u16, String, String)>; 4] {
    [None, Some(state("Disabled")), Some(state("PendingDeletion")), Some(state("PendingImport"))]
}

#[tokio::test]
async fn errors_e_encrypt_and_data_keys_need_an_enabled_key() {
    row("Encrypt", &[("Plaintext", "aGVsbG8=")], unusable()).await;
    row("GenerateDataKey", &[], unusable()).await;
    row("GenerateDataKeyWithoutPlaintext", &[], unusable()).await;
}

#[tokio::test]
async fn errors_e_decrypt_needs_an_enabled_key() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let sealed = server.ok("Encrypt", &[("KeyId", &key), ("Plaintext", "aGVsbG8=")]).await;
    let blob = [("CiphertextBlob", text(&sealed["CiphertextBlob"]))];
    server.ok("DisableKey", &[("KeyId", &key)]).await;
    assert_eq!(server.refused("Decrypt", &blob).await, state("Disabled"));
    server.ok("EnableKey", &[("KeyId", &key)]).await;
    assert_eq!(server.ok("Decrypt", &blob).await["Plaintext"], "aGVsbG8=");
    server.ok("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await;
    assert_eq!(server.refused("Decrypt", &blob).await, state("PendingDeletion"));
    server.ok("CancelKeyDeletion", &[("KeyId", &key)]).await;
    assert_eq!(server.ok("Decrypt", &blob).await["Plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn errors_e_reading_about_a_key_works_in_every_state() {
    row("DescribeKey", &[], [const { None }; 4]).await;
    row("ListKeyVersions", &[], [const { None }; 4]).await;
    row("ListAliasesByKeyId", &[], [const { None }; 4]).await;
    let server = Server::start().await;
    in_each_state(&server).await;
    assert_eq!(server.ok("ListKeys", &[]).await["TotalCount"], 4);
}

#[tokio::test]
async fn errors_e_enable_and_disable_are_refused_while_pending() {
    for action in ["EnableKey", "DisableKey"] {
        row(action, &[], [None, None, Some(not_modified()), Some(not_modified())]).await;
    }
}

#[tokio::test]
async fn errors_e_deletion_is_scheduled_once_and_cancelled_when_scheduled() {
    let days = [("PendingWindowInDays", "30")];
    row("ScheduleKeyDeletion", &days, [None, None, Some(not_modified()), None]).await;
    let refused = || Some(not_modified());
    row("CancelKeyDeletion", &[], [refused(), refused(), None, refused()]).await;
}

#[tokio::test]
async fn errors_e_aliases_and_states() {
    row(
        "CreateAlias",
        &[("AliasName", "alias/same")],
        [
            None,
            Some(refusal(400, "AliasAlreadyExists", "AliasName Already Exists.")),
            Some(refusal(400, "AliasAlreadyExists", "AliasName Already Exists.")),
            Some(refusal(400, "AliasAlreadyExists", "AliasName Already Exists.")),
        ],
    )
    .await;
    let server = Server::start().await;
    let keys = in_each_state(&server).await;
    for (name, key) in &keys {
        let alias = format!("alias/{name}");
        let answer = server.call("CreateAlias", &[("KeyId", key), ("AliasName", &alias)]).await;
        match *name {
            "PendingDeletion" => assert_eq!(answer.refused(), not_modified()),
            _ => drop(answer.ok()),
        }
    }
    for (name, key) in &keys {
        let answer = server.call("UpdateAlias", &[("KeyId", key), ("AliasName", "alias/Enabled")]).await;
        match *name {
            "PendingDeletion" => assert_eq!(answer.refused(), state("PendingDeletion")),
            _ => drop(answer.ok()),
        }
    }
    for (name, _) in keys.iter().filter(|(name, _)| *name != "PendingDeletion") {
        server.ok("DeleteAlias", &[("AliasName", &format!("alias/{name}"))]).await;
    }
    assert_eq!(server.ok("ListAliases", &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn a_protected_key_is_not_deleted_and_an_alias_is_no_id() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let id = [("KeyId", key.as_str())];
    server.ok("SetDeletionProtection", &[&id[..], &[("EnableDeletionProtection", "true")]].concat()).await;
    let schedule = [&id[..], &[("PendingWindowInDays", "7")]].concat();
    assert_eq!(server.refused("ScheduleKeyDeletion", &schedule).await, not_modified());
    server.ok("SetDeletionProtection", &[&id[..], &[("EnableDeletionProtection", "False")]].concat()).await;
    server.ok("CreateAlias", &[&id[..], &[("AliasName", "alias/a")]].concat()).await;
    let by_alias = refusal(400, "Unsupported.Alias", "Alias is not valid for this api.");
    for action in ["EnableKey", "DisableKey", "CancelKeyDeletion"] {
        assert_eq!(server.refused(action, &[("KeyId", "alias/a")]).await, by_alias, "{action}");
    }
    server.ok("ScheduleKeyDeletion", &schedule).await;
}

#[tokio::test]
async fn rule_7_2_a_named_key_must_be_symmetric_and_the_users() {
    let server = Server::start().await;
    let unsupported = refusal(400, "UnsupportedOperation", "This action is not supported.");
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x")];
    let under = |key| [&create[..], &[("EncryptionKeyId", key)]].concat();
    assert_eq!(server.refused("CreateSecret", &under(&pair)).await, unsupported);
    server.create("other").await;
    let services =
        server.ok("ListKeys", &[("Filters", r#"[{"Key":"CreatorType","Values":["Service"]}]"#)]).await;
    let service = text(&services["Keys"]["Key"][0]["KeyId"]).to_owned();
    assert_eq!(server.refused("CreateSecret", &under(&service)).await, unsupported);
    for spec in ["Aliyun_AES_256", "Aliyun_SM4"] {
        let key = make(&server, &[("KeySpec", spec)]).await;
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

/// A server with a secret `s` under a key of the user's own.
async fn secret_under_key() -> (Server, String) {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", &key)];
    server.ok("CreateSecret", &create).await;
    (server, key)
}

#[tokio::test]
async fn rule_4_9_a_secret_is_readable_while_its_key_is_enabled() {
    let (server, key) = secret_under_key().await;
    let id = [("KeyId", key.as_str())];
    let get = [("SecretName", "s")];
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    server.ok("DisableKey", &id).await;
    assert_eq!(server.refused("GetSecretValue", &get).await, state("Disabled"));
    assert_eq!(server.refused("PutSecretValue", &put).await, state("Disabled"));
    server.ok("DescribeSecret", &get).await;
    server.ok("EnableKey", &id).await;
    assert_eq!(server.value("s", &[]).await, "one");
    server.ok("ScheduleKeyDeletion", &[&id[..], &[("PendingWindowInDays", "7")]].concat()).await;
    assert_eq!(server.refused("GetSecretValue", &get).await, state("PendingDeletion"));
    server.ok("CancelKeyDeletion", &id).await;
    assert_eq!(server.value("s", &[]).await, "one");
    server.ok("ScheduleKeyDeletion", &[&id[..], &[("PendingWindowInDays", "7")]].concat()).await;
    server.clock.set(NOW.plus_days(8));
    assert_eq!(server.refused("GetSecretValue", &get).await, key_not_found());
    assert_eq!(server.refused("DescribeKey", &id).await, key_not_found());
    let (_, damages) = server.app.check().await.unwrap();
    assert!(damages.is_empty(), "{damages:?}");
}

#[tokio::test]
async fn a_rotated_key_decrypts_what_it_encrypted_and_seals_the_next_version_anew() {
    let (server, key) = secret_under_key().await;
    let id = [("KeyId", key.as_str())];
    let sealed = server.ok("Encrypt", &[("KeyId", &key), ("Plaintext", "aGVsbG8=")]).await;
    let rotate = [&id[..], &[("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")]].concat();
    server.ok("UpdateRotationPolicy", &rotate).await;
    for day in [8, 16, 24] {
        server.clock.set(NOW.plus_days(day));
        server.ok("DescribeKey", &id).await;
    }
    server.ok("CreateKeyVersion", &id).await;
    assert_eq!(server.ok("ListKeyVersions", &id).await["TotalCount"], 5);
    let opened = server.ok("Decrypt", &[("CiphertextBlob", text(&sealed["CiphertextBlob"]))]).await;
    assert_eq!(
        (&opened["Plaintext"], &opened["KeyVersionId"]),
        (&Value::from("aGVsbG8="), &sealed["KeyVersionId"])
    );
    server.put("s", "v2", "two").await;
    let versions: Vec<u32> =
        server.stored("s").await.unwrap().data_keys.iter().map(|k| k.key_version).collect();
    assert_eq!(versions, [1, 5], "the next version is under the newest version of the key");
    assert_eq!(server.value("s", &[("VersionId", "v1")]).await, "one");
    assert_eq!(server.value("s", &[]).await, "two");
}

#[tokio::test]
async fn rule_12_3_keys_and_aliases_have_quotas() {
    let server = Server::start().await;
    let mut key = String::new();
    for _ in 0..200 {
        key = make(&server, &[]).await;
    }
    let full = refusal(
        400,
        "Rejected.LimitExceeded",
        "The request was rejected because user create resource limit was exceeded",
    );
    assert_eq!(server.refused("CreateKey", &[]).await, full);
    server.create("s").await;
    for n in 0..300 {
        server.ok("CreateAlias", &[("KeyId", &key), ("AliasName", &format!("alias/{n}"))]).await;
    }
    assert_eq!(server.refused("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/more")]).await, full);
    assert_eq!(server.ok("ListKeys", &[]).await["TotalCount"], 200);
}

/// Whether any file of a directory holds any sixteen bytes in a row of the needle.
fn holds(dir: &std::path::Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        needle.chunks_exact(16).any(|part| bytes.windows(16).any(|window| window == part))
    })
}

#[tokio::test]
async fn no_copy_of_deleted_material_stays_in_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    let key = make(&server, &[]).await;
    let kept = make(&server, &[]).await;
    server.ok("CreateKeyVersion", &[("KeyId", &key)]).await;
    let (records, _) = server.app.store().load_keys(&scope()).await.unwrap();
    let of = |id: &str| records.iter().find(|r| r.key.id.as_str() == id).unwrap().material.clone();
    let (material, other) = (of(&key), of(&kept));
    assert!(material.iter().all(|(_, bytes)| holds(dir.path(), bytes)), "it is there before");
    server.ok("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await;
    let moved = server.send("POST", "/_sesame/clock", &[], br#"{"advance_seconds":691200}"#).await;
    assert_eq!(moved.status, 200, "{}", moved.body);
    for (number, bytes) in &material {
        assert!(!holds(dir.path(), bytes), "version {number} is still on disk");
    }
    assert!(other.iter().all(|(_, bytes)| holds(dir.path(), bytes)), "another key's is there");
    server.stop().await;
}
