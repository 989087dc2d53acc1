//! `sesame restore`: a backup is checked, and put in the place of the database.

use std::path::Path;

use crate::support::program::{Program, printed, run, succeed};

fn put(data: &str, value: &str) {
    let server = Program::serve(&["--data-dir", data], &[]);
    let parameters = [("SecretName", "a"), ("VersionId", value), ("SecretData", value)];
    let answer = server.call("PutSecretValue", &parameters);
    if answer.contains("Forbidden.ResourceNotFound") {
        assert!(server.call("CreateSecret", &parameters).contains("200 OK"));
    }
    server.terminate();
}

fn current(data: &str, environment: &[(&str, &str)]) -> String {
    let server = Program::serve(&["--data-dir", data], environment);
    server.call("GetSecretValue", &[("SecretName", "a")])
}

fn fail(arguments: &[&str], words: &[&str]) {
    let output = run(arguments, &[]);
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

fn names(data: &str) -> Vec<String> {
    let names =
        std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_backup_takes_the_place_of_the_database_which_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, backup) = (path("data"), path("backup.db"));
    put(&data, "one");
    succeed(&["backup", &backup, "--data-dir", &data], &[]);
    put(&data, "two");
    let server = Program::serve(&["--data-dir", &data], &[]);
    fail(&["restore", &backup, "--data-dir", &data], &["is in use by another process"]);
    // What a killed server left in its journal belongs to the database that is kept.
    server.call("PutSecretValue", &[("SecretName", "a"), ("VersionId", "three"), ("SecretData", "three")]);
    server.kill();
    let said = succeed(&["restore", &backup, "--data-dir", &data], &[]);
    assert!(said.contains("1 secrets, all of which open") && said.contains("is kept as"), "{said}");
    assert!(current(&data, &[]).contains("\"SecretData\":\"one\""));
    let kept = names(&data).into_iter().find(|name| name.starts_with("sesame.db.2")).unwrap();
    let kept = format!("{data}/{kept}");
    succeed(&["restore", &kept, "--data-dir", &data], &[]);
    assert!(current(&data, &[]).contains("\"SecretData\":\"three\""));
    assert!(names(&data).iter().all(|name| !name.ends_with(".new")), "{:?}", names(&data));
}

#[test]
fn a_backup_that_is_damaged_or_of_another_root_key_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, backup) = (path("data"), path("backup.db"));
    put(&data, "one");
    succeed(&["backup", &backup, "--data-dir", &data], &[]);
    put(&data, "two");
    let before = names(&data);
    std::fs::write(path("text"), "no database").unwrap();
    std::fs::write(path("empty"), "").unwrap();
    let good = std::fs::read(&backup).unwrap();
    std::fs::write(path("half"), &good[..good.len() / 2]).unwrap();
    // One byte of each sealed thing, found by its version byte.
    let at = good.windows(3).position(|bytes| bytes == b"one").map_or(good.len() / 2, |at| at);
    let mut flipped = good.clone();
    let sealed = good.windows(2).rposition(|bytes| bytes == [1, 1]).unwrap_or(at) + 8;
    flipped[sealed] ^= 1;
    std::fs::write(path("flipped"), &flipped).unwrap();
    for name in ["text", "empty", "half", "flipped", "none"] {
        fail(&["restore", &path(name), "--data-dir", &data], &[&path(name)]);
    }
    let itself = format!("{data}/sesame.db");
    fail(&["restore", &itself, "--data-dir", &data], &["is the database itself"]);
    assert_eq!(names(&data), before);
    assert!(current(&data, &[]).contains("\"SecretData\":\"two\""));
    // A backup from before the root key was replaced names the key that opens it.
    succeed(&["rekey", "--data-dir", &data], &[]);
    let old = names(&data).into_iter().find(|name| name.starts_with("root.key.2")).unwrap();
    let old = format!("{data}/{old}");
    fail(&["restore", &backup, "--data-dir", &data], &[&format!("--root-key-file '{old}'")]);
    let said = succeed(&["restore", &backup, "--data-dir", &data, "--root-key-file", &old], &[]);
    assert!(said.contains("From now on start with the same --root-key-file"), "{said}");
    assert!(current(&data, &[("SESAME_ROOT_KEY_FILE", &old)]).contains("\"SecretData\":\"one\""));
}

#[test]
fn a_backup_is_restored_on_a_new_machine() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, backup, new) = (path("data"), path("backup.db"), path("new"));
    put(&data, "one");
    succeed(&["backup", &backup, "--data-dir", &data], &[]);
    fail(&["restore", &backup, "--data-dir", &new], &["root.key is missing", "put your copy"]);
    assert!(!Path::new(&new).join("sesame.db").exists());
    std::fs::copy(format!("{data}/root.key"), format!("{new}/root.key")).unwrap();
    succeed(&["restore", &backup, "--data-dir", &new], &[]);
    assert!(current(&new, &[]).contains("\"SecretData\":\"one\""));
}
