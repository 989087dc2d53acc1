//! `sesame backup`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::StoreArgs;
use super::progress::Bar;
use super::root_key::KEY_FILE;
use super::startup::DataLocation;
use crate::ports::private_file::{self, Draft, Durability, Existing, PRIVATE};
use crate::store::sql::sqlite;

/// Arguments of `sesame backup`.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The copy; the file must not exist yet.
    file: PathBuf,
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
    // Backups often have the date in their names, so a killed one may have been of another file.
    let swept = private_file::remove_abandoned_drafts(private_file::directory(file), is_database);
    swept.with_context(|| format!("cannot write {shown}"))?;
    let draft = Draft::begin(file, PRIVATE).with_context(|| format!("cannot write {shown}"))?;
    sqlite::copy(database, draft.path()).await.with_context(|| format!("cannot copy to {shown}"))?;
    draft.finish(Existing::Keep, Durability::Machine).with_context(|| format!("cannot write {shown}"))
}

/// Whether a draft is that of a database: empty, or with SQLite's first bytes.
fn is_database(draft: &mut File) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut first = Vec::new();
    draft.take(MAGIC.len() as u64).read_to_end(&mut first).is_ok() && MAGIC.starts_with(&first)
}
