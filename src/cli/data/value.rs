//! The value that a command stores: from a file, standard input, a prompt, or made at random.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::cli::remote::failure::usage;
use crate::cli::remote::prompt;
use crate::domain::password::{PasswordSpec, generate};
use crate::ports::{Entropy, OsEntropy};

/// Where the value comes from; without any of these, from standard input, or from a prompt when that is a terminal.
#[derive(Debug, Args)]
pub(super) struct ValueArgs {
    /// The value. Other users of the machine can read it while the command runs, and the shell remembers it: better use
    /// --file, standard input or the prompt.
    #[arg(conflicts_with_all = ["file", "generate"])]
    value: Option<SecretString>,
    /// File with the value, taken as it is; - is standard input.
    #[arg(long, short = 'f', value_name = "FILE", conflicts_with = "generate")]
    file: Option<PathBuf>,
    /// Make a random password of this length: letters, digits and punctuation.
    #[arg(long, value_name = "LENGTH", num_args = 0..=1, default_missing_value = "32")]
    #[arg(value_parser = clap::value_parser!(u32).range(8..=128))]
    generate: Option<u32>,
    /// Store the value as binary data. What is not UTF-8 is stored so anyway.
    #[arg(long)]
    binary: bool,
}

/// A value as the API takes it.
pub(super) struct NewValue {
    /// The text, or the base64 of binary data.
    pub(super) data: Zeroizing<String>,
    /// `text` or `binary`.
    pub(super) data_type: &'static str,
}

impl ValueArgs {
    /// Reads the value of the secret `name`.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<NewValue> {
        let bytes = self.bytes(name)?;
        if bytes.is_empty() {
            return Err(usage("the value is empty; nothing was changed"));
        }
        match std::str::from_utf8(&bytes) {
            Ok(text) if !self.binary => {
                Ok(NewValue { data: Zeroizing::new(text.to_owned()), data_type: "text" })
            }
            _ => Ok(NewValue { data: Zeroizing::new(STANDARD.encode(&*bytes)), data_type: "binary" }),
        }
    }

    fn bytes(&self, name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        if let Some(value) = &self.value {
            let said = "warning: the value was an argument, which other users and the shell's history can see; \
                        better give it by --file, standard input or the prompt";
            writeln!(std::io::stderr(), "sesame: {said}")?;
            #[expect(clippy::disallowed_methods, reason = "this is the value to store")]
            return Ok(Zeroizing::new(value.expose_secret().as_bytes().to_vec()));
        }
        if let Some(length) = self.generate {
            return generated(length);
        }
        match &self.file {
            Some(file) if file.as_os_str() != "-" => {
                let read = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                Ok(Zeroizing::new(read))
            }
            None if std::io::stdin().is_terminal() => {
                let typed = prompt::ask(&format!("Value of {name} (not shown)"))?;
                Ok(Zeroizing::new(typed.as_bytes().to_vec()))
            }
            _ => {
                let mut read = Zeroizing::new(Vec::new());
                std::io::stdin().read_to_end(&mut read).context("cannot read standard input")?;
                without_line_end(&mut read);
                Ok(read)
            }
        }
    }
}

/// `echo` ends its line, and nobody means the end of the line. Only text of one line loses it.
fn without_line_end(read: &mut Vec<u8>) {
    let end = if read.ends_with(b"\r\n") { 2 } else { usize::from(read.ends_with(b"\n")) };
    let rest = read.len() - end;
    let one_line =
        read.get(..rest).is_some_and(|line| !line.contains(&b'\n') && std::str::from_utf8(line).is_ok());
    if one_line {
        read.truncate(rest);
    }
}

fn generated(length: u32) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let spec = PasswordSpec::new(length, "");
    let made = generate(&spec, &mut *OsEntropy.rng()).ok().context("no password can be made")?;
    Ok(Zeroizing::new(made.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_line_of_text_loses_its_end() {
        for (given, want) in [
            (&b"a\n"[..], &b"a"[..]),
            (b"a\r\n", b"a"),
            (b"a", b"a"),
            (b"", b""),
            (b"\n", b""),
            (b"a\n\n", b"a\n\n"),
            (b"a\nb\n", b"a\nb\n"),
            (b"\xff\n", b"\xff\n"),
        ] {
            let mut read = given.to_vec();
            without_line_end(&mut read);
            assert_eq!(read, want, "{given:?}");
        }
    }
}
