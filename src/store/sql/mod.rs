//! The store over SQL: one text of each statement, generic over the database.
//!
//! [`Dialect`] holds the real differences and nothing else. Where one process owns the database, writes go through one
//! writer, which commits what waits as one transaction and answers after it is durable (see `writer.rs`). Where several
//! write, each write is a transaction of its own.

mod contents;
pub mod dialect;
mod listings;
mod nonces;
pub mod postgres;
mod read;
mod read_keys;
mod read_secrets;
mod rows;
pub mod sqlite;
mod sqlite_writer;
mod statements;
mod transaction;
mod write_keys;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Pool;
use sqlx::migrate::MigrateError;
use tokio::sync::{Mutex, mpsc, oneshot};

pub use dialect::Dialect;

use dialect::{Connection, Param, Session};
use rows::Row;
use transaction::Transaction;

use crate::domain::{AccountId, Op, Scope};
use crate::store::{Batch, Contents, Instead, KeyChange, Resealed, StoreError};

/// A store in a SQL database.
pub struct SqlStore<D: Dialect> {
    /// Connections for reading.
    read: Pool<D::Db>,
    /// Connections for writing whatever the writer does not.
    write: Pool<D::Db>,
    /// The writer; none once the store is closed, or where there is none.
    writer: Mutex<Option<writer::Working>>,
    /// The same queue, for everybody; none where each write is a transaction of its own.
    queue: Option<mpsc::WeakSender<writer::Job>>,
    /// What is known of the listing of secrets; none where others write, too.
    listings: Option<Arc<listings::Listings>>,
    /// Whether the database was once waited for in vain.
    silent: Arc<AtomicBool>,
}

impl<D: Dialect> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

/// What the writer is asked to do.
#[derive(Debug)]
pub(crate) enum Write {
    /// Persist a change.
    Commit(Box<Batch>),
    /// Persist a change of keys or aliases of a scope, decided on this revision.
    Keys(Scope, u64, Box<KeyChange>),
    /// Store a fact about the installation.
    AddMeta(&'static str, Vec<u8>),
    /// Put everything of the contents instead of others.
    Contents(Instead, Arc<Contents>),
    /// Replace everything that the root key seals.
    Reseal(Box<Resealed>),
    /// Keep an account, sealed, or keep it no longer, decided on this revision.
    Account(AccountId, Option<Vec<u8>>, u64),
    /// Remove every secret, key and account.
    Reset,
}

impl Write {
    /// Whether key material ceases to exist, so that no copy of it may stay beside the tables.
    fn destroys(&self) -> bool {
        match self {
            Self::Keys(_, _, change) => change.destroys(),
            Self::Contents(instead, _) => *instead != Instead::OfNothing,
            // What the old root key wrapped must not stay beside the tables either.
            Self::Reset | Self::Reseal(_) => true,
            Self::Commit(_) | Self::Account(..) | Self::AddMeta(..) => false,
        }
    }
}

/// How many things of contents are written at least in the time that is given for one change.
const AT_ONCE: usize = 1000;

impl Write {
    /// Whether there may be another number of secrets afterwards, now or at some time.
    fn recounts(&self) -> bool {
        let counts = |op: &Op| matches!(op, Op::Create(_) | Op::Purge | Op::SetPlannedDeletion(_));
        match self {
            Self::Commit(batch) => batch.change.ops.iter().any(counts),
            Self::Contents(..) | Self::Reset => true,
            Self::Keys(..) | Self::AddMeta(..) | Self::Reseal(_) | Self::Account(..) => false,
        }
    }

    /// How many times as long as one change this may take.
    fn times(&self) -> u32 {
        let things = match self {
            Self::Contents(_, contents) => contents.len(),
            Self::Reseal(resealed) => resealed.material.len() + resealed.accounts.len(),
            _ => 0,
        };
        u32::try_from(1 + things / AT_ONCE).unwrap_or(u32::MAX)
    }
}

impl<D: Dialect> SqlStore<D> {
    /// A store over migrated pools; for a database in memory both are the same.
    fn start(read: Pool<D::Db>, write: Pool<D::Db>, writer: writer::Working) -> Self {
        let queue = Some(writer.queue.downgrade());
        let listings = Some(Arc::clone(&writer.listings));
        Self { read, write, writer: Mutex::new(Some(writer)), queue, listings, silent: Arc::default() }
    }

    /// A store over a migrated pool of a database in which others write, too.
    fn start_shared(pool: Pool<D::Db>, silent: Arc<AtomicBool>) -> Self {
        Self {
            read: pool.clone(),
            write: pool,
            writer: Mutex::new(None),
            queue: None,
            listings: None,
            silent,
        }
    }

    /// Does something with the database, which is given up when there is no answer: a cut line tells nobody that it is.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.in_times(1, work).await
    }

    /// The same, for work that takes so many times as long.
    async fn in_times<T>(
        &self,
        times: u32,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(patience) = D::PATIENCE else { return work.await };
        tokio::time::timeout(patience.saturating_mul(times), work).await.unwrap_or_else(|_late| {
            self.silent.store(true, Ordering::Relaxed);
            Err(StoreError::Unavailable("the database does not answer".to_owned()))
        })
    }

    /// Hands a write to the writer, or carries it out, and waits until it is durable.
    async fn write(&self, write: Write) -> Result<(), StoreError> {
        let Some(queue) = &self.queue else {
            let times = write.times();
            return self.in_times(times, writer::group::<D>(&self.write, &[write])).await.map(drop);
        };
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let (done, answer) = oneshot::channel();
        let queue = queue.upgrade().ok_or_else(closed)?;
        queue.try_send(writer::Job { write, done }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                StoreError::Unavailable("too many writes are waiting".to_owned())
            }
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        drop(queue);
        answer.await.map_err(|_lost| closed())?
    }

    /// A write that is one statement and needs no company; says how many rows it touched.
    async fn statement(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let execute = async {
            let mut connection = self.write.acquire().await.map_err(|e| failed(&e))?;
            connection.execute(sql, params).await
        };
        self.in_time(execute).await
    }

    /// A transaction whose queries all see the same state. It is rolled back when it is dropped before its end.
    async fn snapshot(&self) -> Result<Transaction<D>, StoreError> {
        Transaction::begin(&self.read, D::BEGIN_READ).await
    }

    /// All rows of a query, on a connection of its own.
    async fn rows(
        &self,
        table: &'static str,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let query = async {
            let mut connection = self.read.acquire().await.map_err(|e| failed(&e))?;
            rows_on::<D>(&mut connection, table, sql, params).await
        };
        self.in_time(query).await
    }

    /// Lets the writer finish what waits and closes the pools.
    async fn shut(&self) {
        if let Some(writer::Working { queue, ended, .. }) = self.writer.lock().await.take() {
            drop(queue);
            if ended.await.is_err() {
                tracing::error!("the writer did not end well");
            }
        }
        // One that may write last: SQLite folds its journal into the database when the last one closes, and a
        // read-only one cannot do that.
        self.read.close().await;
        self.write.close().await;
    }
}

async fn rows_on<D: Dialect>(
    connection: &mut Connection<D>,
    table: &'static str,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, StoreError> {
    let cells = D::query(connection, sql, params).await?;
    Ok(cells.into_iter().map(|cells| Row::new(table, cells)).collect())
}

/// The driver's error as ours: a broken uniqueness, a parent that is gone, a deadlock mean that somebody else came first.
fn failed(error: &sqlx::Error) -> StoreError {
    /// What PostgreSQL says of a transaction that it ended in favour of another one: serialization, deadlock.
    const LOST: [&str; 2] = ["40001", "40P01"];
    match error {
        sqlx::Error::Database(e)
            if e.is_unique_violation()
                || e.is_foreign_key_violation()
                || e.code().is_some_and(|code| LOST.contains(&&*code)) =>
        {
            StoreError::Conflict
        }
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Why the schema is not this program's, in words for the one who starts it.
fn not_migrated(error: MigrateError) -> StoreError {
    StoreError::Unavailable(match error {
        MigrateError::VersionMissing(version) => format!(
            "its schema is newer than this program: it has migration {version}, which this version of Sesame does not know"
        ),
        MigrateError::VersionMismatch(version) => {
            format!("its schema is not Sesame's: migration {version} is another one")
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    #[test]
    fn more_contents_are_given_more_time() {
        let account = |n: u32| (n.to_string().parse().unwrap(), Vec::new());
        let put = |n| {
            let contents = Contents { accounts: (1..=n).map(account).collect(), ..Contents::default() };
            Write::Contents(Instead::OfEverything, Arc::new(contents)).times()
        };
        assert_eq!([put(1), put(999), put(1000), put(20_000)], [1, 1, 2, 21]);
        assert_eq!(Write::Reset.times(), 1);
    }

    #[tokio::test]
    async fn one_write_too_many_is_refused_and_the_others_are_carried_out() {
        let store = Arc::new(SqlStore::in_memory().await.unwrap());
        // The writer waits for its one connection.
        let held = store.write.acquire().await.unwrap();
        let mut writes = JoinSet::new();
        for _ in 0..writer::QUEUE + writer::GROUP + 10 {
            let store = Arc::clone(&store);
            writes.spawn(async move { store.write(Write::AddMeta("name", vec![1])).await });
        }
        tokio::task::yield_now().await;
        drop(held);
        let outcomes = writes.join_all().await;
        let count =
            |wanted: fn(&Result<(), StoreError>) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
        let refused = count(|outcome| matches!(outcome, Err(StoreError::Unavailable(_))));
        assert!((10..=10 + writer::GROUP).contains(&refused), "{refused} were refused");
        // Of one name there is one; the others came too late, but each was tried.
        assert_eq!(count(Result::is_ok), 1);
        assert_eq!(count(|outcome| *outcome == Err(StoreError::Conflict)), outcomes.len() - refused - 1);
        store.shut().await;
    }
}
