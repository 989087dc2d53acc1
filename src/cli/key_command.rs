//! `--root-key-command`: a command that prints the root key.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use zeroize::Zeroizing;

/// How long the command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes that it may print.
const MOST_BYTES: u64 = 4096;

/// Runs a command with `sh -c` and returns what it prints to standard output. What it prints to standard error, such as a
/// question for a PIN, goes to the user.
///
/// # Errors
/// When it cannot be started, fails, prints no text or too much, or takes longer than 60 seconds.
pub(super) fn output(command: &str) -> anyhow::Result<Zeroizing<String>> {
    within(command, PATIENCE)
}

fn within(command: &str, patience: Duration) -> anyhow::Result<Zeroizing<String>> {
    ensure!(!command.trim().is_empty(), "there is no command");
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run `sh`, which the image of Sesame does not have: use a file there")?;
    let id = Pid::from_child(&child);
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = Zeroizing::new(Vec::new());
        let read = child.stdout.take().map(|out| out.take(MOST_BYTES + 1).read_to_end(&mut printed));
        let outcome = read.transpose().and_then(|_| child.wait()).map(|status| (status, printed));
        // After the time limit nobody waits.
        drop(done.send(outcome));
    });
    let Ok(outcome) = ended.recv_timeout(patience) else {
        // It may have ended just now.
        if let Err(error) = kill_process(id, Signal::KILL) {
            tracing::debug!(%error, "a command for the root key that took too long cannot be killed");
        }
        bail!("it did not end within {} seconds", patience.as_secs());
    };
    let (status, printed): (ExitStatus, Zeroizing<Vec<u8>>) =
        outcome.context("cannot read what it prints")?;
    ensure!(printed.len() as u64 <= MOST_BYTES, "it printed more than {MOST_BYTES} bytes, which is no key");
    ensure!(status.success(), "it failed ({status}); it must print the root key and end with 0");
    let text = std::str::from_utf8(&printed).ok().map(str::trim).filter(|text| !text.is_empty());
    let text =
        text.context("it printed no text; it must print the root key, as hexadecimal digits or base64")?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(command: &str) -> String {
        format!("{:#}", within(command, Duration::from_secs(60)).unwrap_err())
    }

    #[test]
    fn the_text_that_a_command_prints_is_its_key() {
        assert_eq!(output("echo ' abc '; echo to the user >&2").unwrap().as_str(), "abc");
    }

    #[test]
    fn a_command_that_fails_prints_nothing_or_too_much_says_so() {
        assert!(refused("exit 7").contains("failed (exit status: 7)"), "{}", refused("exit 7"));
        assert!(refused("no-such-program-anywhere").contains("failed (exit status: 127)"));
        assert!(refused("true").contains("printed no text"));
        assert!(refused("printf '\\377'").contains("printed no text"));
        assert!(refused(" ").contains("there is no command"));
        assert!(refused("head -c 100000 /dev/zero").contains("more than 4096 bytes"));
    }

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let said = format!("{:#}", within("exec sleep 1000", Duration::from_millis(50)).unwrap_err());
        assert!(said.contains("did not end within"), "{said}");
    }
}
