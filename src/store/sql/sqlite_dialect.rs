//! What is SQLite's own.

use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Column, Row, Sqlite, SqliteConnection, TypeInfo, ValueRef};

use super::dialect::{Cell, Dialect, Param, Session};
use super::error::failed;
use super::statements::per_dialect;
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

    const SHARED: bool = false;
    const PATIENCE: Option<Duration> = None;
    // Not a deferred transaction: one that reads and then writes may fail at once when somebody else wrote between.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_READ: &'static str = "BEGIN";
    // A transaction that writes keeps all others out.
    const LOCK_ALL: &'static [&'static str] = &[];
    per_dialect!(sqlite_each);
    const INTEGRITY: &'static str = "PRAGMA integrity_check";
    const SCRUB: &'static [&'static str] = &["PRAGMA wal_checkpoint(TRUNCATE)"];

    async fn query(
        connection: &mut SqliteConnection,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let rows = bound(sql, params).fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(cells).collect()
    }
}

impl Session for SqliteConnection {
    type Dialect = SqliteDialect;

    async fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let done = bound(sql, params).execute(&mut *self).await.map_err(failed)?;
        Ok(done.rows_affected())
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

/// How long to wait for another process that has the database: one that copies it, for a moment.
pub(super) const BUSY: Duration = Duration::from_secs(5);
