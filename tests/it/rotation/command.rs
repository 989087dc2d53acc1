//! Kind command: a program makes the value (rule DY14.4).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::receiver::with_rotators;
use super::{both, create_rds, ended, rotate};
use crate::state::done;
use crate::support::program::{Program, run};
use crate::support::{Options, Server};

/// Writes a script and gives the rotator that starts it.
fn script(dir: &Path, text: &str, more: &str) -> String {
    let path = dir.join("rotate.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    format!(
        "[[rotators]]\nname='script'\nsecrets=['*']\nkind='command'\nargv=['{}']\n{more}\n",
        path.display()
    )
}

async fn server_with(toml: &str) -> Server {
    let mut rotation = with_rotators(toml);
    rotation.generic_by_call = true;
    Server::with(Options { rotation, ..Options::default() }).await
}

async fn value(server: &Server) -> Value {
    server.ok("GetSecretValue", &[("SecretName", "g")]).await["SecretData"].clone()
}

/// A rotation of the secret `g`: its row.
async fn rotated(server: &Server) -> Value {
    server
        .ok("CreateSecret", &[("SecretName", "g"), ("VersionId", "v1"), ("SecretData", "old-canary-value")])
        .await;
    rotate(server, "g", "v2").await;
    ended(server).await
}

#[tokio::test]
async fn rule_dy14_4_the_program_gets_value_and_environment_and_its_whole_output_is_the_value() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"echo "$SESAME_STEP|$SESAME_SECRET_NAME|$SESAME_SECRET_ARN|$SESAME_VERSION_ID|$SESAME_ATTEMPT|$(cat)""#;
    for (more, end) in [("", "\n"), ("trim=true", "")] {
        let server = server_with(&script(dir.path(), text, more)).await;
        assert_eq!(rotated(&server).await["result"], "done");
        let arn = "acs:kms:cn-hangzhou:1000000000000001:secret/g";
        assert_eq!(value(&server).await, format!("new|g|{arn}|v2|1|old-canary-value{end}"));
    }
}

#[tokio::test]
async fn a_managed_secret_gets_what_the_program_made_of_its_value() {
    let dir = tempfile::tempdir().unwrap();
    let server = server_with(&script(dir.path(), "sed s/hush/made-by-sed/", "type='Rds'")).await;
    create_rds(&server, "s", &[]).await;
    rotate(&server, "s", "v2").await;
    assert_eq!(both(&server, "s").await.0, "app/made-by-sed");
}

#[tokio::test]
async fn a_failure_keeps_two_kibibytes_of_standard_error_without_the_values() {
    let dir = tempfile::tempdir().unwrap();
    let text = "old=$(cat); printf fresh-canary-value; echo \"cannot change $old to fresh-canary-value\" >&2; \
                head -c 100000 /dev/zero | tr '\\0' x >&2; exit 3";
    let server = server_with(&script(dir.path(), text, "")).await;
    let row = rotated(&server).await;
    let message = row["message"].as_str().unwrap();
    assert!(message.contains("exit status: 3: cannot change [redacted] to [redacted]"), "{message}");
    assert!(
        message.len() < 2200 && message.ends_with('x') && !row.to_string().contains("canary"),
        "{message}"
    );
    assert!(!done(&server, "GET", "/_sesame/events", "").await.to_string().contains("canary"));
    assert_eq!(value(&server).await, "old-canary-value");
}

#[tokio::test]
async fn wrong_output_is_a_failure_and_the_value_stays() {
    let dir = tempfile::tempdir().unwrap();
    for (text, said) in [
        ("true", "wrote nothing"),
        ("head -c 30721 /dev/zero | tr '\\0' x", "more than 30720 bytes"),
        ("printf '\\377'", "not UTF-8"),
        ("cat", "empty or the same"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let server = server_with(&script(dir.path(), text, "")).await;
        let row = rotated(&server).await;
        assert!(row["message"].as_str().unwrap().contains(said), "{text}: {row}");
        assert_eq!((&row["result"], value(&server).await), (&json!("failed"), json!("old-canary-value")));
    }
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_with_all_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let pids = dir.path().join("pids");
    let text = format!("sleep 600 & echo $! >> {0}; echo $$ >> {0}; wait", pids.display());
    let server = server_with(&script(dir.path(), &text, "timeout='300ms'")).await;
    let row = rotated(&server).await;
    assert_eq!(row["code"], "Kms:RotatorTimeout", "{row}");
    let all = std::fs::read_to_string(&pids).unwrap();
    assert_eq!(all.lines().count(), 6, "three attempts of two processes");
    for pid in all.lines() {
        let mut polls = 0;
        // A killed child is a zombie until init reads its status.
        let lives = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        while lives() {
            polls += 1;
            assert!(polls < 500, "process {pid} lives");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_check_finds_the_program_and_does_not_start_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = server_with(&script(dir.path(), "touch \"$0.started\"", "")).await;
    let check = || done(&server, "POST", "/_sesame/rotators/script/check", "");
    assert_eq!(check().await["works"], true);
    let path = dir.path().join("rotate.sh");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(check().await["message"].as_str().unwrap().contains("may not be executed"));
    std::fs::remove_file(&path).unwrap();
    assert!(check().await["message"].as_str().unwrap().contains("there is no program"));
    assert!(!dir.path().join("rotate.sh.started").exists());
}

#[test]
fn a_command_without_the_flag_stops_the_start_and_with_it_sees_no_setting_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sesame.toml");
    let toml = script(dir.path(), "env", "").replace(&format!("{}/", dir.path().display()), "./");
    std::fs::write(&config, format!("[managed]\ngeneric_rotation='extended'\n{toml}")).unwrap();
    let arguments = ["--in-memory", "--config", config.to_str().unwrap()];
    let refused = run(&[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat(), &[]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        !refused.status.success() && said.contains("rotator \"script\"") && said.contains("--allow-commands"),
        "{said}"
    );
    let secret = [("SESAME_ADMIN_TOKEN", "canary-token"), ("SESAME_ALLOW_COMMANDS", "true")];
    let server = Program::serve(&arguments, &secret);
    server.call("CreateSecret", &[("SecretName", "g"), ("VersionId", "v1"), ("SecretData", "old")]);
    server.call("RotateSecret", &[("SecretName", "g"), ("VersionId", "v2")]);
    let made = server.call("GetSecretValue", &[("SecretName", "g")]);
    assert!(made.contains("SESAME_VERSION_ID=v2") && made.contains("PATH="), "{made}");
    assert!(!made.contains("canary-token") && !made.contains("ALLOW_COMMANDS"), "{made}");
}
