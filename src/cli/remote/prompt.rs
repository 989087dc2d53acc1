//! A question on the terminal whose answer is not shown.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use anyhow::Context;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use super::failure::usage;

/// The longest answer, in bytes.
const MOST: usize = 64 * 1024;
/// What Ctrl-C sends.
const INTERRUPT: u8 = 3;
/// What Ctrl-D sends.
const END: u8 = 4;
/// What Ctrl-U sends.
const CLEAR: u8 = 21;
/// What the key for a mistake sends.
const ERASE: [u8; 2] = [8, 127];

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    /// Keys come one by one, Ctrl-C included, so that the terminal is restored however the question ends.
    fn start() -> anyhow::Result<Self> {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let terminal = terminal.context("there is no terminal to ask for the value")?;
        let before = termios::tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        termios::tcsetattr(&terminal, OptionalActions::Now, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing is left to do when the terminal is gone.
        let _gone = termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Asks a question and reads the answer up to the end of the line.
///
/// # Errors
/// There is no terminal, or the question was broken off.
pub(in crate::cli) fn ask(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let mut silent = Silent::start()?;
    write!(silent.terminal, "{question}: ")?;
    let mut typed = Zeroizing::new(Vec::with_capacity(MOST));
    let mut key = [0];
    let ended = loop {
        if silent.terminal.read(&mut key)? == 0 {
            break !typed.is_empty();
        }
        match key[0] {
            b'\r' | b'\n' => break true,
            INTERRUPT => break false,
            END => break !typed.is_empty(),
            CLEAR => typed.clear(),
            erase if ERASE.contains(&erase) => {
                // The last character, which may be several bytes.
                while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            byte if typed.len() < MOST => typed.push(byte),
            _ => {}
        }
    };
    writeln!(silent.terminal)?;
    if !ended {
        return Err(usage("the question was broken off; nothing was changed"));
    }
    let text = std::str::from_utf8(&typed).context("what was typed is not UTF-8")?;
    Ok(Zeroizing::new(text.to_owned()))
}
