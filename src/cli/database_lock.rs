//! The locks of a SQLite file: one process at a time, by whichever path or link it reaches the file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use crate::ports::private_file::{self, PRIVATE};

/// The bits of a mode that let other users in. A group may read and write, as it does in the volumes of Kubernetes.
const OTHERS: u32 = 0o007;

/// The most links in a row, as in Linux.
const LINKS: usize = 40;

/// Locks a database by its name, whether it exists or not: a process that comes after the file was replaced finds the lock, too.
/// The lock is the file `<database>-lock`, which stays.
///
/// # Errors
/// When another process has it, or the file cannot be made.
pub(super) fn by_name(database: &Path) -> anyhow::Result<File> {
    let path = private_file::beside(&canonical(database)?, "-lock");
    let lock = OpenOptions::new().read(true).append(true).create(true).mode(PRIVATE).open(&path);
    let lock = lock.with_context(|| format!("cannot open the lock of the database, {}", path.display()))?;
    held(lock, database)
}

/// Locks a database file itself, so that other names of it (links, mounts) are locked as well. SQLite's own locks are of
/// another kind. Creates an empty file if there is none.
///
/// # Errors
/// When another process has it, when it has several names, and when it cannot be opened or made.
pub(super) fn by_file(database: &Path) -> anyhow::Result<File> {
    let shown = database.display();
    let opened = match File::open(database) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // SQLite gives its journal the mode of the database.
            let mut options = OpenOptions::new();
            options.read(true).append(true).create_new(true).mode(PRIVATE);
            let file = options.open(canonical(database)?);
            file.with_context(|| format!("cannot make the database {shown}"))?
        }
        opened => opened.with_context(|| format!("cannot read the database {shown}"))?,
    };
    let lock = held(opened, database)?;
    let names = lock.metadata().with_context(|| format!("cannot look at the database {shown}"))?.nlink();
    ensure!(
        names < 2,
        "the database {shown} has {names} names (hard links), and each would have a journal of its own: remove the others \
         (find / -xdev -samefile '{shown}' lists them)"
    );
    Ok(lock)
}

fn held(lock: File, database: &Path) -> anyhow::Result<File> {
    let shown = database.display();
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("the database {shown} is in use by another process"),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock the database {shown}"))
        }
    }
}

/// The path without symbolic links. The file itself may be missing, also when a link leads to it.
fn canonical(database: &Path) -> anyhow::Result<PathBuf> {
    let mut path = database.to_owned();
    for _ in 0..LINKS {
        if let Ok(found) = fs::canonicalize(&path) {
            return Ok(found);
        }
        let dir = private_file::directory(&path);
        let dir = fs::canonicalize(dir)
            .with_context(|| format!("cannot open the directory of the database, {}", dir.display()))?;
        let Ok(target) = fs::read_link(&path) else {
            let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
            return Ok(dir.join(name));
        };
        path = dir.join(target);
    }
    bail!("too many symbolic links lead to the database {}", database.display())
}

/// Shuts other users out of the files of a database. Earlier releases made them with the mode of the umask.
pub(super) fn shut_others_out(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let path = if end.is_empty() { database.to_owned() } else { private_file::beside(database, end) };
        let Ok(facts) = fs::metadata(&path) else { continue };
        let mode = facts.permissions().mode() & 0o777;
        if mode & OTHERS == 0 {
            continue;
        }
        if let Err(error) = fs::set_permissions(&path, PermissionsExt::from_mode(PRIVATE)) {
            tracing::warn!(%error, path = %path.display(), "other users can read this file, and its mode cannot be changed");
        }
    }
}
