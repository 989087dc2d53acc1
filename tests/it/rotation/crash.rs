//! kill -9 in the middle of rotations. `tests/crash/rotations.py` does it at random moments of the release binary.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{accounts, rds};
use crate::support::form;
use crate::support::program::Program;
use crate::support::sign::{rpc_signature, rpc_system};

const KILLS: usize = 6;

fn serve(dir: &std::path::Path) -> Program {
    Program::serve(&["--data-dir", dir.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[])
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// The password with a label.
fn password(program: &Program, label: &str) -> String {
    let answer = program.call("GetSecretValue", &[("SecretName", "s"), ("VersionStage", label)]);
    let data: Value = serde_json::from_str(body(&answer)["SecretData"].as_str().unwrap()).unwrap();
    data["AccountPassword"].as_str().unwrap().to_owned()
}

/// The rotation under way and its candidate, as an export has them.
fn under_way(program: &Program) -> Option<(Value, Value)> {
    let exported =
        program.send(b"GET /_sesame/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let rotation = body(&exported)["secrets"][0]["rotation"].clone();
    let running = serde_json::from_str(rotation["running"].as_str()?).unwrap();
    Some((running, rotation["candidate"].clone()))
}

/// Makes the target slow, so that the kill comes while the rotation is under way. Rules of faults do not outlive a process.
fn slow_down(program: &Program) {
    let slow = r#"[{"action":"RotateSecret","delay_ms":300}]"#;
    let put = format!(
        "PUT /_sesame/faults HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{slow}",
        slow.len()
    );
    let told = program.send(put.as_bytes());
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
}

#[test]
fn rule_r5_8_and_r8_3_and_dy10_6_and_dy10_7_a_killed_process_leaves_a_readable_current_value_and_the_rotation_goes_on()
 {
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let mut program = serve(dir.path());
    let created = program.call(
        "CreateSecret",
        &[
            ("SecretName", "s"),
            ("VersionId", "v0"),
            ("SecretType", "Rds"),
            ("ExtendedConfig", &config),
            ("SecretData", &data),
        ],
    );
    assert!(created.contains("\"VersionId\":\"v0\""), "{created}");
    let mut before = "hush".to_owned();
    for _ in 0..KILLS {
        slow_down(&program);
        let wanted = json!({"secrets": "s"}).to_string();
        let head = "POST /_sesame/rotations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let request = format!("{head}Content-Length: {}\r\n\r\n{wanted}", wanted.len());
        let mut stream = TcpStream::connect(program.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let (running, candidate) = loop {
            match under_way(&program) {
                Some((running, candidate)) if candidate.is_string() => break (running, candidate),
                _ => assert_eq!(password(&program, "ACSCurrent"), before, "it ended before it was seen"),
            }
        };
        program.kill();
        program = serve(dir.path());
        // It may have ended since the start.
        if let Some((still, kept)) = under_way(&program) {
            assert_eq!(
                (&still["version"], &kept),
                (&running["version"], &candidate),
                "the same rotation goes on"
            );
            let current = password(&program, "ACSCurrent");
            assert!(current == before || under_way(&program).is_none(), "it shows before its end");
        }
        assert!(!password(&program, "ACSCurrent").is_empty());
        program.post("/_sesame/clock", "application/json", r#"{"advance_seconds":0}"#);
        let current = password(&program, "ACSCurrent");
        assert_ne!(current, before);
        assert_eq!(password(&program, "ACSPrevious"), before);
        let versions = program.call("ListSecretVersionIds", &[("SecretName", "s")]);
        let named = format!("\"VersionId\":\"{}\"", running["version"].as_str().unwrap());
        assert!(versions.contains(&named), "{versions}");
        before = current;
    }
}

/// The members of the answer of an action, signed with an AccessKey; its status.
fn signed(
    program: &Program,
    (id, secret): (&str, &str),
    action: &str,
    more: &[(&str, &str)],
) -> (u16, Value) {
    let clock = program.send(
        b"GET /_sesame/clock HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin-token\r\nConnection: close\r\n\r\n",
    );
    let time = body(&clock)["now"].as_str().unwrap().to_owned();
    let mut parameters = rpc_system(action, id, &time);
    parameters.extend(more);
    let signature = rpc_signature("POST", secret, &parameters);
    parameters.push(("Signature", &signature));
    let answer = program.post("/", "application/x-www-form-urlencoded", &form(&parameters));
    (answer[9..12].parse().unwrap(), body(&answer))
}

#[test]
fn rule_dy12_6_a_made_key_and_a_deleted_one_survive_a_kill_in_mode_signed() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sesame.toml");
    let account = "[[accounts]]\nid='1000000000000001'\naccess_keys=[{id='root',secret='root-secret'}]\n\
        [[accounts.users]]\nname='app'\naccess_keys=[{id='first',secret='first-secret'}]\n";
    std::fs::write(&config, account).unwrap();
    let data_dir = dir.path().join("data");
    let serve = || {
        let [config, data] = [&config, &data_dir].map(|path| path.to_str().unwrap());
        let arguments =
            ["--data-dir", data, "--config", config, "--auth", "signed", "--admin-token", "admin-token"];
        Program::serve(&[&arguments[..], &["--listen", "127.0.0.1:0"]].concat(), &[])
    };
    let (root, first) = (("root", "root-secret"), ("first", "first-secret"));
    let secret = [("SecretName", "acs/ram/user/app")];
    let mut program = serve();
    let creation = [
        ("SecretName", "$Auto"),
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"app"}"#),
        ("SecretData", r#"{"AccessKeys":[{"AccessKeyId":"first","AccessKeySecret":"first-secret"}]}"#),
    ];
    assert_eq!(signed(&program, root, "CreateSecret", &creation).0, 200);
    let rotate = [secret[0], ("VersionId", "v2")];
    assert_eq!(signed(&program, root, "RotateSecret", &rotate).0, 200);
    let (_, told) = signed(&program, root, "GetSecretValue", &secret);
    let value: Value = serde_json::from_str(told["SecretData"].as_str().unwrap()).unwrap();
    let [id, made] =
        ["AccessKeyId", "AccessKeySecret"].map(|member| value[member].as_str().unwrap().to_owned());
    let made = (&*id, &*made);
    let list = |program: &Program, key| {
        let (status, answer) = signed(program, key, "ListSecrets", &[]);
        if status == 200 { "signs".to_owned() } else { answer["Code"].as_str().unwrap().to_owned() }
    };
    // The old key is Active, then Inactive, then deleted; the process is killed at each stage.
    for (days, wanted) in
        [(1, "signs"), (2, "InvalidAccessKeyId.Inactive"), (3, "InvalidAccessKeyId.NotFound")]
    {
        for _ in 0..2 {
            assert_eq!([list(&program, made), list(&program, first)], ["signs", wanted]);
            program.kill();
            program = serve();
        }
        // A process starts with the machine's time, so the moves do not add up.
        let day = json!({ "advance_seconds": days * 86_400 }).to_string();
        let moved = format!(
            "POST /_sesame/clock HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin-token\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{day}",
            day.len()
        );
        let answer = program.send(moved.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let (_, told) = signed(&program, made, "GetSecretValue", &secret);
    assert_eq!(told["VersionId"], "v2");
}
