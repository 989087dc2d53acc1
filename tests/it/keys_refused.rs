//! Wrong parameters of key actions: the documented code, the parameter named, nothing stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{ACCOUNT, NOW, Options, Server, invalid, missing, refusal, text};

const PLAINTEXT: (&str, &str) = ("Plaintext", "aGVsbG8=");

/// An action, the parameter that is wrong, and what is sent.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

async fn with_key() -> (Server, String) {
    let server = Server::start().await;
    let key = text(&server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    (server, key)
}

#[tokio::test]
async fn wrong_parameters_of_key_actions_are_named_and_store_nothing() {
    let (server, key) = with_key().await;
    let most = STANDARD.encode([b'x'; 6144]);
    let over = STANDARD.encode([b'x'; 6145]);
    let id = ("KeyId", key.as_str());
    server.ok("Encrypt", &[id, ("Plaintext", &most)]).await;
    let before = server.ok("DescribeKey", &[id]).await["KeyMetadata"].clone();
    let cases: &[Case<'_>] = &[
        ("Encrypt", "Plaintext", &[id, ("Plaintext", &over)]),
        ("Encrypt", "Plaintext", &[id, ("Plaintext", "@@")]),
        ("Encrypt", "EncryptionContext", &[id, PLAINTEXT, ("EncryptionContext", "{a")]),
        ("Encrypt", "EncryptionContext", &[id, PLAINTEXT, ("EncryptionContext", "[]")]),
        ("Encrypt", "EncryptionContext", &[id, PLAINTEXT, ("EncryptionContext", r#"{"a":1}"#)]),
        ("Encrypt", "KeyId", &[("KeyId", "acs:kms:cn-hangzhou"), PLAINTEXT]),
        ("Decrypt", "CiphertextBlob", &[("CiphertextBlob", "@@")]),
        ("Decrypt", "CiphertextBlob", &[("CiphertextBlob", "aGVsbG8=")]),
        ("CreateKey", "KeySpec", &[("KeySpec", "Aliyun_AES_512")]),
        ("CreateKey", "KeyUsage", &[("KeyUsage", "SIGN")]),
        ("CreateKey", "KeyUsage", &[("KeySpec", "EC_P256"), ("KeyUsage", "ENCRYPT/DECRYPT")]),
        ("CreateKey", "Origin", &[("Origin", "ELSEWHERE")]),
        ("CreateKey", "RotationInterval", &[("EnableAutomaticRotation", "true"), ("RotationInterval", "1d")]),
        ("GenerateDataKey", "KeySpec", &[id, ("KeySpec", "AES_512")]),
        ("GenerateDataKey", "NumberOfBytes", &[id, ("NumberOfBytes", "0")]),
        ("GenerateDataKey", "NumberOfBytes", &[id, ("NumberOfBytes", "1025")]),
        ("ScheduleKeyDeletion", "PendingWindowInDays", &[id, ("PendingWindowInDays", "6")]),
        ("ScheduleKeyDeletion", "PendingWindowInDays", &[id, ("PendingWindowInDays", "367")]),
        ("CreateAlias", "AliasName", &[id, ("AliasName", "no-prefix")]),
        (
            "UpdateRotationPolicy",
            "RotationInterval",
            &[id, ("EnableAutomaticRotation", "true"), ("RotationInterval", "731d")],
        ),
        ("ListKeys", "Filters", &[("Filters", r#"[{"Key":"Nope","Values":["x"]}]"#)]),
        ("ListKeys", "PageSize", &[("PageSize", "0")]),
    ];
    for (action, name, parameters) in cases {
        assert_eq!(server.refused(action, parameters).await, invalid(name), "{action} {parameters:?}");
    }
    let needed = [
        ("Encrypt", "KeyId"),
        ("Decrypt", "CiphertextBlob"),
        ("CreateAlias", "AliasName"),
        ("DescribeKey", "KeyId"),
    ];
    for (action, name) in needed {
        assert_eq!(server.refused(action, &[PLAINTEXT]).await, missing(name), "{action}");
    }
    assert_eq!(server.ok("DescribeKey", &[id]).await["KeyMetadata"], before);
    assert_eq!(server.ok("ListKeys", &[]).await["TotalCount"], 1);
    assert_eq!(server.ok("ListAliases", &[]).await["TotalCount"], 0);
}

#[tokio::test]
async fn an_altered_or_truncated_blob_is_refused_wherever_it_is_altered() {
    let (server, key) = with_key().await;
    let context = ("EncryptionContext", r#"{"a":"b"}"#);
    let sealed = server.ok("Encrypt", &[("KeyId", &key), PLAINTEXT, context]).await;
    let blob = STANDARD.decode(text(&sealed["CiphertextBlob"])).unwrap();
    for at in 0..blob.len() {
        let mut altered = blob.clone();
        altered[at] ^= 1;
        for wrong in [&altered[..], &blob[..at]] {
            let (status, code, _) =
                server.refused("Decrypt", &[("CiphertextBlob", &STANDARD.encode(wrong)), context]).await;
            // A blob that names another key may name one that does not exist.
            let known =
                [(400, "InvalidParameter"), (400, "MissingParameter"), (404, "Forbidden.KeyNotFound")];
            assert!(known.contains(&(status, &code)), "byte {at}: {status} {code}");
        }
    }
    let encoded = STANDARD.encode(&blob);
    for other in ["{}", r#"{"a":"c"}"#, r#"{"a":"b","c":""}"#] {
        let parameters = [("CiphertextBlob", encoded.as_str()), ("EncryptionContext", other)];
        assert_eq!(server.refused("Decrypt", &parameters).await, invalid("CiphertextBlob"), "{other}");
    }
    let opened = server.ok("Decrypt", &[("CiphertextBlob", &encoded), context]).await;
    assert_eq!(opened["Plaintext"], PLAINTEXT.1);
}

#[tokio::test]
async fn a_blob_of_another_server_and_a_key_of_elsewhere_are_refused() {
    let (server, key) = with_key().await;
    let dir = tempfile::tempdir().unwrap();
    let other = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    let foreign = text(&other.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    let sealed = other.ok("Encrypt", &[("KeyId", &foreign), PLAINTEXT]).await;
    let not_found = refusal(404, "Forbidden.KeyNotFound", "The specified Key is not found.");
    let blob = [("CiphertextBlob", text(&sealed["CiphertextBlob"]))];
    assert_eq!(server.refused("Decrypt", &blob).await, not_found);
    other.stop().await;

    let here = format!("acs:kms:cn-hangzhou:{ACCOUNT}:key/{key}");
    assert_eq!(server.ok("DescribeKey", &[("KeyId", &here)]).await["KeyMetadata"]["KeyId"], key.as_str());
    let elsewhere = format!("acs:kms:cn-beijing:{ACCOUNT}:key/{key}");
    assert_eq!(server.refused("DescribeKey", &[("KeyId", &elsewhere)]).await, not_found);
    let theirs = format!("acs:kms:cn-hangzhou:1000000000000009:key/{key}");
    let forbidden = format!("This operation for {theirs} is forbidden by permission system.");
    let forbidden = refusal(403, "Forbidden.NoPermission", &forbidden);
    for (action, parameters) in [
        ("DescribeKey", vec![("KeyId", theirs.as_str())]),
        ("Encrypt", vec![("KeyId", &theirs), PLAINTEXT]),
        ("ScheduleKeyDeletion", vec![("KeyId", &theirs), ("PendingWindowInDays", "7")]),
    ] {
        assert_eq!(server.refused(action, &parameters).await, forbidden, "{action}");
    }
}

#[tokio::test]
async fn imported_material_expires_by_the_clock_and_a_wrong_import_changes_nothing() {
    let (server, generated) = with_key().await;
    let made = server.ok("CreateKey", &[("Origin", "EXTERNAL")]).await["KeyMetadata"]["KeyId"].clone();
    let id = ("KeyId", text(&made));
    let wrap = [("WrappingAlgorithm", "RSAES_OAEP_SHA_256"), ("WrappingKeySpec", "RSA_2048")];
    let of_generated = [&[("KeyId", generated.as_str())], &wrap[..]].concat();
    let unsupported = server.refused("GetParametersForImport", &of_generated).await;
    assert_ne!(unsupported.0, 500, "{unsupported:?}");
    let given = server.ok("GetParametersForImport", &[&[id], &wrap[..]].concat()).await;
    let token = ("ImportToken", text(&given["ImportToken"]));
    let expires = NOW.plus_days(2).as_millis() / 1000;
    let expires = ("KeyMaterialExpireUnix", expires.to_string());
    let expires = (expires.0, expires.1.as_str());
    let garbage = STANDARD.encode([7; 256]);
    let import = |material| [id, token, expires, ("EncryptedKeyMaterial", material)];
    let (status, code, _) = server.refused("ImportKeyMaterial", &import(&garbage)).await;
    assert_eq!((status, code.as_str()), (400, "InvalidKeyMaterial"));
    let state = || async { server.ok("DescribeKey", &[id]).await["KeyMetadata"]["KeyState"].clone() };
    assert_eq!(state().await, "PendingImport");

    let public = STANDARD.decode(text(&given["PublicKey"])).unwrap();
    let public: rsa::PublicKey = rsa::pkcs8::DecodePublicKey::from_public_key_der(&public).unwrap();
    let padding = rsa::Oaep::<sha2::Sha256>::new();
    let wrapped = public.encrypt(&mut rand::rng(), padding, &[9; 32]).unwrap();
    server.ok("ImportKeyMaterial", &import(&STANDARD.encode(wrapped))).await;
    assert_eq!(state().await, "Enabled");
    server.ok("Encrypt", &[id, PLAINTEXT]).await;
    server.clock.set(NOW.plus_days(3));
    assert_eq!(state().await, "PendingImport");
    let (_, code, _) = server.refused("Encrypt", &[id, PLAINTEXT]).await;
    assert_eq!(code, "Rejected.PendingImport");
}
