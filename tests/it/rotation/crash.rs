//! kill -9 in the middle of rotations: the current value is readable, and the plan is the old one or the rotation is finished.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::{accounts, rds};
use crate::support::program::Program;

/// How often the program is killed.
const KILLS: u64 = 20;

fn serve(dir: &std::path::Path) -> Program {
    Program::serve(&["--data-dir", dir.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[])
}

#[test]
fn rule_r5_8_a_killed_process_leaves_a_readable_current_value_and_the_rotation_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let program = serve(dir.path());
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
    let mut running = Some(program);
    for at in 1..=KILLS {
        let program = running.take().unwrap();
        let body = json!({"secrets": "s"}).to_string();
        let head = "POST /_sesame/rotations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(program.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(at % 10));
        program.kill();
        let program = serve(dir.path());
        let value = program.call("GetSecretValue", &[("SecretName", "s")]);
        assert!(value.contains("AccountPassword"), "{value}");
        program.post("/_sesame/clock", "application/json", r#"{"advance_seconds":0}"#);
        let described = program.call("DescribeSecret", &[("SecretName", "s")]);
        assert!(described.contains("\"AutomaticRotation\":\"Disabled\""), "{described}");
        let policy = [("SecretName", "s"), ("EnableAutomaticRotation", "false")];
        let free = program.call("UpdateSecretRotationPolicy", &policy);
        assert!(!free.contains("Rejected.ResourceInUse"), "nothing is left under way: {free}");
        running = Some(program);
    }
}
