//! The commands for people, run as the program against a real server.

mod cloud;
mod credentials;
mod data;
mod failures;
mod matrix;
mod more;
mod programs;
mod requests;
mod running;
mod shells;
mod terminal;
mod values;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::program::{Program, command, printed};

/// A server, and a user with an empty home who has told the commands where it is.
pub struct User {
    pub server: Program,
    pub home: TempDir,
    settings: Vec<(String, String)>,
}

impl User {
    /// A user of a new server with these flags.
    pub fn new(arguments: &[&str]) -> Self {
        let server = Program::serve(&[&["--in-memory"], arguments].concat(), &[]);
        Self::of(server)
    }

    pub fn of(server: Program) -> Self {
        let url = format!("http://{}", server.address);
        Self { server, home: tempfile::tempdir().unwrap(), settings: vec![("SESAME_URL".to_owned(), url)] }
    }

    /// The same user with one more setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A file in the user's home.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let file = self.home.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A command of the program that sees this user's settings and no other ones.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        self.settle(&mut command);
        command
    }

    /// Gives a program this user's home and settings.
    pub fn settle(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("ALIBABA_CLOUD_") || name.starts_with("SESAME_") || name == "NO_COLOR" {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.home.path()).env("XDG_DATA_HOME", self.home.path().join("data"));
        command.env("TERM", "xterm").envs(self.settings.iter().cloned());
        command.current_dir(self.home.path());
    }

    /// Runs a command with this standard input.
    pub fn fed(&self, input: impl AsRef<[u8]>, arguments: &[&str]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read it may have ended.
        drop(child.stdin.take().unwrap().write_all(input.as_ref()));
        child.wait_with_output().unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The standard output of a command that must succeed and warn of nothing.
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.ok_fed("", arguments)
    }

    pub fn ok_fed(&self, input: impl AsRef<[u8]>, arguments: &[&str]) -> String {
        let output = self.fed(input, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", printed(&output));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command says that must fail with this exit code, in one line on standard error.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", printed(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(&[arguments, &["--output", "json"]].concat())).unwrap()
    }
}
