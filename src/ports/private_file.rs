//! Files that only their owner can read, written completely or not at all.
//!
//! A file is written under the name `<name>.<process>-<n>.new` and gets its own name when it is complete. The writer holds
//! a lock on its draft, so a draft without a lock was left by a process that was killed: the next writer of the same file
//! removes it. No existing file is opened for writing and no symbolic link is followed, so the mode of the new file and
//! its place do not depend on what others put into the directory.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The mode of a file that only its owner may read and write.
pub const PRIVATE: u32 = 0o600;

/// The most names that are tried for a draft.
const NAMES: u32 = 100;

/// What happens to a file that exists under the final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced. A symbolic link is replaced, too, and what it points to stays.
    Replace,
    /// It stays, and the writer gets [`ErrorKind::AlreadyExists`].
    Keep,
}

/// What a written file must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process.
    Process,
    /// A power failure.
    Machine,
}

/// A file that is not complete yet. It is removed when it is dropped unfinished.
#[derive(Debug)]
pub struct Draft {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// Creates an empty draft of `target` with this mode, which the umask can only narrow. Removes drafts of the same
    /// file that killed processes left.
    ///
    /// # Errors
    /// An I/O error when the directory does not exist or cannot be written.
    pub fn begin(target: &Path, mode: u32) -> io::Result<Self> {
        remove_abandoned(target)?;
        for n in 0..NAMES {
            let path = beside(target, &format!(".{}-{n}.new", std::process::id()));
            let file = match OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path)
            {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            let draft = Self { file, path, target: target.to_owned() };
            // On a file system without locks no draft is ever taken for an abandoned one.
            drop(draft.file.lock());
            // Another process may have taken the draft for an abandoned one before it was locked.
            if fs::symlink_metadata(&draft.path).is_ok_and(|found| found.ino() == draft.inode().unwrap_or(0))
            {
                return Ok(draft);
            }
        }
        Err(io::Error::new(ErrorKind::AlreadyExists, "other processes write this file"))
    }

    /// The open file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The name of the draft, for a program that opens it by name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number that the file keeps under its final name.
    ///
    /// # Errors
    /// An I/O error when the file system does not answer.
    pub fn inode(&self) -> io::Result<u64> {
        self.file.metadata().map(|facts| facts.ino())
    }

    /// Gives the complete file its final name.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] with [`Existing::Keep`]; any other I/O error. The final name then has what it had.
    pub fn finish(mut self, existing: Existing, durability: Durability) -> io::Result<()> {
        if durability == Durability::Machine {
            self.file.sync_all()?;
        }
        match existing {
            Existing::Replace => {
                fs::rename(&self.path, &self.target)?;
                self.path.clear();
            }
            Existing::Keep => self.link()?,
        }
        let dir = directory(&self.target).to_owned();
        drop(self);
        if durability == Durability::Machine { File::open(dir)?.sync_all() } else { Ok(()) }
    }

    /// Adds the final name, unless it exists. The draft's own name is removed when it is dropped.
    fn link(&mut self) -> io::Result<()> {
        let linked = fs::hard_link(&self.path, &self.target);
        let has_no_links =
            |error: &io::Error| matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported);
        match linked {
            // FAT and some network file systems have no hard links.
            Err(error) if has_no_links(&error) && fs::symlink_metadata(&self.target).is_err() => {
                fs::rename(&self.path, &self.target)?;
                self.path.clear();
                Ok(())
            }
            linked => linked,
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // The next writer tries again to remove what stays.
            remove_with_side_files(&self.path);
        }
    }
}

/// Writes a file durably, completely or not at all.
///
/// # Errors
/// As [`Draft::begin`] and [`Draft::finish`].
pub fn write(path: &Path, bytes: &[u8], mode: u32, existing: Existing) -> io::Result<()> {
    let mut draft = Draft::begin(path, mode)?;
    draft.file().write_all(bytes)?;
    draft.finish(existing, Durability::Machine)
}

/// Creates an empty file that only its owner can read, in place of one that exists.
///
/// # Errors
/// An I/O error when it cannot be created.
pub fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)
}

/// Gives a file another name in its directory, durably, in place of a file that has it.
///
/// # Errors
/// An I/O error; then both names are as before.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(directory(to))?.sync_all()
}

/// The directory that contains a file.
pub fn directory(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// A path with more characters at its end.
pub fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Removes the drafts in a directory, of whichever file, that nobody writes to any more and whose content fits.
///
/// # Errors
/// An I/O error when the directory cannot be read.
pub fn remove_abandoned_drafts(dir: &Path, fits: impl Fn(&mut File) -> bool) -> io::Result<()> {
    sweep(dir, |found| target_of(found).is_some(), fits)
}

/// Removes drafts of a file that nobody writes to any more.
fn remove_abandoned(target: &Path) -> io::Result<()> {
    let Some(name) = target.file_name() else { return Err(ErrorKind::InvalidInput.into()) };
    sweep(directory(target), |found| target_of(found) == Some(name.as_encoded_bytes()), |_| true)
}

fn sweep(dir: &Path, is_meant: impl Fn(&OsStr) -> bool, fits: impl Fn(&mut File) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !is_meant(&entry.file_name()) || !entry.file_type()?.is_file() {
            continue;
        }
        // A file of somebody else that cannot be opened or removed does not hinder this writer, which takes another name.
        if let Ok(mut file) = File::open(entry.path())
            && file.try_lock().is_ok()
            && fits(&mut file)
        {
            remove_with_side_files(&entry.path());
        }
    }
    Ok(())
}

/// Removes a draft, and what SQLite put beside it if it is a database.
fn remove_with_side_files(draft: &Path) {
    for end in ["-wal", "-shm", "-journal"] {
        drop(fs::remove_file(beside(draft, end)));
    }
    // Last, because the others are found by its name.
    drop(fs::remove_file(draft));
}

/// The name of the file that a draft, `<name>.<process>-<n>.new`, is of.
fn target_of(draft: &OsStr) -> Option<&[u8]> {
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let draft = draft.as_encoded_bytes().strip_suffix(b".new")?;
    let (name, numbers) = draft.split_at_checked(draft.iter().rposition(|byte| *byte == b'.')?)?;
    let numbers = numbers.strip_prefix(b".")?;
    let at = numbers.iter().position(|byte| *byte == b'-')?;
    (is_number(&numbers[..at]) && is_number(&numbers[at + 1..])).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut all: Vec<String> = fs::read_dir(dir).unwrap().map(name).collect();
        all.sort();
        all
    }

    #[test]
    fn a_file_is_written_for_its_owner_alone_and_leaves_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        write(&path, b"after", PRIVATE, Existing::Replace).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (b"after".as_slice(), 0o600));
        let error = write(&path, b"more", PRIVATE, Existing::Keep).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"after");
        write(&dir.path().join("b"), b"new", 0o644, Existing::Keep).unwrap();
        assert_eq!(
            (names(dir.path()), mode(&dir.path().join("b"))),
            (vec!["a".to_owned(), "b".to_owned()], 0o644)
        );
    }

    #[test]
    fn a_draft_that_a_killed_process_left_is_removed_and_one_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut in_use = Draft::begin(&path, PRIVATE).unwrap();
        in_use.file().write_all(b"slow").unwrap();
        fs::write(dir.path().join("a.1-0.new"), "half").unwrap();
        fs::set_permissions(dir.path().join("a.1-0.new"), PermissionsExt::from_mode(0o644)).unwrap();
        for other in ["a.new", "a.x-0.new", "ab.1-0.new", "a.1-.new", "a.1-0.new.gz"] {
            fs::write(dir.path().join(other), "of somebody else").unwrap();
        }
        write(&path, b"fast", PRIVATE, Existing::Replace).unwrap();
        assert!(!dir.path().join("a.1-0.new").exists());
        assert!(in_use.path().exists());
        in_use.finish(Existing::Replace, Durability::Machine).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"slow");
        assert_eq!(names(dir.path()), ["a", "a.1-.new", "a.1-0.new.gz", "a.new", "a.x-0.new", "ab.1-0.new"]);
    }

    #[test]
    fn symbolic_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (dir.path().join("a"), dir.path().join("elsewhere"));
        fs::write(&elsewhere, "untouched").unwrap();
        symlink(&elsewhere, &path).unwrap();
        symlink(&elsewhere, beside(&path, &format!(".{}-0.new", std::process::id()))).unwrap();
        write(&path, b"secret", PRIVATE, Existing::Replace).unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"untouched");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        let log = dir.path().join("log");
        symlink(&elsewhere, &log).unwrap();
        create(&log).unwrap().write_all(b"secret").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"untouched");
        assert_eq!(mode(&log), 0o600);
    }

    #[test]
    fn an_unfinished_draft_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        drop(Draft::begin(&dir.path().join("a"), PRIVATE).unwrap());
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }
}
