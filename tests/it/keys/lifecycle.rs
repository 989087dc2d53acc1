//! The life of a key over time: deletion, rotation, expiry; importing material; lists and tags.

use serde_json::{Value, json};

use super::{
    PLAINTEXT, alias_not_found, first_version, import, import_parameters, key_not_found, make, metadata,
    schedule, sealed, state, wrap,
};
use crate::support::{ACCOUNT, NOW, Server, invalid, refusal, text};

const DAY: i64 = 86_400;

/// The key ids of a ListKeys answer.
fn ids(answer: &Value) -> Vec<&str> {
    answer["Keys"]["Key"].as_array().unwrap().iter().map(|row| text(&row["KeyId"])).collect()
}

/// Optional members of a key that are absent.
fn absent(key: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| key.get(*name).is_none())
}

#[tokio::test]
async fn a_key_and_its_aliases_are_gone_when_the_window_is_over() {
    let server = Server::start().await;
    let (key, kept) = (make(&server, &[]).await, make(&server, &[]).await);
    let tag = ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#);
    server.ok("TagResource", &[("KeyId", &key), tag]).await;
    for (alias, of) in [("alias/one", &key), ("alias/two", &key), ("alias/kept", &kept)] {
        server.ok("CreateAlias", &[("KeyId", of), ("AliasName", alias)]).await;
    }
    let blob = sealed(&server, &key).await;
    let version = first_version(&server, &key).await;
    schedule(&server, &key).await;
    assert_eq!(metadata(&server, &key).await["DeleteDate"], "2026-12-01T03:30:00Z");
    server.advance_seconds(7 * DAY - 1).await;
    assert_eq!(metadata(&server, "alias/one").await["KeyState"], "PendingDeletion");
    assert_eq!(server.refused("Decrypt", &[("CiphertextBlob", &blob)]).await, state("PendingDeletion"));
    server.advance_seconds(1).await;

    let id = ("KeyId", key.as_str());
    let calls: &[(&str, &[(&str, &str)])] = &[
        ("DescribeKey", &[id]),
        ("Encrypt", &[id, PLAINTEXT]),
        ("Decrypt", &[("CiphertextBlob", &blob)]),
        ("ReEncrypt", &[("CiphertextBlob", &blob), ("DestinationKeyId", &kept)]),
        ("GenerateDataKey", &[id]),
        ("GenerateDataKeyWithoutPlaintext", &[id]),
        ("EnableKey", &[id]),
        ("DisableKey", &[id]),
        ("ScheduleKeyDeletion", &[id, ("PendingWindowInDays", "7")]),
        ("CancelKeyDeletion", &[id]),
        ("UpdateKeyDescription", &[id, ("Description", "d")]),
        ("SetDeletionProtection", &[id, ("EnableDeletionProtection", "true")]),
        ("CreateAlias", &[id, ("AliasName", "alias/new")]),
        ("UpdateAlias", &[id, ("AliasName", "alias/kept")]),
        ("ListAliasesByKeyId", &[id]),
        ("CreateKeyVersion", &[id]),
        ("DescribeKeyVersion", &[id, ("KeyVersionId", &version)]),
        ("ListKeyVersions", &[id]),
        ("UpdateRotationPolicy", &[id, ("EnableAutomaticRotation", "false")]),
        ("ListResourceTags", &[id]),
        ("TagResource", &[id, tag]),
        ("UntagResource", &[id, ("TagKeys", r#"["a"]"#)]),
        (
            "CreateSecret",
            &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x"), ("EncryptionKeyId", &key)],
        ),
    ];
    for (action, parameters) in calls {
        assert_eq!(server.refused(action, parameters).await, key_not_found(), "{action}");
    }
    for alias in ["alias/one", "alias/two"] {
        assert_eq!(server.refused("DescribeKey", &[("KeyId", alias)]).await, alias_not_found());
        assert_eq!(server.refused("DeleteAlias", &[("AliasName", alias)]).await, alias_not_found());
    }
    assert_eq!(ids(&server.ok("ListKeys", &[]).await), [kept.as_str()]);
    let aliases = server.ok("ListAliases", &[]).await;
    assert_eq!(aliases["TotalCount"], 1);
    assert_eq!(aliases["Aliases"]["Alias"][0]["AliasName"], "alias/kept");
    let tags = server.ok("ListTagResources", &[("RegionId", "cn-hangzhou"), ("ResourceType", "key")]).await;
    assert_eq!(tags["TagResources"]["TagResource"], json!([]));
    // The alias can be used again.
    server.ok("CreateAlias", &[("KeyId", &kept), ("AliasName", "alias/one")]).await;
}

#[tokio::test]
async fn a_cancelled_deletion_does_not_happen() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let blob = sealed(&server, &key).await;
    schedule(&server, &key).await;
    server.advance_seconds(6 * DAY).await;
    server.ok("CancelKeyDeletion", &[("KeyId", &key)]).await;
    server.advance_seconds(400 * DAY).await;
    assert_eq!(server.ok("Decrypt", &[("CiphertextBlob", &blob)]).await["Plaintext"], PLAINTEXT.1);
}

#[tokio::test]
async fn a_key_rotates_by_the_clock_and_opens_what_any_version_sealed() {
    let server = Server::start().await;
    let rotation = [("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    let key = make(&server, &rotation).await;
    let secret = [("SecretName", "s"), ("VersionId", "v0"), ("SecretData", "0"), ("EncryptionKeyId", &key)];
    server.ok("CreateSecret", &secret).await;
    let mut blobs = vec![(sealed(&server, &key).await, first_version(&server, &key).await)];
    for round in 1..=12 {
        server.advance_seconds(7 * DAY - 1).await;
        assert_eq!(metadata(&server, &key).await["PrimaryKeyVersion"], blobs[round - 1].1.as_str());
        server.advance_seconds(1).await;
        let now = metadata(&server, &key).await;
        let version = text(&now["PrimaryKeyVersion"]).to_owned();
        assert!(!blobs.iter().any(|(_, known)| *known == version), "a version of its own");
        let days = i64::try_from(round).unwrap() * 7;
        assert_eq!(now["LastRotationDate"], NOW.plus_days(days).to_string());
        assert_eq!(now["NextRotationDate"], NOW.plus_days(days + 7).to_string());
        blobs.push((sealed(&server, &key).await, version));
    }
    for (blob, version) in &blobs {
        let opened = server.ok("Decrypt", &[("CiphertextBlob", blob)]).await;
        assert_eq!((&opened["Plaintext"], &opened["KeyVersionId"]), (&PLAINTEXT.1.into(), &json!(version)));
    }
    let again = server.ok("ReEncrypt", &[("CiphertextBlob", &blobs[0].0), ("DestinationKeyId", &key)]).await;
    assert_eq!(again["KeyVersionId"], blobs[0].1.as_str(), "of the version that decrypted");
    let opened = server.ok("Decrypt", &[("CiphertextBlob", text(&again["CiphertextBlob"]))]).await;
    assert_eq!(opened["KeyVersionId"], blobs[12].1.as_str(), "sealed by the newest");
    // Newest first, in pages.
    let mut listed = Vec::new();
    for page in ["1", "2", "3"] {
        let page = [("KeyId", key.as_str()), ("PageNumber", page), ("PageSize", "6")];
        let answer = server.ok("ListKeyVersions", &page).await;
        assert_eq!(answer["TotalCount"], 13);
        let rows = answer["KeyVersions"]["KeyVersion"].as_array().unwrap();
        listed.extend(rows.iter().map(|row| text(&row["KeyVersionId"]).to_owned()));
    }
    let wanted: Vec<&String> = blobs.iter().rev().map(|(_, version)| version).collect();
    assert_eq!(listed.iter().collect::<Vec<_>>(), wanted);
    // The next value is sealed under the new version; the first one stays as it is.
    server.put("s", "v1", "1").await;
    let data_keys = server.stored("s").await.unwrap().data_keys;
    assert!(data_keys.iter().all(|data_key| data_key.key.as_str() == key));
    assert_eq!(data_keys.iter().map(|data_key| data_key.key_version).collect::<Vec<_>>(), [1, 13]);
    assert_eq!(server.value("s", &[("VersionId", "v0")]).await, "0");
    assert_eq!(server.value("s", &[]).await, "1");
}

#[tokio::test]
async fn a_secret_written_twice_under_one_version_of_its_key_and_then_under_the_next() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let secret = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "1"), ("EncryptionKeyId", &key)];
    server.ok("CreateSecret", &secret).await;
    server.put("s", "v2", "2").await;
    let made = server.ok("CreateKeyVersion", &[("KeyId", &key)]).await["KeyVersion"].clone();
    assert_eq!((&made["KeyId"], &made["CreationDate"]), (&json!(key), &json!(NOW.to_string())));
    let now = metadata(&server, &key).await;
    assert_eq!(now["PrimaryKeyVersion"], made["KeyVersionId"]);
    let one = [("KeyId", key.as_str()), ("KeyVersionId", text(&made["KeyVersionId"]))];
    assert_eq!(server.ok("DescribeKeyVersion", &one).await["KeyVersion"], made);
    server.put("s", "v3", "3").await;
    let record = server.stored("s").await.unwrap();
    assert_eq!(record.data_keys.iter().map(|data_key| data_key.key_version).max(), Some(2));
    for version in ["1", "2", "3"] {
        assert_eq!(server.value("s", &[("VersionId", &format!("v{version}"))]).await, version);
    }
}

#[tokio::test]
async fn a_version_of_an_asymmetric_key_does_not_change_the_ones_before() {
    let server = Server::start().await;
    let key = make(&server, &[("KeySpec", "EC_P256")]).await;
    assert!(absent(&metadata(&server, &key).await, &["PrimaryKeyVersion"]));
    let first = first_version(&server, &key).await;
    let digest = ("Digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let of = |version| {
        [("KeyId", key.as_str()), ("KeyVersionId", version), ("Algorithm", "ECDSA_SHA_256"), digest]
    };
    let signed = server.ok("AsymmetricSign", &of(&first)).await;
    let made = server.ok("CreateKeyVersion", &[("KeyId", &key)]).await;
    let second = text(&made["KeyVersion"]["KeyVersionId"]).to_owned();
    let signature = ("Value", text(&signed["Value"]));
    for (version, right) in [(&first, true), (&second, false)] {
        let verified = server.ok("AsymmetricVerify", &[&of(version)[..], &[signature]].concat()).await;
        assert_eq!((&verified["Value"], &verified["KeyVersionId"]), (&json!(right), &json!(version)));
    }
    let one = server.ok("GetPublicKey", &[("KeyId", &key), ("KeyVersionId", &first)]).await;
    let two = server.ok("GetPublicKey", &[("KeyId", &key), ("KeyVersionId", &second)]).await;
    assert_ne!(one["PublicKey"], two["PublicKey"]);
}

#[tokio::test]
async fn metadata_tells_of_rotation_only_while_it_is_on() {
    let server = Server::start().await;
    let on = [("EnableAutomaticRotation", "true"), ("RotationInterval", "30d")];
    let interval = ["RotationInterval", "NextRotationDate"];
    let key = make(&server, &[]).await;
    let id = [("KeyId", key.as_str())];
    let off = metadata(&server, &key).await;
    assert_eq!(off["AutomaticRotation"], "Disabled");
    assert!(absent(&off, &interval), "{off}");
    for (name, value) in [
        ("KeyState", "Enabled"),
        ("KeySpec", "Aliyun_AES_256"),
        ("KeyUsage", "ENCRYPT/DECRYPT"),
        ("Origin", "Aliyun_KMS"),
        ("ProtectionLevel", "SOFTWARE"),
        ("Creator", ACCOUNT),
        ("CreationDate", "2026-11-24T03:30:00Z"),
        ("LastRotationDate", "2026-11-24T03:30:00Z"),
        ("Description", ""),
        ("DeleteDate", ""),
        ("MaterialExpireTime", ""),
        ("DeletionProtection", "Disabled"),
        ("Arn", &format!("acs:kms:cn-hangzhou:{ACCOUNT}:key/{key}")),
    ] {
        assert_eq!(off[name], value, "{name}");
    }
    server.ok("UpdateRotationPolicy", &[&id[..], &on].concat()).await;
    let rotating = |state: &'static str| {
        let mut wanted = off.clone();
        wanted["AutomaticRotation"] = state.into();
        wanted["RotationInterval"] = "2592000s".into();
        wanted["NextRotationDate"] = "2026-12-24T03:30:00Z".into();
        wanted
    };
    assert_eq!(metadata(&server, &key).await, rotating("Enabled"));
    server.ok("DisableKey", &id).await;
    let mut disabled = rotating("Suspended");
    disabled["KeyState"] = "Disabled".into();
    assert_eq!(metadata(&server, &key).await, disabled);
    // Suspended: nothing rotates; the missed rotation happens when the key is enabled again.
    server.advance_seconds(31 * DAY).await;
    assert_eq!(metadata(&server, &key).await["PrimaryKeyVersion"], off["PrimaryKeyVersion"]);
    server.ok("EnableKey", &id).await;
    let enabled = metadata(&server, &key).await;
    assert_eq!(enabled["AutomaticRotation"], "Enabled");
    assert_ne!(enabled["PrimaryKeyVersion"], off["PrimaryKeyVersion"]);
    server.ok("UpdateRotationPolicy", &[&id[..], &[("EnableAutomaticRotation", "false")]].concat()).await;
    let stopped = metadata(&server, &key).await;
    assert_eq!(stopped["AutomaticRotation"], "Disabled");
    assert!(absent(&stopped, &interval), "{stopped}");
    server.advance_seconds(800 * DAY).await;
    assert_eq!(metadata(&server, &key).await["PrimaryKeyVersion"], enabled["PrimaryKeyVersion"]);
}

#[tokio::test]
async fn a_description_is_set_changed_and_cleared() {
    let server = Server::start().await;
    let key = make(&server, &[("Description", "one")]).await;
    let longest = "ü".repeat(8192);
    for text in ["two", &longest, ""] {
        server.ok("UpdateKeyDescription", &[("KeyId", &key), ("Description", text)]).await;
        assert_eq!(metadata(&server, &key).await["Description"], text);
    }
    let over = format!("{longest}x");
    let update = [("KeyId", key.as_str()), ("Description", &over)];
    assert_eq!(server.refused("UpdateKeyDescription", &update).await, invalid("Description"));
    assert_eq!(server.refused("CreateKey", &[("Description", &over)]).await, invalid("Description"));
}

#[tokio::test]
async fn material_is_imported_by_every_wrapping_algorithm() {
    let server = Server::start().await;
    for algorithm in ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSAES_PKCS1_V1_5"] {
        let key = make(&server, &[("Origin", "EXTERNAL")]).await;
        let before = metadata(&server, &key).await;
        assert_eq!((&before["KeyState"], &before["Origin"]), (&json!("PendingImport"), &json!("EXTERNAL")));
        let (token, public) = import_parameters(&server, &key, algorithm).await;
        let given = [("KeyId", key.as_str()), ("ImportToken", &token)];
        for wrong in [&[1; 31][..], &[1; 33], &[1; 16]] {
            let wrapped = wrap(&public, algorithm, wrong);
            let parameters = [&given[..], &[("EncryptedKeyMaterial", &wrapped)]].concat();
            let refused = server.refused("ImportKeyMaterial", &parameters).await;
            assert_eq!(refused, refusal(400, "InvalidKeyMaterial", "key material is invalid"), "{algorithm}");
        }
        assert_eq!(metadata(&server, &key).await, before);
        let wrapped = wrap(&public, algorithm, &[1; 32]);
        let parameters = [&given[..], &[("EncryptedKeyMaterial", &wrapped)]].concat();
        server.ok("ImportKeyMaterial", &parameters).await;
        let after = metadata(&server, &key).await;
        assert_eq!((&after["KeyState"], &after["MaterialExpireTime"]), (&json!("Enabled"), &json!("")));
        let blob = sealed(&server, &key).await;
        assert_eq!(server.ok("Decrypt", &[("CiphertextBlob", &blob)]).await["Plaintext"], PLAINTEXT.1);
    }
}

#[tokio::test]
async fn a_key_takes_again_only_the_material_it_had() {
    let server = Server::start().await;
    let key = make(&server, &[("Origin", "EXTERNAL")]).await;
    import(&server, &key, &[1; 32], &[]).await.ok();
    let blob = sealed(&server, &key).await;
    let secret = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "1"), ("EncryptionKeyId", &key)];
    server.ok("CreateSecret", &secret).await;
    let wrong = refusal(400, "InvalidKeyMaterial", "key material is invalid");
    assert_eq!(import(&server, &key, &[2; 32], &[]).await.refused(), wrong, "also while it has material");
    server.ok("DeleteKeyMaterial", &[("KeyId", &key)]).await;
    assert_eq!(server.refused("Decrypt", &[("CiphertextBlob", &blob)]).await, state("PendingImport"));
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "s")]).await, state("PendingImport"));
    assert_eq!(server.refused("DeleteKeyMaterial", &[("KeyId", &key)]).await, state("PendingImport"));
    assert_eq!(import(&server, &key, &[2; 32], &[]).await.refused(), wrong);
    assert_eq!(metadata(&server, &key).await["KeyState"], "PendingImport");
    import(&server, &key, &[1; 32], &[]).await.ok();
    assert_eq!(server.ok("Decrypt", &[("CiphertextBlob", &blob)]).await["Plaintext"], PLAINTEXT.1);
    assert_eq!(server.value("s", &[]).await, "1");
    let another = make(&server, &[("Origin", "EXTERNAL")]).await;
    import(&server, &another, &[2; 32], &[]).await.ok();
}

#[tokio::test]
async fn imported_material_expires_and_may_be_imported_again() {
    let server = Server::start().await;
    let key = make(&server, &[("Origin", "EXTERNAL")]).await;
    let at = |days: i64| (NOW.plus_days(days).as_millis() / 1000).to_string();
    let expires = |days| at(days);
    let refused = import(&server, &key, &[1; 32], &[("KeyMaterialExpireUnix", &expires(0))]).await.refused();
    assert_eq!(refused, invalid("KeyMaterialExpireUnix"));
    import(&server, &key, &[1; 32], &[("KeyMaterialExpireUnix", &expires(3))]).await.ok();
    assert_eq!(metadata(&server, &key).await["MaterialExpireTime"], "2026-11-27T03:30:00Z");
    let blob = sealed(&server, &key).await;
    server.advance_seconds(3 * DAY - 1).await;
    assert_eq!(metadata(&server, &key).await["KeyState"], "Enabled");
    server.advance_seconds(1).await;
    let now = metadata(&server, &key).await;
    assert_eq!((&now["KeyState"], &now["MaterialExpireTime"]), (&json!("PendingImport"), &json!("")));
    assert_eq!(server.refused("Decrypt", &[("CiphertextBlob", &blob)]).await, state("PendingImport"));
    // The same again, this time for good.
    import(&server, &key, &[1; 32], &[("KeyMaterialExpireUnix", "0")]).await.ok();
    server.advance_seconds(1000 * DAY).await;
    assert_eq!(server.ok("Decrypt", &[("CiphertextBlob", &blob)]).await["Plaintext"], PLAINTEXT.1);
}

#[tokio::test]
async fn a_disabled_key_loses_expired_material_too() {
    let server = Server::start().await;
    let key = make(&server, &[("Origin", "EXTERNAL")]).await;
    let expires = (NOW.plus_days(3).as_millis() / 1000).to_string();
    import(&server, &key, &[1; 32], &[("KeyMaterialExpireUnix", &expires)]).await.ok();
    server.ok("DisableKey", &[("KeyId", &key)]).await;
    server.advance_seconds(3 * DAY).await;
    assert_eq!(metadata(&server, &key).await["KeyState"], "PendingImport");
}

#[tokio::test]
async fn import_tokens_that_are_expired_foreign_or_garbled() {
    let server = Server::start().await;
    let (key, other) =
        (make(&server, &[("Origin", "EXTERNAL")]).await, make(&server, &[("Origin", "EXTERNAL")]).await);
    let (token, public) = import_parameters(&server, &key, "RSAES_OAEP_SHA_256").await;
    let wrapped = wrap(&public, "RSAES_OAEP_SHA_256", &[1; 32]);
    let with =
        |key, token| [("KeyId", key), ("ImportToken", token), ("EncryptedKeyMaterial", wrapped.as_str())];
    let wrong = refusal(400, "InvalidImportToken", "import token is invalid");
    assert_eq!(server.refused("ImportKeyMaterial", &with(&other, &token)).await, wrong, "of another key");
    let mut garbled = token.clone().into_bytes();
    garbled[40] = if garbled[40] == b'A' { b'B' } else { b'A' };
    let garbled = String::from_utf8(garbled).unwrap();
    for bad in ["AAAA", &token[..token.len() / 8 * 4], &garbled] {
        assert_eq!(server.refused("ImportKeyMaterial", &with(&key, bad)).await, wrong, "{bad}");
    }
    assert_eq!(server.refused("ImportKeyMaterial", &with(&key, "@@")).await, invalid("ImportToken"));
    // Material wrapped for another token does not decrypt.
    let (fresh, _) = import_parameters(&server, &key, "RSAES_OAEP_SHA_256").await;
    let material = refusal(400, "InvalidKeyMaterial", "key material is invalid");
    assert_eq!(server.refused("ImportKeyMaterial", &with(&key, &fresh)).await, material);
    server.advance_seconds(DAY).await;
    let expired = refusal(400, "ExpiredImportToken", "import token is expired");
    assert_eq!(server.refused("ImportKeyMaterial", &with(&key, &token)).await, expired);
    assert_eq!(metadata(&server, &key).await["KeyState"], "PendingImport");
}

#[tokio::test]
async fn keys_are_listed_newest_first_by_pages() {
    let server = Server::start().await;
    let mut made = Vec::new();
    for _ in 0..25 {
        made.push(make(&server, &[]).await);
        server.advance_seconds(1).await;
    }
    made.reverse();
    let page = |number, size| [("PageNumber", number), ("PageSize", size)];
    let first = server.ok("ListKeys", &[]).await;
    assert_eq!(ids(&first), made[..10], "ten by default");
    let counts = [&first["PageNumber"], &first["PageSize"], &first["TotalCount"]];
    assert_eq!(counts, [&json!(1), &json!(10), &json!(25)]);
    assert_eq!(first["Keys"]["Key"][0]["KeyArn"], format!("acs:kms:cn-hangzhou:{ACCOUNT}:key/{}", made[0]));
    assert_eq!(ids(&server.ok("ListKeys", &page("2", "10")).await), made[10..20]);
    assert_eq!(ids(&server.ok("ListKeys", &page("3", "10")).await), made[20..]);
    let beyond = server.ok("ListKeys", &page("4", "10")).await;
    assert_eq!((ids(&beyond).len(), &beyond["TotalCount"]), (0, &json!(25)));
    assert_eq!(ids(&server.ok("ListKeys", &page("1", "100")).await), made);
    for (name, value) in [("PageSize", "101"), ("PageSize", "0"), ("PageNumber", "0"), ("PageNumber", "x")] {
        assert_eq!(server.refused("ListKeys", &[(name, value)]).await, invalid(name), "{value}");
    }
}

#[tokio::test]
async fn keys_are_listed_by_every_filter() {
    let server = Server::start().await;
    let tag = |key, value| format!(r#"[{{"TagKey":"{key}","TagValue":"{value}"}}]"#);
    let [red, blue] = [tag("colour", "red"), tag("colour", "blue")];
    let mut made = Vec::new();
    for parameters in [
        &[("Tags", red.as_str())][..],
        &[("KeySpec", "Aliyun_SM4"), ("Tags", &blue)],
        &[("KeySpec", "EC_P256"), ("ProtectionLevel", "HSM")],
        &[("Origin", "EXTERNAL")],
    ] {
        made.push(make(&server, parameters).await);
        server.advance_seconds(1).await;
    }
    let [aes, sm4, pair, waiting] = &made[..] else { panic!("four keys") };
    server.ok("DisableKey", &[("KeyId", sm4)]).await;
    server.ok("CreateAlias", &[("KeyId", aes), ("AliasName", "alias/aes")]).await;
    server.create("s").await;
    let service = {
        let only = r#"[{"Key":"CreatorType","Values":["Service"]}]"#;
        let answer = server.ok("ListKeys", &[("Filters", only)]).await;
        assert_eq!(answer["TotalCount"], 1);
        ids(&answer)[0].to_owned()
    };
    assert!(!made.contains(&service));
    let cases: &[(Value, &[&String])] = &[
        (json!([]), &[waiting, pair, sm4, aes]),
        (json!([["KeyState", ["Disabled"]]]), &[sm4]),
        (json!([["KeyState", ["Disabled", "PendingImport"]]]), &[waiting, sm4]),
        (json!([["KeyState", ["PendingDeletion"]]]), &[]),
        (json!([["KeySpec", ["Aliyun_SM4"]]]), &[sm4]),
        (json!([["KeySpec", ["EC_P256"]], ["KeySpec", ["Aliyun_SM4"]]]), &[pair, sm4]),
        (json!([["KeyUsage", ["SIGN/VERIFY"]]]), &[pair]),
        (json!([["ProtectionLevel", ["HSM"]]]), &[pair]),
        (json!([["CreatorType", ["User"]]]), &[waiting, pair, sm4, aes]),
        (json!([["Creator", [ACCOUNT]]]), &[waiting, pair, sm4, aes]),
        (json!([["Creator", ["1"]]]), &[]),
        (json!([["DKMSInstanceId", ["kst-1"]]]), &[]),
        (json!([["keyId", [aes, pair]]]), &[pair, aes]),
        (json!([["AliasName", ["alias/aes"]]]), &[aes]),
        (json!([["AliasName", ["alias/none"]]]), &[]),
        (json!([["TagKey", ["colour"]]]), &[sm4, aes]),
        (json!([["TagValue", ["red"]]]), &[aes]),
        (json!([["TagKey", ["colour"]], ["TagValue", ["blue"]], ["KeyState", ["Disabled"]]]), &[sm4]),
        (json!([["KeyState", ["Enabled"]], ["KeySpec", ["Aliyun_SM4"]]]), &[]),
    ];
    for (pairs, wanted) in cases {
        let filters = pairs.as_array().unwrap().iter();
        let filters: Vec<Value> = filters.map(|pair| json!({"Key": pair[0], "Values": pair[1]})).collect();
        let answer = server.ok("ListKeys", &[("Filters", &json!(filters).to_string())]).await;
        assert_eq!(ids(&answer), *wanted, "{pairs}");
        assert_eq!(answer["TotalCount"], wanted.len(), "{pairs}");
    }
    let many = json!(vec![json!({"Key": "KeyState", "Values": ["Enabled"]}); 11]).to_string();
    let values = json!([{"Key": "KeyState", "Values": vec!["Enabled"; 11]}]).to_string();
    for bad in
        ["{", "{}", "[1]", r#"[{"Key":"KeyState"}]"#, r#"[{"Key":"Unknown","Values":["x"]}]"#, &many, &values]
    {
        assert_eq!(server.refused("ListKeys", &[("Filters", bad)]).await, invalid("Filters"), "{bad}");
    }
}

#[tokio::test]
async fn aliases_are_listed_by_pages_and_by_key() {
    let server = Server::start().await;
    let keys = [make(&server, &[]).await, make(&server, &[]).await];
    for n in 0..12 {
        let alias = format!("alias/{n:02}");
        server.ok("CreateAlias", &[("KeyId", &keys[n % 2]), ("AliasName", &alias)]).await;
    }
    let names = |answer: &Value| -> Vec<String> {
        let rows = answer["Aliases"]["Alias"].as_array().unwrap();
        rows.iter().map(|row| text(&row["AliasName"]).to_owned()).collect()
    };
    for parameters in [&[][..], &[("PageSize", "0")], &[("PageSize", "10"), ("PageNumber", "1")]] {
        let answer = server.ok("ListAliases", parameters).await;
        assert_eq!(
            (names(&answer).len(), &answer["TotalCount"], &answer["PageSize"]),
            (10, &json!(12), &json!(10))
        );
    }
    let rest = server.ok("ListAliases", &[("PageNumber", "2")]).await;
    assert_eq!(names(&rest).len(), 2);
    let all = server.ok("ListAliases", &[("PageSize", "100")]).await;
    let row = &all["Aliases"]["Alias"][0];
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:{}", text(&row["AliasName"]));
    assert_eq!(row["AliasArn"], arn, "the prefix occurs once");
    for (odd, key) in keys.iter().enumerate() {
        let answer = server.ok("ListAliasesByKeyId", &[("KeyId", key), ("PageSize", "4")]).await;
        assert_eq!((names(&answer).len(), &answer["TotalCount"]), (4, &json!(6)));
        let rest = [("KeyId", key.as_str()), ("PageSize", "4"), ("PageNumber", "2")];
        let rest = server.ok("ListAliasesByKeyId", &rest).await;
        let mut both = [names(&answer), names(&rest)].concat();
        both.sort();
        let wanted: Vec<String> = (0..12).filter(|n| n % 2 == odd).map(|n| format!("alias/{n:02}")).collect();
        assert_eq!(both, wanted);
    }
    assert_eq!(server.refused("ListAliases", &[("PageSize", "x")]).await, invalid("PageSize"));
}

#[tokio::test]
async fn a_key_has_the_same_tags_in_both_styles() {
    let server = Server::start().await;
    let keys = [make(&server, &[]).await, make(&server, &[]).await];
    server.ok("CreateAlias", &[("KeyId", &keys[0]), ("AliasName", "alias/a")]).await;
    let new_style = [("RegionId", "cn-hangzhou"), ("ResourceType", "key")];
    let old = |key: String| {
        let server = &server;
        async move {
            let answer = server.ok("ListResourceTags", &[("KeyId", &key)]).await;
            let rows = answer["Tags"]["Tag"].as_array().unwrap().clone();
            assert!(rows.iter().all(|row| row["KeyId"] == keys_of(&key, row)));
            rows.iter()
                .map(|r| format!("{}={}", text(&r["TagKey"]), text(&r["TagValue"])))
                .collect::<Vec<_>>()
        }
    };
    server.ok("TagResource", &[("KeyId", &keys[0]), ("Tags", r#"[{"TagKey":"a","TagValue":"1"}]"#)]).await;
    let both = [("ResourceId.1", keys[0].as_str()), ("ResourceId.2", &keys[1])];
    let tags = [("Tag.1.Key", "b"), ("Tag.1.Value", "2"), ("Tag.2.Key", "c"), ("Tag.2.Value", "3")];
    server.ok("TagResources", &[&new_style[..], &both, &tags].concat()).await;
    assert_eq!(old(keys[0].clone()).await, ["a=1", "b=2", "c=3"]);
    assert_eq!(old("alias/a".to_owned()).await, ["a=1", "b=2", "c=3"]);
    assert_eq!(old(keys[1].clone()).await, ["b=2", "c=3"]);
    let listed = |more: Vec<(&'static str, &'static str)>| {
        let server = &server;
        async move {
            let answer = server.ok("ListTagResources", &[&new_style[..], &more].concat()).await;
            assert_eq!(answer["NextToken"], "");
            let rows = answer["TagResources"]["TagResource"].as_array().unwrap().clone();
            assert!(rows.iter().all(|row| row["ResourceType"] == "key"), "{rows:?}");
            rows.len()
        }
    };
    assert_eq!(listed(vec![]).await, 5);
    assert_eq!(listed(vec![("Tag.1.Key", "a")]).await, 3, "all tags of the key that carries it");
    assert_eq!(listed(vec![("Tag.1.Key", "b"), ("Tag.1.Value", "9")]).await, 0);
    // A value is replaced; removal in each style.
    server.ok("TagResource", &[("KeyId", &keys[0]), ("Tags", r#"[{"TagKey":"a","TagValue":"9"}]"#)]).await;
    assert_eq!(old(keys[0].clone()).await, ["a=9", "b=2", "c=3"]);
    server.ok("UntagResource", &[("KeyId", &keys[0]), ("TagKeys", r#"["a","unknown"]"#)]).await;
    assert_eq!(old(keys[0].clone()).await, ["b=2", "c=3"]);
    server.ok("UntagResources", &[&new_style[..], &both, &[("TagKey.1", "b")]].concat()).await;
    assert_eq!(
        (old(keys[0].clone()).await, old(keys[1].clone()).await),
        (vec!["c=3".into()], vec!["c=3".into()])
    );
    server.ok("UntagResources", &[&new_style[..], &both[..1], &[("All", "true")]].concat()).await;
    assert_eq!((old(keys[0].clone()).await, old(keys[1].clone()).await), (vec![], vec!["c=3".to_owned()]));
    // Nothing is done when one of several resources does not exist.
    let unknown = refusal(404, "InvalidResourceId.NotFound", "The specified ResourceId is not found.");
    let missing = [("ResourceId.1", keys[0].as_str()), ("ResourceId.2", "key-nothing")];
    let refused = server.refused("TagResources", &[&new_style[..], &missing, &tags].concat()).await;
    assert_eq!(refused, unknown);
    let refused =
        server.refused("UntagResources", &[&new_style[..], &missing, &[("All", "true")]].concat()).await;
    assert_eq!(refused, unknown);
    let refused = server.refused("ListTagResources", &[&new_style[..], &missing].concat()).await;
    assert_eq!(refused, unknown);
    assert_eq!(old(keys[0].clone()).await, Vec::<String>::new());
    // At most twenty tags.
    for n in 0..20 {
        let tag = format!(r#"[{{"TagKey":"t{n}","TagValue":"v"}}]"#);
        server.ok("TagResource", &[("KeyId", &keys[0]), ("Tags", &tag)]).await;
    }
    let tag = [("KeyId", keys[0].as_str()), ("Tags", r#"[{"TagKey":"more","TagValue":"v"}]"#)];
    assert_eq!(server.refused("TagResource", &tag).await, super::full());
    assert_eq!(old(keys[0].clone()).await.len(), 20);
}

/// The id that a row must contain: that of the key, also when an alias was given.
fn keys_of(named: &str, row: &Value) -> String {
    if named.starts_with("alias/") { text(&row["KeyId"]).to_owned() } else { named.to_owned() }
}
