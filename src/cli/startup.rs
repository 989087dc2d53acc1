//! Opens the data: directory, lock, root key, database, in an order in which a failed start leaves existing data
//! unchanged. It may leave an empty directory, the lock of the database and a new root.key.

use std::fmt;
use std::fs::{File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail, ensure};
use secrecy::ExposeSecret;

use super::data_dir::data_dir;
use super::root_key::{self, Given, KEY_FILE};
use super::{StoreArgs, database_lock};
use crate::crypto::RootKey;
use crate::ports::{Clock, Entropy, ServerClock, private_file};
use crate::store::sql::SqlStore;
use crate::store::sql::postgres::{self, Address};
use crate::store::sql::sqlite;
use crate::store::{Probe, Store, StoreError};

/// The file of the database in the data directory.
const DATABASE_FILE: &str = "sesame.db";

/// Where the data is.
#[derive(Debug, Clone)]
pub(super) enum DataLocation {
    /// Nowhere on disk.
    Memory,
    /// A directory, and the database file.
    Files { dir: PathBuf, database: PathBuf },
    /// A database server, which other processes may use too, and the directory of the root key file.
    Server { dir: PathBuf, address: Box<Address>, connections: u32 },
}

impl DataLocation {
    /// The location that the flags name, or the platform's default.
    pub(super) fn from_args(args: &StoreArgs) -> anyhow::Result<Self> {
        const KNOWN: &str = "--database must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME";
        let dir = data_dir(args.data_dir.as_deref())?;
        #[expect(clippy::disallowed_methods, reason = "the address comes in as text")]
        let Some(url) = args.database.as_ref().map(ExposeSecret::expose_secret) else {
            let database = dir.join(DATABASE_FILE);
            return Ok(Self::Files { dir, database });
        };
        if let Some(path) = url.strip_prefix("sqlite:") {
            let database = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            return Ok(Self::Files { dir, database });
        }
        ensure!(url.starts_with("postgres://") || url.starts_with("postgresql://"), KNOWN);
        // The error does not quote the address, which may contain a password.
        let address: Address = url.parse().map_err(|why: String| anyhow!(why)).context(KNOWN)?;
        Ok(Self::Server { dir, address: Box::new(address), connections: args.database_connections })
    }

    /// Memory, for a server with --in-memory. The variable of the data directory may be set, as in the container image;
    /// existing data there gets a warning.
    ///
    /// # Errors
    /// When the arguments also name a database, or a flag names a data directory: neither would be used.
    pub(super) fn in_memory(args: &StoreArgs) -> anyhow::Result<Self> {
        const VARIABLE: &str = "SESAME_DATA_DIR";
        #[expect(clippy::disallowed_methods, reason = "only its length is read")]
        let names_database = args.database.as_ref().is_some_and(|url| !url.expose_secret().is_empty());
        ensure!(
            !names_database,
            "--in-memory (SESAME_IN_MEMORY) keeps nothing in the database of --database (SESAME_DATABASE): leave one out"
        );
        let Some(dir) = &args.data_dir else { return Ok(Self::Memory) };
        #[expect(clippy::disallowed_methods, reason = "tells the variable from the flag")]
        let variable = std::env::var_os(VARIABLE);
        ensure!(
            variable.is_some_and(|value| value == dir.as_os_str()),
            "--in-memory (SESAME_IN_MEMORY) keeps nothing in the directory of --data-dir: leave one out"
        );
        let database = dir.join(DATABASE_FILE);
        if database.exists() {
            tracing::warn!(
                "the data in {} ({VARIABLE}) is not used, because of --in-memory (SESAME_IN_MEMORY)",
                database.display()
            );
        }
        Ok(Self::Memory)
    }

    /// The directory of the root key and of the HTTPS authority.
    pub(super) fn dir(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Files { dir, .. } | Self::Server { dir, .. } => Some(dir),
        }
    }

    /// The file of the database.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::Files { database, .. } => Some(database),
            Self::Memory | Self::Server { .. } => None,
        }
    }

    /// Whether a database with data may exist.
    pub(super) fn may_hold_data(&self) -> bool {
        match self {
            Self::Memory => false,
            Self::Files { database, .. } => database.exists(),
            Self::Server { .. } => true,
        }
    }

    /// Looks at the database without changing it.
    async fn look(&self) -> anyhow::Result<Probe> {
        match self {
            Self::Memory => Ok(Probe::default()),
            Self::Files { database, .. } => look(database).await,
            Self::Server { address, .. } => {
                postgres::probe(address).await.with_context(|| format!("cannot use the database {self}"))
            }
        }
    }

    /// Opens the database and brings it to this version's schema.
    async fn store(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store: Result<Arc<dyn Store>, StoreError> = match self {
            Self::Memory => SqlStore::in_memory().await.map(|store| Arc::new(store) as _),
            Self::Files { database, .. } => SqlStore::open(database).await.map(|store| Arc::new(store) as _),
            Self::Server { address, connections, .. } => {
                SqlStore::connect(address, *connections).await.map(|store| Arc::new(store) as _)
            }
        };
        store.with_context(|| format!("cannot open the database {self}"))
    }
}

impl fmt::Display for DataLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in memory"),
            Self::Files { database, .. } => write!(f, "{}", database.display()),
            Self::Server { address, .. } => address.fmt(f),
        }
    }
}

/// Opened data.
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) root: RootKey,
    /// The locks that keep a second process out while the data is open. They are closed after the database, because closing
    /// any descriptor of its file releases SQLite's own locks.
    pub(super) lock: Vec<File>,
}

/// The name under which the database stores the salt of a passphrase.
pub(super) const SALT: &str = "root-key-salt";

/// Opens the data. A wrong root key, a damaged database, and a directory that is in use or not writable are found before
/// anything is changed.
pub(super) async fn open(
    location: &DataLocation,
    args: &StoreArgs,
    entropy: &dyn Entropy,
) -> anyhow::Result<Opened> {
    let given = args.root.read()?;
    let mut lock = match location {
        DataLocation::Files { dir, .. } => vec![prepare(dir)?],
        DataLocation::Memory | DataLocation::Server { .. } => Vec::new(),
    };
    if let Some(database) = location.file() {
        lock.push(database_lock::by_name(database)?);
        if database.exists() {
            lock.push(database_lock::by_file(database)?);
        }
    }
    let peek = location.look().await?;
    let stored_salt = salt_of(&peek)?;
    let mut fresh_file = None;
    let mut fresh_salt_used = None;
    let dir = location.dir().unwrap_or_else(|| Path::new(""));
    let root = if peek.marker.is_some() {
        finish_rekey(args.root.file(dir).as_deref(), &peek)?;
        root_of_existing(given, dir, &peek, &format!("the database {location}"))?
    } else {
        match given {
            Given::Key(root) => *root,
            Given::File(path) => root_key::read(&path)?,
            Given::Passphrase(text) => {
                let salt = stored_salt.unwrap_or_else(|| *fresh_salt_used.insert(fresh_salt(entropy)));
                RootKey::from_passphrase(&text, &salt)?
            }
            Given::Nothing => {
                let path = location.dir().map(|dir| dir.join(KEY_FILE));
                match path.as_deref().map(root_key::read_own).transpose()?.flatten() {
                    Some(root) => root,
                    None => {
                        let (_, key) = fresh_file.insert((path, root_key::fresh(entropy)));
                        RootKey::from_key(key)?
                    }
                }
            }
        }
    };
    if let Some(dir) = location.dir() {
        root_key::remove_leftovers(dir);
    }
    if let Some((Some(path), key)) = fresh_file {
        make(private_file::directory(&path))?;
        root_key::write_new(&path, &key)?;
    }
    if let Some(database) = location.file() {
        if !database.exists() {
            lock.push(database_lock::by_file(database)?);
        }
        database_lock::shut_others_out(database);
    }
    let store = location.store().await?;
    if let Some(salt) = fresh_salt_used {
        match store.add_meta(SALT, salt.to_vec()).await {
            Err(StoreError::Conflict) => {
                bail!("another process has just begun with this database; start again")
            }
            added => added?,
        }
    }
    Ok(Opened { store, root, lock })
}

/// The root key of a database that has a marker. `what` names the database in errors.
///
/// # Errors
/// When there is no root key, or it does not open the database.
pub(super) fn root_of_existing(
    given: Given,
    dir: &Path,
    peek: &Probe,
    what: &str,
) -> anyhow::Result<RootKey> {
    let own = dir.join(KEY_FILE);
    let root = match given {
        Given::Key(root) => *root,
        Given::File(path) => root_key::read(&path)?,
        Given::Nothing => root_key::read_own(&own)?.ok_or_else(|| root_key::missing(&own, what))?,
        Given::Passphrase(text) => {
            let salt = salt_of(peek)?;
            let salt = salt.with_context(|| {
                format!("the root key does not open {what}, which was not sealed with a passphrase")
            })?;
            RootKey::from_passphrase(&text, &salt)?
        }
    };
    if let Some(marker) = &peek.marker
        && root.check_marker(marker).is_err()
    {
        root_key::does_not_open(what, marker, &own)?;
    }
    Ok(root)
}

/// Finishes an interrupted change of the root key in a file. If the database is sealed with the next key, that key becomes
/// the root key; otherwise it is removed.
fn finish_rekey(path: Option<&Path>, peek: &Probe) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let next = root_key::next_of(path);
    let (Some(marker), true) = (&peek.marker, next.exists()) else { return Ok(()) };
    if root_key::read(&next).is_ok_and(|root| root.check_marker(marker).is_ok()) {
        let kept = root_key::put_next_in_place(path, ServerClock::default().wall())
            .context("cannot finish the change of the root key")?;
        tracing::info!(old = ?kept, "an interrupted change of the root key was finished");
        return Ok(());
    }
    std::fs::remove_file(&next).context("cannot undo the change of the root key")
}

/// Creates the data directory if it does not exist.
fn make(dir: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot make the data directory {}", dir.display()))
}

/// Creates the data directory if it does not exist, and locks it.
pub(super) fn prepare(dir: &Path) -> anyhow::Result<File> {
    make(dir)?;
    let shown = dir.display();
    let lock = File::open(dir).with_context(|| format!("cannot open the data directory {shown}"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("the data directory {shown} is in use by another process"),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock the data directory {shown}"));
        }
    }
    // Writing a file is the only sure check; it is removed at once.
    let probe = dir.join(".writable");
    File::create(&probe)
        .and_then(|_| std::fs::remove_file(&probe))
        .with_context(|| format!("the data directory {shown} is not writable"))?;
    Ok(lock)
}

/// Looks at a database without changing it. One that does not exist counts as empty.
async fn look(database: &Path) -> anyhow::Result<Probe> {
    match std::fs::metadata(database) {
        Ok(facts) if facts.len() > 0 => sqlite::probe(database, facts.len())
            .await
            .with_context(|| format!("the database {} is damaged", database.display())),
        Ok(_) => Ok(Probe::default()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Probe::default()),
        Err(error) => Err(error).with_context(|| format!("cannot read the database {}", database.display())),
    }
}

fn salt_of(peek: &Probe) -> anyhow::Result<Option<[u8; 16]>> {
    let Some(salt) = &peek.salt else { return Ok(None) };
    Ok(Some(salt.as_slice().try_into().context("the salt of the passphrase is damaged")?))
}

pub(super) fn fresh_salt(entropy: &dyn Entropy) -> [u8; 16] {
    let mut salt = [0; 16];
    entropy.rng().fill_bytes(&mut salt);
    salt
}
