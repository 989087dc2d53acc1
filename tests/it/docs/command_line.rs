//! The command line reference: what `--help` prints.

use std::fmt::Write;
use std::process::Command;

const COMMANDS: &[&[&str]] =
    &[&[], &["serve"], &["healthcheck"], &["check"], &["migrate"], &["policy", "test"], &["actions"]];

fn help(command: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sesame"));
    // The values of its variables would be in the text.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SESAME_") {
            program.env_remove(name);
        }
    }
    let output = program.args(command).arg("--help").output().unwrap();
    assert!(output.status.success(), "{command:?} --help");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_command_line_is_documented() {
    let mut page = String::from(
        "# Command line\n\nMade by a test from what `--help` prints. A flag goes before its environment variable, that before the \
         configuration file, that before the default. A bare `sesame` does what `sesame serve` does.\n",
    );
    for command in COMMANDS {
        let name = [&["sesame"], *command].concat().join(" ");
        let help = help(command);
        write!(page, "\n## {name}\n\n```text\n{help}\n```\n").unwrap();
        // A command that the list above lacks would have no section.
        if command.is_empty() {
            let listed = help
                .lines()
                .skip_while(|line| *line != "Commands:")
                .skip(1)
                .take_while(|line| !line.is_empty());
            for listed in listed.filter_map(|line| line.split_whitespace().next()) {
                assert!(
                    listed == "help" || COMMANDS.iter().any(|c| c.first() == Some(&listed)),
                    "{listed} is not documented"
                );
            }
        }
    }
    super::compare("command-line.md", &page);
}
