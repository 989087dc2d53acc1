//! Where the root key comes from, who can read it, and how it is replaced.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::program::{Program, printed, run, succeed};

const OTHER: &str = "abababababababababababababababababababababababababababababababab";

/// A data directory with one secret.
fn filled(dir: &Path, environment: &[(&str, &str)]) -> String {
    let data = dir.join("data").display().to_string();
    let server = Program::serve(&["--data-dir", &data], environment);
    let create = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    server.terminate();
    data
}

/// Runs a command that must fail with one line that contains these words.
fn fail(arguments: &[&str], environment: &[(&str, &str)], words: &[&str]) {
    let output = run(arguments, environment);
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

fn check(data: &str, environment: &[(&str, &str)]) {
    let said = succeed(&["check", "--data-dir", data], environment);
    assert!(said.contains("1 secrets checked, 0 damaged"), "{said}");
}

fn set_mode(path: &str, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The old root keys of a data directory.
fn old_keys(data: &str) -> Vec<String> {
    let names = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut old: Vec<String> = names.filter(|name| name.starts_with("root.key.")).collect();
    old.sort();
    old.iter().map(|name| format!("{data}/{name}")).collect()
}

#[test]
fn a_root_key_file_that_everybody_can_read_is_refused_with_the_command_that_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path(), &[]);
    let key = format!("{data}/root.key");
    for mode in [0o604, 0o644, 0o602, 0o777] {
        set_mode(&key, mode);
        let mend = format!("run: chmod o= '{key}'");
        fail(&["check", "--data-dir", &data], &[], &["every user of this machine", &mend]);
    }
    assert!(std::process::Command::new("chmod").args(["o=", &key]).status().unwrap().success());
    check(&data, &[]);
    // The volumes of Kubernetes belong to a group, and its secrets are mounted readable for everyone in the container.
    for mode in [0o440, 0o640, 0o660] {
        set_mode(&key, mode);
        check(&data, &[]);
    }
    set_mode(&key, 0o444);
    succeed(&["check", "--data-dir", &data, "--root-key-file", &key], &[]);
}

#[test]
fn a_missing_root_key_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path(), &[]);
    let key = format!("{data}/root.key");
    let away = dir.path().join("away").display().to_string();
    std::fs::rename(&key, &away).unwrap();
    fail(&["check", "--data-dir", &data], &[], &[&key, "is missing", "put your copy", "--root-key-file"]);
    assert!(!Path::new(&key).exists(), "a new key was made for data of another one");
    check(&data, &[("SESAME_ROOT_KEY_FILE", &away)]);
}

#[test]
fn secrets_come_from_files_that_variables_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("key"), format!("{OTHER}\n")).unwrap();
    std::fs::write(path("passphrase"), "a long one\n").unwrap();
    std::fs::write(path("token"), "of-the-admin\r\n").unwrap();
    let data = filled(dir.path(), &[("SESAME_ROOT_KEY_FILE", &path("key"))]);
    assert!(!Path::new(&format!("{data}/root.key")).exists());
    check(&data, &[("SESAME_ROOT_KEY", OTHER)]);
    let next = ("SESAME_NEW_ROOT_PASSPHRASE_FILE", path("passphrase"));
    succeed(&["rekey", "--data-dir", &data], &[("SESAME_ROOT_KEY", OTHER), (next.0, &next.1)]);
    check(&data, &[("SESAME_ROOT_PASSPHRASE", "a long one")]);
    let file = path("passphrase");
    let by_file = ("SESAME_ROOT_PASSPHRASE_FILE", file.as_str());
    check(&data, &[by_file]);
    let both = [by_file, ("SESAME_ROOT_PASSPHRASE", "x")];
    fail(&["check", "--data-dir", &data], &both, &["SESAME_ROOT_PASSPHRASE_FILE exclude each other"]);
    let none = [("SESAME_ROOT_PASSPHRASE_FILE", "/none")];
    fail(&["check", "--data-dir", &data], &none, &["SESAME_ROOT_PASSPHRASE_FILE: cannot read /none"]);
    // A file of another command is not read.
    succeed(&["actions"], &none);
    let token = path("token");
    let server = Program::serve(&["--in-memory"], &[("SESAME_ADMIN_TOKEN_FILE", &token)]);
    assert!(server.send(b"GET /_sesame/clock HTTP/1.0\r\nHost: x\r\n\r\n").contains(" 401 "));
    let allowed =
        server.send(b"GET /_sesame/clock HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer of-the-admin\r\n\r\n");
    assert!(allowed.contains(" 200 "), "{allowed}");
    let url = format!("http://{}", server.address);
    succeed(&["export", "--url", &url], &[("SESAME_ADMIN_TOKEN_FILE", &token)]);
    let database = path("database");
    std::fs::write(&database, format!("sqlite:{data}/sesame.db")).unwrap();
    let elsewhere = path("elsewhere");
    check(&elsewhere, &[("SESAME_DATABASE_FILE", &database), by_file]);
}

#[test]
fn a_root_key_comes_from_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let command = ("SESAME_ROOT_KEY_COMMAND", "printf %s abab; printf '%060d\\n' 0 | tr 0 c");
    let data = filled(dir.path(), &[command]);
    check(&data, &[command]);
    let arguments = ["check", "--data-dir", &data, "--root-key-command"];
    let with = |command| [&arguments[..], &[command]].concat();
    fail(&with("exit 3"), &[], &["--root-key-command", "failed (exit status: 3)"]);
    fail(&with("echo no key"), &[], &["printed is not 32 bytes"]);
    fail(&with("cat"), &[], &["printed no text"]);
    fail(&with("true"), &[("SESAME_ROOT_KEY", OTHER)], &["exclude each other"]);
    fail(&["rekey", "--data-dir", &data], &[command], &["the root key comes from --root-key-command"]);
    let next = ("SESAME_NEW_ROOT_KEY_COMMAND", "printf '%064d' 0");
    let said = succeed(&["rekey", "--data-dir", &data], &[command, next]);
    assert!(said.contains("start with --root-key-command \"printf '%064d' 0\""), "{said}");
    check(&data, &[("SESAME_ROOT_KEY", &"0".repeat(64))]);
}

#[test]
fn the_root_key_is_replaced_and_the_old_one_stays_for_older_backups() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path(), &[]);
    let key = format!("{data}/root.key");
    let old = std::fs::read_to_string(&key).unwrap();
    let backup = dir.path().join("backup.db").display().to_string();
    succeed(&["backup", &backup, "--data-dir", &data], &[]);
    let said = succeed(&["rekey", "--data-dir", &data], &[]);
    assert_ne!(old, std::fs::read_to_string(&key).unwrap());
    check(&data, &[]);
    let [kept] = old_keys(&data).try_into().unwrap();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), old);
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    for words in [
        format!("The new root key is in {key}"),
        format!("The old root key is in {kept}"),
        format!("rm '{kept}'"),
    ] {
        assert!(said.contains(&words), "{words:?} is not in {said:?}");
    }
    fail(
        &["check", "--data-dir", &data],
        &[("SESAME_ROOT_KEY", old.trim())],
        &["does not open the database"],
    );
    let url = format!("sqlite:{backup}");
    let of_backup = ["check", "--data-dir", &data, "--database", &url];
    fail(
        &of_backup,
        &[],
        &["the root key does not open", &format!("but {kept} does: give --root-key-file '{kept}'")],
    );
    succeed(&[&of_backup[..], &["--root-key-file", &kept]].concat(), &[]);
    // A second change on the same day keeps both; --remove-old keeps no further one.
    succeed(&["rekey", "--data-dir", &data], &[]);
    assert_eq!(old_keys(&data).len(), 2);
    let said = succeed(&["rekey", "--data-dir", &data, "--remove-old"], &[]);
    assert!(said.contains("The file of the old root key was removed: make a backup now"), "{said}");
    assert_eq!(old_keys(&data).len(), 2);
    check(&data, &[]);
}

#[test]
fn a_root_key_that_a_setting_gives_is_replaced_by_one_that_a_setting_gives() {
    let dir = tempfile::tempdir().unwrap();
    let by_other = ("SESAME_ROOT_KEY", OTHER);
    let data = filled(dir.path(), &[by_other]);
    let key = format!("{data}/root.key");
    // A new key in root.key would not be found by the next start, which takes the variable.
    fail(
        &["rekey", "--data-dir", &data],
        &[by_other],
        &["the root key comes from SESAME_ROOT_KEY", "SESAME_NEW_ROOT_KEY"],
    );
    assert!(!Path::new(&key).exists());
    check(&data, &[by_other]);
    let same = ("SESAME_NEW_ROOT_KEY", OTHER);
    fail(&["rekey", "--data-dir", &data], &[by_other, same], &["is the one that is in use"]);
    let said =
        succeed(&["rekey", "--data-dir", &data], &[by_other, ("SESAME_NEW_ROOT_PASSPHRASE", "a long one")]);
    assert!(
        said.contains("start with SESAME_ROOT_PASSPHRASE") && said.contains("only with the old root key"),
        "{said}"
    );
    let by_passphrase = ("SESAME_ROOT_PASSPHRASE", "a long one");
    check(&data, &[by_passphrase]);
    fail(&["check", "--data-dir", &data], &[by_other], &["does not open the database"]);
    let server = Program::serve(&["--data-dir", &data], &[by_passphrase]);
    let next = ("SESAME_NEW_ROOT_KEY", OTHER);
    fail(&["rekey", "--data-dir", &data], &[by_passphrase, next], &["is in use by another process"]);
    drop(server);
}

#[test]
fn a_root_key_moves_from_its_file_into_a_setting() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path(), &[]);
    let key = format!("{data}/root.key");
    let said = succeed(&["rekey", "--data-dir", &data], &[("SESAME_NEW_ROOT_KEY", OTHER)]);
    assert!(
        said.contains("SESAME_ROOT_KEY set to the value of SESAME_NEW_ROOT_KEY, which Sesame stored nowhere"),
        "{said}"
    );
    assert!(!Path::new(&key).exists() && old_keys(&data).len() == 1);
    fail(&["check", "--data-dir", &data], &[], &["root.key is missing"]);
    check(&data, &[("SESAME_ROOT_KEY", OTHER)]);
    // A file that the user names stays where it is; without a new key it gets the new one.
    let file = dir.path().join("mine").display().to_string();
    std::fs::write(&file, OTHER).unwrap();
    let said = succeed(&["rekey", "--data-dir", &data, "--root-key-file", &file], &[]);
    assert!(said.contains(&format!("The new root key is in {file}")), "{said}");
    assert_ne!(std::fs::read_to_string(&file).unwrap(), OTHER);
    succeed(&["check", "--data-dir", &data, "--root-key-file", &file], &[]);
}

#[test]
fn a_change_of_the_root_key_that_was_cut_off_is_finished_or_undone() {
    let dir = tempfile::tempdir().unwrap();
    let data = filled(dir.path(), &[]);
    let (key, next) = (format!("{data}/root.key"), format!("{data}/root.key.next"));
    let old = std::fs::read_to_string(&key).unwrap();
    // Before the database changed: the next key was never used. An earlier release left another file, too.
    std::fs::write(&next, OTHER).unwrap();
    std::fs::write(format!("{data}/root.key.key.4711"), OTHER).unwrap();
    check(&data, &[]);
    assert_eq!(old_keys(&data), Vec::<String>::new());
    // After it changed, and before the file did.
    succeed(&["rekey", "--data-dir", &data, "--remove-old"], &[]);
    std::fs::rename(&key, &next).unwrap();
    std::fs::write(&key, &old).unwrap();
    check(&data, &[]);
    assert!(!Path::new(&next).exists());
    assert_ne!(std::fs::read_to_string(&key).unwrap(), old);
    let [kept] = old_keys(&data).try_into().unwrap();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), old);
}
