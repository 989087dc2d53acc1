//! kill -9 in the middle of rotations: the current value is readable, and the rotation that was interrupted goes on.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{accounts, rds};
use crate::support::program::Program;

/// How often the program is killed.
const KILLS: u64 = 20;

fn serve(dir: &std::path::Path) -> Program {
    Program::serve(&["--data-dir", dir.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[])
}

fn request(target: &str, body: &str) -> Vec<u8> {
    let head =
        format!("{target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The JSON body of an answer.
fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").map_or(answer, |(_, body)| body)).unwrap()
}

/// The value with a label.
fn value(program: &Program, stage: &str) -> String {
    let answer = program.call("GetSecretValue", &[("SecretName", "s"), ("VersionStage", stage)]);
    body(&answer)["SecretData"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn rule_r5_8_a_killed_process_leaves_a_readable_current_value_and_the_rotation_goes_on() {
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
    for at in 1..=KILLS {
        let before = value(&program, "ACSCurrent");
        // It holds the rotation after its candidate is stored.
        program.send(&request("PUT /_sesame/faults", r#"[{"action":"RotateSecret","delay_ms":700}]"#));
        let mut stream = TcpStream::connect(program.address).unwrap();
        stream.write_all(&request("POST /_sesame/rotations", &json!({"secrets": "s"}).to_string())).unwrap();
        let version = loop {
            let rows = body(&program.send(&request("GET /_sesame/rotations?limit=1", "")));
            if rows["rotations"][0]["result"] == "running" {
                break rows["rotations"][0]["version"].as_str().unwrap().to_owned();
            }
        };
        // Kills come at different moments: before and after the candidate is stored.
        std::thread::sleep(std::time::Duration::from_millis(at % 10));
        program.kill();
        program = serve(dir.path());
        assert_eq!(value(&program, "ACSCurrent"), before, "{at}");
        let moved = program.post("/_sesame/clock", "application/json", r#"{"advance_seconds":0}"#);
        let listed = program.call("ListSecretVersionIds", &[("SecretName", "s")]);
        assert!(listed.contains(&version), "the same rotation goes on: {moved} {listed}");
        assert_eq!(value(&program, "ACSPrevious"), before, "{at}");
        assert_ne!(value(&program, "ACSCurrent"), before, "{at}");
    }
}
