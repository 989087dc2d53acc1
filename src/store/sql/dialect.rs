//! The differences between databases, and how to run a statement on one of them.

use std::fmt;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::{Column, ColumnIndex, Database, Decode, Encode, Row, Type, TypeInfo, ValueRef};

use crate::store::StoreError;

/// The value of a statement's parameter.
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

/// The value of one column of a row.
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

/// A connection inside a transaction. The statements of a write run on it.
pub trait Session: Send {
    /// The dialect of its database.
    type Dialect: Dialect;

    /// Runs a statement and returns the number of affected rows.
    fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}

/// A sqlx connection to the database of a dialect.
pub type Connection<D> = <<D as Dialect>::Db as Database>::Connection;

/// A kind of database. Only implementations know the types of the driver. All statements are shared except those named
/// here.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// The sqlx driver.
    type Db: Database<Connection: Session<Dialect = Self>>;
    /// The driver's name of the type of integer columns.
    const INTEGER: &'static str;
    /// The driver's name of the type of columns that hold bytes.
    const BYTES: &'static str;
    /// Whether other processes may write to the same database. If not, all writes go through one writer, which commits
    /// many of them in one transaction. If so, each write is a transaction of its own.
    const SHARED: bool;
    /// How long to wait for an answer. `None` for a database in this process, which always answers.
    const PATIENCE: Option<Duration>;
    /// Begins a transaction that will write.
    const BEGIN: &'static str;
    /// Begins a read-only transaction whose statements all see the same state.
    const BEGIN_READ: &'static str;
    /// Statements that block all other writers until the transaction ends.
    const LOCK_ALL: &'static [&'static str];
    /// Counts secrets that match filters.
    const COUNT_FILTERED: &'static str;
    /// Lists a page of secrets that match filters.
    const LIST_FILTERED: &'static str;
    /// Reads the tags of the secrets that a JSON array names.
    const TAGS_OF: &'static str;
    /// Lets the database check itself: one row of text for each finding, or the single row `ok`.
    const INTEGRITY: &'static str;
    /// References to rows that do not exist, by the database's own list of references: one row of text for each pair of tables.
    const REFERENCES: Option<&'static str>;
    /// Statements that remove deleted bytes from the journals of the database.
    const SCRUB: &'static [&'static str];

    /// Runs a query and returns the cells of each row, from left to right.
    fn query(
        connection: &mut Connection<Self>,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Vec<Vec<Cell>>, StoreError>> + Send;
}

/// A statement with its parameters.
pub(super) fn bound<'q, Db>(sql: &'static str, params: &[Param<'q>]) -> Query<'q, Db, Db::Arguments>
where
    Db: Database,
    Option<i64>: Encode<'q, Db> + Type<Db>,
    Option<&'q str>: Encode<'q, Db> + Type<Db>,
    Option<&'q [u8]>: Encode<'q, Db> + Type<Db>,
{
    params.iter().fold(sqlx::query(sql), |query, param| match *param {
        Param::Int(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
        Param::Bytes(value) => query.bind(value),
    })
}

/// The cells of a row, from left to right.
pub(super) fn cells<D: Dialect>(row: &<D::Db as Database>::Row) -> Result<Vec<Cell>, StoreError>
where
    usize: ColumnIndex<<D::Db as Database>::Row>,
    i64: for<'r> Decode<'r, D::Db> + Type<D::Db>,
    String: for<'r> Decode<'r, D::Db> + Type<D::Db>,
    Vec<u8>: for<'r> Decode<'r, D::Db> + Type<D::Db>,
{
    let cell = |column: &<D::Db as Database>::Column| {
        let at = column.ordinal();
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            return Ok(Cell::Null);
        }
        let column_type = raw.type_info();
        Ok(match column_type.name() {
            name if name == D::INTEGER => Cell::Int(row.try_get(at)?),
            name if name == D::BYTES => Cell::Bytes(row.try_get(at)?),
            _ => Cell::Text(row.try_get(at)?),
        })
    };
    let cells = row.columns().iter().map(cell).collect::<Result<_, sqlx::Error>>();
    cells.map_err(|e| StoreError::Corrupt(e.to_string()))
}

/// Turns the number of rows that a compare-and-set affected into its result: a conflict unless it is 1.
pub(super) fn touched(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// A revision as a parameter.
pub(super) fn revision(revision: u64) -> Param<'static> {
    i64::try_from(revision).unwrap_or(i64::MAX).into()
}
