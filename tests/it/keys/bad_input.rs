//! Invalid input of key actions: the documented code, naming the parameter, and nothing stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{PLAINTEXT, Refused, first_version, key_not_found, make, metadata, schedule, sealed};
use crate::support::{OTHER_ACCOUNT, Options, Server, invalid, missing, refusal, text};

/// Everything that a caller can see of the keys: metadata, versions, aliases.
async fn seen(server: &Server) -> Vec<Value> {
    let listed = server.ok("ListKeys", &[("PageSize", "100")]).await["Keys"].clone();
    let mut seen = vec![server.ok("ListAliases", &[]).await["Aliases"].clone()];
    for row in listed["Key"].as_array().unwrap() {
        let key = text(&row["KeyId"]);
        seen.push(metadata(server, key).await);
        seen.push(server.ok("ListKeyVersions", &[("KeyId", key)]).await["KeyVersions"].clone());
    }
    seen
}

/// An action, its parameters, and the expected refusal.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Refused);

/// Calls that must be refused as expected and change nothing.
async fn refused(server: &Server, cases: &[Case<'_>]) {
    let before = seen(server).await;
    for (action, parameters, want) in cases {
        assert_eq!(&server.refused(action, parameters).await, want, "{action} {parameters:.80?}");
    }
    assert_eq!(seen(server).await, before);
}

#[tokio::test]
async fn plaintexts() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let id = ("KeyId", key.as_str());
    let longest = STANDARD.encode([0xA5; 6144]);
    let encrypted = server.ok("Encrypt", &[id, ("Plaintext", &longest)]).await;
    let opened = server.ok("Decrypt", &[("CiphertextBlob", text(&encrypted["CiphertextBlob"]))]).await;
    assert_eq!(opened["Plaintext"], longest);
    let (over, text_over) = (STANDARD.encode([0xA5; 6145]), "@".repeat(6145));
    let case = |bad| ("Encrypt", vec![id, ("Plaintext", bad)], invalid("Plaintext"));
    let mut cases: Vec<_> = [over.as_str(), &text_over].into_iter().map(case).collect();
    cases.push(("Encrypt", vec![id, ("Plaintext", "")], missing("Plaintext")));
    cases.push(("Encrypt", vec![id], missing("Plaintext")));
    refused(&server, &cases).await;
}

#[tokio::test]
async fn contexts() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let id = ("KeyId", key.as_str());
    let of_length = |length: usize| format!(r#"{{"k":"{}"}}"#, "ü".repeat(length - 8));
    let longest = of_length(8192);
    assert_eq!(longest.chars().count(), 8192);
    for context in [longest.as_str(), "{}", r#"{"a":""}"#, r#"{"b":"2","a":"1"}"#] {
        let context = ("EncryptionContext", context);
        let encrypted = server.ok("Encrypt", &[id, PLAINTEXT, context]).await;
        let blob = ("CiphertextBlob", text(&encrypted["CiphertextBlob"]));
        assert_eq!(server.ok("Decrypt", &[blob, context]).await["Plaintext"], PLAINTEXT.1);
    }
    // As a map: the order of its members is ignored, everything else counts.
    let sealed_with =
        server.ok("Encrypt", &[id, PLAINTEXT, ("EncryptionContext", r#"{"b":"2","a":"1"}"#)]).await;
    let blob = ("CiphertextBlob", text(&sealed_with["CiphertextBlob"]));
    server.ok("Decrypt", &[blob, ("EncryptionContext", r#"{ "a":"1", "b":"2" }"#)]).await;
    let mut cases = vec![("Decrypt", vec![blob], invalid("CiphertextBlob"))];
    for other in
        ["{}", r#"{"a":"1"}"#, r#"{"a":"2","b":"1"}"#, r#"{"a":"1","b":"2","c":"3"}"#, r#"{"A":"1","b":"2"}"#]
    {
        cases.push(("Decrypt", vec![blob, ("EncryptionContext", other)], invalid("CiphertextBlob")));
    }
    let over = of_length(8193);
    for bad in [
        "{",
        "x",
        "[]",
        "[\"a\"]",
        "1",
        "\"a\"",
        "null",
        "true",
        r#"{"a":1}"#,
        r#"{"a":null}"#,
        r#"{"a":true}"#,
        r#"{"a":{}}"#,
        r#"{"a":["b"]}"#,
        &over,
    ] {
        for name in ["SourceEncryptionContext", "DestinationEncryptionContext"] {
            cases.push(("ReEncrypt", vec![blob, ("DestinationKeyId", &key), (name, bad)], invalid(name)));
        }
        let bad = ("EncryptionContext", bad);
        let wrong = invalid(bad.0);
        cases.push(("Encrypt", vec![id, PLAINTEXT, bad], wrong.clone()));
        cases.push(("GenerateDataKey", vec![id, bad], wrong.clone()));
        cases.push(("GenerateDataKeyWithoutPlaintext", vec![id, bad], wrong.clone()));
        cases.push(("Decrypt", vec![blob, bad], wrong));
    }
    refused(&server, &cases).await;
}

#[tokio::test]
async fn blobs() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let blob = STANDARD.decode(sealed(&server, &key).await).unwrap();
    let over = STANDARD.encode(vec![1; 16 * 1024 + 1]);
    for bad in ["@@", "aGVsbG8", "aGVsbG8=", &over] {
        let refused = server.refused("Decrypt", &[("CiphertextBlob", bad)]).await;
        assert_eq!(refused, invalid("CiphertextBlob"), "{bad:.20}");
        let again = [("CiphertextBlob", bad), ("DestinationKeyId", &key)];
        assert_eq!(server.refused("ReEncrypt", &again).await, invalid("CiphertextBlob"), "{bad:.20}");
    }
    assert_eq!(server.refused("Decrypt", &[]).await, missing("CiphertextBlob"));
    // The key's id is readable in a blob: if it is altered, another key is named, which does not exist.
    let named = blob.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
    let named = named..named + key.len();
    for at in 0..blob.len() {
        for bit in [0x01, 0x80] {
            let mut altered = blob.clone();
            altered[at] ^= bit;
            let refused = server.refused("Decrypt", &[("CiphertextBlob", &STANDARD.encode(&altered))]).await;
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"_/+=.@-".contains(&b);
            if named.contains(&at) && fits(altered[at]) {
                assert_eq!(refused, key_not_found(), "byte {at}");
            } else {
                assert_eq!(refused, invalid("CiphertextBlob"), "byte {at} bit {bit:x}");
            }
        }
    }
    for length in (1..blob.len()).rev() {
        let refused =
            server.refused("Decrypt", &[("CiphertextBlob", &STANDARD.encode(&blob[..length]))]).await;
        assert_eq!(refused, invalid("CiphertextBlob"), "{length} bytes");
    }
    let longer = STANDARD.encode([&blob[..], &[0]].concat());
    assert_eq!(server.refused("Decrypt", &[("CiphertextBlob", &longer)]).await, invalid("CiphertextBlob"));
}

#[tokio::test]
async fn a_blob_of_another_server_names_an_unknown_key() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = Server::with(Options { dir: Some(one.path()), ..Options::default() }).await;
    let there = Server::with(Options { dir: Some(two.path()), ..Options::default() }).await;
    let key = make(&here, &[]).await;
    let blob = sealed(&there, &make(&there, &[]).await).await;
    assert_eq!(here.refused("Decrypt", &[("CiphertextBlob", &blob)]).await, key_not_found());
    let again = [("CiphertextBlob", blob.as_str()), ("DestinationKeyId", &key)];
    assert_eq!(here.refused("ReEncrypt", &again).await, key_not_found());
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn unknown_words_and_numbers_out_of_bounds() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let external = make(&server, &[("Origin", "EXTERNAL")]).await;
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    let version = first_version(&server, &pair).await;
    let digest = ("Digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let mut cases = Vec::new();
    for (name, values) in [
        ("KeySpec", &["AES_256", "aliyun_aes_256", "RSA_1024", "x"][..]),
        ("KeyUsage", &["SIGN", "encrypt/decrypt", "SIGN/VERIFY"]),
        ("Origin", &["aliyun_kms", "external", "AWS"]),
        ("ProtectionLevel", &["software", "x"]),
        ("EnableAutomaticRotation", &["yes", "1"]),
    ] {
        cases.extend(values.iter().map(|value| ("CreateKey", vec![(name, *value)], invalid(name))));
    }
    for spec in ["EC_P256", "EC_P256K"] {
        let usage = vec![("KeySpec", spec), ("KeyUsage", "ENCRYPT/DECRYPT")];
        cases.push(("CreateKey", usage, invalid("KeyUsage")));
    }
    let on = ("EnableAutomaticRotation", "true");
    for interval in ["1w", "6d", "731d", "604799s", "63072001s", "d", "7", "-7d", "7 d", "7.5d", "7D", "7dd"]
    {
        let interval = ("RotationInterval", interval);
        cases.push(("CreateKey", vec![on, interval], invalid("RotationInterval")));
        let update = vec![("KeyId", key.as_str()), on, interval];
        cases.push(("UpdateRotationPolicy", update, invalid("RotationInterval")));
    }
    cases.push(("CreateKey", vec![on], missing("RotationInterval")));
    cases.push(("UpdateRotationPolicy", vec![("KeyId", &key), on], missing("RotationInterval")));
    cases.push(("UpdateRotationPolicy", vec![("KeyId", &key)], missing("EnableAutomaticRotation")));
    for days in ["6", "367", "0", "-7", "x", "7.5"] {
        let days = ("PendingWindowInDays", days);
        cases.push(("ScheduleKeyDeletion", vec![("KeyId", &key), days], invalid(days.0)));
    }
    cases.push(("ScheduleKeyDeletion", vec![("KeyId", &key)], missing("PendingWindowInDays")));
    for action in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
        for bytes in ["0", "1025", "-1", "x"] {
            let bytes = ("NumberOfBytes", bytes);
            cases.push((action, vec![("KeyId", &key), bytes], invalid(bytes.0)));
        }
        for spec in ["AES_512", "aes_256", "Aliyun_AES_256"] {
            cases.push((action, vec![("KeyId", &key), ("KeySpec", spec)], invalid("KeySpec")));
        }
    }
    let sign = |algorithm| {
        vec![("KeyId", pair.as_str()), ("KeyVersionId", &version), ("Algorithm", algorithm), digest]
    };
    // Unknown words, and those of other kinds of keys.
    for algorithm in ["x", "ecdsa_sha_256", "RSA_PSS_SHA_256", "SM2DSA", "RSAES_OAEP_SHA_1"] {
        cases.push(("AsymmetricSign", sign(algorithm), invalid("Algorithm")));
        let verify = [sign(algorithm), vec![("Value", "AAAA")]].concat();
        cases.push(("AsymmetricVerify", verify, invalid("Algorithm")));
    }
    for algorithm in ["x", "RSAES_PKCS1_V1_5", "ECDSA_SHA_256", "SM2PKE", "RSAES_OAEP_SHA_256"] {
        let named = vec![("KeyId", pair.as_str()), ("KeyVersionId", &version), ("Algorithm", algorithm)];
        let encrypt = [named.clone(), vec![PLAINTEXT]].concat();
        cases.push(("AsymmetricEncrypt", encrypt, invalid("Algorithm")));
        let decrypt = [named, vec![("CiphertextBlob", "AAAA")]].concat();
        cases.push(("AsymmetricDecrypt", decrypt, invalid("Algorithm")));
    }
    let spec = ("WrappingKeySpec", "RSA_2048");
    for algorithm in ["x", "RSAES_OAEP_SHA_512", "rsaes_oaep_sha_1"] {
        let parameters = vec![("KeyId", external.as_str()), ("WrappingAlgorithm", algorithm), spec];
        cases.push(("GetParametersForImport", parameters, invalid("WrappingAlgorithm")));
    }
    let wrapping = ("WrappingAlgorithm", "RSAES_OAEP_SHA_1");
    for spec in ["x", "RSA_4096"] {
        let parameters = vec![("KeyId", external.as_str()), wrapping, ("WrappingKeySpec", spec)];
        cases.push(("GetParametersForImport", parameters, invalid("WrappingKeySpec")));
    }
    let absent = vec![("KeyId", external.as_str()), wrapping];
    cases.push(("GetParametersForImport", absent, missing("WrappingKeySpec")));
    for spec in ["Aliyun_SM4", "RSA_2048", "EC_P256"] {
        cases.push(("CreateKey", vec![("Origin", "EXTERNAL"), ("KeySpec", spec)], invalid("Origin")));
    }
    refused(&server, &cases).await;
}

#[tokio::test]
async fn bounds_that_are_still_good() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let id = ("KeyId", key.as_str());
    for (interval, shown) in
        [("7d", "604800s"), ("730d", "63072000s"), ("168h", "604800s"), ("10080m", "604800s")]
    {
        let update = [id, ("EnableAutomaticRotation", "TRUE"), ("RotationInterval", interval)];
        server.ok("UpdateRotationPolicy", &update).await;
        assert_eq!(metadata(&server, &key).await["RotationInterval"], shown, "{interval}");
    }
    for (parameters, length) in [
        (&[][..], 32),
        (&[("KeySpec", "AES_128")], 16),
        (&[("KeySpec", "AES_256")], 32),
        (&[("NumberOfBytes", "1")], 1),
        (&[("NumberOfBytes", "1024")], 1024),
        (&[("NumberOfBytes", "64"), ("KeySpec", "AES_128")], 64),
        // The spec is ignored when a number of bytes is given.
        (&[("NumberOfBytes", "8"), ("KeySpec", "AES_512")], 8),
    ] {
        let made = server.ok("GenerateDataKey", &[&[id], parameters].concat()).await;
        assert_eq!(STANDARD.decode(text(&made["Plaintext"])).unwrap().len(), length, "{parameters:?}");
        let opened = server.ok("Decrypt", &[("CiphertextBlob", text(&made["CiphertextBlob"]))]).await;
        assert_eq!(opened["Plaintext"], made["Plaintext"]);
        let hidden = server.ok("GenerateDataKeyWithoutPlaintext", &[&[id], parameters].concat()).await;
        assert!(hidden.get("Plaintext").is_none());
        let opened = server.ok("Decrypt", &[("CiphertextBlob", text(&hidden["CiphertextBlob"]))]).await;
        assert_eq!(STANDARD.decode(text(&opened["Plaintext"])).unwrap().len(), length);
    }
}

#[tokio::test]
async fn a_digest_of_another_length_is_named() {
    let server = Server::start().await;
    for (spec, algorithms) in [
        ("RSA_2048", &["RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256"][..]),
        ("EC_P256", &["ECDSA_SHA_256"]),
        ("EC_P256K", &["ECDSA_SHA_256"]),
        ("EC_SM2", &["SM2DSA"]),
    ] {
        let key = make(&server, &[("KeySpec", spec), ("KeyUsage", "SIGN/VERIFY")]).await;
        let version = first_version(&server, &key).await;
        let named = [("KeyId", key.as_str()), ("KeyVersionId", &version)];
        for algorithm in algorithms {
            let mut cases = Vec::new();
            let lengths = [1_usize, 20, 31, 33, 48, 64, 513];
            let digests: Vec<String> =
                lengths.iter().map(|length| STANDARD.encode(vec![7; *length])).collect();
            for digest in digests.iter().map(String::as_str).chain(["@@"]) {
                let sign = [&named[..], &[("Algorithm", algorithm), ("Digest", digest)]].concat();
                let verify = [&sign[..], &[("Value", "AAAA")]].concat();
                cases.push(("AsymmetricSign", sign, invalid("Digest")));
                cases.push(("AsymmetricVerify", verify, invalid("Digest")));
            }
            refused(&server, &cases).await;
            let digest = STANDARD.encode([7; 32]);
            let sign = [&named[..], &[("Algorithm", *algorithm), ("Digest", &digest)]].concat();
            let signed = server.ok("AsymmetricSign", &sign).await;
            for (value, right) in [(text(&signed["Value"]), true), ("AAAA", false)] {
                let verified =
                    server.ok("AsymmetricVerify", &[&sign[..], &[("Value", value)]].concat()).await;
                assert_eq!(verified["Value"], right, "{spec} {algorithm}");
            }
        }
    }
}

#[tokio::test]
async fn a_dry_run_never_answers_and_stores_nothing() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let disabled = make(&server, &[]).await;
    let pair = make(&server, &[("KeySpec", "EC_SM2"), ("KeyUsage", "SIGN/VERIFY")]).await;
    let sealer = make(&server, &[("KeySpec", "EC_SM2"), ("KeyUsage", "ENCRYPT/DECRYPT")]).await;
    let (one, two) = (first_version(&server, &pair).await, first_version(&server, &sealer).await);
    let (blob, unusable) = (sealed(&server, &key).await, sealed(&server, &disabled).await);
    server.ok("DisableKey", &[("KeyId", &disabled)]).await;
    let doomed = make(&server, &[]).await;
    schedule(&server, &doomed).await;
    let digest = ("Digest", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let pair_named = [("KeyId", pair.as_str()), ("KeyVersionId", &one)];
    let sealer_named = [("KeyId", sealer.as_str()), ("KeyVersionId", &two), ("Algorithm", "SM2PKE")];
    let sign = [&pair_named[..], &[("Algorithm", "SM2DSA"), digest]].concat();
    let signed = server.ok("AsymmetricSign", &sign).await;
    let sealed_to = server.ok("AsymmetricEncrypt", &[&sealer_named[..], &[PLAINTEXT]].concat()).await;
    let good = [
        ("Encrypt", vec![("KeyId", key.as_str()), PLAINTEXT]),
        ("Decrypt", vec![("CiphertextBlob", blob.as_str())]),
        ("ReEncrypt", vec![("CiphertextBlob", blob.as_str()), ("DestinationKeyId", &key)]),
        ("GenerateDataKey", vec![("KeyId", key.as_str())]),
        ("GenerateDataKeyWithoutPlaintext", vec![("KeyId", key.as_str())]),
        ("AsymmetricVerify", [&sign[..], &[("Value", text(&signed["Value"]))]].concat()),
        ("AsymmetricSign", sign),
        ("AsymmetricEncrypt", [&sealer_named[..], &[PLAINTEXT]].concat()),
        (
            "AsymmetricDecrypt",
            [&sealer_named[..], &[("CiphertextBlob", text(&sealed_to["CiphertextBlob"]))]].concat(),
        ),
        ("GetPublicKey", pair_named.to_vec()),
    ];
    let code = |answer: (u16, String, String)| (answer.0, answer.1);
    let wanted = |status, code: &str| (status, code.to_owned());
    let before = seen(&server).await;
    for (action, parameters) in &good {
        for (dry, want) in [("true", true), ("TRUE", true), ("false", false)] {
            let answer = server.call(action, &[&parameters[..], &[("DryRun", dry)]].concat()).await;
            if want {
                assert_eq!(code(answer.refused()), wanted(400, "DryRunOperationError"), "{action}");
            } else {
                answer.ok();
            }
        }
        let odd = [&parameters[..], &[("DryRun", "perhaps")]].concat();
        assert_eq!(server.refused(action, &odd).await, invalid("DryRun"), "{action}");
    }
    let theirs = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:key/{key}");
    let (invalid_run, denied) = ((400, "ValidationError"), (403, "AccessDeniedError"));
    for (action, parameters, (status, want)) in [
        ("Encrypt", vec![("KeyId", "key-nothing"), PLAINTEXT], invalid_run),
        ("Encrypt", vec![("KeyId", disabled.as_str()), PLAINTEXT], invalid_run),
        ("Encrypt", vec![("KeyId", doomed.as_str()), PLAINTEXT], invalid_run),
        ("Encrypt", vec![("KeyId", theirs.as_str()), PLAINTEXT], denied),
        ("Decrypt", vec![("CiphertextBlob", "aGVsbG8=")], invalid_run),
        ("Decrypt", vec![("CiphertextBlob", unusable.as_str())], invalid_run),
        ("ReEncrypt", vec![("CiphertextBlob", blob.as_str()), ("DestinationKeyId", &disabled)], invalid_run),
        ("ReEncrypt", vec![("CiphertextBlob", blob.as_str()), ("DestinationKeyId", &theirs)], denied),
        ("GenerateDataKey", vec![("KeyId", theirs.as_str())], denied),
        ("GenerateDataKeyWithoutPlaintext", vec![("KeyId", disabled.as_str())], invalid_run),
        ("GetPublicKey", vec![("KeyId", theirs.as_str()), ("KeyVersionId", &one)], denied),
        ("GetPublicKey", vec![("KeyId", pair.as_str()), ("KeyVersionId", "nothing")], invalid_run),
    ] {
        let answer = server.refused(action, &[&parameters[..], &[("DryRun", "true")]].concat()).await;
        assert_eq!(code(answer), wanted(status, want), "{action} {parameters:?}");
    }
    assert_eq!(seen(&server).await, before);
}

#[tokio::test]
async fn what_is_for_an_enclave_is_not_supported() {
    let server = Server::start().await;
    let key = make(&server, &[]).await;
    let blob = sealed(&server, &key).await;
    let unsupported = refusal(400, "UnsupportedOperation", "This action is not supported.");
    let recipient = ("Recipient", "x");
    for (action, named) in
        [("GenerateDataKey", ("KeyId", key.as_str())), ("Decrypt", ("CiphertextBlob", &blob))]
    {
        assert_eq!(server.refused(action, &[named, recipient]).await, unsupported, "{action}");
        server.ok(action, &[named, ("Recipient", "")]).await;
    }
}
