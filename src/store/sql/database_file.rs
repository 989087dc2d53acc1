//! The file of a SQLite database: whether it is still the one that was opened, and room for deletions on a full disk.
//!
//! SQLite commits to a file that was deleted or replaced, and nobody would ever read what it wrote. So the writer compares
//! the file under the database's name with the one that it opened, before each transaction and before it answers.
//!
//! On a full disk even a deletion fails, because it is written to the journal first. So a file next to the database,
//! `<database>-reserve`, takes up room, and is removed when the disk is full. From then on only writes that free something
//! are carried out, until there is room for the reserve again.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::ports::private_file;
use crate::store::{StoreError, Unavailable};

/// The size of the reserve in bytes. It must exceed the journal before a checkpoint, which is 4 MiB.
const RESERVE: u64 = 8 * 1024 * 1024;
/// How many bytes must be free in addition before writes are carried out again.
const SPARE: u64 = 4 * 1024 * 1024;
/// How many bytes of the reserve are written at once.
const BLOCK: usize = 64 * 1024;

/// A file's device and inode.
type Identity = (u64, u64);

/// The file of an open database.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    journal: PathBuf,
    reserve: PathBuf,
    opened: Identity,
    /// The journal. `None` before there is one.
    journal_opened: Mutex<Option<Identity>>,
    /// What happened to the file, once it is not the opened one any more.
    lost: OnceLock<&'static str>,
    full: AtomicBool,
}

impl DatabaseFile {
    /// The file that was just opened under this path.
    ///
    /// # Errors
    /// An I/O error if it is not there any more.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let journal = private_file::beside(path, "-wal");
        let opened = identity(path)?.ok_or(ErrorKind::NotFound)?;
        let journal_opened = Mutex::new(identity(&journal)?);
        let reserve = private_file::beside(path, "-reserve");
        let (path, lost, full) = (path.to_owned(), OnceLock::new(), AtomicBool::new(false));
        Ok(Self { path, journal, reserve, opened, journal_opened, lost, full })
    }

    /// Checks that the file and its journal are still those that were opened. Once they are not, this fails for ever.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let what = match self.lost.get() {
            Some(what) => Some(*what),
            None => self.look(),
        };
        let Some(what) = what else { return Ok(()) };
        if self.lost.set(what).is_ok() {
            tracing::error!(
                path = %self.path.display(),
                "{what} while the server runs, so nothing is written any more; stop the server, put the file back (sesame restore \
                 puts a backup in place), and start it"
            );
        }
        Err(StoreError::Unavailable(Unavailable::public(what)))
    }

    /// What is wrong with the files. A file that cannot be looked at counts as there.
    fn look(&self) -> Option<&'static str> {
        match identity(&self.path) {
            Ok(Some(found)) if found != self.opened => return Some("the database file was replaced"),
            Ok(None) => return Some("the database file was removed"),
            Ok(Some(_)) | Err(_) => {}
        }
        let mut opened = self.journal_opened.lock().unwrap_or_else(PoisonError::into_inner);
        match (*opened, identity(&self.journal)) {
            (Some(known), Ok(found)) if found != Some(known) => {
                Some("the journal of the database (-wal) was removed or replaced")
            }
            (None, Ok(found)) => {
                *opened = found;
                None
            }
            (_, Ok(_) | Err(_)) => None,
        }
    }

    /// Whether the database takes writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with a reason that may be told to everybody.
    pub(super) fn health(&self) -> Result<(), StoreError> {
        self.check()?;
        if self.is_full() { Err(full()) } else { Ok(()) }
    }

    /// Whether the disk was full, and there has been no room for the reserve since.
    pub(super) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Removes the reserve, because the disk is full.
    pub(super) fn release_reserve(&self) {
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::error!(
                path = %self.path.display(),
                "the disk of the database is full: until there is room again only deletions are carried out (DeleteSecret with \
                 ForceDeleteWithoutRecovery)"
            );
        }
        match fs::remove_file(&self.reserve) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, path = %self.reserve.display(), "the reserve cannot be removed");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Makes the reserve when a database is opened, unless it is there.
    pub(super) fn make_reserve(&self) {
        if fs::metadata(&self.reserve).is_ok_and(|facts| facts.len() == RESERVE) {
            return;
        }
        match self.write_reserve(RESERVE) {
            Err(error) if is_no_room(&error) => self.release_reserve(),
            // It is only of use on a full disk.
            Err(error) => {
                tracing::warn!(%error, path = %self.reserve.display(), "the reserve cannot be made")
            }
            Ok(()) => {}
        }
    }

    /// Tries to make the reserve again, with some room to spare. If that succeeds, writes are carried out again.
    pub(super) fn recover(&self) {
        match self.write_reserve(RESERVE + SPARE) {
            Ok(()) => {
                self.full.store(false, Ordering::Relaxed);
                tracing::info!("the disk of the database has room again: writes are carried out");
            }
            Err(error) => tracing::debug!(%error, "there is no room for the reserve yet"),
        }
    }

    /// Writes this many bytes, and then cuts the file down to the size of the reserve.
    fn write_reserve(&self, bytes: u64) -> io::Result<()> {
        let write = || {
            let mut file = private_file::create(&self.reserve)?;
            let mut block = vec![0; BLOCK];
            let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
            for _ in 0..bytes / BLOCK as u64 {
                // A file system that compresses would make nothing of zeros.
                for word in block.chunks_exact_mut(8) {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    word.copy_from_slice(&state.to_le_bytes());
                }
                file.write_all(&block)?;
            }
            if bytes > RESERVE {
                // Only what is on the disk has room there.
                file.sync_data()?;
            }
            file.set_len(RESERVE)
        };
        let written = write();
        if written.is_err() {
            drop(fs::remove_file(&self.reserve));
        }
        written
    }
}

/// The refusal of writes on a full disk.
pub(super) fn full() -> StoreError {
    StoreError::Unavailable(Unavailable::public(
        "the disk of the database is full; only deletions are carried out",
    ))
}

/// Whether a file cannot grow because there is no room.
fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(facts) => Ok(Some((facts.dev(), facts.ino()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_removed_or_replaced_is_lost_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let [path, other] = ["db", "other"].map(|name| dir.path().join(name));
        for name in ["db", "db-wal", "other"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let file = DatabaseFile::of(&path).unwrap();
        file.check().unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(file.check().unwrap_err().to_string().contains("was replaced"));
        let file = DatabaseFile::of(&path).unwrap();
        fs::rename(&path, &other).unwrap();
        assert!(file.check().unwrap_err().to_string().contains("was removed"));
        fs::rename(&other, &path).unwrap();
        assert!(file.health().is_err(), "what was written in between is lost");
        let file = DatabaseFile::of(&path).unwrap();
        fs::remove_file(dir.path().join("db-wal")).unwrap();
        assert!(file.check().unwrap_err().to_string().contains("journal"));
        // A journal that appears later is known from then on.
        let file = DatabaseFile::of(&path).unwrap();
        file.check().unwrap();
        fs::write(dir.path().join("db-wal"), "x").unwrap();
        file.check().unwrap();
        fs::remove_file(dir.path().join("db-wal")).unwrap();
        assert!(file.check().is_err());
    }

    #[test]
    fn the_reserve_is_written_out_and_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        fs::write(&path, "x").unwrap();
        let file = DatabaseFile::of(&path).unwrap();
        file.make_reserve();
        let facts = fs::metadata(dir.path().join("db-reserve")).unwrap();
        assert_eq!((facts.len(), facts.mode() & 0o777), (RESERVE, 0o600));
        assert!(facts.blocks() * 512 >= RESERVE, "it is sparse");
        file.release_reserve();
        assert!(!dir.path().join("db-reserve").exists() && file.is_full() && file.health().is_err());
        file.recover();
        assert_eq!(fs::metadata(dir.path().join("db-reserve")).unwrap().len(), RESERVE);
        file.health().unwrap();
    }
}
