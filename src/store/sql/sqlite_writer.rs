//! The writer of a SQLite file: one connection on a thread of its own.
//!
//! sqlx sends every statement to another thread and waits for it, which costs more than the statement itself. Here a
//! whole group of writes is sent to the thread that owns the connection. This is the only file that uses rusqlite.

use std::path::Path;
use std::sync::Arc;
use std::{future, slice};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ToSql, ffi};

use super::database_file::{DatabaseFile, full};
use super::dialect::{Dialect, Param, Session};
use super::sqlite_dialect::{BUSY, SqliteDialect};
use super::write::Write;
use super::writer::{self as writer, Outcomes, Writer};
use crate::store::{StoreError, Unavailable};

/// The writer of a file.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: Connection,
    file: Arc<DatabaseFile>,
    /// Whether a statement failed because the disk is full.
    found_full: bool,
}

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
        let file = DatabaseFile::of(path)
            .map_err(|error| StoreError::Unavailable(Unavailable::from_error(error)))?;
        Ok(Self { connection, file: Arc::new(file), found_full: false })
    }

    /// Runs a statement on this thread and returns the number of affected rows.
    fn run(&self, sql: &'static str, params: &[Param<'_>]) -> rusqlite::Result<u64> {
        let mut statement = self.connection.prepare_cached(sql)?;
        for at in 1..=statement.parameter_count() {
            let param = number(&statement, at).and_then(|number| params.get(number - 1));
            statement.raw_bind_parameter(at, param)?;
        }
        // A pragma returns a row, which is not needed.
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(self.connection.changes())
    }

    /// Rolls back a failed transaction, unless SQLite already ended it, as it does on a full disk.
    async fn roll_back(&mut self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("ROLLBACK", &[]).await.map(drop) }
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
        let done = self.run(sql, params);
        self.found_full |= done.as_ref().is_err_and(is_full);
        future::ready(done.map_err(failed))
    }
}

impl Writer for SqliteWriter {
    async fn group(&mut self, writes: &[Write]) -> Outcomes {
        self.file.check()?;
        if self.file.is_full() {
            return self.on_full_disk(writes).await;
        }
        self.found_full = false;
        let outcomes = self.transaction(writes).await;
        if self.found_full {
            self.file.release_reserve();
            self.checkpoint().await;
            if outcomes.is_err() {
                return self.on_full_disk(writes).await;
            }
        }
        // Nobody would find what was written to a file that is not there any more.
        self.file.check()?;
        outcomes
    }

    fn file(&self) -> Option<&Arc<DatabaseFile>> {
        Some(&self.file)
    }
}

impl SqliteWriter {
    /// Carries out the writes that free room, each in a transaction of its own, and refuses the others.
    async fn on_full_disk(&mut self, writes: &[Write]) -> Outcomes {
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            let outcome = if write.frees_room() {
                let done = self.transaction(slice::from_ref(write)).await;
                self.checkpoint().await;
                done.map(drop)
            } else {
                Err(full())
            };
            outcomes.push(outcome);
        }
        self.file.check()?;
        Ok(outcomes)
    }

    /// Moves the journal into the database, so that it takes no room.
    async fn checkpoint(&mut self) {
        for statement in SqliteDialect::SCRUB {
            if let Err(error) = self.execute(statement, &[]).await {
                tracing::warn!(%error, "the journal cannot be moved into the database");
            }
        }
    }

    /// Carries out writes in one transaction.
    async fn transaction(&mut self, writes: &[Write]) -> Outcomes {
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

/// Whether SQLite failed because the disk is full: a file cannot grow, or the index of the journal cannot.
fn is_full(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(e, _)
        if e.code == ErrorCode::DiskFull || e.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
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
