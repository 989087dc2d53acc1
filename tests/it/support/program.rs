//! The `sesame` program itself, as a user runs it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// A running server. Dropping it ends the process by its id.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
    /// Its output until it was ready.
    pub banner: String,
}

/// A command of the program that was built with the tests, or of the one in `SESAME_TEST_BINARY`. It inherits no settings
/// from the environment.
pub fn command(arguments: &[&str]) -> Command {
    let built = std::env::var_os("SESAME_TEST_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_sesame").into());
    let mut command = command_of(&built);
    command.args(arguments);
    command
}

fn command_of(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SESAME_") {
            command.env_remove(name);
        }
    }
    command
}

/// How often a process is looked at until it has ended.
const POLL: Duration = Duration::from_millis(5);
/// A process that has not ended after this time hangs.
const HANGS_AFTER: Duration = Duration::from_mins(2);

/// Runs a command to its end.
pub fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut child = command(arguments)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Both at once: a command waits when a pipe is full.
    let (stdout, stderr) = (read_all(child.stdout.take()), read_all(child.stderr.take()));
    let status = ended(&mut child, || format!("sesame {arguments:?}"));
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    Output { status, stdout, stderr }
}

/// The status of a process that ends by itself. One that hangs is killed, so that the test fails and does not hang too.
fn ended(child: &mut Child, name: impl FnOnce() -> String) -> ExitStatus {
    let mut polls = HANGS_AFTER.as_millis() / POLL.as_millis();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if polls == 0 {
            child.kill().unwrap();
            panic!("{} hangs", name());
        }
        polls -= 1;
        std::thread::sleep(POLL);
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        pipe.unwrap().read_to_end(&mut all).unwrap();
        all
    })
}

/// Everything that a command printed.
pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must succeed, and returns what it printed.
pub fn succeed(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(arguments, environment);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {printed}");
    printed
}

impl Program {
    /// Starts `serve` on a free port and waits until it says that it is ready.
    pub fn serve(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::started(command(&["serve"]), arguments, environment)
    }

    /// The same with a limit of open files, in the notation of the shell's `ulimit`: `-n 256`.
    pub fn serve_under(limit: &str, arguments: &[&str]) -> Self {
        let mut shell = command_of("sh");
        let script = format!("ulimit {limit} && exec \"$0\" serve \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_sesame")]);
        Self::started(shell, arguments, &[])
    }

    fn started(mut command: Command, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap().into_temp_path().keep().unwrap();
        let listen = if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let mut child = command
            .args(listen)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.ends_with("Ready.\n") {
            let read = lines.read_line(&mut banner).unwrap();
            assert!(read > 0, "it ended: {banner}{}", std::fs::read_to_string(&log).unwrap());
        }
        let url = banner.split("http://").nth(1).unwrap().split_whitespace().next().unwrap();
        Self { address: url.parse().unwrap(), child, log, banner }
    }

    /// Sends a request over its own connection and reads the whole answer.
    pub fn send(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Calls an action unsigned, by POST with a form.
    pub fn call(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let form = super::form(&[&[("Action", action), ("Version", "2016-01-20")], parameters].concat());
        self.post("/", "application/x-www-form-urlencoded", &form)
    }

    /// Posts a body.
    pub fn post(&self, target: &str, kind: &str, body: &str) -> String {
        let length = body.len();
        self.send(
            format!(
                "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            )
            .as_bytes(),
        )
    }

    /// Sends a request to `/_sesame` and returns the whole answer.
    pub fn admin(&self, method: &str, path: &str, body: &str) -> String {
        let length = body.len();
        self.send(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .as_bytes(),
        )
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut would, and returns its log.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Asks it to stop and returns its exit code and log.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        self.ask_to_stop();
        let log = self.log.clone();
        let read = || std::fs::read_to_string(&log).unwrap();
        let status = ended(&mut self.child, || format!("a server that was asked to stop: {}", read()));
        (status.code(), read())
    }

    /// Sends SIGTERM.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Already ended if the test succeeded.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_file(&self.log));
    }
}

/// Every file of a directory with the hash of its bytes: a refusal must not change them.
pub fn contents(dir: &Path) -> Vec<(PathBuf, String)> {
    use sha2::{Digest, Sha256};
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), const_hex::encode(Sha256::digest(std::fs::read(&path).unwrap()))))
        .collect();
    files.sort();
    files
}
