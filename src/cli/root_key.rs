//! The root key: where it comes from, and its file.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::key_command;
use crate::crypto::{RootKey, SymmetricKey};
use crate::domain::Timestamp;
use crate::ports::Entropy;
use crate::ports::private_file::{self, Existing, PRIVATE};

/// The root key's file in the data directory.
pub(super) const KEY_FILE: &str = "root.key";
/// The end of the name of the next root key's file, while the root key is replaced.
const NEXT: &str = ".next";
/// The most bytes that are read of a file with a secret.
const MOST_BYTES: u64 = 64 * 1024;
/// What a text must be that is not a key.
const FORM: &str = "is not 32 bytes as hexadecimal digits or base64, as `openssl rand -hex 32` prints them";

/// Where the root key comes from. At most one of them.
#[derive(Debug, Clone, Args)]
pub(super) struct RootKeyArgs {
    /// The root key, 64 hexadecimal digits or base64, instead of the file root.key.
    #[arg(long, env = "SESAME_ROOT_KEY", value_name = "KEY", hide = true, hide_env_values = true)]
    root_key: Option<SecretString>,
    /// The file of the root key [default: root.key in the data directory]. The key itself may be in SESAME_ROOT_KEY; a passphrase
    /// that it is derived from may be in SESAME_ROOT_PASSPHRASE, or in the file that SESAME_ROOT_PASSPHRASE_FILE names.
    #[arg(long, env = "SESAME_ROOT_KEY_FILE", value_name = "FILE")]
    root_key_file: Option<PathBuf>,
    /// A command that prints the root key: it asks a KMS, a TPM or a password manager. `sh -c` runs it once at each start; it may
    /// take 60 seconds.
    #[arg(long, env = "SESAME_ROOT_KEY_COMMAND", value_name = "CMD")]
    root_key_command: Option<String>,
    /// A passphrase that the root key is derived from, instead of the file root.key.
    #[arg(long, env = "SESAME_ROOT_PASSPHRASE", value_name = "TEXT", hide = true, hide_env_values = true)]
    root_passphrase: Option<SecretString>,
}

/// The root key as the settings give it.
pub(super) enum Given {
    /// The key is in the file `root.key` of the data directory.
    Nothing,
    /// The key is in a file that a setting names.
    File(PathBuf),
    /// The key itself.
    Key(Box<RootKey>),
    /// Becomes a key together with the salt in the database.
    Passphrase(Zeroizing<String>),
}

impl RootKeyArgs {
    /// Reads and checks what is given, before anything is changed. Runs the command, if there is one.
    ///
    /// # Errors
    /// When more than one source is given, a text is not a key, or the command fails.
    pub(super) fn read(&self) -> anyhow::Result<Given> {
        let given = [
            ("SESAME_ROOT_KEY", self.root_key.is_some()),
            ("--root-key-file (SESAME_ROOT_KEY_FILE)", self.root_key_file.is_some()),
            (COMMAND, self.root_key_command.is_some()),
            ("SESAME_ROOT_PASSPHRASE", self.root_passphrase.is_some()),
        ];
        only_one(&given)?;
        if let Some(path) = &self.root_key_file {
            return Ok(Given::File(path.clone()));
        }
        if let Some(text) = &self.root_key {
            return Ok(Given::Key(Box::new(key_in(text, "SESAME_ROOT_KEY")?)));
        }
        if let Some(command) = &self.root_key_command {
            let printed = key_command::output(command).with_context(|| format!("{COMMAND} \"{command}\""))?;
            let key = SymmetricKey::parse(&printed).ok();
            let key = key.with_context(|| format!("what {COMMAND} \"{command}\" printed {FORM}"))?;
            return Ok(Given::Key(Box::new(RootKey::from_key(&key)?)));
        }
        let Some(text) = &self.root_passphrase else { return Ok(Given::Nothing) };
        Ok(Given::Passphrase(passphrase_in(text, "SESAME_ROOT_PASSPHRASE")?))
    }

    /// The file that the root key is in, if it is in a file.
    pub(super) fn file(&self, dir: &Path) -> Option<PathBuf> {
        let other =
            self.root_key.is_some() || self.root_key_command.is_some() || self.root_passphrase.is_some();
        (!other).then(|| self.root_key_file.clone().unwrap_or_else(|| dir.join(KEY_FILE)))
    }

    /// Whether a setting names the file of the root key.
    pub(super) fn names_file(&self) -> bool {
        self.root_key_file.is_some()
    }

    /// The name of the setting that gives the root key, if it is not in a file.
    pub(super) fn setting(&self) -> &'static str {
        if self.root_key.is_some() {
            "SESAME_ROOT_KEY"
        } else if self.root_key_command.is_some() {
            COMMAND
        } else {
            "SESAME_ROOT_PASSPHRASE"
        }
    }
}

/// The name of the setting that is a command.
const COMMAND: &str = "--root-key-command (SESAME_ROOT_KEY_COMMAND)";

/// Refuses more than one source of a key.
pub(super) fn only_one(given: &[(&str, bool)]) -> anyhow::Result<()> {
    let names: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    ensure!(names.len() < 2, "{} exclude each other: give one of them", names.join(" and "));
    Ok(())
}

/// The key in a text that a setting gave.
#[expect(clippy::disallowed_methods, reason = "a root key comes in as text")]
pub(super) fn key_in(text: &SecretString, setting: &str) -> anyhow::Result<RootKey> {
    let key = SymmetricKey::parse(text.expose_secret()).ok();
    Ok(RootKey::from_key(&key.with_context(|| format!("{setting} {FORM}"))?)?)
}

/// The passphrase that a setting gave.
#[expect(clippy::disallowed_methods, reason = "a passphrase comes in as text")]
pub(super) fn passphrase_in(text: &SecretString, setting: &str) -> anyhow::Result<Zeroizing<String>> {
    ensure!(!text.expose_secret().is_empty(), "{setting} is empty");
    Ok(Zeroizing::new(text.expose_secret().to_owned()))
}

/// The text of a file with a secret.
///
/// # Errors
/// As [`fs::File::open`]; also when it is longer than 64 KiB, or not UTF-8.
pub(super) fn secret_text(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let read = fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MOST_BYTES {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "it is longer than 64 KiB"));
    }
    Ok(text)
}

/// Reads a root key from a file that a setting names. Its mode is not checked: orchestrators mount secrets readable for
/// everyone in the container.
pub(super) fn read(path: &Path) -> anyhow::Result<RootKey> {
    let shown = path.display();
    let text = secret_text(path).with_context(|| format!("cannot read the root key file {shown}"))?;
    let key = SymmetricKey::parse(&text).ok();
    let key =
        key.with_context(|| format!("the root key file {shown} does not hold a key: its text {FORM}"))?;
    Ok(RootKey::from_key(&key)?)
}

/// The root key in the data directory's own file. `None` if there is no such file.
///
/// # Errors
/// When others can read the file, or it holds no key.
pub(super) fn read_own(path: &Path) -> anyhow::Result<Option<RootKey>> {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read the root key file {shown}"))?,
        Ok(facts) => {
            // A group may read it: the volumes of Kubernetes belong to a group (fsGroup), whatever mode was asked for.
            let mode = facts.permissions().mode() & 0o777;
            ensure!(
                mode & 0o007 == 0,
                "every user of this machine can use the root key file {shown} (its mode is {mode:03o}); run: chmod o= '{shown}'"
            );
        }
    }
    read(path).map(Some)
}

/// A fresh key for a file that does not exist yet.
pub(super) fn fresh(entropy: &dyn Entropy) -> SymmetricKey {
    SymmetricKey::generate(&mut *entropy.rng())
}

/// Writes a new key durably, readable by its owner only, before anything is sealed with it.
///
/// # Errors
/// When the file exists or cannot be written.
pub(super) fn write_new(path: &Path, key: &SymmetricKey) -> anyhow::Result<()> {
    let mut text = key.to_hex();
    text.push('\n');
    // The key of a faster process stays.
    private_file::write(path, text.as_bytes(), PRIVATE, Existing::Keep)
        .with_context(|| format!("cannot write the root key file {}", path.display()))
}

/// The file of the next root key, while the root key in `path` is replaced.
pub(super) fn next_of(path: &Path) -> PathBuf {
    private_file::beside(path, NEXT)
}

/// Gives a root key file that was replaced the name `<file>.<date>`, and returns that.
///
/// # Errors
/// When it cannot be renamed.
pub(super) fn keep_old(path: &Path, now: Timestamp) -> anyhow::Result<PathBuf> {
    let kept = dated(path, now)?;
    private_file::rename(path, &kept)
        .with_context(|| format!("cannot keep the old root key in {}", kept.display()))?;
    Ok(kept)
}

/// Puts the next root key in the place of the root key, and keeps the old one in `<file>.<date>`, which it returns. `None` if
/// there is no file of an old one.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn put_next_in_place(path: &Path, now: Timestamp) -> anyhow::Result<Option<PathBuf>> {
    let kept = dated(path, now)?;
    // A copy and not a new name, so that there is a root key under its name at each moment.
    let write = |old: Zeroizing<String>| private_file::write(&kept, old.as_bytes(), PRIVATE, Existing::Keep);
    let written = match secret_text(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        old => {
            let written = old.and_then(write);
            written.with_context(|| format!("cannot keep the old root key in {}", kept.display()))?;
            Some(kept)
        }
    };
    private_file::rename(&next_of(path), path).context("cannot replace the root key file")?;
    Ok(written)
}

/// A name `<file>.<date>` that is not taken.
pub(super) fn dated(path: &Path, now: Timestamp) -> anyhow::Result<PathBuf> {
    let text = now.to_string();
    let day = text.split('T').next().unwrap_or_default();
    let names = (1..1000).map(|n| if n == 1 { format!(".{day}") } else { format!(".{day}-{n}") });
    let mut paths = names.map(|end| private_file::beside(path, &end));
    paths.find(|path| !path.exists()).context("there are too many old files of today: remove some")
}

/// The root keys that were replaced, `<file>.<date>`.
pub(super) fn old_ones(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ok(entries) = fs::read_dir(private_file::directory(path)) else { return Vec::new() };
    let is_old = |entry: &fs::DirEntry| {
        let found = entry.file_name();
        let end = found.to_str().and_then(|found| found.strip_prefix(&name)?.strip_prefix('.'));
        end.is_some_and(|end| end.starts_with(|c: char| c.is_ascii_digit()) && end.contains('-'))
    };
    let mut old: Vec<PathBuf> = entries.flatten().filter(is_old).map(|entry| entry.path()).collect();
    old.sort();
    old
}

/// Removes what releases up to 0.1 left of a change of the root key that was killed: `root.key.key.<process>`, a key that
/// was never used.
pub(super) fn remove_leftovers(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix("root.key.key."));
        if process.is_some_and(|process| !process.is_empty() && process.bytes().all(|b| b.is_ascii_digit())) {
            // The next start tries again.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// What to do when there is no root key for data that exists.
pub(super) fn missing(path: &Path, what: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the root key file {} is missing, and without its key nothing in {what} opens: put your copy of the key \
         there with mode 0600, or name it with --root-key-file, SESAME_ROOT_KEY or SESAME_ROOT_PASSPHRASE",
        path.display()
    )
}

/// What a root key that does not fit means, and which old one does.
///
/// # Errors
/// Always.
pub(super) fn does_not_open(what: &str, marker: &[u8], path: &Path) -> anyhow::Result<()> {
    let opens = |path: &PathBuf| read(path).is_ok_and(|root| root.check_marker(marker).is_ok());
    match old_ones(path).into_iter().find(opens) {
        Some(old) => {
            bail!(
                "the root key does not open {what}, but {0} does: give --root-key-file '{0}'",
                old.display()
            )
        }
        None => bail!("the root key does not open {what}: it was sealed with another one"),
    }
}
