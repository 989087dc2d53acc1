//! SQLite: the default database, one file owned by one process.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Pool, Sqlite, SqliteConnection};

use super::error::{failed, not_migrated};
use super::sql_store::SqlStore;
use super::sqlite_dialect::{BUSY, SqliteDialect};
use super::sqlite_writer::SqliteWriter;
use super::writer::{self, Pooled};
use crate::store::{Probe, StoreError};

/// The number of reading connections. Reads that miss the cache are short, so a few are enough.
const READERS: u32 = 4;

impl SqlStore<SqliteDialect> {
    /// Opens (and creates and migrates) a database file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the message of SQLite if the file is not a database, is damaged, or cannot be
    /// opened or migrated.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open_copy(path).await?;
        if let Some(file) = &store.file {
            file.make_reserve();
        }
        Ok(store)
    }

    /// The same without a reserve for a full disk, for a file that is only looked at.
    ///
    /// # Errors
    /// As [`SqlStore::open`].
    pub async fn open_copy(path: &Path) -> Result<Self, StoreError> {
        let write = pool_options()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(file(path).create_if_missing(true))
            .await
            .map_err(failed)?;
        // The migrations need not be durable one by one: an interrupted start is repeated, and the first commit makes
        // them durable before anything is acknowledged.
        synchronous(&write, "PRAGMA synchronous = NORMAL").await?;
        migrate(&write).await?;
        synchronous(&write, "PRAGMA synchronous = FULL").await?;
        let read = pool_options()
            .max_connections(READERS)
            .connect_with(file(path).read_only(true))
            .await
            .map_err(failed)?;
        let writer = writer::spawn_on_thread(SqliteWriter::open(path)?)?;
        Ok(Self::start(read, write, writer))
    }

    /// A migrated database in memory. Nothing is written to disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when SQLite fails.
    pub async fn in_memory() -> Result<Self, StoreError> {
        // One connection, which is never closed: the database would be lost with it.
        let pool = pool_options()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await
            .map_err(failed)?;
        migrate(&pool).await?;
        let writer = writer::spawn_task(Pooled::<SqliteDialect>(pool.clone()));
        Ok(Self::start(pool.clone(), pool, writer))
    }
}

/// Connections are not tested before use. The pool closes a connection whose test is cancelled (sqlx issue 1869), and a
/// database in memory is lost with its connection. A connection to a local file does not break, so a test would find
/// nothing.
fn pool_options() -> SqlitePoolOptions {
    SqlitePoolOptions::new().test_before_acquire(false)
}

fn file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // Deleted key material is overwritten with zeros.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY)
}

/// Copies a database, which may be in use, as of one instant.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(BUSY);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(failed)?;
    let to = to.to_str().ok_or_else(|| StoreError::unavailable("the path of the copy is not valid UTF-8"))?;
    let copied = sqlx::query("VACUUM INTO $1").bind(to).execute(&mut connection).await;
    connection.close().await.map_err(failed)?;
    copied.map(drop).map_err(failed)
}

/// Copies a database that no process uses, and changes nothing beside it.
///
/// # Errors
/// [`StoreError::Unavailable`] with the message of SQLite if it is no database, or damaged.
pub async fn copy_unused(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut connection = unchanged(from).connect().await.map_err(failed)?;
    let to = to.to_str().ok_or_else(|| StoreError::unavailable("the path of the copy is not valid UTF-8"))?;
    let copied = sqlx::query("VACUUM INTO $1").bind(to).execute(&mut connection).await;
    connection.close().await.map_err(failed)?;
    copied.map(drop).map_err(failed)
}

/// Moves the journal of a database that no process uses into it.
///
/// # Errors
/// [`StoreError::Unavailable`] if that fails; then the journal stays.
pub async fn fold(path: &Path) -> Result<(), StoreError> {
    // The last connection of a database does it when it closes.
    let mut connection = file(path).connect().await.map_err(failed)?;
    let read = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
    connection.close().await.map_err(failed)?;
    read.map(drop).map_err(failed)
}

/// Options to read a database without changing anything.
fn unchanged(path: &Path) -> SqliteConnectOptions {
    // After a clean stop there is no journal, and an immutable database is read without creating one.
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    let clean = !Path::new(&journal).exists();
    SqliteConnectOptions::new().filename(path).read_only(true).immutable(clean)
}

async fn synchronous(pool: &Pool<Sqlite>, pragma: &'static str) -> Result<(), StoreError> {
    sqlx::query(pragma).execute(pool).await.map(drop).map_err(failed)
}

async fn migrate(pool: &Pool<Sqlite>) -> Result<(), StoreError> {
    sqlx::migrate!("migrations/sqlite").run(pool).await.map_err(not_migrated)
}

/// Databases up to this size are checked for damage at every start, which takes a few milliseconds. `sesame check`
/// checks larger ones.
const QUICK_CHECK_BYTES: u64 = 4 * 1024 * 1024;

/// Reads what the start needs to know of a database file of `bytes` bytes, without changing it.
///
/// # Errors
/// [`StoreError::Unavailable`] with the message of SQLite if the file is not a database, [`StoreError::Corrupt`] if it
/// is damaged.
pub async fn probe(path: &Path, bytes: u64) -> Result<Probe, StoreError> {
    let mut connection = unchanged(path).connect().await.map_err(failed)?;
    let found = probe_on(&mut connection, bytes).await;
    let closed = connection.close().await.map_err(failed);
    found.and_then(|peek| closed.map(|()| peek))
}

async fn probe_on(connection: &mut SqliteConnection, bytes: u64) -> Result<Probe, StoreError> {
    let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'meta'";
    let tables: i64 = sqlx::query_scalar(tables).fetch_one(&mut *connection).await.map_err(failed)?;
    if tables == 0 {
        return Ok(Probe::default());
    }
    if bytes <= QUICK_CHECK_BYTES {
        let check = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *connection).await;
        let finding: String = check.map_err(failed)?;
        if finding != "ok" {
            return Err(StoreError::Corrupt(finding));
        }
    }
    let mut fact = async |name: &str| -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name.to_owned());
        query.fetch_optional(&mut *connection).await.map_err(failed)
    };
    Ok(Probe { marker: fact("root-key-marker").await?, salt: fact("root-key-salt").await? })
}
