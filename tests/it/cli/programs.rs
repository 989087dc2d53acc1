//! Secrets and settings for other programs.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::User;
use crate::support::program::printed;

fn user() -> User {
    let user = User::new(&["--auth", "signed"]);
    user.ok_fed("it's \"$HOME\"", &["create", "app/db"]);
    user.ok_fed(r#"{"USER_NAME":"u","PORT":5432}"#, &["create", "app/config"]);
    user.ok_fed("next", &["put", "app/db", "--stage", "Next"]);
    user
}

#[test]
fn run_gives_a_program_its_secrets_and_passes_the_exit_code_on() {
    let user = user();
    let script = "printf '%s|' \"$DB\" \"$NEXT\" \"$USER_NAME\" \"$PORT\" \"$P\" \"$1\"; exit 42";
    let output = user.run(&[
        "run",
        "-e",
        "DB=app/db",
        "--env",
        "NEXT=app/db@Next",
        "--env-json",
        "app/config",
        "--env",
        "P=app/config#PORT",
        "--",
        "sh",
        "-c",
        script,
        "sh",
        "--flag",
    ]);
    assert_eq!(output.status.code(), Some(42));
    assert_eq!(printed(&output), "it's \"$HOME\"|next|u|5432|5432|--flag|");
}

#[test]
fn run_leaves_nothing_between_the_caller_and_the_program() {
    let user = user();
    let child = user
        .command(&[
            "run",
            "--env",
            "DB=app/db",
            "--",
            "sh",
            "-c",
            "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = child;
    let mut first = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    // The program has the place of the command: the same process, which the signal reaches by itself.
    let name = std::fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap();
    assert_eq!(name.trim(), "sh");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

/// Starts a command with core files allowed, waits for its first line, ends it by a signal that asks for a core file, and tells whether the
/// system wrote a core file. The environment that the system shows of it is given first.
fn dies(command: &mut Command) -> (String, bool) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap_or_default();
    assert!(Command::new("kill").args(["-QUIT", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(3));
    (String::from_utf8_lossy(&environment).into_owned(), status.core_dumped())
}

#[test]
fn run_has_no_value_in_its_own_environment_and_leaves_no_core_file() {
    let user = user();
    user.ok_fed("hunter2-canary", &["create", "canary"]);
    let sesame = env!("CARGO_BIN_EXE_sesame");
    // The program ends when sesame, its parent, is gone.
    let program = "echo ready; while kill -0 $PPID 2>/dev/null; do sleep 0.05; done";
    let line = format!("ulimit -c unlimited; exec {sesame} run --watch --env V=canary -- sh -c '{program}'");
    let mut command = Command::new("sh");
    user.settle(&mut command);
    let (environment, dumped) = dies(command.args(["-c", &line]));
    assert!(environment.contains("SESAME_URL=") && !environment.contains("hunter2"), "{environment}");
    assert!(!dumped, "a core file with values in it");
    // The same death of a program that hides nothing does leave one, where the system writes any.
    let mut command = Command::new("sh");
    command.current_dir(user.home.path()).args(["-c", "ulimit -c unlimited; echo ready; exec sleep 60"]);
    let (_, dumped) = dies(&mut command);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    assert!(dumped || pattern.trim() != "core", "this test can no longer find a core file");
}

#[test]
fn run_starts_nothing_when_a_secret_or_the_program_is_missing() {
    let user = user();
    assert!(user.fails(3, &["run", "--env", "A=app/dbb", "--", "true"]).contains("did you mean app/db?"));
    assert!(user.fails(127, &["run", "--", "no-such-program"]).contains("cannot run no-such-program"));
    assert!(user.fails(126, &["run", "--", "/etc/passwd"]).contains("cannot run /etc/passwd"));
    assert!(user.fails(2, &["run", "--env-json", "app/db", "--", "true"]).contains("no JSON object"));
    assert!(user.fails(2, &["run", "--env", "1A=app/db", "--", "true"]).contains("DB_PASSWORD=app/db"));
    user.ok_fed([0xff, 0xfe], &["create", "binary"]);
    assert!(user.fails(1, &["run", "--env", "A=binary", "--", "true"]).contains("binary data"));
}

#[test]
fn a_template_is_rendered_and_written_for_its_owner_alone() {
    let user = user();
    user.file(
        "t",
        "a: {{ secret('app/db') | yaml }}\nb: {{ secret('app/config', 'PORT') }}\nc={{ secret('app/db') | sh }}\n\
         d={{ secret('app/db', stage='Next') }} <&>\n",
    );
    let want = "a: \"it's \\\"$HOME\\\"\"\nb: 5432\nc='it'\\''s \"$HOME\"'\nd=next <&>\n";
    assert_eq!(user.ok(&["template", "t"]), want);
    user.file("out", "before");
    assert_eq!(user.ok(&["template", "t", "--out", "out"]), "");
    let file = user.home.path().join("out");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), want);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(user.ok_fed("{{ secret('app/config', 'PORT') }}", &["template", "-"]), "5432");
}

#[test]
fn a_template_that_fails_writes_nothing_and_names_the_line() {
    let user = user();
    for (text, code, words) in [
        ("x\n{{ secret('app/dbb') }}", 3, "t line 2: there is no secret \"app/dbb\"; did you mean app/db?"),
        ("{{ secret('app/config', 'PRT') }}", 3, "did you mean PORT?"),
        ("{{ unknown }}", 2, "undefined"),
        ("{{ secret('app/db', stag='x') }}", 2, "stag"),
        ("{{ ", 2, "t:"),
    ] {
        user.file("t", text);
        user.file("out", "before");
        let said = user.fails(code, &["template", "t", "--out", "out"]);
        assert!(said.contains(words) && said.lines().count() == 1, "{text}: {said}");
        assert_eq!(std::fs::read_to_string(user.home.path().join("out")).unwrap(), "before");
    }
}

#[test]
fn env_prints_settings_that_a_shell_a_file_and_json_take() {
    let user = user();
    let said = user.ok(&["env", "--access-key-id", "id", "--access-key-secret", "it's"]);
    let url = format!("http://{}", user.server.address);
    assert!(said.contains(&format!("export SESAME_URL={url}\n")), "{said}");
    let script = format!("{said}\nprintf %s \"$ALIBABA_CLOUD_ACCESS_KEY_SECRET\"");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "it's");
    assert!(user.ok(&["env", "--format", "dotenv"]).contains("ALIBABA_CLOUD_ACCESS_KEY_ID=test\n"));
    assert!(user.ok(&["env", "--format", "github"]).contains(&format!("SESAME_URL={url}\n")));
    let json: serde_json::Value = serde_json::from_str(&user.ok(&["env", "--format", "json"])).unwrap();
    assert_eq!(json["ALIBABA_CLOUD_ENDPOINT_KMS"], user.server.address.to_string());
    let ca = user
        .file("ca.pem", user.server.admin("GET", "/_sesame/ca.pem", "").split("\r\n\r\n").nth(1).unwrap());
    let ca = ca.display().to_string();
    let said = user.ok(&["env", "--url", &url.replace("http", "https"), "--ca", &ca]);
    assert!(said.contains(&format!("export SSL_CERT_FILE={ca}\n")), "{said}");
}
