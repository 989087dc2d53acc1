//! `sesame rekey`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use secrecy::SecretString;

use super::offline::open;
use super::progress::Bar;
use super::root_key::{self, key_in, only_one, passphrase_in};
use super::startup::{self, DataLocation, SALT};
use super::{StoreArgs, key_command};
use crate::app::App;
use crate::crypto::{RootKey, SymmetricKey};
use crate::ports::{Clock, OsEntropy, ServerClock};

/// Arguments of `sesame rekey`.
#[derive(Debug, Args)]
pub(super) struct RekeyArgs {
    /// The new root key, 64 hexadecimal digits or base64: give it in the variable, because other users can read command lines.
    /// Without a new key Sesame makes one, and writes it to root.key or to the file of --root-key-file.
    #[arg(long, env = "SESAME_NEW_ROOT_KEY", value_name = "KEY", hide_env_values = true)]
    new_root_key: Option<SecretString>,
    /// The file of the new root key.
    #[arg(long, env = "SESAME_NEW_ROOT_KEY_FILE", value_name = "FILE")]
    new_root_key_file: Option<PathBuf>,
    /// A command that prints the new root key.
    #[arg(long, env = "SESAME_NEW_ROOT_KEY_COMMAND", value_name = "CMD")]
    new_root_key_command: Option<String>,
    /// A passphrase that the new root key is derived from. SESAME_NEW_ROOT_PASSPHRASE_FILE names a file with it.
    #[arg(long, env = "SESAME_NEW_ROOT_PASSPHRASE", value_name = "TEXT", hide_env_values = true)]
    new_root_passphrase: Option<SecretString>,
    /// Remove the file of the old root key instead of keeping it as `root.key.<date>`. Backups and sealed exports from before
    /// then open only if you have another copy of it.
    #[arg(long)]
    remove_old: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// The new root key, what the database stores with it, and what the next start needs.
struct New {
    root: RootKey,
    facts: Vec<(&'static str, Vec<u8>)>,
    place: Place,
}

/// Where the new root key is.
enum Place {
    /// In the file of the old one.
    OldFile,
    /// Where the user keeps it.
    Elsewhere(String),
}

/// Replaces the root key. If the command is killed at any moment, the data opens with the old key or the next one.
pub(super) async fn rekey(args: &RekeyArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let DataLocation::Files { dir, .. } = DataLocation::from_args(&args.store)? else {
        bail!(
            "the root key of a database that several processes use cannot be replaced: export and import instead"
        )
    };
    let file = args.store.root.file(&dir);
    let given = args.given()?;
    ensure!(
        given.is_some() || file.is_some(),
        "the root key comes from {}, so the next start will look for the new one there, too: choose it and give it in \
         SESAME_NEW_ROOT_KEY (openssl rand -hex 32 prints one), --new-root-key-file, --new-root-key-command or \
         SESAME_NEW_ROOT_PASSPHRASE",
        args.store.root.setting()
    );
    let (app, _lock) = open(&args.store).await?;
    let (new, made) = match (given, &file) {
        (Some(new), _) => (new, None),
        (None, Some(file)) => {
            let key = root_key::fresh(&OsEntropy);
            let new = New { root: RootKey::from_key(&key)?, facts: Vec::new(), place: Place::OldFile };
            (new, Some((file, key)))
        }
        (None, None) => bail!("there is no new root key"),
    };
    let replaced = replace(&app, &new, made).await;
    app.close().await;
    let count = replaced?;
    let kept = args.put_in_place(&new, file.as_deref())?;
    args.report(&new, file.as_deref(), kept.as_deref(), count, out)?;
    Ok(ExitCode::SUCCESS)
}

/// Seals everything with the new root key. A key that was made is stored first; the marker in the database tells which of
/// the two keys counts.
async fn replace(app: &App, new: &New, made: Option<(&PathBuf, SymmetricKey)>) -> anyhow::Result<usize> {
    let marker = app.root_marker().await?;
    ensure!(
        new.root.check_marker(&marker).is_err(),
        "the new root key is the one that is in use: nothing was changed"
    );
    if let Some((file, key)) = made {
        root_key::write_new(&root_key::next_of(file), &key)?;
    }
    Ok(app.reseal(&new.root, new.facts.clone(), &Bar::start("sealing keys")).await?)
}

impl RekeyArgs {
    /// The new root key that the user gives, if any.
    fn given(&self) -> anyhow::Result<Option<New>> {
        const COMMAND: &str = "--new-root-key-command (SESAME_NEW_ROOT_KEY_COMMAND)";
        only_one(&[
            ("SESAME_NEW_ROOT_KEY", self.new_root_key.is_some()),
            ("--new-root-key-file (SESAME_NEW_ROOT_KEY_FILE)", self.new_root_key_file.is_some()),
            (COMMAND, self.new_root_key_command.is_some()),
            ("SESAME_NEW_ROOT_PASSPHRASE", self.new_root_passphrase.is_some()),
        ])?;
        let new = |root, next: String| New { root, facts: Vec::new(), place: Place::Elsewhere(next) };
        if let Some(text) = &self.new_root_key {
            let next = "SESAME_ROOT_KEY set to the value of SESAME_NEW_ROOT_KEY, which Sesame stored nowhere";
            return Ok(Some(new(key_in(text, "SESAME_NEW_ROOT_KEY")?, next.to_owned())));
        }
        if let Some(path) = &self.new_root_key_file {
            let next = format!("--root-key-file '{}'", path.display());
            return Ok(Some(new(root_key::read(path)?, next)));
        }
        if let Some(command) = &self.new_root_key_command {
            let printed = key_command::output(command).with_context(|| format!("{COMMAND} \"{command}\""))?;
            let key = SymmetricKey::parse(&printed).ok();
            let key =
                key.with_context(|| format!("what {COMMAND} \"{command}\" printed is not a root key"))?;
            return Ok(Some(new(RootKey::from_key(&key)?, format!("--root-key-command \"{command}\""))));
        }
        let Some(text) = &self.new_root_passphrase else { return Ok(None) };
        let (text, salt) =
            (passphrase_in(text, "SESAME_NEW_ROOT_PASSPHRASE")?, startup::fresh_salt(&OsEntropy));
        let next = "SESAME_ROOT_PASSPHRASE set to the value of SESAME_NEW_ROOT_PASSPHRASE, which Sesame stored nowhere";
        let facts = vec![(SALT, salt.to_vec())];
        let (root, place) = (RootKey::from_passphrase(&text, &salt)?, Place::Elsewhere(next.to_owned()));
        Ok(Some(New { root, facts, place }))
    }

    /// Puts the files of the keys where they belong. Returns the file of the old key, if it is kept.
    fn put_in_place(&self, new: &New, file: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
        let Some(file) = file else { return Ok(None) };
        let now = ServerClock::default().wall();
        let kept = match new.place {
            Place::OldFile => root_key::put_next_in_place(file, now)?,
            // A file that the user names is the user's; only the one of the data directory would mislead the next start.
            Place::Elsewhere(_) if self.store.root.names_file() => return Ok(Some(file.to_owned())),
            Place::Elsewhere(_) => Some(root_key::keep_old(file, now)?),
        };
        let Some(kept) = kept else { return Ok(None) };
        if !self.remove_old {
            return Ok(Some(kept));
        }
        std::fs::remove_file(&kept)
            .with_context(|| format!("cannot remove the old root key {}", kept.display()))?;
        Ok(None)
    }

    /// Says where the new key is, what the next start needs, and what needs the old key.
    fn report(
        &self,
        new: &New,
        file: Option<&Path>,
        kept: Option<&Path>,
        count: usize,
        out: &mut dyn Write,
    ) -> std::io::Result<()> {
        writeln!(out, "{count} items are now sealed with the new root key.")?;
        match (&new.place, file) {
            (Place::Elsewhere(next), _) => writeln!(out, "From now on start with {next}.")?,
            (Place::OldFile, Some(file)) => writeln!(
                out,
                "The new root key is in {}. Store a copy of it, apart from the backups.",
                file.display()
            )?,
            (Place::OldFile, None) => {}
        }
        match kept {
            Some(kept) => writeln!(
                out,
                "The old root key is in {0}. Backups and sealed exports from before now open only with it \
                 (--root-key-file, --source-root-key-file); when you have none of them any more, remove it: rm '{0}'",
                kept.display()
            ),
            None if self.remove_old && file.is_some() => {
                writeln!(out, "The file of the old root key was removed: make a backup now.")
            }
            None => writeln!(
                out,
                "Backups and sealed exports from before now open only with the old root key: keep it as long as you keep them."
            ),
        }
    }
}
