//! `sesame backup` and `sesame rekey`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::StoreArgs;
use super::offline::open;
use super::progress::Bar;
use super::root_key::{self, KEY_FILE, NEXT_KEY_FILE};
use super::startup::{self, DataLocation, SALT};
use crate::crypto::{RootKey, SymmetricKey};
use crate::ports::private_file::{self, Draft, Durability, Existing, PRIVATE};
use crate::ports::{Entropy, OsEntropy};
use crate::store::sql::sqlite;

/// Arguments of `sesame backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The copy; the file must not exist yet.
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Arguments of `sesame rekey`.
#[derive(Debug, Args)]
pub(super) struct RekeyArgs {
    /// The new root key, 64 hexadecimal digits or base64. Without it and without a passphrase, a new key is made and
    /// written to root.key.
    #[arg(long, env = "SESAME_NEW_ROOT_KEY", value_name = "KEY", hide = true, hide_env_values = true)]
    new_root_key: Option<SecretString>,
    /// A passphrase that the next root key is derived from.
    #[arg(
        long,
        env = "SESAME_NEW_ROOT_PASSPHRASE",
        value_name = "TEXT",
        hide = true,
        hide_env_values = true
    )]
    new_root_passphrase: Option<SecretString>,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copies the database, even while a server uses it: consistently, and completely or not at all.
pub(super) async fn backup(args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let DataLocation::Files { dir, database } = DataLocation::from_args(&args.store)? else {
        bail!("a database server has its own tools for copies, such as pg_dump")
    };
    ensure!(database.exists(), "there is no database {}", database.display());
    let shown = args.file.display();
    ensure!(!args.file.exists(), "{shown} is there already");
    let bar = Bar::start("copying the database");
    copy(&database, &args.file).await?;
    drop(bar);
    writeln!(out, "{shown} is a copy of {}", database.display())?;
    let key = dir.join(KEY_FILE);
    if key.exists() {
        writeln!(
            out,
            "The backup does not contain the root key ({}). Store the two separately.",
            key.display()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Copies the database to a file that only its owner can read, completely or not at all. What a killed copy left is removed.
async fn copy(database: &Path, file: &Path) -> anyhow::Result<()> {
    let shown = file.display();
    let draft = Draft::begin(file, PRIVATE).with_context(|| format!("cannot write {shown}"))?;
    sqlite::copy(database, draft.path()).await.with_context(|| format!("cannot copy to {shown}"))?;
    draft.finish(Existing::Keep, Durability::Machine).with_context(|| format!("cannot write {shown}"))
}

/// Replaces the root key. If the command is killed at any moment, the data opens with the old key or the next one.
pub(super) async fn rekey(args: &RekeyArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let DataLocation::Files { dir, .. } = DataLocation::from_args(&args.store)? else {
        bail!(
            "the root key of a database that several processes use cannot be replaced: export and import instead"
        )
    };
    let (app, _lock) = open(&args.store).await?;
    let next = dir.join(NEXT_KEY_FILE);
    #[expect(clippy::disallowed_methods, reason = "the next root key comes in as text")]
    let (root, facts, in_file) = match (&args.new_root_key, &args.new_root_passphrase) {
        (Some(_), Some(_)) => bail!("SESAME_NEW_ROOT_KEY and SESAME_NEW_ROOT_PASSPHRASE exclude each other"),
        (Some(text), None) => {
            let key = SymmetricKey::parse(text.expose_secret()).ok();
            let key = key.context("SESAME_NEW_ROOT_KEY is not 32 bytes as hexadecimal digits or base64")?;
            (RootKey::from_key(&key)?, Vec::new(), false)
        }
        (None, Some(text)) => {
            let salt = startup::fresh_salt(&OsEntropy);
            (RootKey::from_passphrase(text.expose_secret(), &salt)?, vec![(SALT, salt.to_vec())], false)
        }
        (None, None) => {
            let key = SymmetricKey::generate(&mut *OsEntropy.rng());
            // Stored before anything is sealed with it. The marker in the database says which of the two keys counts.
            root_key::write_new(&next, &key)?;
            (RootKey::from_key(&key)?, Vec::new(), true)
        }
    };
    let resealed = app.reseal(&root, facts, &Bar::start("sealing keys")).await;
    app.close().await;
    let count = resealed?;
    if in_file {
        private_file::rename(&next, &dir.join(KEY_FILE)).context("cannot replace the root key file")?;
    }
    writeln!(out, "{count} items are now sealed with the new root key")?;
    Ok(ExitCode::SUCCESS)
}
