//! The life of a secret by commands alone.

use super::User;
use crate::support::postgres;
use crate::support::program::Program;

#[test]
fn a_secret_is_created_read_changed_promoted_rolled_back_deleted_and_brought_back() {
    for mode in ["open", "signed", "enforced"] {
        for scheme in ["acs3", "rpc"] {
            life(&User::new(&["--auth", mode]).with("SESAME_SIGNATURE", scheme));
        }
    }
}

/// The whole life of `app/db`.
pub fn life(user: &User) {
    assert_eq!(
        user.ok_fed("first\n", &["create", "app/db", "--version", "v1", "--tag", "team=a:b+c"]),
        "created app/db with version v1\n"
    );
    assert_eq!(user.ok(&["get", "app/db"]), "first");
    assert_eq!(
        user.ok_fed("second", &["put", "app/db", "--version", "v2", "--stage", "Next"]),
        "stored version v2 of app/db (Next)\n"
    );
    assert_eq!(user.ok(&["get", "app/db"]), "first");
    assert_eq!(user.ok(&["get", "app/db", "--stage", "Next"]), "second");
    assert_eq!(user.ok(&["promote", "app/db", "v2"]), "ACSCurrent of app/db is version v2\n");
    assert_eq!(user.ok(&["promote", "app/db", "v2"]), "ACSCurrent of app/db is version v2\n");
    assert_eq!(user.ok(&["get", "app/db"]), "second");
    let versions = user.ok(&["versions", "app/db"]);
    let rows: Vec<&str> = versions.lines().map(|line| line.split_once('\t').unwrap().1).collect();
    assert_eq!(rows, ["v2\tACSCurrent,Next", "v1\tACSPrevious"]);
    assert_eq!(user.ok(&["rollback", "app/db"]), "ACSCurrent of app/db is version v1 again\n");
    assert_eq!(user.ok(&["get", "app/db"]), "first");
    assert_eq!(user.ok(&["get", "app/db", "--version", "v2"]), "second");
    user.ok(&["tag", "app/db", "team=b", "stage=test"]);
    user.ok(&["untag", "app/db", "stage"]);
    assert!(user.ok(&["describe", "app/db"]).contains("tags\tteam=b\n"));
    assert!(user.ok(&["rm", "app/db", "--days", "7"]).contains("`sesame undelete app/db` brings it back"));
    assert!(user.fails(5, &["get", "app/db"]).contains("Rejected.ResourceInDeleteWindow"));
    assert_eq!(user.ok(&["undelete", "app/db"]), "app/db is back\n");
    assert_eq!(user.ok(&["rm", "app/db", "--force"]), "deleted app/db for good\n");
    assert!(user.fails(3, &["get", "app/db"]).contains("there is no secret \"app/db\""));
}

#[test]
fn every_command_speaks_https_too() {
    let user = User::new(&["--auth", "signed"]);
    let answer = user.server.admin("GET", "/_sesame/ca.pem", "");
    let ca = user.file("ca.pem", answer.split("\r\n\r\n").nth(1).unwrap()).display().to_string();
    let url = format!("https://{}", user.server.address);
    life(&user.with("SESAME_URL", &url).with("SESAME_CA", &ca));
}

#[test]
fn the_commands_do_the_same_against_sqlite_and_postgresql() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    life(&User::of(Program::serve(&["--data-dir", &data, "--auth", "enforced"], &[])));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres::database());
    let arguments = ["--data-dir", &data, "--auth", "enforced", "--database", &url];
    life(&User::of(Program::serve(&arguments, &[])));
}

#[test]
fn lists_are_filtered_and_pages_are_joined() {
    let user = User::new(&[]);
    for number in 0..105 {
        let (name, id) = (format!("many/{number:03}"), "v1");
        user.server.call("CreateSecret", &[("SecretName", &name), ("VersionId", id), ("SecretData", "x")]);
    }
    user.ok_fed("x", &["create", "app/a", "--version", "v1", "--tag", "team=a"]);
    user.ok_fed("x", &["create", "app/b", "--version", "v1", "--tag", "team=ab"]);
    user.ok_fed("y", &["put", "app/b", "--version", "v2"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let listed = user.ok(&[&["ls"], arguments].concat());
        listed.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]).len(), 107);
    assert_eq!(names(&["app/"]), ["app/a", "app/b"]);
    assert_eq!(names(&["pp/"]), [""; 0]);
    assert_eq!(names(&["--tag", "team=a"]), ["app/a"]);
    assert_eq!(names(&["app/", "--type", "generic"]), ["app/a", "app/b"]);
    assert_eq!(names(&["app/", "--type", "Rds"]), [""; 0]);
    assert_eq!(names(&["app/", "--all-versions"]), ["app/a", "app/b", "app/b"]);
    let data = user.json(&["ls", "app/a"]);
    assert_eq!(data[0]["SecretName"], "app/a");
    assert!(user.ok(&["ls", "app/a", "-o", "yaml"]).contains("SecretName: app/a"));
    assert!(user.ok(&["ls", "app/a", "-o", "table"]).starts_with("NAME   TYPE"));
    assert!(user.ok(&["ls", "app/a"]).starts_with("app/a\tGeneric\t"));
}

#[test]
fn whoami_says_as_whom_the_server_answers() {
    let user = User::new(&["--auth", "signed"]);
    let said = user.ok(&["whoami"]);
    assert!(
        said.contains("arn\tacs:ram::1000000000000001:root\n") && said.contains("access key\ttest\n"),
        "{said}"
    );
    assert_eq!(user.json(&["whoami"])["IdentityType"], "Account");
}

#[test]
fn rotate_says_that_a_secret_is_rotated_only_when_it_is() {
    let user = User::new(&[]);
    let data = r#"{"Accounts":[{"AccountName":"app","AccountPassword":"hush"}]}"#;
    let created = user.server.call(
        "CreateSecret",
        &[
            ("SecretName", "app/db"),
            ("VersionId", "v1"),
            ("SecretType", "Rds"),
            ("ExtendedConfig", r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#),
            ("SecretData", data),
        ],
    );
    assert!(created.starts_with("HTTP/1.1 200"), "{created}");
    assert_eq!(user.ok(&["rotate", "app/db", "--version", "v2"]), "app/db is rotated to version v2\n");
    assert_eq!(user.ok(&["versions", "app/db"]).lines().next().unwrap().split('\t').nth(1), Some("v2"));
    // The service answers 200 to a rotation that fails.
    user.ok(&["fault", "add", "error", "RotateSecret", "--code", "Kms:TargetRefused"]);
    let said = user.fails(7, &["rotate", "app/db", "--version", "v3"]);
    assert!(said.contains("the rotation of app/db to version v3 was started and is not done"), "{said}");
    user.ok_fed("x", &["create", "app/generic"]);
    assert!(!user.fails(6, &["rotate", "app/generic"]).contains("is rotated"));
}
