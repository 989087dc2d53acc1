//! The command line reference: the output of `--help` for each command.

use std::fmt::Write;
use std::process::Command;

fn help(command: &[String]) -> String {
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

/// A section for the command, followed by those of its subcommands.
fn describe(command: &[String], page: &mut String) {
    let help = help(command);
    let below: Vec<String> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().filter(|name| *name != "help").map(str::to_owned))
        .collect();
    let name = [&["sesame".to_owned()], command].concat().join(" ");
    write!(page, "\n## {name}\n\n```text\n{help}\n```\n").unwrap();
    for name in below {
        describe(&[command, &[name]].concat(), page);
    }
}

#[test]
fn the_command_line_is_documented() {
    let mut page = String::from(
        "# Command line\n\nMade by a test from what `--help` prints. A flag goes before its environment variable, that before the \
         configuration file, that before the default. A bare `sesame` does what `sesame serve` does.\n",
    );
    describe(&[], &mut page);
    assert!(page.contains("\n## sesame serve\n"), "the commands are not found in the help");
    super::compare("command-line.md", &page);
}
