//! The file of the database: who may open it, who can read it, what happens when it goes away or the disk is full.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::program::{Program, command, printed, run, succeed};
use crate::support::{form, sign};

/// A status of `/_sesame/ready`, and its text.
fn ready(server: &Program) -> String {
    server.send(b"GET /_sesame/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

fn create(server: &Program, name: &str, value: &str) -> String {
    server.call("CreateSecret", &[("SecretName", name), ("VersionId", "v1"), ("SecretData", value)])
}

fn value(server: &Program, name: &str) -> String {
    server.call("GetSecretValue", &[("SecretName", name)])
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A command must fail with one line that contains this.
fn fail(arguments: &[&str], wanted: &str) {
    let output = run(arguments, &[]);
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(wanted) && said.trim_end().lines().count() == 1, "{said}");
}

#[test]
fn a_second_process_is_kept_out_by_whatever_name_it_reaches_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let url = |name: &str| format!("sqlite:{}", path(name).display());
    let data = |name: &str| path(name).display().to_string();
    let database = url("x.db");
    let server = Program::serve(&["--data-dir", &data("a"), "--database", &database], &[]);
    std::os::unix::fs::symlink(path("x.db"), path("link.db")).unwrap();
    let (second, link) = (data("b"), url("link.db"));
    for url in [&database, &link] {
        fail(&["check", "--data-dir", &second, "--database", url], "is in use by another process");
    }
    // The name is locked, too: whoever replaces the file does not open the way for a second server.
    std::fs::rename(path("x.db"), path("away.db")).unwrap();
    for url in [&database, &link] {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &second, "--database", url];
        fail(&serve, "is in use by another process");
    }
    std::fs::rename(path("away.db"), path("x.db")).unwrap();
    std::fs::hard_link(path("x.db"), path("hard.db")).unwrap();
    let hard = url("hard.db");
    fail(&["check", "--data-dir", &second, "--database", &hard], "is in use by another process");
    server.terminate();
    fail(&["check", "--data-dir", &data("a"), "--database", &hard], "has 2 names (hard links)");
    std::fs::remove_file(path("hard.db")).unwrap();
    succeed(&["check", "--data-dir", &data("a"), "--database", &link], &[]);
}

#[test]
fn the_files_of_a_database_outside_the_data_directory_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data").display().to_string(), dir.path().join("x.db"));
    let url = format!("sqlite:{}", file.display());
    let serve = || Program::serve(&["--data-dir", &data, "--database", &url], &[]);
    let all_private = || {
        let names = ["x.db", "x.db-wal", "x.db-shm", "x.db-lock", "x.db-reserve", "x.db-nonces"];
        for name in names {
            assert_eq!(mode(&dir.path().join(name)), 0o600, "{name}");
        }
    };
    let server = serve();
    assert!(create(&server, "a", "one").contains("200 OK"));
    all_private();
    server.kill();
    // What an earlier release left open is closed, the journal of a killed process included.
    for name in ["x.db", "x.db-wal", "x.db-shm"] {
        std::fs::set_permissions(dir.path().join(name), PermissionsExt::from_mode(0o644)).unwrap();
    }
    let server = serve();
    assert!(value(&server, "a").contains("\"one\""));
    all_private();
    let backup = dir.path().join("backup.db");
    let output = Command::new("sh")
        .args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_sesame"), "backup"])
        .args([backup.to_str().unwrap(), "--data-dir", &data, "--database", &url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    assert_eq!(mode(&backup), 0o600);
}

#[test]
fn a_database_that_is_removed_or_replaced_under_the_server_takes_no_writes() {
    for replaced in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().display().to_string();
        let server = Program::serve(&["--data-dir", &data], &[]);
        assert!(create(&server, "a", "one").contains("200 OK"));
        let (file, away) = (dir.path().join("sesame.db"), dir.path().join("away"));
        let told = if replaced {
            std::fs::copy(&file, &away).unwrap();
            std::fs::rename(&away, &file).unwrap();
            "the database file was replaced"
        } else {
            std::fs::rename(&file, &away).unwrap();
            "the database file was removed"
        };
        let answer = ready(&server);
        assert!(answer.contains(" 503 ") && answer.contains(told), "{answer}");
        for name in ["b", "c"] {
            let answer = create(&server, name, "two");
            assert!(answer.contains(" 503 "), "{answer}");
        }
        assert!(value(&server, "a").contains("\"one\""));
        let log = server.kill();
        assert_eq!(log.matches("nothing is written any more").count(), 1, "{log}");
    }
}

#[test]
fn a_journal_that_is_removed_under_the_server_takes_no_writes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::serve(&["--data-dir", dir.path().to_str().unwrap()], &[]);
    assert!(create(&server, "a", "one").contains("200 OK"));
    std::fs::remove_file(dir.path().join("sesame.db-wal")).unwrap();
    assert!(create(&server, "b", "two").contains(" 503 "));
    assert!(ready(&server).contains("the journal of the database (-wal) was removed or replaced"));
}

/// A small file system in memory. `None` where this process may not mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(&at).output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        if !mounted {
            drop(writeln!(std::io::stderr(), "skipped: this process may not mount a small disk"));
        }
        mounted.then_some(Self(at))
    }

    /// Fills the disk until this many bytes are left.
    fn fill(&self, left: u64) {
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        let written = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
        assert_eq!(written.kind(), std::io::ErrorKind::StorageFull);
        let bytes = file.metadata().unwrap().len();
        file.set_len(bytes.saturating_sub(left)).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// Waits until the server says that it is ready.
fn until_ready(server: &Program) {
    for _ in 0..1200 {
        if ready(server).contains(" 200 ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it does not become ready: {}", server.log());
}

const LARGE: usize = 30_000;

#[test]
fn on_a_full_disk_deletions_work_and_the_server_is_not_ready_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path().join("disk")) else { return };
    let data = disk.0.join("data").display().to_string();
    let server = Program::serve(&["--data-dir", &data], &[]);
    let large = "x".repeat(LARGE);
    assert!(create(&server, "kept", "one").contains("200 OK"));
    disk.fill(512 * 1024);
    let failed = (0..200).find(|n| {
        let answer = create(&server, &format!("s{n}"), &large);
        if answer.contains(" 503 ") {
            return true;
        }
        assert!(answer.contains("200 OK"), "{answer}");
        false
    });
    let failed = failed.expect("the disk does not get full");
    assert!(failed > 1, "nothing fits on the disk");
    let answer = ready(&server);
    assert!(answer.contains(" 503 ") && answer.contains("the disk of the database is full"), "{answer}");
    assert!(create(&server, "more", "x").contains(" 503 "));
    for n in 0..failed {
        let name = format!("s{n}");
        let answer =
            server.call("DeleteSecret", &[("SecretName", &name), ("ForceDeleteWithoutRecovery", "true")]);
        assert!(answer.contains("200 OK"), "{answer}");
    }
    assert!(value(&server, "kept").contains("\"one\""));
    assert!(!disk.0.join("data/sesame.db-reserve").exists());
    disk.empty();
    until_ready(&server);
    assert!(create(&server, "more", &large).contains("200 OK"));
    assert!(disk.0.join("data/sesame.db-reserve").exists());
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("only deletions are carried out (DeleteSecret").count(), 1, "{log}");
    let said = succeed(&["check", "--data-dir", &data], &[]);
    assert!(said.contains("2 secrets checked, 0 damaged places"), "{said}");
}

#[test]
fn a_signed_deletion_works_on_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path().join("disk")) else { return };
    let data = disk.0.join("data").display().to_string();
    drop(create(&Program::serve(&["--data-dir", &data], &[]), "a", &"x".repeat(LARGE)));
    let server = Program::serve(&["--data-dir", &data, "--auth", "signed"], &[]);
    disk.fill(0);
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut parameters = sign::rpc_system("DeleteSecret", "test", &time);
    let more = [("SecretName", "a"), ("ForceDeleteWithoutRecovery", "true"), ("SignatureNonce", "n")];
    parameters.extend(more);
    let signature = sign::rpc_signature("POST", "test", &parameters);
    parameters.push(("Signature", &signature));
    let answer = server.post("/", "application/x-www-form-urlencoded", &form(&parameters));
    assert!(answer.contains("200 OK"), "{answer} {}", server.log());
    assert!(ready(&server).contains(" 503 "));
}

#[test]
fn a_killed_backup_leaves_no_debris_after_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let server = Program::serve(&["--data-dir", &data], &[]);
    let large = "x".repeat(LARGE);
    for n in 0..150 {
        assert!(create(&server, &format!("s{n}"), &large).contains("200 OK"));
    }
    let target = dir.path().join("backups");
    std::fs::create_dir(&target).unwrap();
    let file = target.join("copy.db").display().to_string();
    let names = || {
        let names =
            std::fs::read_dir(&target).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };
    let mut cut = 0;
    for _ in 0..200 {
        let mut child = command(&["backup", &file, "--data-dir", &data]).spawn().unwrap();
        while names().is_empty() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let left = names();
        cut += usize::from(left.iter().any(|name| name.contains(".new")));
        if left.contains(&"copy.db".to_owned()) {
            std::fs::remove_file(&file).unwrap();
        }
        if cut == 5 {
            break;
        }
    }
    assert!(cut > 0, "no backup was killed while it worked");
    // The next one has another name, as those with a date have.
    std::fs::write(target.join("notes.1-0.new"), "of somebody else").unwrap();
    let next = target.join("next.db").display().to_string();
    succeed(&["backup", &next, "--data-dir", &data], &[]);
    let mut left = names();
    left.sort();
    assert_eq!(left, ["next.db", "notes.1-0.new"]);
}
