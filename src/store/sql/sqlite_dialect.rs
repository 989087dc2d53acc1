//! The SQLite dialect.

use std::time::Duration;

use sqlx::{Sqlite, SqliteConnection};

use super::dialect::{Cell, Dialect, Param, Session, bound, cells};
use super::error::failed;
use super::statements::per_dialect;
use crate::store::StoreError;

/// The SQLite dialect.
#[derive(Debug)]
pub struct SqliteDialect;

/// Reads parameter n, a JSON array of strings, as rows.
macro_rules! sqlite_each {
    ($n:literal) => {
        concat!("(SELECT value FROM json_each($", $n, "))")
    };
}

impl Dialect for SqliteDialect {
    type Db = Sqlite;
    const INTEGER: &'static str = "INTEGER";
    const BYTES: &'static str = "BLOB";

    const SHARED: bool = false;
    const PATIENCE: Option<Duration> = None;
    // A deferred transaction that reads and then writes fails at once if another connection wrote in between.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN";
    // A writing transaction already blocks all other writers.
    const LOCK_ALL: &'static [&'static str] = &[];
    per_dialect!(sqlite_each);
    const INTEGRITY: &'static str = "PRAGMA integrity_check";
    const REFERENCES: Option<&'static str> = Some(
        "SELECT 'table ' || \"table\" || ': ' || COUNT(*) || ' references to rows of ' || parent || ' that do not exist' \
         FROM pragma_foreign_key_check GROUP BY \"table\", parent",
    );
    const SCRUB: &'static [&'static str] = &["PRAGMA wal_checkpoint(TRUNCATE)"];

    async fn query(
        connection: &mut SqliteConnection,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let rows = bound::<Sqlite>(sql, params).fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(cells::<Self>).collect()
    }
}

impl Session for SqliteConnection {
    type Dialect = SqliteDialect;

    async fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let done = bound::<Sqlite>(sql, params).execute(&mut *self).await.map_err(failed)?;
        Ok(done.rows_affected())
    }
}

/// How long to wait for another process that has locked the database, as a copy does for a moment.
pub(super) const BUSY: Duration = Duration::from_secs(5);
