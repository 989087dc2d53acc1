//! What differs between databases, and how a statement is run on one.

use std::fmt;
use std::time::Duration;

use sqlx::Database;

use crate::store::StoreError;

/// A value to bind.
#[derive(Debug, Clone, Copy)]
pub enum Param<'a> {
    /// An integer, or NULL.
    Int(Option<i64>),
    /// A text, or NULL.
    Text(Option<&'a str>),
    /// Bytes, or NULL.
    Bytes(Option<&'a [u8]>),
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Param<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Param<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<'a> From<Option<&'a [u8]>> for Param<'a> {
    fn from(value: Option<&'a [u8]>) -> Self {
        Self::Bytes(value)
    }
}

/// A value read.
#[derive(Debug, Clone)]
pub enum Cell {
    /// NULL.
    Null,
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A connection inside a transaction, on which a write's statements are run.
pub trait Session: Send {
    /// The kind of its database.
    type Dialect: Dialect;

    /// Runs a statement and says how many rows it touched.
    fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// A connection to a dialect's database.
pub type Connection<D> = <<D as Dialect>::Db as Database>::Connection;

/// A database kind. Only its implementations know the driver's types; all statements are shared but for those here.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// The sqlx driver.
    type Db: Database<Connection: Session<Dialect = Self>>;
    /// Whether other processes may write to the same database. If not, all writes go through one task, which commits
    /// many at once; if so, each is a transaction of its own, and the database puts them together.
    const SHARED: bool;
    /// How long to wait for an answer, if the database is one that may be silent.
    const PATIENCE: Option<Duration>;
    /// Begins a transaction that will write.
    const BEGIN: &'static str;
    /// Begins a transaction that only reads, and sees everything as it was at one instant.
    const BEGIN_READ: &'static str;
    /// What keeps everybody else from writing until the end of the transaction.
    const LOCK_ALL: &'static [&'static str];
    /// Counts secrets that match filters.
    const COUNT_FILTERED: &'static str;
    /// Lists a page of secrets that match filters.
    const LIST_FILTERED: &'static str;
    /// Tags of secrets named by a JSON array.
    const TAGS_OF: &'static str;
    /// Yields one text per damage that the database itself finds, or the single row `ok`.
    const INTEGRITY: &'static str;
    /// What takes deleted bytes out of journals, after they were deleted.
    const SCRUB: &'static [&'static str];

    /// Runs a query and reads all its rows, each as its cells from left to right.
    fn query(
        connection: &mut Connection<Self>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Vec<Vec<Cell>>, StoreError>> + Send;
}

/// A compare-and-set touches its one row, or somebody else came first.
pub(super) fn touched(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

pub(super) fn revision(revision: u64) -> Param<'static> {
    i64::try_from(revision).unwrap_or(i64::MAX).into()
}
