//! `sesame restore`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::progress::Bar;
use super::root_key::dated;
use super::startup::{self, DataLocation};
use super::{StoreArgs, database_lock, offline};
use crate::ports::private_file::{self, Draft, Durability, Existing, PRIVATE};
use crate::ports::{Clock, ServerClock};
use crate::store::sql::{SqlStore, sqlite};

/// The most findings that are printed.
const FINDINGS: usize = 20;

/// Arguments of `sesame restore`.
#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup: a file that `sesame backup` wrote.
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Checks a backup, opens every value in it, and only then puts it in the place of the database. The database that was there is
/// kept as `<database>.<date>`. If the command is killed, the database is the old one or the backup, and complete.
pub(super) async fn restore(args: &RestoreArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let DataLocation::Files { dir, database } = DataLocation::from_args(&args.store)? else {
        bail!("a database server has its own tools for copies, such as pg_restore")
    };
    let shown = args.file.display();
    let facts = fs::metadata(&args.file).with_context(|| format!("cannot read the backup {shown}"))?;
    ensure!(facts.is_file() && facts.len() > 0, "{shown} is not a backup: it is empty or no file");
    let mut locks = vec![startup::prepare(&dir)?, database_lock::by_name(&database)?];
    if database.exists() {
        let lock = database_lock::by_file(&database)?;
        let same = lock.metadata()?;
        ensure!(
            (same.dev(), same.ino()) != (facts.dev(), facts.ino()),
            "{shown} is the database itself, not a backup of it"
        );
        locks.push(lock);
    }
    let bar = Bar::start("checking the backup");
    let draft = Draft::begin(&database, PRIVATE)
        .with_context(|| format!("cannot write beside {}", database.display()))?;
    let secrets = checked(args, &dir, draft.path(), &bar).await?;
    bar.next("putting the backup in place");
    let kept = put_in_place(draft, &database).await?;
    drop(bar);
    writeln!(out, "{} is now the backup {shown}: {secrets} secrets, all of which open.", database.display())?;
    if let Some(kept) = kept {
        writeln!(
            out,
            "The database that was there is kept as {0}; when you do not need it any more, remove it: rm '{0}'",
            kept.display()
        )?;
    }
    if args.store.root.names_file() {
        writeln!(
            out,
            "From now on start with the same --root-key-file, because root.key may not open this database."
        )?;
    }
    drop(locks);
    Ok(ExitCode::SUCCESS)
}

/// Copies the backup to a draft, brings that to this version's schema and opens everything in it. Returns the number of secrets.
async fn checked(args: &RestoreArgs, dir: &Path, draft: &Path, bar: &Bar) -> anyhow::Result<usize> {
    let shown = format!("the backup {}", args.file.display());
    sqlite::copy_unused(&args.file, draft)
        .await
        .with_context(|| format!("{shown} is damaged, or no database"))?;
    let bytes = fs::metadata(draft)?.len();
    let peek = sqlite::probe(draft, bytes).await.with_context(|| format!("{shown} is damaged"))?;
    ensure!(peek.marker.is_some(), "{shown} is not a database of Sesame");
    let root = startup::root_of_existing(args.store.root.read()?, dir, &peek, &shown)?;
    let store = SqlStore::open_copy(draft).await.with_context(|| format!("cannot open {shown}"))?;
    let app = offline::app(Arc::new(store), root).await.with_context(|| format!("cannot open {shown}"))?;
    let found = app.check(bar).await;
    app.close().await;
    let (secrets, damages) = found.with_context(|| format!("cannot check {shown}"))?;
    let lines: Vec<String> =
        damages.iter().take(FINDINGS).map(|damage| format!("{}: {}", damage.place, damage.finding)).collect();
    ensure!(
        damages.is_empty(),
        "{shown} has {} damaged places, so it was not put in place: {}",
        damages.len(),
        lines.join("; ")
    );
    Ok(secrets)
}

/// Keeps a copy of the database, and gives its name to the draft. Returns the copy.
async fn put_in_place(draft: Draft, database: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut kept = None;
    if database.exists() {
        let copy = dated(database, ServerClock::default().wall())?;
        // The journal belongs to the old file. A damaged database keeps it.
        if let Err(error) = sqlite::fold(database).await {
            tracing::warn!(%error, "the database that is replaced is damaged");
        }
        let [journal, index] = ["-wal", "-shm"].map(|end| private_file::beside(database, end));
        let keep = || {
            copied(database, &copy)?;
            if journal.exists() {
                copied(&journal, &private_file::beside(&copy, "-wal"))?;
                fs::remove_file(&journal)?;
            }
            if index.exists() { fs::remove_file(&index) } else { Ok(()) }
        };
        keep().with_context(|| format!("cannot keep the database as {}", copy.display()))?;
        kept = Some(copy);
    }
    draft
        .finish(Existing::Replace, Durability::Machine)
        .with_context(|| format!("cannot replace the database {}", database.display()))?;
    Ok(kept)
}

fn copied(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut draft = Draft::begin(to, PRIVATE)?;
    std::io::copy(&mut fs::File::open(from)?, draft.file())?;
    draft.finish(Existing::Keep, Durability::Machine)
}
