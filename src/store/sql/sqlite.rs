//! SQLite: the default database, one file owned by one process.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Column, Pool, Row, Sqlite, TypeInfo, ValueRef};

use super::dialect::{Cell, Param};
use super::statements::per_dialect;
use super::{Dialect, SqlStore, failed};
use crate::store::StoreError;

/// The SQLite dialect.
#[derive(Debug)]
pub struct SqliteDialect;

/// Reads parameter n, a JSON array of texts, as rows.
macro_rules! sqlite_each {
    ($n:literal) => {
        concat!("(SELECT value FROM json_each($", $n, "))")
    };
}

impl Dialect for SqliteDialect {
    type Db = Sqlite;

    // Not a deferred transaction: one that reads and then writes may fail at once when somebody else wrote between.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    per_dialect!(sqlite_each);
    const INTEGRITY: &'static str = "PRAGMA integrity_check";

    async fn execute(
        connection: &mut PoolConnection<Sqlite>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<u64, StoreError> {
        let done = bound(sql, params).execute(&mut **connection).await.map_err(|e| failed(&e))?;
        Ok(done.rows_affected())
    }

    async fn query(
        connection: &mut PoolConnection<Sqlite>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let rows = bound(sql, params).fetch_all(&mut **connection).await.map_err(|e| failed(&e))?;
        rows.iter().map(cells).collect()
    }

    async fn before_close(pool: &Pool<Sqlite>) {
        // Readers are read-only; the writer's connection folds the journal in when it closes.
        tracing::debug!(connections = pool.size(), "closing the database");
    }
}

fn bound<'q>(sql: &'static str, params: &[Param<'q>]) -> Query<'q, Sqlite, SqliteArguments> {
    params.iter().fold(sqlx::query(sql), |query, param| match *param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

fn cells(row: &SqliteRow) -> Result<Vec<Cell>, StoreError> {
    row.columns()
        .iter()
        .map(|column| {
            let at = column.ordinal();
            let raw = row.try_get_raw(at)?;
            if raw.is_null() {
                return Ok(Cell::Null);
            }
            Ok(match raw.type_info().name() {
                "INTEGER" => Cell::Int(row.try_get(at)?),
                "BLOB" => Cell::Bytes(row.try_get(at)?),
                _ => Cell::Text(row.try_get(at)?),
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// Readers beside the one writer; reads that miss the cache are short.
const READERS: u32 = 4;

impl SqlStore<SqliteDialect> {
    /// Opens (and creates and migrates) a database file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with SQLite's own words when the file is no database, is damaged, or cannot be
    /// opened or migrated.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(file(path).create_if_missing(true))
            .await
            .map_err(|e| failed(&e))?;
        migrate(&write).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(file(path).read_only(true))
            .await
            .map_err(|e| failed(&e))?;
        Ok(Self::start(read, write))
    }

    /// A migrated database in memory; nothing touches the disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when SQLite fails.
    pub async fn in_memory() -> Result<Self, StoreError> {
        // One connection, kept for ever: with it the database would go away.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(SqliteConnectOptions::new().in_memory(true).foreign_keys(true))
            .await
            .map_err(|e| failed(&e))?;
        migrate(&pool).await?;
        Ok(Self::start(pool.clone(), pool))
    }
}

fn file(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
}

async fn migrate(pool: &Pool<Sqlite>) -> Result<(), StoreError> {
    sqlx::migrate!("migrations/sqlite").run(pool).await.map_err(|e| StoreError::Unavailable(e.to_string()))
}
