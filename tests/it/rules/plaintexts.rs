//! Rule 14.11: Encrypt takes a text, and Decrypt returns exactly that text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Server, invalid, text};

async fn key(server: &Server, more: &[(&str, &str)]) -> String {
    text(&server.ok("CreateKey", more).await["KeyMetadata"]["KeyId"]).to_owned()
}

async fn encrypt(server: &Server, key: &str, plaintext: &str) -> String {
    let sealed = server.ok("Encrypt", &[("KeyId", key), ("Plaintext", plaintext)]).await;
    text(&sealed["CiphertextBlob"]).to_owned()
}

async fn decrypt(server: &Server, blob: &str) -> String {
    text(&server.ok("Decrypt", &[("CiphertextBlob", blob)]).await["Plaintext"]).to_owned()
}

async fn re_encrypt(server: &Server, key: &str, blob: &str, more: &[(&str, &str)]) -> String {
    let named = [("CiphertextBlob", blob), ("DestinationKeyId", key)];
    let sealed = server.ok("ReEncrypt", &[&named[..], more].concat()).await;
    text(&sealed["CiphertextBlob"]).to_owned()
}

#[tokio::test]
async fn rule_14_11_decrypt_returns_exactly_the_text() {
    let server = Server::start().await;
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB+w==\n-----END CERTIFICATE-----\n";
    let long = "x".repeat(6144);
    for spec in ["Aliyun_AES_256", "Aliyun_SM4"] {
        let key = key(&server, &[("KeySpec", spec)]).await;
        for plaintext in [
            "123456",
            "plaintext",
            "a",
            pem,
            " both ends ",
            "aGVsbG8=",
            "aGVsbG8",
            "aGVsbG8=\n",
            "_-8=",
            "@@",
            "中😀\u{1}",
            "\0",
            &long,
        ] {
            let blob = encrypt(&server, &key, plaintext).await;
            assert_eq!(decrypt(&server, &blob).await, plaintext);
            assert_eq!(decrypt(&server, &re_encrypt(&server, &key, &blob, &[]).await).await, plaintext);
        }
    }
}

#[tokio::test]
async fn rule_14_11_a_text_has_at_most_6144_bytes_or_is_the_base64_of_at_most_6144() {
    let server = Server::start().await;
    let key = key(&server, &[]).await;
    let base64 = |bytes: usize| STANDARD.encode(vec![0xA5; bytes]);
    for good in ["x".repeat(6144), "中".repeat(2048), base64(6144), base64(6143), base64(5000)] {
        assert_eq!(decrypt(&server, &encrypt(&server, &key, &good).await).await, good);
    }
    for bad in ["x".repeat(6145), "中".repeat(2049), base64(6145), "!".repeat(8192), base64(100_000)] {
        let refused = server.refused("Encrypt", &[("KeyId", &key), ("Plaintext", &bad)]).await;
        assert_eq!(refused, invalid("Plaintext"), "{} bytes", bad.len());
    }
}

#[tokio::test]
async fn rule_14_11_a_data_key_stays_the_base64_of_its_bytes() {
    let server = Server::start().await;
    let (one, two) = (key(&server, &[]).await, key(&server, &[("KeySpec", "Aliyun_SM4")]).await);
    let made = server.ok("GenerateDataKey", &[("KeyId", &one), ("NumberOfBytes", "33")]).await;
    let (blob, plaintext) = (text(&made["CiphertextBlob"]), text(&made["Plaintext"]));
    assert_eq!(STANDARD.decode(plaintext).unwrap().len(), 33);
    assert_eq!(decrypt(&server, blob).await, plaintext);
    assert_eq!(decrypt(&server, &re_encrypt(&server, &two, blob, &[]).await).await, plaintext);
    // The text of a data key, encrypted like any text, is that text.
    assert_eq!(decrypt(&server, &encrypt(&server, &one, plaintext).await).await, plaintext);
    // The first byte tells which it is, and is bound to the rest.
    let text_blob = encrypt(&server, &one, "123456").await;
    for blob in [blob, &text_blob] {
        let mut altered = STANDARD.decode(blob).unwrap();
        altered[0] = 3 - altered[0];
        let refused = server.refused("Decrypt", &[("CiphertextBlob", &STANDARD.encode(altered))]).await;
        assert_eq!(refused, invalid("CiphertextBlob"));
    }
}

#[tokio::test]
async fn rule_14_11_what_comes_from_a_public_key_stays_bytes() {
    let server = Server::start().await;
    let symmetric = key(&server, &[]).await;
    let pair = key(&server, &[("KeySpec", "EC_SM2"), ("KeyUsage", "ENCRYPT/DECRYPT")]).await;
    let versions = server.ok("ListKeyVersions", &[("KeyId", &pair)]).await;
    let version = text(&versions["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]).to_owned();
    let plaintext = STANDARD.encode(b"\xff\x00bytes");
    let named = [
        ("KeyId", pair.as_str()),
        ("KeyVersionId", &version),
        ("Algorithm", "SM2PKE"),
        ("Plaintext", &plaintext),
    ];
    let sealed = server.ok("AsymmetricEncrypt", &named).await;
    let source = [
        ("SourceKeyId", pair.as_str()),
        ("SourceKeyVersionId", &version),
        ("SourceEncryptionAlgorithm", "SM2PKE"),
    ];
    let blob = re_encrypt(&server, &symmetric, text(&sealed["CiphertextBlob"]), &source).await;
    assert_eq!(decrypt(&server, &blob).await, plaintext);
}
