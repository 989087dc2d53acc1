//! `sesame export`, `import`, `seed`, `backup`, `rekey`, completions and the manual page, run as a user runs them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::program::{Program, printed, run, succeed};

/// Runs a command that must fail with one line that contains this.
fn fail(arguments: &[&str], environment: &[(&str, &str)], wanted: &str) {
    let output = run(arguments, environment);
    let said = printed(&output);
    assert!(matches!(output.status.code(), Some(1..=8)), "{arguments:?}: {said}");
    assert!(said.contains(wanted), "{arguments:?}: {said}");
}

const SEED: &str = "
keys:
  - { id: key-one, aliases: [alias/one] }
secrets:
  - name: from/env
    versions: [{ id: v1, value_from: { env: SEED_VALUE } }]
  - name: from/file
    key: alias/one
    versions: [{ id: v1, value_from: { file: value.txt } }]
";
const OUTSIDE: (&str, &str) = ("SEED_VALUE", "from outside");

/// Writes the seed and the file that it refers to.
fn seed_file(dir: &Path) -> String {
    std::fs::write(dir.join("seed.yaml"), SEED).unwrap();
    std::fs::write(dir.join("value.txt"), "from a file").unwrap();
    dir.join("seed.yaml").display().to_string()
}

/// A data directory with the contents of the seed.
fn seeded(dir: &Path) -> String {
    let data = dir.join("data").display().to_string();
    let server = Program::serve(&["--data-dir", &data, "--seed", &seed_file(dir)], &[OUTSIDE]);
    assert_eq!(value(&server, "from/env"), "from outside");
    assert_eq!(value(&server, "from/file"), "from a file");
    drop(server);
    data
}

fn value(server: &Program, name: &str) -> String {
    let answer = server.call("GetSecretValue", &[("SecretName", name)]);
    let body = answer.split("\r\n\r\n").last().unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    json["SecretData"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn a_wrong_seed_stops_the_start_with_file_line_and_field() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seed.yaml").display().to_string();
    let data = dir.path().join("data").display().to_string();
    let version = |source: &str| {
        format!("secrets:\n  - name: a\n    versions:\n      - {{id: v1, value_from: {{{source}}}}}")
    };
    let place = "seed.yaml: line 4: secrets[0].versions[0].value_from";
    for (seed, wanted) in [
        (
            "secrets:\n  - name: a b\n    versions: [{id: v1, value: x}]".to_owned(),
            "seed.yaml: line 2: secrets[0].name: \"a b\" is not valid".to_owned(),
        ),
        (version("env: NO_SUCH_VARIABLE"), format!("{place}.env: the environment has no NO_SUCH_VARIABLE")),
        (version("file: none.txt"), format!("{place}.file: cannot read none.txt")),
        (version("env: HOME, file: x"), format!("{place}: exactly one of env, file, generate")),
        ("secret: []".to_owned(), "seed.yaml: line 1: document: unknown field `secret`".to_owned()),
    ] {
        std::fs::write(&path, seed).unwrap();
        fail(&["serve", "--listen", "127.0.0.1:0", "--data-dir", &data, "--seed", &path], &[], &wanted);
    }
    let none = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data, "--seed", "/none.yaml"];
    fail(&none, &[], "cannot read /none.yaml");
}

#[test]
fn a_running_server_is_seeded_exported_and_imported() {
    let dir = tempfile::tempdir().unwrap();
    let seed = seed_file(dir.path());
    let server = Program::serve(&["--in-memory"], &[]);
    let url = format!("http://{}", server.address);
    assert_eq!(succeed(&["seed", &seed, "--url", &url], &[OUTSIDE]), "3 created, 0 changed, 0 unchanged\n");
    assert_eq!(succeed(&["seed", &seed, "--url", &url], &[OUTSIDE]), "0 created, 0 changed, 3 unchanged\n");
    fail(
        &["seed", &seed, "--url", &url],
        &[("SEED_VALUE", "other")],
        "the version already exists with another value",
    );
    let file = dir.path().join("all.yaml").display().to_string();
    succeed(&["export", &file, "--plaintext", "--url", &url], &[]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("from outside") && text.starts_with("version: 1\n"), "{text}");
    let other = Program::serve(&["--in-memory"], &[]);
    let there = format!("http://{}", other.address);
    fail(&["import", &file, "--url", &there], &[], "pass --replace");
    succeed(&["import", &file, "--url", &there, "--replace"], &[]);
    assert_eq!(value(&other, "from/file"), "from a file");
    drop(server);
    fail(&["seed", &seed, "--url", &url], &[OUTSIDE], "no server answers");
}

#[test]
fn exports_move_between_directories_with_and_without_the_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = seeded(dir.path());
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (sealed, plain) = (path("sealed.json"), path("plain.yaml"));
    succeed(&["export", &sealed, "--data-dir", &data], &[]);
    succeed(&["export", &plain, "--plaintext", "--data-dir", &data], &[]);
    let text = std::fs::read_to_string(&sealed).unwrap();
    assert!(!text.contains("from outside"), "{text}");
    assert_eq!(std::fs::metadata(&plain).unwrap().permissions().mode() & 0o777, 0o600);

    let (one, two, three) = (path("one"), path("two"), path("three"));
    succeed(&["import", &plain, "--data-dir", &one], &[]);
    fail(&["import", &plain, "--data-dir", &one], &[], "the data is not empty");
    fail(
        &["import", &sealed, "--data-dir", &two],
        &[],
        "sealed_with: the file was sealed with another root key",
    );
    let key = format!("{data}/root.key");
    succeed(&["import", &sealed, "--data-dir", &two, "--source-root-key-file", &key], &[]);
    std::fs::create_dir(&three).unwrap();
    std::fs::copy(&key, format!("{three}/root.key")).unwrap();
    succeed(&["import", &sealed, "--data-dir", &three], &[]);
    for data in [&one, &two, &three] {
        assert!(
            succeed(&["check", "--data-dir", data], &[]).contains("2 secrets checked, 0 damaged"),
            "{data}"
        );
        let server = Program::serve(&["--data-dir", data], &[]);
        assert_eq!(value(&server, "from/env"), "from outside");
        assert_eq!(value(&server, "from/file"), "from a file");
    }
}

#[test]
fn a_backup_of_a_running_server_opens_with_its_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let data = seeded(dir.path());
    let server = Program::serve(&["--data-dir", &data], &[]);
    let copy = dir.path().join("copy").display().to_string();
    std::fs::create_dir(&copy).unwrap();
    let file = format!("{copy}/sesame.db");
    assert!(succeed(&["backup", &file, "--data-dir", &data], &[]).contains("Store the two separately"));
    fail(&["backup", &file, "--data-dir", &data], &[], "is there already");
    drop(server);
    std::fs::copy(format!("{data}/root.key"), format!("{copy}/root.key")).unwrap();
    assert!(succeed(&["check", "--data-dir", &copy], &[]).contains("2 secrets checked, 0 damaged"));
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let data = seeded(dir.path());
    let target = dir.path().join("backups");
    std::fs::create_dir(&target).unwrap();
    let file = target.join("copy.db");
    // A limit on the size of files fails the copy half-way, as a full disk does.
    let script = "trap '' XFSZ && ulimit -f 100 && exec \"$0\" \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_sesame"), "backup"])
        .args([file.as_os_str(), "--data-dir".as_ref(), data.as_ref()])
        .output()
        .unwrap();
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot copy to") && said.contains("copy.db"), "{said}");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0, "{said}");
    succeed(&["backup", file.to_str().unwrap(), "--data-dir", &data], &[]);
}

#[test]
fn completions_and_man_page_list_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(succeed(&["completions", shell], &[]).contains("healthcheck"), "{shell}");
    }
    let page = succeed(&["man"], &[]);
    assert!(page.contains(".TH sesame") && page.contains("rekey"), "{page:.200}");
}
