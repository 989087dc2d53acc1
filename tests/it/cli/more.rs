//! `diff`, `keys`, `doctor`, `run --watch` and the first start.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::{User, terminal};

#[test]
fn diff_names_the_members_that_differ_and_shows_values_only_on_demand() {
    let user = User::new(&[]);
    user.ok_fed(r#"{"a":"hunter1","b":"same","gone":1}"#, &["create", "app", "--version", "v1"]);
    user.ok_fed(r#"{"a":"hunter2","b":"same","new":true}"#, &["put", "app", "--version", "v2"]);
    let want = "a\tchanged\ngone\tremoved\nnew\tadded\n";
    assert_eq!(user.ok(&["diff", "app", "v1", "v2"]), want);
    assert_eq!(user.ok(&["diff", "app"]), want, "ACSPrevious and ACSCurrent");
    assert_eq!(user.ok(&["diff", "app", "v1", "v1"]), "");
    assert!(user.ok(&["diff", "app", "v1", "v2", "--reveal"]).contains("a\tchanged\thunter1\thunter2\n"));
    assert_eq!(user.json(&["diff", "app"])[0]["Member"], "a");
    assert!(!user.ok(&["diff", "app", "-o", "yaml"]).contains("hunter"));
    user.ok_fed("hunter3", &["put", "app", "--version", "v3"]);
    assert_eq!(user.ok(&["diff", "app", "v2", "v3"]), "(value)\tchanged\n");
    assert!(user.fails(3, &["diff", "app", "v2", "v33"]).contains("did you mean v3?"));
}

#[test]
fn keys_are_created_listed_disabled_and_deleted() {
    let user = User::new(&[]);
    let key = user.json(&["keys", "create", "--alias", "alias/app"])["KeyId"].as_str().unwrap().to_owned();
    assert!(user.ok(&["keys", "ls"]).contains(&format!("{key}\talias/app\n")));
    user.ok_fed("x", &["create", "app", "--key", "alias/app"]);
    user.ok(&["keys", "disable", &key]);
    assert!(user.fails(5, &["get", "app"]).contains("Rejected.Disabled"));
    user.ok(&["keys", "enable", &key]);
    assert_eq!(user.ok(&["get", "app"]), "x");
    user.ok(&["keys", "rm", &key, "--days", "7"]);
    assert!(user.ok(&["keys", "describe", &key]).contains("state\tPendingDeletion\n"));
    user.ok(&["keys", "undelete", &key]);
    assert!(user.fails(3, &["keys", "describe", "absent"]).contains("Forbidden.KeyNotFound"));
    let cloud = user.with("SESAME_URL", "https://kms.cn-hangzhou.aliyuncs.com");
    assert!(cloud.fails(2, &["keys", "disable", "k"]).contains("add --yes"));
}

#[test]
fn doctor_finds_what_would_mislead_an_sdk() {
    let user = User::new(&["--auth", "signed"]).with("HTTP_PROXY", "").with("http_proxy", "");
    let said = user.ok(&["doctor"]);
    assert!(said.contains("ok\tserver\t") && said.contains("built-in access key test"), "{said}");
    let bad = |user: &User, words: &str| {
        let output = user.run(&["doctor"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.lines().any(|line| line.starts_with("BAD") && line.contains(words)), "{words}: {said}");
    };
    let user = user.with("http_proxy", "http://127.0.0.1:1").with("NO_PROXY", "").with("no_proxy", "");
    bad(&user, "http_proxy is set");
    let user = user.with("http_proxy", "").with("SESAME_REGOIN", "x");
    bad(&user, "SESAME_REGION");
    let user = user.with("SESAME_REGOIN", "").with("ALIBABA_CLOUD_ACCESS_KEY_ID", "id");
    bad(&user, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not");
    bad(&user.with("SESAME_URL", "http://127.0.0.1:1"), "no server answers");
}

#[test]
fn a_watched_program_is_started_again_when_its_label_moves_and_its_exit_code_is_passed_on() {
    let user = User::new(&[]);
    user.ok_fed("one", &["create", "app"]);
    let script = "echo \"$V\"; case $V in two) exit 9;; esac; while :; do sleep 0.05; done";
    let arguments = ["run", "--watch", "--every", "1", "--env", "V=app", "--", "sh", "-c", script];
    let mut child = user.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    user.ok_fed("two", &["put", "app"]);
    assert_eq!(lines.next().unwrap().unwrap(), "two");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn a_watched_program_is_told_by_a_signal_and_gets_the_signals_of_its_starter() {
    let user = User::new(&[]);
    user.ok_fed("one", &["create", "app"]);
    let script = "trap 'echo told' USR1; trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let arguments =
        ["run", "--watch", "--every", "1", "--signal", "usr1", "--env", "V=app", "--", "sh", "-c", script];
    let mut child = user.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    user.ok_fed("two", &["put", "app"]);
    assert_eq!(lines.next().unwrap().unwrap(), "told");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn a_watched_program_is_started_again_as_soon_as_the_server_tells_of_a_change() {
    let user = User::new(&[]);
    user.ok_fed("one", &["create", "app"]);
    let script = "echo \"$V\"; case $V in one) while :; do sleep 0.05; done;; esac; exit 9";
    // The server is asked only after a day: what comes earlier was told.
    let arguments = ["run", "--watch", "--every", "86400", "--env", "V=app", "--", "sh", "-c", script];
    let mut child = user.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    let again = std::thread::spawn(move || lines.next().unwrap().unwrap());
    // What happens before the follower is there is not told to it.
    while !again.is_finished() {
        user.ok_fed("two", &["put", "app"]);
    }
    assert_eq!(again.join().unwrap(), "two");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn a_signal_reaches_a_watched_program_while_the_server_does_not_answer() {
    let user = User::new(&[]);
    user.ok_fed("one", &["create", "app"]);
    user.ok(&["fault", "add", "slow", "ListSecretVersionIds", "--delay-ms", "30000"]);
    let script = "trap 'exit 7' TERM; while :; do sleep 0.05; done";
    let arguments = ["run", "--watch", "--every", "1", "--env", "V=app", "--", "sh", "-c", script];
    let mut child = user.command(&arguments).spawn().unwrap();
    while !user.server.admin("GET", "/_sesame/faults", "").contains("\"fired\":1") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    // The delay of the server is longer than this limit, which only finds a hang.
    let waited = (0..400).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        child.try_wait().unwrap()
    });
    if waited.is_none() {
        child.kill().unwrap();
    }
    assert_eq!(waited.expect("the signal does not reach the program").code(), Some(7));
}

#[test]
fn a_first_start_on_a_terminal_says_what_comes_next_and_elsewhere_does_not() {
    let user = User::new(&[]);
    assert!(!user.server.banner.contains("sesame env"), "{}", user.server.banner);
    let line = "timeout -s INT 2 sesame serve --in-memory --listen 127.0.0.1:0";
    let said = terminal::shown(&user, line, "");
    for words in ["eval \"$(sesame env --url http://127.0.0.1:", "sesame create", "sesame log", "Ctrl-C"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
