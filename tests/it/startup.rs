//! What stops the start: one clear line, exit code 1, nothing changed on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::program::{Program, contents, run};

/// A data directory with one secret, closed cleanly.
fn filled(dir: &Path) {
    let server = Program::serve(&["--data-dir", dir.to_str().unwrap()], &[]);
    let create = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
}

/// Runs `serve`, which must refuse with one line that has these words, and change nothing in `dir`.
fn refused(dir: &Path, arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let before = dir.exists().then(|| contents(dir));
    let listen = ["serve", "--listen", "127.0.0.1:0", "--data-dir", dir.to_str().unwrap()];
    let output = run(&[&listen[..], arguments].concat(), environment);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(dir.exists().then(|| contents(dir)), before, "something changed on disk");
}

#[test]
fn a_clean_stop_leaves_only_the_database_the_key_and_the_index_of_nonces() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let names: Vec<_> = contents(dir.path()).into_iter().map(|(path, _)| path).collect();
    let wanted = ["root.key", "sesame.db", "sesame.db-nonces"];
    assert_eq!(names, wanted.map(|name| dir.path().join(name)));
    let mode = std::fs::metadata(dir.path().join("root.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Program::serve(&["--data-dir", dir.path().to_str().unwrap()], &[]);
    assert!(again.call("GetSecretValue", &[("SecretName", "a")]).contains("\"SecretData\":\"one\""));
}

#[test]
fn a_wrong_root_key_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let other = "00".repeat(32);
    let words = ["the root key does not open the database"];
    refused(dir.path(), &[], &[("SESAME_ROOT_KEY", &other)], &words);
    refused(dir.path(), &[], &[("SESAME_ROOT_PASSPHRASE", "other")], &words);
    std::fs::write(dir.path().join("root.key"), &other).unwrap();
    refused(dir.path(), &[], &[], &words);
    std::fs::write(dir.path().join("root.key"), "no key").unwrap();
    refused(dir.path(), &[], &[], &["root.key does not hold a key"]);
    std::fs::remove_file(dir.path().join("root.key")).unwrap();
    refused(dir.path(), &[], &[], &["cannot read the root key file"]);
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--data-dir", dir.path().to_str().unwrap()];
    let server = Program::serve(&arguments, &[("SESAME_ROOT_PASSPHRASE", "open sesame")]);
    let create = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    server.terminate();
    assert!(!dir.path().join("root.key").exists());
    refused(dir.path(), &[], &[("SESAME_ROOT_PASSPHRASE", "shut sesame")], &["the root key does not open"]);
    let again = Program::serve(&arguments, &[("SESAME_ROOT_PASSPHRASE", "open sesame")]);
    assert!(again.call("GetSecretValue", &[("SecretName", "a")]).contains("\"SecretData\":\"one\""));
}

#[test]
fn a_damaged_database_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let database = dir.path().join("sesame.db");
    let good = std::fs::read(&database).unwrap();
    let mut cases = vec![b"this is no database, it is a text that somebody put here by mistake".repeat(200)];
    // Each page in turn is overwritten, but for the first 100 bytes of the file, which the first case stands for.
    for page in
        good.chunks(4096).enumerate().skip(1).filter(|(_, p)| p.iter().any(|b| *b != 0)).map(|(n, _)| n)
    {
        let mut damaged = good.clone();
        damaged[page * 4096..page * 4096 + 64].fill(0xAA);
        cases.push(damaged);
    }
    for damaged in cases {
        std::fs::write(&database, damaged).unwrap();
        refused(dir.path(), &[], &[], &["the database", "is damaged"]);
    }
    std::fs::write(&database, &good[..good.len() / 2]).unwrap();
    refused(dir.path(), &[], &[], &["the database", "is damaged"]);
}

#[test]
fn a_port_in_use_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("new");
    let output = run(&["serve", "--listen", &address, "--data-dir", data.to_str().unwrap()], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on {address}")) && said.lines().count() == 1, "{said}");
    assert!(!data.exists(), "the data directory was made although the port was taken");
}

#[test]
fn a_directory_in_use_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let server = Program::serve(&["--data-dir", path], &[]);
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", path], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1));
    assert!(said.contains("is in use by another process"), "{said}");
    assert_eq!(run(&["check", "--data-dir", path], &[]).status.code(), Some(1));
    drop(server);
}

#[test]
fn a_directory_that_cannot_be_written_to_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    refused(&file.join("below"), &[], &[], &["cannot make the data directory"]);
    // The super-user may write anywhere, so there a file system that refuses is used.
    let data = Path::new("/proc/sesame-test");
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", "/proc/self"], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the data directory /proc/self is not writable"), "{said}");
}

#[test]
fn wrong_settings_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    refused(&data, &["--region", "CN"], &[], &["--region \"CN\" is no region id"]);
    refused(&data, &["--account-id", "me"], &[], &["--account-id \"me\" is no account id"]);
    refused(&data, &["--database", "mysql://x"], &[], &["--database must be sqlite:PATH or postgres://"]);
    refused(&data, &["--config", "/nonexistent"], &[], &["cannot read the configuration file /nonexistent"]);
    refused(&data, &[], &[("SESAME_ROOT_KEY", "short")], &["SESAME_ROOT_KEY is not 32 bytes"]);
}

#[test]
fn commands_say_how_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    assert_eq!(run(&["check", "--data-dir", path], &[]).status.code(), Some(1), "there is no database");
    filled(dir.path());
    let check = run(&["check", "--data-dir", path], &[]);
    assert_eq!(check.status.code(), Some(0));
    assert_eq!(String::from_utf8(check.stdout).unwrap(), "1 secrets checked, 0 damaged places\n");
    assert_eq!(run(&["migrate", "--data-dir", path], &[]).status.code(), Some(0));
    let server = Program::serve(&["--in-memory"], &[("SESAME_REGION", "cn-beijing")]);
    assert!(server.banner.contains("auth open, database in memory, region cn-beijing"), "{}", server.banner);
    let url = format!("http://{}", server.address);
    assert_eq!(run(&["healthcheck", "--url", &url], &[]).status.code(), Some(0));
    drop(server);
    assert_eq!(run(&["healthcheck", "--url", &url], &[]).status.code(), Some(1));
    let actions = String::from_utf8(run(&["actions"], &[]).stdout).unwrap();
    assert!(actions.contains("GetSecretValue") && actions.contains("refused"), "{actions}");
}

#[test]
fn an_open_server_on_a_public_address_warns() {
    let server = Program::serve(&["--in-memory", "--listen", "0.0.0.0:0"], &[]);
    let log = server.kill();
    assert!(log.contains("WARN") && log.contains("--auth open"), "{log}");
}

const PEOPLE: &str = r#"
[[accounts]]
id = "1000000000000002"
[[accounts.policies]]
name = "read-a"
document = '{"Version":"1","Statement":[{"Sid":"one","Effect":"Allow","Action":"kms:Get*","Resource":"acs:kms:*:*:secret/a/*","Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}},{"Effect":"Deny","Action":"*","Resource":"acs:kms:*:*:secret/a/x"}]}'
[[accounts.users]]
name = "alice"
policies = ["read-a", "AliyunSTSAssumeRoleAccess"]
[[accounts.roles]]
name = "app"
trust = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1000000000000002:user/alice"]}}]}'
"#;

#[test]
fn policies_are_tried_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, PEOPLE).unwrap();
    let config = config.to_str().unwrap();
    let test = |caller: &str, action: &str, resource: &str, more: &[&str]| {
        let caller = format!("acs:ram::1000000000000002:{caller}");
        let arguments = ["policy", "test", "--config", config, "--caller", &caller, "--action", action];
        let output = run(&[&arguments[..], &["--resource", resource], more].concat(), &[]);
        let out = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), out, String::from_utf8(output.stderr).unwrap())
    };
    let secret = |name: &str| format!("acs:kms:cn-hangzhou:1000000000000002:secret/{name}");
    let here = ["--context", "acs:SourceIp=10.1.2.3"];
    let (code, out, _) = test("user/alice", "kms:GetSecretValue", &secret("a/b"), &here);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("Allowed\n"), "{out}");
    assert!(out.contains("policy read-a statement 0 \"one\" Allow: applies"), "{out}");
    assert!(out.contains("policy read-a statement 1 Deny: does not apply: Resource"), "{out}");
    let (code, out, _) = test("user/alice", "kms:GetSecretValue", &secret("a/b"), &[]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("does not apply: Condition IpAddress acs:SourceIp"), "{out}");
    let (code, out, _) = test("user/alice", "kms:GetSecretValue", &secret("a/x"), &here);
    assert_eq!((code, out.starts_with("Denied by a statement\n")), (Some(1), true), "{out}");
    let role = "acs:ram::1000000000000002:role/app";
    assert_eq!(test("user/alice", "sts:AssumeRole", role, &[]).0, Some(0));
    assert_eq!(test("role/app", "sts:AssumeRole", role, &[]).0, Some(1));
    assert_eq!(test("root", "kms:DeleteSecret", &secret("a/x"), &[]).0, Some(0));
    for (caller, resource, error) in [
        ("user/bob", secret("a"), "there is no user \"bob\""),
        ("group/x", secret("a"), "is none"),
        ("root", "secret/a".to_owned(), "is neither an ARN nor *"),
    ] {
        let (code, out, err) = test(caller, "kms:GetSecretValue", &resource, &[]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{caller}");
        assert!(err.contains(error), "{err}");
    }
}

#[test]
fn an_empty_admin_token_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for mode in ["open", "signed", "enforced"] {
        for (token, words) in [
            ("", "--admin-token (SESAME_ADMIN_TOKEN) is empty"),
            (" ", "--admin-token (SESAME_ADMIN_TOKEN) is empty"),
            ("\t\n", "--admin-token (SESAME_ADMIN_TOKEN) is empty"),
            ("two words", "holds a space, a line break"),
            ("token\n", "holds a space, a line break"),
            ("t\u{f6}ken", "not visible ASCII"),
        ] {
            refused(
                &data,
                &["--auth", mode],
                &[("SESAME_ADMIN_TOKEN", token)],
                &[words, "openssl rand -hex 32"],
            );
            refused(&data, &["--auth", mode, "--admin-token", token], &[], &[words]);
        }
    }
}

#[test]
fn a_command_with_an_empty_admin_token_says_so() {
    let server = Program::serve(&["--in-memory"], &[]);
    let url = format!("http://{}", server.address);
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed.yaml");
    std::fs::write(&seed, "secrets: []\n").unwrap();
    for command in [&["seed", seed.to_str().unwrap(), "--url", &url][..], &["export", "--url", &url]] {
        let output = run(command, &[("SESAME_ADMIN_TOKEN", "")]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains("--admin-token (SESAME_ADMIN_TOKEN) is empty"), "{said}");
        assert_eq!(run(command, &[]).status.code(), Some(0), "{command:?}");
    }
    // These two need no token.
    let output = run(&["healthcheck", "--url", &url], &[("SESAME_ADMIN_TOKEN", "")]);
    assert_eq!(output.status.code(), Some(0));
    let data = dir.path().join("data");
    filled(&data);
    let output = run(&["export", "--data-dir", data.to_str().unwrap()], &[("SESAME_ADMIN_TOKEN", "")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_wrong_host_name_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for name in ["https://a.example.com", "a.example.com:7070", "*", "a b", "*.*.example.com"] {
        let words = ["--allow-host", name, "without scheme and port"];
        refused(&data, &["--allow-host", name], &[], &words);
        refused(&data, &[], &[("SESAME_ALLOW_HOST", name)], &words);
    }
}
