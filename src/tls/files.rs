//! The authority on disk: `tls/ca.key` and `tls/ca.pem` in the data directory.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::TlsError;
use super::authority::{self, Authority};
use crate::domain::Timestamp;
use crate::ports::private_file::{self, Existing, PRIVATE};

/// The directory that contains the two files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    /// The authority's files in a data directory.
    pub(super) fn of(data_dir: &Path) -> Self {
        Self { dir: data_dir.join("tls") }
    }

    fn key(&self) -> PathBuf {
        self.dir.join("ca.key")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Refuses files that cannot be an authority. It only reads the two files: whether they belong together is checked
    /// when they are needed.
    pub(super) fn glance(&self) -> Result<(), TlsError> {
        match (found(&self.key())?, found(&self.certificate())?) {
            (Some(key), Some(certificate)) if !authority::is_pem(&key, &certificate) => Err(self.damaged()),
            (None, Some(_)) => Err(self.half()),
            _ => Ok(()),
        }
    }

    /// Loads the authority, if both files exist. Damaged files are refused.
    pub(super) fn load(&self, now: Timestamp) -> Result<Option<Authority>, TlsError> {
        match (found(&self.key())?, found(&self.certificate())?) {
            (Some(key), Some(certificate)) => self.parsed(&key, Some(&certificate), now).map(Some),
            (None, Some(_)) => Err(self.half()),
            // A crash happened between writing the two; no client has seen that certificate.
            (Some(_) | None, None) => Ok(None),
        }
    }

    /// Loads the authority, or creates it durably. Processes that call this at the same time wait for each other.
    pub(super) fn load_or_make(&self, now: Timestamp) -> Result<Authority, TlsError> {
        if let Some(authority) = self.load(now)? {
            return Ok(authority);
        }
        self.make_dir().map_err(|source| file("make the directory", self.dir.clone(), source))?;
        let lock = File::open(&self.dir).and_then(|dir| dir.lock().map(|()| dir));
        let lock = lock.map_err(|source| file("lock", self.dir.clone(), source))?;
        if let Some(authority) = self.load(now)? {
            return Ok(authority);
        }
        let authority = match found(&self.key())? {
            Some(key) => self.parsed(&key, None, now)?,
            None => Authority::make(now)?,
        };
        Self::write(&self.key(), authority.key_pem().as_bytes(), PRIVATE)?;
        Self::write(&self.certificate(), authority.pem().as_bytes(), 0o644)?;
        drop(lock);
        tracing::info!(path = %self.certificate().display(), "created the certificate authority for HTTPS");
        Ok(authority)
    }

    fn half(&self) -> TlsError {
        let what = "exists, but its key ca.key does not: restore the key, or remove both files to have new ones created";
        TlsError::Content { path: self.certificate(), what }
    }

    fn damaged(&self) -> TlsError {
        let what = "contains a damaged key or certificate for HTTPS";
        TlsError::Content { path: self.dir.clone(), what }
    }

    fn parsed(&self, key: &[u8], certificate: Option<&[u8]>, now: Timestamp) -> Result<Authority, TlsError> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        let authority = Authority::from_pem(text(key), certificate.map(text), now)?;
        let authority = authority.ok_or_else(|| self.damaged())?;
        if !authority.fits(now)? {
            return Err(TlsError::Mismatch { certificate: self.certificate(), key: self.key() });
        }
        Ok(authority)
    }

    /// Creates the directory, and the data directory if needed, durably.
    fn make_dir(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        self.dir.parent().map_or(Ok(()), |data_dir| File::open(data_dir)?.sync_all())
    }

    /// Writes a file durably, completely or not at all.
    fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), TlsError> {
        private_file::write(path, bytes, mode, Existing::Replace)
            .map_err(|source| file("write", path.to_owned(), source))
    }
}

fn file(verb: &'static str, path: PathBuf, source: io::Error) -> TlsError {
    TlsError::File { verb, path, source }
}

/// The bytes of a file, if it exists. Wiped when dropped, because they may be a key.
fn found(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, TlsError> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // An unusable data directory is reported by the code that creates it.
        Err(TlsError::File { source, .. })
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let bytes = std::fs::read(path).map(Zeroizing::new);
    bytes.map_err(|source| TlsError::File { verb: "read", path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_491_000_000);

    #[test]
    fn it_is_made_once_readable_by_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::of(&dir.path().join("data"));
        assert!(files.load(NOW).unwrap().is_none());
        files.glance().unwrap();
        let made = files.load_or_make(NOW).unwrap();
        files.glance().unwrap();
        let bits = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((bits(files.dir.clone()), bits(files.key())), (0o700, 0o600));
        assert_eq!(files.load(NOW).unwrap().unwrap().pem(), made.pem());
        assert_eq!(files.load_or_make(NOW).unwrap().pem(), made.pem());
        assert_eq!(std::fs::read_dir(&files.dir).unwrap().count(), 2, "a draft was left");
    }

    #[test]
    fn a_draft_that_a_crash_left_does_not_open_the_key_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::of(dir.path());
        std::fs::create_dir(&files.dir).unwrap();
        let draft = files.dir.join("ca.key.1-0.new");
        std::fs::write(&draft, "half").unwrap();
        std::fs::set_permissions(&draft, PermissionsExt::from_mode(0o644)).unwrap();
        files.load_or_make(NOW).unwrap();
        assert_eq!(std::fs::metadata(files.key()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!draft.exists());
    }

    #[test]
    fn processes_that_come_at_once_make_one() {
        let dir = tempfile::tempdir().unwrap();
        let made: Vec<String> = std::thread::scope(|scope| {
            let one = || Files::of(dir.path()).load_or_make(NOW).unwrap().pem().to_owned();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_crash_between_the_two_files_is_made_good() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::of(dir.path());
        let made = files.load_or_make(NOW).unwrap();
        std::fs::remove_file(files.certificate()).unwrap();
        assert!(files.load(NOW).unwrap().is_none());
        assert_eq!(*files.load_or_make(NOW).unwrap().key_pem(), *made.key_pem());
    }

    #[test]
    fn what_is_damaged_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::of(dir.path());
        let made = files.load_or_make(NOW).unwrap();
        let other = Authority::make(NOW).unwrap();
        for (key, certificate, words) in [
            (None, Some(made.pem()), "restore the key"),
            (Some("damaged"), Some(made.pem()), "damaged key or certificate"),
            (Some("damaged"), None, "damaged key or certificate"),
            (Some(made.key_pem().as_str()), Some("damaged"), "damaged key or certificate"),
            (Some(other.key_pem().as_str()), Some(made.pem()), "does not belong to the key"),
        ] {
            for (path, text) in [(files.key(), key), (files.certificate(), certificate)] {
                match text {
                    Some(text) => std::fs::write(path, text).unwrap(),
                    None => std::fs::remove_file(path).unwrap(),
                }
            }
            // A glance notices everything except a pair that does not match and a key without its certificate.
            let seen = certificate.is_some() && words != "does not belong to the key";
            assert_eq!(files.glance().is_err(), seen, "{words}");
            let error = files.load_or_make(NOW).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(files.key().exists(), key.is_some());
            assert_eq!(files.certificate().exists(), certificate.is_some());
        }
    }
}
