//! Completion scripts in real shells, and the manual pages.

use std::collections::BTreeSet;
use std::process::Command;

use super::User;
use crate::support::program::command;

/// A user whose shell finds the program as `sesame`.
fn user() -> User {
    let user = User::new(&[]);
    user.ok_fed("x", &["create", "app/db", "--version", "first"]);
    user.ok_fed("y", &["put", "app/db", "--version", "second", "--stage", "Next"]);
    user.ok_fed("x", &["create", "app/config", "--version", "v1"]);
    user.ok_fed("x", &["create", "other", "--version", "v1"]);
    user.file(
        ".aliyun/config.json",
        r#"{"profiles":[{"name":"staging"},
        {"name":"default","mode":"AK","access_key_id":"test","access_key_secret":"test"}]}"#,
    );
    user.ok(&["snapshot", "save", "base"]);
    let bin = user.home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sesame"), bin.join("sesame")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    user.with("PATH", &path)
}

/// What a shell prints for a script; `None` when the machine does not have this shell.
fn said(user: &User, shell: &str, script: &str) -> Option<String> {
    let mut command = Command::new(shell);
    user.settle(&mut command);
    let output = match command.args(["-c", script]).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.stderr.is_empty(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Lines that are typed, and the names that a shell must offer: all of these, and of the names of the server no other.
const LINES: [(&str, &[&str]); 9] = [
    ("sesame get app/", &["app/config", "app/db"]),
    ("sesame describe --output json app/d", &["app/db"]),
    ("sesame get app/db --version f", &["first"]),
    ("sesame get app/db --stage N", &["Next"]),
    ("sesame promote app/db ", &["first", "second"]),
    ("sesame run --env DB=app/", &["app/config", "app/db"]),
    ("sesame ls --profile s", &["staging"]),
    ("sesame snapshot restore b", &["base"]),
    ("sesame rollb", &["rollback"]),
];

/// The offers of a shell without what is in front of a name.
fn offers(said: &str) -> BTreeSet<&str> {
    said.lines()
        .map(|line| line.split('\t').next().unwrap_or_default().trim())
        .map(|line| line.strip_prefix("DB=").unwrap_or(line))
        .filter(|line| !line.is_empty())
        .collect()
}

fn check(line: &str, said: &str, want: &[&str]) {
    let offered = offers(said);
    let want: BTreeSet<&str> = want.iter().copied().collect();
    assert!(want.is_subset(&offered), "{line:?}: {offered:?}");
    let names = ["app/config", "app/db", "other", "first", "second", "Next", "staging", "default", "base"];
    let wrong: Vec<&&str> =
        names.iter().filter(|name| offered.contains(*name) && !want.contains(*name)).collect();
    assert!(wrong.is_empty(), "{line:?} offers {wrong:?}");
}

#[test]
fn bash_completes_commands_and_names() {
    let user = user();
    for (line, want) in LINES {
        // As bash splits a line: = is a word of its own.
        let words = line.replace('=', " = ");
        let mut words: Vec<String> = words.split(' ').map(|word| format!("'{word}'")).collect();
        words.dedup_by(|a, b| a == "''" && b == "''");
        let script = format!(
            "eval \"$(sesame completions bash)\"; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             COMPREPLY=(); _sesame_names sesame \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" ")
        );
        check(line, &said(&user, "bash", &script).unwrap(), want);
    }
}

#[test]
fn fish_completes_commands_and_names() {
    let user = user();
    for (line, want) in LINES {
        let script = format!("sesame completions fish | source; complete -C '{line}'");
        let Some(said) = said(&user, "fish", &script) else { return };
        check(line, &said, want);
    }
}

#[test]
fn zsh_completes_commands_and_names() {
    let user = user();
    for (line, want) in LINES {
        // Completion runs only where keys are typed, so zsh types them on a terminal of its own. The offers are written to a
        // file in place of being shown.
        let script = format!(
            "zmodload zsh/zpty; zpty z zsh -f -i; \
             zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -D; eval \"$(sesame completions zsh)\"; \
             compadd() {{ local at=${{@[(i)--]}}; print -rl -- \"${{@[at+1,-1]}}\" >> offers; builtin compadd \"$@\" }}; \
             _describe() {{ print -rl -- ${{commands%%:*}} >> offers }}; \
             zle-line-init() {{ touch ready }}; zle -N zle-line-init'; \
             while [[ ! -e ready ]]; do sleep 0.05; done; \
             zpty -n -w z '{line}'$'\\t'; \
             for turn in {{1..400}}; do [[ -s offers ]] && break; sleep 0.05; done; sleep 0.3; \
             zpty -d z; cat offers 2>/dev/null; rm -f ready offers"
        );
        let Some(said) = said(&user, "zsh", &script) else { return };
        check(line, &said, want);
    }
}

#[test]
fn names_are_completed_without_a_word_when_the_server_is_away() {
    let user = user().with("SESAME_URL", "http://127.0.0.1:1");
    assert_eq!(user.ok(&["complete-names", "--", "get", "app/"]), "");
    assert_eq!(user.fails(1, &["complete-names", "--", "create", "app/"]), "", "a new name is not completed");
}

/// Every command, as the words after `sesame`, with its help.
fn commands() -> Vec<(Vec<String>, String)> {
    let mut all = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(path) = open.pop() {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = String::from_utf8(command(&words).output().unwrap().stdout).unwrap();
        let below =
            help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = below.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
            open.push([path.clone(), vec![name.to_owned()]].concat());
        }
        all.push((path, help));
    }
    all
}

#[test]
fn every_command_has_an_example_a_manual_page_and_its_flags_in_each_completion_script() {
    let user = User::new(&[]);
    let man = user.home.path().join("man");
    std::fs::create_dir(&man).unwrap();
    user.ok(&["man", "--dir", &man.display().to_string()]);
    let whole = user.ok(&["man"]);
    let scripts = ["bash", "zsh", "fish"].map(|shell| user.ok(&["completions", shell]));
    let all = commands();
    assert!(all.len() > 40, "the commands are not found: {}", all.len());
    for (path, help) in all {
        let name = [&["sesame".to_owned()], &path[..]].concat().join("-");
        let page = std::fs::read_to_string(man.join(format!("{name}.1"))).unwrap();
        assert!(whole.contains(&page), "{name}");
        let has_commands = help.contains("\nCommands:\n") || path.first().is_some_and(|word| word == "fault");
        assert!(help.contains("Example") || has_commands, "sesame {} --help has no example", path.join(" "));
        let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
        for flag in flags.map(|flag| flag.trim_end_matches([',', '.', ';', ')', ':', '`', ']'])) {
            let known = |text: &str, flag: &str| text.replace("\\-", "-").contains(flag);
            let words = help
                .lines()
                .any(|line| line.trim_start().starts_with(flag) || line.contains(&format!("-, {flag}")));
            if words {
                assert!(known(&page, flag), "{name}.1 has no {flag}");
                for script in &scripts {
                    assert!(known(script, flag.trim_start_matches("--")), "a script has no {flag} of {name}");
                }
            }
        }
    }
}
