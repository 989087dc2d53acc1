//! Secrets do not leak: marked values are put everywhere, then searched for in logs at trace level, in errors, and in every
//! byte on disk, in every common encoding.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sesame::testing::actions::{ACTIONS, Support};

use crate::support::form;
use crate::support::program::Program;

/// The marks. They are long enough not to occur by accident.
const VALUE: &str = "CANARY-value-81d5e0f2";
const VALUE_IN_QUERY: &str = "CANARY/query?3b9c77aa";
const VALUE_IN_JSON: &str = "CANARY-json-5a0e6f19";
const VALUE_REFUSED: &str = "CANARY-refused-c2d84b60";
/// A mark in the place of a name. The request log shows names, and nothing else may.
const NAME: &str = "CANARY-name-94c1d07e";
/// The parameters that the request log shows.
const NAMES: [&str; 10] = [
    "SecretName",
    "VersionId",
    "VersionStage",
    "KeyId",
    "EncryptionKeyId",
    "MoveToVersion",
    "ResourceId",
    "ResourceId.N",
    "SecretsList",
    "RemoveFromVersion",
];
const KEY_SECRET: &str = "CANARY-aksecret-77f01b3e";
const TOKEN: &str = "CANARY-token-0d6ee4a8";
const ADMIN: &str = "CANARY-admin-9be25f01";
const ROOT: &str = "43414e4152592d726f6f742d6b65792d303132333435363738392d6162636465";

/// Every common encoding of a mark.
fn spellings(mark: &str) -> Vec<String> {
    let percent = mark.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
    // The base64 of a text inside a longer one depends on its offset; the inner characters for each offset do not.
    let inner = |offset: usize| {
        let padded = [&vec![b'x'; offset], mark.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(padded);
        text[(offset * 4).div_ceil(3)..text.len() - 2].to_owned()
    };
    vec![
        mark.to_owned(),
        form(&[("", mark)])[1..].to_owned(),
        percent.clone(),
        percent.to_lowercase(),
        const_hex::encode(mark),
        const_hex::encode_upper(mark),
        STANDARD.encode(mark),
        URL_SAFE_NO_PAD.encode(mark),
        inner(0),
        inner(1),
        inner(2),
    ]
}

fn assert_clean(place: &str, bytes: &[u8]) {
    assert_without(&[NAME], place, bytes);
    assert_values_are_not(place, bytes);
}

/// Nothing secret is there. Names may be.
fn assert_values_are_not(place: &str, bytes: &[u8]) {
    let values = [VALUE, VALUE_IN_QUERY, VALUE_IN_JSON, VALUE_REFUSED, KEY_SECRET, TOKEN, ADMIN];
    assert_without(&values, place, bytes);
    let root = const_hex::decode(ROOT).unwrap();
    for needle in [ROOT.as_bytes(), &root, STANDARD_NO_PAD.encode(&root).as_bytes()] {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle), "the root key is in {place}");
    }
}

fn assert_without(marks: &[&str], place: &str, bytes: &[u8]) {
    for mark in marks {
        for spelling in spellings(mark) {
            let found = bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes());
            assert!(!found, "{mark} is in {place} as {spelling}");
        }
    }
}

/// Rotates a managed secret, succeeding and failing, and gives the password that was made.
fn rotate(server: &Program) -> String {
    let data = format!(r#"{{"Accounts":[{{"AccountName":"app","AccountPassword":"{VALUE}"}}]}}"#);
    let creation = [
        ("SecretName", "managed"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#),
        ("SecretData", &data),
    ];
    assert!(server.call("CreateSecret", &creation).contains("200 OK"));
    let version = |id| [("SecretName", "managed"), ("VersionId", id)];
    assert!(server.call("RotateSecret", &version("v2")).contains("200 OK"));
    let answer = server.call("GetSecretValue", &[("SecretName", "managed")]);
    let password = answer.split("AccountPassword\\\":\\\"").nth(1).unwrap();
    let password = password.split('\\').next().unwrap().to_owned();
    assert_eq!(password.len(), 32, "{answer}");
    let wrong = [&creation[..4], &[("SecretData", VALUE_REFUSED)]].concat();
    assert_clean("a refused creation", server.call("CreateSecret", &wrong).as_bytes());
    for path in ["/_sesame/rotations", "/_sesame/events", "/_sesame/rotators", "/_sesame/requests"] {
        let answer = administer(server, "GET", path, "");
        assert!(answer.contains("200 OK") && !answer.contains(&password), "{answer}");
        assert_values_are_not(path, answer.as_bytes());
    }
    password
}

/// Calls every action, so that the parameters of each one contain marks.
fn exercise(server: &Program) {
    let create =
        [("SecretName", "canary"), ("VersionId", "v1"), ("SecretData", VALUE), ("SecurityToken", TOKEN)];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    let query = form(&[
        ("Action", "PutSecretValue"),
        ("Version", "2016-01-20"),
        ("SecretName", "canary"),
        ("VersionId", "v2"),
        ("SecretData", VALUE_IN_QUERY),
    ]);
    let get = format!("GET /?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(server.send(get.as_bytes()).contains("200 OK"));
    let json = format!(
        r#"{{"Action":"PutSecretValue","Version":"2016-01-20","SecretName":"canary","VersionId":"v3","SecretData":"{VALUE_IN_JSON}"}}"#
    );
    assert!(server.post("/", "application/json", &json).contains("200 OK"));
    for action in ACTIONS {
        // Whatever it answers: an unknown secret, a wrong value of each parameter, a missing one.
        let marked: Vec<(&str, &str)> = action
            .parameters()
            .iter()
            .map(|p| (p.name, if NAMES.contains(&p.name) { NAME } else { VALUE_REFUSED }))
            .collect();
        let on_secret = [&marked[..], &[("SecretName", "canary"), ("SecretData", VALUE_REFUSED)]].concat();
        for parameters in [&marked[..], &on_secret[..], &[("SecretData", VALUE_REFUSED)]] {
            for format in ["JSON", "XML"] {
                let answer = server.call(action.name(), &[parameters, &[("Format", format)]].concat());
                if action.support() == Support::Refused || !answer.starts_with("HTTP/1.1 200") {
                    assert_clean(&format!("the error of {}", action.name()), answer.as_bytes());
                }
            }
        }
    }
    // Values too long, of a wrong type, of an existing version; then reads, whose answers contain the value.
    let long = VALUE_REFUSED.repeat(2000);
    for data in [long.as_str(), VALUE_REFUSED] {
        let put = [("SecretName", "canary"), ("VersionId", "v1"), ("SecretData", data)];
        assert_clean("a refused put", server.call("PutSecretValue", &put).as_bytes());
    }
    assert!(server.call("GetSecretValue", &[("SecretName", "canary"), ("VersionId", "v1")]).contains(VALUE));
    let list = format!(r#"[{{"SecretName":"canary"}},{{"SecretName":"{NAME}"}}]"#);
    assert!(server.call("BatchGetSecretValue", &[("SecretsList", &list)]).contains(VALUE_IN_JSON));
    // A wrong signature: the answer repeats the request (protocol P54); nothing else may.
    let signed = [
        ("SecretName", "canary"),
        ("SecretData", VALUE_REFUSED),
        ("AccessKeyId", "canary-key"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("Signature", "AAAA"),
    ];
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let answer = server.call("PutSecretValue", &[&signed[..], &[("Timestamp", &now)]].concat());
    assert!(answer.contains("SignatureDoesNotMatch"), "{answer}");
    assert!(!answer.contains(KEY_SECRET));
    let admin = format!(
        "POST /_sesame/clock HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    assert_clean("an administrative error", server.send(admin.as_bytes()).as_bytes());
    let misses = r#"{"expectations":[{"action":"PutSecretValue","secret":"canary","times":0},{"action":"PutSecretValue","version":"never"}]}"#;
    let wrong = r#"{"expectations":[{"acton":"PutSecretValue"}]}"#;
    for (method, path, body, word) in [
        ("GET", "/_sesame/requests?limit=100000", "", NAME),
        ("GET", "/_sesame/requests?secret=canary", "", "PutSecretValue"),
        ("POST", "/_sesame/requests/verify", misses, "nearest"),
        ("POST", "/_sesame/requests/verify", wrong, "did you mean action?"),
        ("GET", "/_sesame/metrics", "", "PutSecretValue"),
    ] {
        let answer = administer(server, method, path, body);
        assert!(answer.contains(word), "{answer}");
        assert_values_are_not(path, answer.as_bytes());
    }
}

/// Calls the administration, with the answer's head.
fn administer(server: &Program, method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}");
    let request = format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    server.send(request.as_bytes())
}

#[test]
fn no_secret_reaches_logs_errors_or_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let config = tempfile::NamedTempFile::new().unwrap();
    let keys = format!(
        "[[accounts]]\nid = \"1000000000000001\"\n[[accounts.access_keys]]\nid = \"canary-key\"\nsecret = \"{KEY_SECRET}\"\n"
    );
    std::fs::write(config.path(), keys).unwrap();
    let data = dir.path().join("data");
    let arguments =
        ["--data-dir", data.to_str().unwrap(), "--config", config.path().to_str().unwrap(), "--log", "trace"];
    let environment = [("SESAME_ROOT_KEY", ROOT), ("SESAME_ADMIN_TOKEN", ADMIN)];
    let server = Program::serve(&arguments, &environment);
    exercise(&server);
    let password = rotate(&server);
    assert_clean("the banner", server.banner.as_bytes());
    // Killed, so that the write-ahead log still exists.
    let log = server.kill();
    assert!(log.contains("answered") && log.contains("refused"), "trace level was on");
    assert_clean("the log", log.as_bytes());
    assert!(!log.contains(&password), "a password that a rotation made");
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|f| f.ends_with("sesame.db-wal")), "{files:?}");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        assert_clean(&file.display().to_string(), &bytes);
        assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()));
    }
}

#[test]
fn the_canary_would_be_found() {
    let planted = |text: String| std::panic::catch_unwind(|| assert_clean("here", text.as_bytes())).is_err();
    assert!(!planted("nothing".to_owned()));
    for spelling in spellings(VALUE) {
        assert!(planted(format!("x{spelling}y")), "{spelling}");
    }
    for lead in ["", "a", "ab", "abc"] {
        assert!(planted(STANDARD.encode(format!("{lead}{VALUE}tail"))), "inside base64, after {lead:?}");
    }
}
