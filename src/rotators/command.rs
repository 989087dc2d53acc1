//! Kind command: a program of the user that is started (rule DY14.4).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command as Process};

use super::redacted;
use crate::domain::rotation::rotators::hooks::Command;
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure};

/// The longest output, in bytes: that of a value.
const OUTPUT_BYTES: usize = 30_720;
/// What a message has of standard error, in bytes.
const MESSAGE_BYTES: usize = 2048;

/// What a program is told in its environment.
#[derive(Debug)]
pub struct Told<'a> {
    /// The variables and their values.
    pub variables: [(&'static str, &'a str); 5],
    /// The current value, for standard input.
    pub current: &'a Hidden,
    /// Parts of values that no message may repeat.
    pub secrets: &'a [&'a str],
}

/// Kills the process group when the rotation ends, whatever is left of it.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // It fails when all processes are gone.
            kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
    }
}

/// Runs the program and returns its output, the next value. `late` ends when the program has taken too long. All processes of its
/// group are killed then, and also when this future is dropped.
///
/// # Errors
/// `Kms:RotatorFailed`, with the first 2 KiB of standard error when the program reports a failure; `Kms:RotatorTimeout`.
pub async fn run(
    command: &Command,
    told: &Told<'_>,
    late: impl Future<Output = ()>,
) -> Result<Hidden, Failure> {
    let (program, arguments) = command.argv.split_first().ok_or_else(|| failed("argv is empty"))?;
    let mut process = Process::new(program);
    // The root key and the admin token may be among them.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SESAME_")) {
        process.env_remove(name);
    }
    let mut child = process
        .args(arguments)
        .envs(told.variables)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("the program {program} could not be started: {error}")))?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let outcome = tokio::select! {
        outcome = talk(&mut child, told) => outcome,
        () = late => {
            let why = format!("the program did not end within {} ms, and was killed", command.timeout_ms);
            Err(Failure::new(Cause::RotatorTimeout, why))
        }
    };
    drop(group);
    let mut output = outcome?;
    if command.trim && output.last() == Some(&b'\n') {
        output.pop();
        if output.last() == Some(&b'\r') {
            output.pop();
        }
    }
    match String::from_utf8(output) {
        Ok(text) if !text.is_empty() => Ok(Hidden::new(text)),
        Ok(_empty) => {
            Err(failed("the program wrote nothing to standard output, where the new value is expected"))
        }
        Err(_invalid) => Err(failed("the program's output is not UTF-8")),
    }
}

/// Gives the program its input and waits for its end.
async fn talk(child: &mut Child, told: &Told<'_>) -> Result<Vec<u8>, Failure> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut input) = input {
            // A program need not read its input.
            drop(input.write_all(told.current.reveal().as_bytes()).await);
            drop(input.shutdown().await);
        }
    };
    let ((), output, errors) =
        tokio::join!(write, first(output, OUTPUT_BYTES + 1), first(errors, MESSAGE_BYTES));
    let status =
        child.wait().await.map_err(|error| failed(format!("the program cannot be waited for: {error}")))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&errors);
        let made = String::from_utf8_lossy(&output);
        let said = redacted(&said, &[&[told.current.reveal(), made.trim()], told.secrets].concat());
        let said = said.replace(char::is_control, " ");
        return Err(failed(format!("the program ended with {status}: {}", said.trim())));
    }
    if output.len() > OUTPUT_BYTES {
        return Err(failed(format!("the program wrote more than {OUTPUT_BYTES} bytes to standard output")));
    }
    Ok(output)
}

/// The first bytes of an output. The rest is read and forgotten, so that the program can end.
async fn first(from: Option<impl AsyncRead + Unpin>, most: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let room = most.saturating_sub(kept.len());
        kept.extend(piece.iter().take(read.min(room)));
    }
    kept
}

/// Looks for the program without starting it.
///
/// # Errors
/// `Kms:RotatorFailed` when it is not there or may not be executed.
pub fn check(command: &Command) -> Result<String, Failure> {
    #[expect(clippy::disallowed_methods, reason = "the start of a program looks there")]
    let path = std::env::var("PATH").unwrap_or_default();
    let program = command.argv.first().map(String::as_str).unwrap_or_default();
    let candidates: Vec<String> = if program.contains('/') {
        vec![program.to_owned()]
    } else {
        path.split(':').map(|folder| format!("{folder}/{program}")).collect()
    };
    let found = candidates.iter().map(Path::new).find(|path| path.is_file());
    let Some(found) = found else { return Err(failed(format!("there is no program {program}"))) };
    let shown = found.display();
    let mode = found.metadata().map(|data| data.permissions().mode()).unwrap_or_default();
    if mode & 0o111 == 0 {
        return Err(failed(format!("the program {shown} may not be executed; `chmod +x` it")));
    }
    Ok(format!("the program {shown} may be executed; it was not started"))
}

fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Cause::RotatorFailed, message)
}
