//! The writer of a SQLite file: one connection on a thread of its own.
//!
//! sqlx sends every statement to another thread and waits for it, which costs more than the statement itself. Here a
//! whole group of writes is sent to the thread that owns the connection. This is the only file that uses rusqlite.

use std::future;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement, ToSql, ffi};

use super::dialect::{Dialect, Param, Session};
use super::sqlite_dialect::{BUSY, SqliteDialect};
use super::write::Write;
use super::writer::{self as writer, Outcomes, Writer};
use crate::store::{StoreError, Unavailable};

/// The connection of the writer.
#[derive(Debug)]
pub(super) struct SqliteWriter(Connection);

/// The settings of `sqlite.rs` that belong to a connection and not to the file.
const SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;";

/// The size of the cache of prepared statements: more than there are writing statements.
const STATEMENTS: usize = 64;

impl SqliteWriter {
    /// Opens an existing file that has the current schema.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        connection.execute_batch(SETTINGS).map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self(connection))
    }

    /// Runs a statement on this thread and returns the number of affected rows.
    fn run(&self, sql: &'static str, params: &[Param<'_>]) -> rusqlite::Result<u64> {
        let mut statement = self.0.prepare_cached(sql)?;
        for at in 1..=statement.parameter_count() {
            let param = number(&statement, at).and_then(|number| params.get(number - 1));
            statement.raw_bind_parameter(at, param)?;
        }
        // A pragma returns a row, which is not needed.
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(self.0.changes())
    }

    /// Rolls back a failed transaction, unless SQLite already ended it, as it does on a full disk.
    async fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.0.is_autocommit() { Ok(()) } else { self.execute("ROLLBACK", &[]).await.map(drop) }
    }
}

/// The number of the parameter at an index of a statement: `$7` is the seventh, wherever it first occurs.
fn number(statement: &Statement<'_>, at: usize) -> Option<usize> {
    statement.parameter_name(at)?.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)
}

impl Session for SqliteWriter {
    type Dialect = SqliteDialect;

    fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send {
        future::ready(self.run(sql, params).map_err(failed))
    }
}

impl Writer for SqliteWriter {
    async fn group(&mut self, writes: &[Write]) -> Outcomes {
        // The previous transaction may have failed to roll back.
        self.roll_back().await?;
        self.execute(SqliteDialect::BEGIN, &[]).await?;
        let outcomes = match writer::execute_all(self, writes).await {
            Ok(outcomes) => self.execute("COMMIT", &[]).await.map(|_| outcomes),
            Err(error) => Err(error),
        };
        if outcomes.is_err() {
            if let Err(error) = self.roll_back().await {
                tracing::warn!(%error, "a failed transaction could not be rolled back");
            }
            return outcomes;
        }
        if writes.iter().any(Write::destroys_material) {
            for statement in SqliteDialect::SCRUB {
                self.execute(statement, &[]).await?;
            }
        }
        outcomes
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Int(Some(value)) => ValueRef::Integer(value),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(Some(value)) => ValueRef::Blob(value),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) => ValueRef::Null,
        }))
    }
}

/// The driver's error as a [`StoreError`], like [`super::error::failed`] for sqlx.
fn failed(error: rusqlite::Error) -> StoreError {
    /// SQLite's codes for unique, primary key and foreign key violations.
    const CONFLICTS: [i32; 3] =
        [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_FOREIGNKEY];
    match &error {
        rusqlite::Error::SqliteFailure(e, _) if CONFLICTS.contains(&e.extended_code) => StoreError::Conflict,
        _ => StoreError::Unavailable(Unavailable::from_error(error)),
    }
}
