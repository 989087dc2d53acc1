//! Nonces in files next to the database, so that they survive a restart.
//!
//! `<database>-nonces` is the index: the generations, and the spans of signed time that were forgotten. It is replaced as a whole.
//! `<database>-nonces-<number>` has the nonces of one generation: a head of 16 bytes that identifies the installation, then records
//! of 12 bytes. A record is a nonce, or opens a second of signed time, or closes all seconds.
//!
//! Before a request continues, its nonce is in the file or its second is open there. After a crash, the open seconds
//! are those that may lack nonces, and they count as forgotten. Writing every nonce at once would cost thirty times as
//! much. The index holds the boot id of the machine, which shows that a power failure may have lost data, and its own
//! inode, which shows that the directory was replaced by another one. If an older copy is written over the files in
//! place, that is not noticed.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::span::{Generation, SKEW_MS, Spans};
use crate::crypto::ShortHash;
use crate::ports::private_file::{self, Draft, Durability, Existing, PRIVATE};

/// The version of the file format.
const FORM: u32 = 1;
/// The length of the head of a generation's file, in bytes.
const HEAD: usize = 16;
/// The first bytes of a generation's file.
const MAGIC: &[u8; 8] = b"nonces/1";
/// The length of a record, in bytes: the hash of a nonce and the hash of its principal.
const EACH: usize = 12;
/// In a record whose hash is zero: all seconds are closed. A number from 1 to 300 opens that second.
const CLOSED: u32 = u32::MAX;
/// The most open seconds.
const OPEN: usize = 16;
/// The most bytes of nonces that are collected before they are written.
const COLLECTED: usize = 4096;

/// The files next to one database.
#[derive(Debug)]
pub(super) struct Files {
    database: PathBuf,
    hash: ShortHash,
    boot: String,
}

/// The content of the index.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    form: u32,
    /// The boot id of the machine when it was written.
    boot: String,
    /// The inode of the file that it was written to.
    inode: u64,
    forgotten: Spans,
    generations: BTreeSet<Generation>,
}

/// Hashes of nonces and of their principals.
type Entries = Vec<(u64, u32)>;

/// What the files hold.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) files: Files,
    pub(super) forgotten: Spans,
    pub(super) generations: Vec<(Generation, Log, Entries)>,
    /// Whether the index is outdated because it could not be written. No other file may change until it is.
    pub(super) unwritten: bool,
}

/// What the file of one generation holds.
struct Found {
    log: Log,
    entries: Entries,
    /// Seconds that may lack nonces.
    open: Vec<u32>,
    /// Whether the file ends inside a record.
    is_torn: bool,
}

/// The file of one generation, to append nonces to.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    end: Mutex<End>,
}

/// Where the next record is written.
#[derive(Debug)]
struct End {
    at: u64,
    file: Option<File>,
    /// The seconds that are open in the file, the newest last.
    open: Vec<u32>,
    /// Nonces of open seconds that are not in the file yet.
    collected: Vec<u8>,
}

fn record(hash: u64, number: u32) -> [u8; EACH] {
    let mut record = [0; EACH];
    record[..8].copy_from_slice(&hash.to_le_bytes());
    record[8..].copy_from_slice(&number.to_le_bytes());
    record
}

impl Log {
    fn new(path: PathBuf, at: u64, file: Option<File>) -> Self {
        Self { path, end: Mutex::new(End { at, file, open: Vec::new(), collected: Vec::new() }) }
    }

    /// Adds a nonce that was signed in this second of the generation.
    ///
    /// # Errors
    /// An I/O error if the file cannot be written; then the nonce is not added.
    pub(super) fn append(&self, hash: u64, principal: u32, second: u32) -> io::Result<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let nonce = record(hash, principal);
        if end.open.contains(&second) && end.collected.len() < COLLECTED {
            end.collected.extend(nonce);
            return Ok(());
        }
        let mut open = std::mem::take(&mut end.open);
        if !open.contains(&second) {
            open.push(second);
            open.drain(..open.len().saturating_sub(OPEN));
        }
        // If this fails, it is unknown which seconds are open in the file, so none counts as open.
        end.write(&self.path, &nonce, &open)?;
        end.open = open;
        Ok(())
    }

    /// Writes collected nonces, closes all seconds, and closes the file until the next append.
    ///
    /// # Errors
    /// An I/O error if the file cannot be written.
    pub(super) fn flush_and_close(&self) -> io::Result<()> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.file.is_some() {
            end.open.clear();
            end.write(&self.path, &[], &[])?;
            end.file = None;
        }
        Ok(())
    }
}

impl End {
    /// Writes collected nonces and a further record, closes all seconds, and opens the given ones. A write that failed
    /// half way is overwritten by the next one.
    fn write(&mut self, path: &Path, last: &[u8], open: &[u32]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(self.collected.len() + (2 + open.len()) * EACH);
        bytes.extend_from_slice(&self.collected);
        bytes.extend_from_slice(last);
        bytes.extend(record(0, CLOSED));
        bytes.extend(open.iter().flat_map(|second| record(0, second + 1)));
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(OpenOptions::new().write(true).open(path)?),
        };
        file.write_all_at(&bytes, self.at)?;
        self.at += bytes.len() as u64;
        self.collected.clear();
        Ok(())
    }
}

impl Kept {
    /// Reads the files next to a database. Missing or damaged nonces count as forgotten up to `now`, the machine's time
    /// in milliseconds. Without an index that is everything, unless the database is new.
    ///
    /// # Errors
    /// An I/O error if the files cannot be read or written at all.
    pub(super) fn read(database: &Path, is_new: bool, hash: &ShortHash, now: i64) -> io::Result<Self> {
        let files = Files { database: database.to_owned(), hash: hash.clone(), boot: boot() };
        let mut kept = Self { files, forgotten: Spans::default(), generations: Vec::new(), unwritten: false };
        let mut unchanged = false;
        match kept.files.read_index()? {
            Some((written, in_place)) => {
                kept.forgotten = written.forgotten;
                let same_boot = written.boot == kept.files.boot;
                unchanged = in_place && same_boot;
                for generation in written.generations {
                    unchanged &= kept.read_generation(generation, same_boot, now)?;
                }
                if !in_place {
                    kept.lose(i64::MIN, now);
                }
            }
            None if is_new => {}
            None => kept.lose(i64::MIN, now),
        }
        let known: BTreeSet<_> = kept.generations.iter().map(|(generation, ..)| *generation).collect();
        kept.files.remove_others(&known)?;
        if !unchanged {
            // If the index of a new database is lost, the next start finds none and treats everything as forgotten.
            let durability = if is_new { Durability::Process } else { Durability::Machine };
            // The server must start on a full disk too: requests without a signature need no stored nonce.
            if let Err(error) = kept.files.write_index(known, &kept.forgotten, durability) {
                tracing::warn!(%error, "the index of nonces cannot be written; signed requests are refused until it can");
                kept.unwritten = true;
            }
        }
        Ok(kept)
    }

    /// Reads the file of a generation. Returns whether it was complete.
    fn read_generation(&mut self, generation: Generation, same_boot: bool, now: i64) -> io::Result<bool> {
        let (from, until) = generation.span();
        let read = self.files.read_log(generation)?;
        let mut whole = same_boot && read.as_ref().is_some_and(|read| !read.is_torn);
        if !whole {
            self.lose(from, now.min(until - 1));
        }
        if let Some(Found { log, entries, open, .. }) = read {
            self.generations.push((generation, log, entries));
            for second in &open {
                let begin = from.saturating_add(i64::from(*second) * 1000);
                self.forgotten.add(begin, begin.saturating_add(1000));
            }
            whole &= open.is_empty();
        }
        Ok(whole)
    }

    /// Adds a span, including its end, to the forgotten ones.
    fn lose(&mut self, from: i64, upto: i64) {
        if from > upto {
            return;
        }
        tracing::warn!(
            until = %crate::domain::Timestamp::from_millis(upto),
            "nonces of signed requests may be lost; requests signed until then are refused"
        );
        self.forgotten.add(from, upto.saturating_add(1));
        self.forgotten.condense(upto.saturating_sub(SKEW_MS));
    }
}

impl Files {
    /// Creates the file of a new generation and adds it to the index.
    ///
    /// # Errors
    /// An I/O error if that cannot be written; then the generation does not begin.
    pub(super) fn begin(
        &self,
        generation: Generation,
        known: BTreeSet<Generation>,
        forgotten: &Spans,
    ) -> io::Result<Log> {
        let path = self.path_of(generation);
        let mut file = private_file::create(&path)?;
        let begun = file
            .write_all(&self.head(generation))
            .and_then(|()| self.write_index(known, forgotten, Durability::Machine));
        if let Err(error) = begun {
            self.remove(generation);
            return Err(error);
        }
        Ok(Log::new(path, HEAD as u64, Some(file)))
    }

    /// Replaces the index. With [`Durability::Machine`] it survives a power failure, after which it must not be older
    /// than the files.
    ///
    /// # Errors
    /// An I/O error if it cannot be written; then the previous index remains.
    pub(super) fn write_index(
        &self,
        generations: BTreeSet<Generation>,
        forgotten: &Spans,
        durability: Durability,
    ) -> io::Result<()> {
        let mut draft = Draft::begin(&self.beside("-nonces"), PRIVATE)?;
        let inode = draft.inode()?;
        let (boot, forgotten) = (self.boot.clone(), forgotten.clone());
        let written = Written { form: FORM, boot, inode, forgotten, generations };
        draft.file().write_all(&serde_json::to_vec(&written)?)?;
        draft.finish(Existing::Replace, durability)
    }

    /// Removes the file of a generation.
    pub(super) fn remove(&self, generation: Generation) {
        let path = self.path_of(generation);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "a file of nonces cannot be removed");
        }
    }

    /// The index, and whether its inode is the one it was written to. `None` if it is missing or not valid.
    fn read_index(&self) -> io::Result<Option<(Written, bool)>> {
        let Some(mut file) = open(&self.beside("-nonces"))? else { return Ok(None) };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let written = serde_json::from_slice::<Written>(&text).ok().filter(|written| written.form == FORM);
        let inode = file.metadata()?.ino();
        Ok(written.map(|written| {
            let in_place = written.inode == inode;
            (written, in_place)
        }))
    }

    /// Reads the file of a generation. `None` if it is missing or was written with another root key.
    fn read_log(&self, generation: Generation) -> io::Result<Option<Found>> {
        let path = self.path_of(generation);
        let Some(mut file) = open(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some((head, nonces)) = bytes.split_at_checked(HEAD) else { return Ok(None) };
        if head != self.head(generation) {
            return Ok(None);
        }
        let (records, torn) = nonces.as_chunks::<EACH>();
        let (mut entries, mut open) = (Vec::with_capacity(records.len()), Vec::new());
        for record in records {
            let (mut hash, mut number) = ([0; 8], [0; 4]);
            hash.copy_from_slice(&record[..8]);
            number.copy_from_slice(&record[8..]);
            match (u64::from_le_bytes(hash), u32::from_le_bytes(number)) {
                (0, CLOSED) => open.clear(),
                // A power failure may leave zeros.
                (0, number) => open.extend(number.checked_sub(1)),
                entry => entries.push(entry),
            }
        }
        let at = (HEAD + records.len() * EACH) as u64;
        let is_torn = !torn.is_empty();
        if is_torn {
            // Remove the incomplete record, so that the next start does not report it again.
            OpenOptions::new().write(true).open(&path)?.set_len(at)?;
        }
        Ok(Some(Found { log: Log::new(path, at, None), entries, open, is_torn }))
    }

    /// The head of a generation's file: the magic bytes, and the hash of its number keyed by the root key.
    fn head(&self, generation: Generation) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..].copy_from_slice(&self.hash.of("nonces", &generation.0.to_string()).to_le_bytes());
        head
    }

    /// Removes files of generations that are not in the index.
    fn remove_others(&self, known: &BTreeSet<Generation>) -> io::Result<()> {
        let name = self.beside("-nonces-");
        let Some(begin) = name.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
        for entry in fs::read_dir(private_file::directory(&self.database))? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(begin)?.parse().ok());
            if let Some(generation) = number.map(Generation)
                && !known.contains(&generation)
            {
                self.remove(generation);
            }
        }
        Ok(())
    }

    fn path_of(&self, generation: Generation) -> PathBuf {
        self.beside(&format!("-nonces-{}", generation.0))
    }

    fn beside(&self, end: &str) -> PathBuf {
        private_file::beside(&self.database, end)
    }
}

/// Opens a file to read it. `None` if it does not exist.
fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The boot id of the machine; empty if the system does not provide one.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_write_failed_every_nonce_waits_for_one_that_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = Log::new(path.clone(), 0, Some(private_file::create(&path).unwrap()));
        log.append(1, 0, 5).unwrap();
        log.append(2, 0, 5).unwrap();
        // Writing to a file that is open for reading fails, and a failing write may already have closed the seconds.
        let writable = log.end.lock().unwrap().file.replace(File::open(&path).unwrap());
        for second in [6, 5] {
            assert!(log.append(3, 0, second).is_err());
        }
        log.end.lock().unwrap().file = writable;
        log.append(4, 0, 5).unwrap();
        let bytes = fs::read(&path).unwrap();
        let records: Vec<_> = bytes.as_chunks::<EACH>().0.to_vec();
        let (closed, open) = (record(0, CLOSED), record(0, 6));
        let want = [record(1, 0), closed, open, record(2, 0), record(4, 0), closed, open];
        assert_eq!(records, want);
    }
}
