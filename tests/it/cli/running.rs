//! The commands that ask a running server about itself.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::User;

#[test]
fn the_clock_is_read_moved_frozen_and_resumed() {
    let user = User::new(&[]);
    assert!(user.ok(&["clock"]).contains("(the machine's)"));
    assert!(user.ok(&["clock", "+7d"]).contains("(604800 s ahead of the machine's)"));
    assert!(user.ok(&["clock", "2030-01-01"]).starts_with("2030-01-01T00:00:00Z (stands still"));
    assert_eq!(user.json(&["clock"])["now"], "2030-01-01T00:00:00Z");
    user.ok(&["clock", "resume"]);
    assert!(user.ok(&["clock", "freeze"]).contains("stands still"));
    assert!(user.fails(2, &["clock", "later"]).contains("such as +7d"));
    // Commands sign with the machine's time, which the server accepts too.
    user.ok(&["clock", "2030-01-01"]);
    user.ok(&["ls"]);
}

#[test]
fn a_snapshot_is_kept_restored_listed_and_forgotten_and_reset_empties() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db"]);
    assert_eq!(user.ok(&["snapshot", "save", "base line"]), "snapshot base line is kept\n");
    assert_eq!(user.ok(&["reset"]), "the server is empty\n");
    assert_eq!(user.ok(&["ls"]), "");
    assert!(user.ok(&["snapshot", "ls"]).starts_with("base line\t"));
    assert!(user.fails(3, &["snapshot", "restore", "base lin"]).contains("did you mean base line?"));
    user.ok(&["snapshot", "restore", "base line"]);
    assert!(user.ok(&["ls"]).starts_with("app/db\t"));
    user.ok(&["snapshot", "rm", "base line"]);
    assert_eq!(user.ok(&["snapshot", "ls"]), "");
    assert!(user.fails(5, &["reset", "--to", "seed"]).contains("started without a seed"));
    assert!(user.fails(3, &["reset", "--account", "7"]).contains("no account 7"));
}

#[test]
fn faults_are_added_by_presets_listed_and_removed() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db"]);
    user.ok(&["fault", "add", "throttle", "GetSecretValue", "2"]);
    assert_eq!(user.ok(&["get", "app/db"]), "x", "two refusals, then a success");
    let listed = user.ok(&["fault", "ls"]);
    assert_eq!(listed, "1\tGetSecretValue\tcode=Rejected.Throttling\ttimes=2\t2\n");
    user.ok(&["fault", "add", "error", "*", "--code", "Rejected.LimitExceeded", "--secret", "other/*"]);
    user.ok(&["fault", "add", "slow", "ListSecrets"]);
    assert_eq!(user.ok(&["fault", "rm", "2"]), "rule 2 is removed\n");
    assert!(user.ok(&["fault", "ls"]).contains("delay_ms=2000"));
    assert!(user.fails(3, &["fault", "rm", "9"]).contains("there is no rule 9"));
    assert!(user.fails(6, &["fault", "add", "fail", "GetSecretValu"]).contains("GetSecretValue"));
    user.ok(&["fault", "rm"]);
    assert_eq!(user.ok(&["fault", "ls"]), "");
}

#[test]
fn status_tells_what_differs_and_says_when_a_token_is_missing() {
    let user = User::new(&[]);
    user.ok(&["fault", "add", "cut", "GetSecretValue"]);
    let said = user.ok(&["status"]);
    assert!(said.contains("status\tready\n") && said.contains("faults\t1\n"), "{said}");
    assert_eq!(user.json(&["status"])["faults"].as_array().unwrap().len(), 1);
    let user = User::new(&["--auth", "signed", "--admin-token", "token-1"]);
    assert!(user.ok(&["status"]).contains("no admin token was sent"));
    let user = user.with("SESAME_ADMIN_TOKEN", "token-1");
    assert!(user.ok(&["status"]).contains("faults\t0\n"));
    let wrong = ["clock", "--admin-token", "token-2"];
    assert!(user.fails(4, &wrong).contains("admin token"), "a wrong token has the exit code of credentials");
    assert!(
        user.with("SESAME_URL", "http://127.0.0.1:1").fails(8, &["status"]).contains("no server answers")
    );
}

#[test]
fn the_log_lists_requests_by_filters_and_follows_new_ones() {
    let user = User::new(&[]);
    user.ok_fed("hunter2", &["create", "app/db"]);
    user.ok(&["get", "app/db"]);
    user.fails(3, &["get", "absent"]);
    let actions = |arguments: &[&str]| -> Vec<String> {
        let said = user.ok(&[&["log"], arguments].concat());
        assert!(!said.contains("hunter2"));
        said.lines().map(|line| line.split('\t').nth(3).unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&["-n", "2", "--action", "GetSecretValue"]), ["GetSecretValue"; 2]);
    assert_eq!(actions(&["--code", "Forbidden.ResourceNotFound"])[0], "GetSecretValue");
    assert_eq!(actions(&["--caller", "nobody"]), [""; 0]);
    let mut child = user.command(&["log", "-f", "--errors"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Until the server has taken the follower, what happens is not told to it.
    let seen = std::thread::spawn(move || lines.next().unwrap().unwrap());
    while !seen.is_finished() {
        user.ok(&["get", "app/db"]);
        user.fails(3, &["get", "absent", "--version", "v9"]);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(seen.join().unwrap().contains("Forbidden.ResourceNotFound"));
}

#[test]
fn the_cloud_is_never_asked_for_what_only_a_test_server_does() {
    let user = User::new(&[]).with("SESAME_URL", "https://kms.cn-hangzhou.aliyuncs.com");
    user.file("seed.yaml", "version: 1\n");
    for arguments in [
        &["reset"][..],
        &["clock"],
        &["clock", "+7d"],
        &["fault", "ls"],
        &["fault", "add", "cut", "*"],
        &["snapshot", "save", "a"],
        &["status"],
        &["log"],
        &["log", "-f"],
        &["seed", "seed.yaml"],
        &["export"],
        &["import", "seed.yaml", "--replace"],
    ] {
        assert!(user.fails(2, arguments).contains("is for Sesame servers"), "{arguments:?}");
    }
}
