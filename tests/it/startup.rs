//! What prevents the start: one clear line, exit code 1, nothing changed on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::program::{Program, contents, run};
use crate::support::{form, sign};

/// A data directory with one secret, closed cleanly.
fn filled(dir: &Path) {
    let server = Program::serve(&["--data-dir", dir.to_str().unwrap()], &[]);
    let create = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
}

/// Runs `serve`, which must fail with one line that contains these words, and change nothing in `dir`.
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
fn a_clean_stop_leaves_only_the_files_of_the_database_and_the_key() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let names: Vec<_> = contents(dir.path()).into_iter().map(|(path, _)| path).collect();
    let wanted = ["root.key", "sesame.db", "sesame.db-lock", "sesame.db-nonces", "sesame.db-reserve"];
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
    refused(dir.path(), &[], &[], &["root.key is missing"]);
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
    // Each page in turn is overwritten, except for the first 100 bytes of the file, which the first case covers.
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
    // The superuser can write anywhere, so a read-only file system is used in that case.
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
    refused(
        &data,
        &["--region", "Mars"],
        &[],
        &["--region \"Mars\" is not a valid region id", "such as cn-hangzhou"],
    );
    refused(&data, &[], &[("SESAME_REGION", "")], &["--region \"\" is not a valid region id"]);
    refused(&data, &["--account-id", "me"], &[], &["--account-id \"me\" is not a valid account id"]);
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

/// A configuration with an access key of the default account.
const ROOT_KEY: &str = "[[accounts]]\nid='1000000000000001'\naccess_keys=[{id='mine',secret='s'}]\n";
const USER_KEY: &str = "[[accounts]]\nid='1000000000000001'\n[[accounts.users]]\nname='u'\naccess_keys=[{id='mine',secret='s'}]\n";

#[test]
fn the_well_known_key_stops_a_server_that_other_machines_reach() {
    let dir = tempfile::tempdir().unwrap();
    let (data, user) = (dir.path().join("data"), dir.path().join("user.toml"));
    std::fs::write(&user, USER_KEY).unwrap();
    let words = [
        "everybody who reaches",
        "account 1000000000000001",
        "access key \"test\"",
        "--config",
        "--allow-test-key for a throw-away server",
    ];
    let user = user.to_str().unwrap();
    for more in [&[][..], &["--config", user], &["--in-memory"]] {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let data = data.to_str().unwrap();
            let listen = ["serve", "--auth", "enforced", "--listen", address];
            let place = if more == ["--in-memory"] { &[][..] } else { &["--data-dir", data] };
            let output = run(&[&listen[..], place, more].concat(), &[]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(
                (output.status.code(), said.lines().count()),
                (Some(1), 1),
                "{address} {more:?}: {said}"
            );
            assert!(words.iter().all(|word| said.contains(word)), "{said}");
            assert!(!Path::new(data).exists(), "something was made on disk");
        }
    }
}

#[test]
fn an_own_key_the_flag_or_loopback_lets_an_enforced_server_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, ROOT_KEY).unwrap();
    let seed = dir.path().join("seed.yaml");
    let accounts = "accounts:\n- id: '1000000000000001'\n  access_keys: [{id: mine, secret: s}]\n";
    std::fs::write(&seed, accounts).unwrap();
    let warned = |server: Program| server.kill().contains("built-in access key");
    let public = ["--in-memory", "--auth", "enforced", "--listen", "0.0.0.0:0"];
    let with = |more: &[&str], environment: &[(&str, &str)]| {
        Program::serve(&[&public[..], more].concat(), environment)
    };
    assert!(!warned(with(&["--config", config.to_str().unwrap()], &[])));
    assert!(!warned(with(&["--seed", seed.to_str().unwrap()], &[])));
    assert!(warned(with(&["--allow-test-key"], &[])));
    assert!(warned(with(&[], &[("SESAME_ALLOW_TEST_KEY", "yes")])));
    for loopback in ["127.0.0.1:0", "127.1.2.3:0", "[::ffff:127.0.0.1]:0"] {
        let server = Program::serve(&["--in-memory", "--auth", "enforced", "--listen", loopback], &[]);
        assert!(!warned(server), "{loopback}");
    }
    let signed = Program::serve(&["--in-memory", "--auth", "signed", "--listen", "0.0.0.0:0"], &[]);
    let log = signed.kill();
    assert_eq!(log.matches("built-in access key").count(), 1, "{log}");
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
}

/// A call of GetRandomPassword that is signed by the built-in key.
fn signed_by_the_well_known_key() -> String {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut parameters = sign::rpc_system("GetRandomPassword", "test", &time);
    let signature = sign::rpc_signature("POST", "test", &parameters);
    parameters.push(("Signature", &signature));
    let body = form(&parameters);
    let kind = "application/x-www-form-urlencoded";
    format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn no_change_of_accounts_lets_the_well_known_key_into_a_server_that_other_machines_reach() {
    let dir = tempfile::tempdir().unwrap();
    let seed = dir.path().join("seed.yaml");
    let accounts = "accounts:\n- id: '1000000000000001'\n  access_keys: [{id: mine, secret: s}]\n";
    std::fs::write(&seed, accounts).unwrap();
    let flags = ["--in-memory", "--auth", "enforced", "--listen", "0.0.0.0:0", "--admin-token", "t"];
    let server = Program::serve(&[&flags[..], &["--seed", seed.to_str().unwrap()]].concat(), &[]);
    let refused = |when: &str| {
        let answer = server.send(signed_by_the_well_known_key().as_bytes());
        assert!(answer.contains("InvalidAccessKeyId.NotFound"), "{when}: {answer}");
    };
    let admin = |head: &str, body: &str| {
        let length = body.len();
        let rest = "Host: 127.0.0.1\r\nAuthorization: Bearer t\r\nConnection: close";
        let answer = server
            .send(format!("{head} HTTP/1.1\r\n{rest}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 2"), "{head}: {answer}");
    };
    refused("at the start");
    admin("PUT /_sesame/accounts/1000000000000001", "{}");
    refused("after the account lost its key");
    admin("DELETE /_sesame/accounts/1000000000000001", "");
    refused("after the account was removed");
    admin("POST /_sesame/reset", "");
    refused("after a reset");
    admin("PUT /_sesame/state", r#"{"version":1}"#);
    refused("after an import");
    let body = r#"{"access_keys":[{"id":"test","secret":"test"}]}"#;
    admin("PUT /_sesame/accounts/1000000000000001", body);
    refused("after it was put by name");
}

#[test]
fn accounts_that_are_stored_count_for_the_well_known_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = ["--data-dir", dir.path().to_str().unwrap()];
    let server = Program::serve(&data, &[]);
    let body = r#"{"access_keys":[{"id":"mine","secret":"s"}]}"#;
    let put = |server: &Program, body: &str| {
        let head = "PUT /_sesame/accounts/1000000000000001 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close";
        server.send(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    };
    assert!(put(&server, body).starts_with("HTTP/1.1 200"));
    server.terminate();
    let public = [&data[..], &["--auth", "enforced", "--listen", "0.0.0.0:0"]].concat();
    drop(Program::serve(&public, &[]));
    let server = Program::serve(&data, &[]);
    assert!(put(&server, "{}").starts_with("HTTP/1.1 200"));
    server.terminate();
    let output = run(&[&["serve"], &public[..]].concat(), &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("built-in access key"), "{said}");
}

#[test]
fn a_misspelt_variable_stops_the_start_and_an_unknown_one_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let misspelt = [("SESAME_ATUH", "enforced"), ("SESAME_COLOUR", "green")];
    refused(&data, &[], &misspelt, &["SESAME_ATUH", "the nearest one is SESAME_AUTH"]);
    refused(&data, &[], &[("SESAME_ADMIN_TOKENS", "x")], &["the nearest one is SESAME_ADMIN_TOKEN:"]);
    for name in ["sesame_auth", "Sesame_Auth", "SESAME-AUTH"] {
        refused(&data, &[], &[(name, "enforced")], &[name, "the nearest one is SESAME_AUTH:"]);
    }
    let log = |environment: &[(&str, &str)]| Program::serve(&["--in-memory"], environment).kill();
    let unknown = log(&[("SESAME_COLOUR", "green"), ("SESAME_SHAPE_OF_THINGS", "round")]);
    assert_eq!(unknown.matches("WARN").count(), 1, "{unknown}");
    assert!(
        unknown.contains("SESAME_COLOUR, SESAME_SHAPE_OF_THINGS") && !unknown.contains("green"),
        "{unknown}"
    );
    let links = [
        ("SESAME_SERVICE_HOST", "10.96.0.7"),
        ("SESAME_SERVICE_PORT", "7070"),
        ("SESAME_SERVICE_PORT_KMS", "7070"),
        ("SESAME_PORT", "tcp://10.96.0.7:7070"),
        ("SESAME_PORT_7070_TCP", "tcp://10.96.0.7:7070"),
        ("SESAME_PORT_7070_TCP_ADDR", "10.96.0.7"),
        ("SESAME_IMAGE", "sesame"),
        ("SESAME_STEP", "new"),
    ];
    let quiet = log(&links);
    assert!(!quiet.contains("WARN"), "{quiet}");
    // Other commands are not affected: a shell that is set up for one purpose can run the others.
    assert_eq!(run(&["actions"], &misspelt).status.code(), Some(0));
}

#[test]
fn a_server_in_memory_refuses_a_database_and_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let shown = data.to_str().unwrap();
    let database = format!("sqlite:{}", dir.path().join("x.db").display());
    let url = "postgres://u:hidden@127.0.0.1:1/db";
    let no_directory = "nothing in the directory of --data-dir";
    let no_database = "nothing in the database of --database (SESAME_DATABASE)";
    for (arguments, environment, wanted) in [
        (&["--in-memory", "--database", &database][..], &[][..], no_database),
        (&["--in-memory"], &[("SESAME_DATABASE", url)], no_database),
        (&["--database", url], &[("SESAME_IN_MEMORY", "true")], no_database),
        (&["--in-memory"], &[("SESAME_DATABASE", "mysql://x")], no_database),
        (&["--in-memory", "--data-dir", shown], &[], no_directory),
        (&["--data-dir", shown], &[("SESAME_IN_MEMORY", "true")], no_directory),
        (&["--in-memory", "--data-dir", shown], &[("SESAME_DATA_DIR", "/elsewhere")], no_directory),
    ] {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let output = run(&[&listen[..], arguments].concat(), environment);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{arguments:?}: {said}");
        assert!(said.contains("--in-memory") && said.contains(wanted), "{arguments:?}: {said}");
        assert!(!said.contains("hidden") && !data.exists(), "{said}");
    }
    // The variable is set in the container image, where nothing is said unless data is left unused.
    let variables = [("SESAME_DATA_DIR", shown), ("SESAME_DATABASE", "")];
    let log = Program::serve(&["--in-memory"], &variables).kill();
    assert!(!log.contains("WARN") && !data.exists(), "{log}");
    filled(&data);
    let before = contents(&data);
    let log = Program::serve(&["--in-memory"], &variables).kill();
    assert!(log.contains("WARN") && log.contains("sesame.db (SESAME_DATA_DIR) is not used"), "{log}");
    assert_eq!(contents(&data), before);
}

#[test]
fn an_unknown_parameter_of_a_database_url_stops_the_start_and_no_value_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (query, wanted) in [
        ("?pasword=s3cret", "unknown parameter \"pasword\""),
        ("?sslmode=disable&pasword=s3cret", "unknown parameter \"pasword\""),
        ("?pasword=s3cret@x", "unknown parameter"),
        ("?s3cret", "unknown parameter"),
        ("?sslmode=s3cret", "sslmode"),
        ("?port=s3cret", "--database must be"),
    ] {
        let url = format!("postgres://u:s3cret@127.0.0.1:1/db{query}");
        refused(&data, &["--log", "trace"], &[("SESAME_DATABASE", &url)], &[wanted]);
        let output = run(&["serve", "--listen", "127.0.0.1:0", "--log", "trace", "--database", &url], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains("s3cret"), "{query}: {said}");
    }
}

#[test]
fn switches_in_the_environment_and_addresses_are_written_in_many_ways() {
    for on in ["1", "yes", "TRUE", "on", "true"] {
        let server = Program::serve(&[], &[("SESAME_IN_MEMORY", on)]);
        assert!(server.banner.contains("database in memory"), "{on}: {}", server.banner);
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    for off in ["0", "no", "FALSE", "off", ""] {
        let server = Program::serve(&["--data-dir", data], &[("SESAME_IN_MEMORY", off)]);
        assert!(server.banner.contains("sesame.db"), "{off}: {}", server.banner);
    }
    let output = run(&["serve"], &[("SESAME_IN_MEMORY", "maybe")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("write true, yes, on or 1"), "{said}");
    for (address, at) in [
        ("0", "127.0.0.1:"),
        (":0", "127.0.0.1:"),
        ("localhost:0", "127.0.0.1:"),
        ("127.0.0.1:0", "127.0.0.1:"),
    ] {
        let server = Program::serve(&["--in-memory", "--listen", address], &[]);
        assert!(server.banner.contains(&format!("http://{at}")), "{address}: {}", server.banner);
    }
    for address in ["localhost", "127.0.0.1", "http://localhost:1", "99999", ""] {
        let output = run(&["serve", "--in-memory", "--listen", address], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains("such as 7143, localhost:7143"), "{said}");
    }
}

/// An identity policy whose actions are one that KMS has, two that it does not have, and one of another service.
const UNKNOWN_ACTIONS: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:GetSecretValue","kms:GetSecretValu","kms:Gett*","oss:GetObjec"],"Resource":"*"}]}"#;

#[test]
fn an_unknown_action_in_a_policy_is_reported_wherever_policies_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let (config, policy) = (dir.path().join("c.toml"), dir.path().join("policy.json"));
    let accounts = format!(
        "[[accounts]]\nid='2'\n[[accounts.policies]]\nname='p'\ndocument='{UNKNOWN_ACTIONS}'\n[[accounts.users]]\nname='u'\n"
    );
    std::fs::write(&config, accounts).unwrap();
    std::fs::write(&policy, UNKNOWN_ACTIONS).unwrap();
    let said = [
        r#"Statement[0].Action: KMS has no action "kms:GetSecretValu"; the nearest is "kms:GetSecretValue""#,
        r#"Statement[0].Action: no action of KMS matches "kms:Gett*""#,
    ];
    let all_in =
        |text: &str| said.iter().all(|line| text.contains(line) || text.contains(&line.replace('"', "\\\"")));
    // The configuration file: in the log, and by `policy test`.
    let config = config.to_str().unwrap();
    let server = Program::serve(&["--in-memory", "--config", config], &[]);
    let log = server.kill();
    assert!(all_in(&log) && !log.contains("oss:") && log.contains("account 2 policy \"p\""), "{log}");
    let test =
        ["policy", "test", "--config", config, "--caller", "acs:ram::2:root", "--action", "kms:Encrypt"];
    let policy = ["--resource", "*", "--session-policy", policy.to_str().unwrap()];
    let out = String::from_utf8(run(&[&test[..], &policy].concat(), &[]).stdout).unwrap();
    assert!(out.starts_with("Denied") && all_in(&out), "{out}");
    assert!(out.contains("Warning: account 2 policy") && out.contains("Warning: --session-policy"), "{out}");
    // The accounts of a running server: in the answer and in the log.
    let server = Program::serve(&["--in-memory"], &[]);
    let ask = |request: &str, body: &str| {
        let head = format!("{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close");
        server.send(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    };
    let account = serde_json::json!({"policies": [{"name": "p", "document": UNKNOWN_ACTIONS}]}).to_string();
    let answer = ask("PUT /_sesame/accounts/2", &account);
    assert!(
        answer.starts_with("HTTP/1.1 200") && all_in(&answer) && answer.contains("\"warnings\":["),
        "{answer}"
    );
    let good = serde_json::json!({"policies": [{"name": "p", "document": UNKNOWN_ACTIONS.replace("Valu\",\"kms:Gett*\"", "Value\"")}]});
    let answer = ask("PUT /_sesame/accounts/3", &good.to_string());
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("warnings"), "{answer}");
    // The policy of a secret and of a key: in the log, and in a header; the body is the service's own.
    let own = UNKNOWN_ACTIONS.replace(",\"oss:GetObjec\"", "");
    let own = own.replace("\"Effect\"", r#""Principal":{"RAM":["acs:ram::1000000000000001:*"]},"Effect""#);
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    let set = server.call("SetSecretPolicy", &[("SecretName", "s"), ("Policy", &own)]);
    let (head, body) = set.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("200 OK") && head.contains("x-sesame-warning: ") && !body.contains("warning"),
        "{set}"
    );
    // A seed: in the answer, in the log, and by the command.
    let seed = serde_json::json!({"secrets": [{"name": "t", "versions": [{"id": "v1", "value": "x"}], "policy": own}]});
    let answer = ask("POST /_sesame/seed", &seed.to_string());
    assert!(
        answer.starts_with("HTTP/1.1 200") && all_in(&answer) && answer.contains("secrets[0].policy"),
        "{answer}"
    );
    let file = dir.path().join("seed.json");
    std::fs::write(&file, seed.to_string()).unwrap();
    let output = run(&["seed", file.to_str().unwrap(), "--url", &format!("http://{}", server.address)], &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && all_in(&told), "{told}");
    let log = server.kill();
    for whose in ["account 2 policy", "a policy of a secret or key", "secrets[0].policy"] {
        assert!(log.contains(whose), "{whose} is not in {log}");
    }
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
        ("group/x", secret("a"), "is not the ARN of a caller"),
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

#[test]
fn a_database_is_locked_whatever_directory_the_second_process_names() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let database = format!("sqlite:{}", one.path().join("shared.db").display());
    let key = "0123456789abcdef".repeat(4);
    let environment = [("SESAME_ROOT_KEY", key.as_str())];
    let flags =
        |dir: &Path| ["--data-dir", dir.to_str().unwrap(), "--database", &database].map(str::to_owned);
    let server = Program::serve(&flags(one.path()).each_ref().map(String::as_str), &environment);
    let other = flags(two.path());
    let other: Vec<&str> = other.iter().map(String::as_str).collect();
    for command in
        [&["serve", "--listen", "127.0.0.1:0"][..], &["check"], &["rekey", "--new-root-passphrase", "x"]]
    {
        let output = run(&[command, &other[..]].concat(), &environment);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains("shared.db is in use by another process"),
            "{said}"
        );
    }
    drop(server);
    drop(Program::serve(&other, &environment));
}
