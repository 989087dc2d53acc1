//! What goes wrong: exit codes by kind, near names, repeated requests, closed pipes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use super::User;
use crate::support::program::printed;

#[test]
fn the_exit_code_tells_the_kind_of_a_failure() {
    let user = User::new(&["--auth", "signed"]);
    user.ok_fed("x", &["create", "app/db", "--version", "v1"]);
    user.fails(2, &["get"]);
    user.fails(2, &["get", "app/db", "--version", "v1", "--stage", "x"]);
    user.fails(3, &["get", "absent"]);
    user.fails(3, &["rollback", "app/db"]);
    assert!(
        user.fails(4, &["ls", "--access-key-id", "test", "--access-key-secret", "wrong"])
            .contains("SignatureDoesNotMatch: the secret of the access key is another one")
    );
    user.fails(4, &["ls", "--access-key-id", "absent", "--access-key-secret", "wrong"]);
    assert!(user.fails(5, &["create", "app/db", "x"]).contains("Rejected.ResourceExist"));
    assert!(user.fails(6, &["get", "no good name"]).contains("InvalidParameter"));
    let user = user.with("SESAME_URL", "http://127.0.0.1:1");
    assert!(user.fails(8, &["ls"]).contains("no server answers at http://127.0.0.1:1"));
}

#[test]
fn a_near_name_is_told_for_a_command_a_secret_a_version_a_label_and_a_profile() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/database", "--version", "first"]);
    user.ok_fed("y", &["put", "app/database", "--version", "second", "--stage", "Next"]);
    assert!(user.fails(2, &["promot"]).contains("promote"));
    for command in [&["get"][..], &["put", "--file", "/etc/hostname"], &["describe"], &["rm"], &["versions"]]
    {
        let said = user.fails(3, &[command, &["app/databse"]].concat());
        assert!(said.contains("there is no secret \"app/databse\"; did you mean app/database?"), "{said}");
    }
    let said = user.fails(3, &["get", "app/database", "--version", "frist"]);
    assert!(said.contains("app/database has no version \"frist\"; did you mean first?"), "{said}");
    let said = user.fails(3, &["get", "app/database", "--stage", "Nxt"]);
    assert!(said.contains("has the label \"Nxt\"; did you mean Next?"), "{said}");
    let said = user.fails(3, &["promote", "app/database", "secnd"]);
    assert!(said.contains("did you mean second?"), "{said}");
    user.file(".aliyun/config.json", r#"{"profiles":[{"name":"staging","mode":"AK"}]}"#);
    let said = user.fails(3, &["ls", "--profile", "stagin"]);
    assert!(said.contains("no profile \"stagin\"; did you mean staging?"), "{said}");
}

#[test]
fn a_throttled_request_is_sent_again_and_a_lost_answer_writes_nothing_twice() {
    let user = User::new(&[]);
    let faults = |rules: &str| {
        assert!(user.server.admin("PUT", "/_sesame/faults", rules).starts_with("HTTP/1.1 200"));
    };
    faults(r#"[{"action":"CreateSecret","times":2,"code":"Rejected.Throttling"}]"#);
    user.ok_fed("x", &["create", "throttled"]);
    faults(r#"[{"action":"*","times":1,"drop":"after"}]"#);
    assert!(user.ok_fed("x", &["create", "lost"]).starts_with("created lost with version "));
    assert_eq!(user.ok(&["versions", "lost"]).lines().count(), 1);
    faults(r#"[{"action":"PutSecretValue","times":1,"drop":"after"}]"#);
    user.ok_fed("y", &["put", "lost"]);
    assert_eq!(user.ok(&["versions", "lost"]).lines().count(), 2);
    faults(r#"[{"action":"GetSecretValue","code":"Rejected.Throttling"}]"#);
    assert!(user.fails(7, &["get", "lost"]).contains("Rejected.Throttling"));
}

#[test]
fn a_change_whose_first_answer_is_lost_is_made_once_and_reported_as_made() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db", "--version", "v1"]);
    let key = user.json(&["keys", "create"])["KeyId"].as_str().unwrap().to_owned();
    for (action, arguments) in [
        ("CreateSecret", &["create", "new", "--version", "v1", "--file", "/etc/hostname"][..]),
        (
            "PutSecretValue",
            &["put", "app/db", "--version", "v2", "--file", "/etc/hostname", "--stage", "Next"],
        ),
        ("UpdateSecretVersionStage", &["promote", "app/db", "v2"]),
        ("UpdateSecretVersionStage", &["rollback", "app/db"]),
        ("TagResource", &["tag", "app/db", "a=b"]),
        ("UntagResource", &["untag", "app/db", "a"]),
        ("DeleteSecret", &["rm", "app/db", "--days", "7"]),
        ("RestoreSecret", &["undelete", "app/db"]),
        ("DeleteSecret", &["rm", "app/db", "--force"]),
        ("DisableKey", &["keys", "disable", &key]),
        ("EnableKey", &["keys", "enable", &key]),
        ("CreateAlias", &["keys", "create", "--alias", "alias/one"]),
        ("ScheduleKeyDeletion", &["keys", "rm", &key]),
        ("CancelKeyDeletion", &["keys", "undelete", &key]),
    ] {
        user.ok(&["fault", "add", "lose", action, "1"]);
        user.ok(arguments);
        let fired = user.server.admin("GET", "/_sesame/faults", "");
        assert!(fired.contains("\"fired\":1"), "{arguments:?}: {fired}");
        user.ok(&["fault", "rm"]);
    }
    // Nothing in a request tells a second key from a repetition, so it is not repeated.
    let keys = user.ok(&["keys", "ls"]).lines().count();
    user.ok(&["fault", "add", "lose", "CreateKey", "1"]);
    assert!(
        user.fails(8, &["keys", "create"]).contains("the key may have been created: see `sesame keys ls`")
    );
    assert_eq!(user.ok(&["keys", "ls"]).lines().count(), keys + 1);
    user.ok(&["fault", "rm"]);
    user.ok(&["fault", "add", "throttle", "CreateKey", "1"]);
    user.ok(&["keys", "create"]);
    assert_eq!(user.ok(&["keys", "ls"]).lines().count(), keys + 2);
}

#[test]
fn a_reader_that_closes_the_pipe_ends_a_command_quietly() {
    let user = User::new(&[]);
    for arguments in [&["actions"][..], &["man"], &["completions", "bash"], &["ls"]] {
        let mut child =
            user.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), printed(&output).as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn what_is_not_the_service_is_reported_and_the_secret_is_not_sent_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut piece = [0; 8192];
        let read = stream.read(&mut piece).unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnginx").unwrap();
        String::from_utf8_lossy(&piece[..read]).into_owned()
    });
    let user = User::new(&[]).with("SESAME_URL", &url);
    let said = user.fails(8, &["get", "a", "--access-key-id", "id", "--access-key-secret", "hunter2"]);
    assert!(said.contains("answers 404 Not Found, which is not an answer of the service"), "{said}");
    let sent = stranger.join().unwrap();
    assert!(sent.starts_with("POST /?SecretName=a HTTP/1.1") && !sent.contains("hunter2"), "{sent}");
}
