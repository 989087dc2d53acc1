//! What only a terminal sees; `script` gives the program one.

use std::io::Write;
use std::process::{Command, Stdio};

use super::User;

/// Runs a command line on a terminal, types `keys`, and returns what the terminal showed.
pub fn shown(user: &User, line: &str, keys: &str) -> String {
    let program = env!("CARGO_BIN_EXE_sesame");
    let mut script = Command::new("script");
    user.settle(&mut script);
    script.args(["-qec", &line.replace("sesame", program), "/dev/null"]);
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // The terminal must be silent before somebody types.
    std::thread::sleep(std::time::Duration::from_millis(if keys.is_empty() { 0 } else { 700 }));
    input.write_all(keys.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_terminal_gets_a_table_with_a_bold_heading_unless_colour_is_not_wanted() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db"]);
    let said = shown(&user, "sesame ls", "");
    assert!(said.contains("\x1b[1mNAME    TYPE") && said.contains("\napp/db  Generic"), "{said:?}");
    let said = shown(&user, "NO_COLOR=1 sesame ls", "");
    assert!(said.starts_with("NAME    TYPE"), "{said:?}");
}

#[test]
fn a_prompt_does_not_show_what_is_typed_and_ctrl_c_changes_nothing() {
    let user = User::new(&[]);
    let said = shown(&user, "sesame create app/db", "hunterx\x7f2\n");
    assert!(said.contains("Value of app/db (not shown): ") && said.contains("created app/db"), "{said:?}");
    assert!(!said.contains("hunter"), "{said:?}");
    assert_eq!(user.ok(&["get", "app/db"]), "hunter2");
    let said = shown(&user, "sesame put app/db; stty -a", "hunter3\x03");
    assert!(said.contains("broken off; nothing was changed"), "{said:?}");
    assert!(
        said.contains(" echo ") && said.contains(" icanon"),
        "the terminal shows again what is typed: {said:?}"
    );
    assert_eq!(user.ok(&["get", "app/db"]), "hunter2");
}

#[test]
fn a_terminal_gets_no_binary_data_unless_it_asks() {
    let user = User::new(&[]);
    user.ok_fed([0x1b, b'[', b'2', b'J'], &["create", "escape"]);
    let said = shown(&user, "sesame get escape", "");
    assert!(said.contains("binary data of 4 bytes") && !said.contains('\x1b'), "{said:?}");
    assert!(shown(&user, "sesame get escape --raw", "").contains("\x1b[2J"));
    user.ok_fed("x", &["create", "text"]);
    assert_eq!(shown(&user, "sesame get text", ""), "x\r\n");
}

#[test]
fn a_terminal_that_follows_the_log_gets_one_heading_and_straight_columns() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db"]);
    let said = std::thread::scope(|scope| {
        let following = scope.spawn(|| shown(&user, "timeout -s INT 3 sesame log --follow", ""));
        while !following.is_finished() {
            user.ok(&["get", "app/db"]);
            user.ok(&["ls"]);
        }
        following.join().unwrap()
    });
    let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
    assert_eq!(said.matches("\x1b[1m").count(), 1, "{said:?}");
    assert!(lines[0].starts_with("\x1b[1mTIME") && !lines.contains(&""), "{said:?}");
    let places = |word: &str| lines.iter().filter_map(|line| line.find(word)).collect::<Vec<_>>();
    let (get, list) = (places("GetSecretValue"), places("ListSecrets"));
    assert!(get.len() > 1 && !list.is_empty(), "{said:?}");
    assert!(get.iter().chain(&list).all(|place| *place == get[0]), "{said:?}");
}

#[test]
fn long_work_shows_a_bar_on_a_terminal_and_nothing_elsewhere() {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db"]);
    user.ok(&["export", "state.json", "--plaintext"]);
    user.file(
        "seed.yaml",
        "version: 1\nsecrets:\n  - name: seeded\n    versions:\n      - id: v1\n        value: x\n",
    );
    for (line, work) in [
        ("export state.json", "exporting"),
        ("seed seed.yaml", "seeding"),
        ("import state.json --replace", "importing"),
        ("import state.json --data-dir data", "importing secrets"),
        ("check --data-dir data", "checking secrets"),
    ] {
        // Without an address, the data is opened.
        let own = if line.contains("--data-dir") { "env -u SESAME_URL " } else { "" };
        let said = shown(&user, &format!("{own}sesame {line}"), "");
        // The bar is drawn, and removed before the result.
        assert!(said.contains(work) && said.contains("\x1b[2K"), "{line}: {said:?}");
    }
    user.ok(&["seed", "seed.yaml"]);
    user.ok(&["check", "--data-dir", "data"]);
}

#[test]
fn a_change_in_the_cloud_is_asked_for_on_a_terminal_and_no_changes_nothing() {
    let user = User::new(&[]).with("SESAME_URL", "https://kms.cn-hangzhou.aliyuncs.com");
    let said = shown(&user, "sesame rm app/db; echo \"code $?\"", "n\n");
    assert!(said.contains("This will delete app/db in the cloud") && said.contains("[y/N]"), "{said:?}");
    assert!(said.contains("nothing was changed") && said.contains("code 2"), "{said:?}");
}
