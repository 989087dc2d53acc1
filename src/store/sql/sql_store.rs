//! A store in a SQL database: its connections and its writer, and how statements reach them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Pool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::database_file::DatabaseFile;
use super::dialect::{Connection, Dialect, Param, Session};
use super::error::failed;
use super::listings::Listings;
use super::rows::Row;
use super::transaction::Transaction;
use super::write::Write;
use super::writer;
use crate::store::StoreError;

/// A store in a SQL database.
pub struct SqlStore<D: Dialect> {
    /// Connections for reading.
    read: Pool<D::Db>,
    /// Connections for writes that do not go through the writer.
    write: Pool<D::Db>,
    /// The writer. `None` after the store was closed, or if each write is a transaction of its own.
    writer: Mutex<Option<writer::WriterHandle>>,
    /// The queue of the writer. `None` if each write is a transaction of its own.
    queue: Option<mpsc::WeakSender<writer::Job>>,
    /// Remembered totals and page ends. `None` if other processes write too.
    pub(super) listings: Option<Arc<Listings>>,
    /// The file of the database, if it is in a file.
    pub(super) file: Option<Arc<DatabaseFile>>,
    /// Whether the database once did not answer in time.
    silent: Arc<AtomicBool>,
}

impl<D: Dialect> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").finish_non_exhaustive()
    }
}

impl<D: Dialect> SqlStore<D> {
    /// A store over migrated pools. For a database in memory both are the same pool.
    pub(super) fn start(read: Pool<D::Db>, write: Pool<D::Db>, writer: writer::WriterHandle) -> Self {
        let queue = Some(writer.queue.downgrade());
        let listings = Some(Arc::clone(&writer.listings));
        let file = writer.file.clone();
        Self { read, write, writer: Mutex::new(Some(writer)), queue, listings, file, silent: Arc::default() }
    }

    /// A store over a migrated pool of a database that other processes write to.
    pub(super) fn start_shared(pool: Pool<D::Db>, silent: Arc<AtomicBool>) -> Self {
        Self {
            read: pool.clone(),
            write: pool,
            writer: Mutex::new(None),
            queue: None,
            listings: None,
            file: None,
            silent,
        }
    }

    /// Runs work on the database within the time limit of the dialect. Without a limit a broken network connection
    /// would never be noticed.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.with_timeout_factor(1, work).await
    }

    /// [`SqlStore::in_time`] with a multiple of the time limit, for longer work.
    pub(super) async fn with_timeout_factor<T>(
        &self,
        times: u32,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(patience) = D::PATIENCE else { return work.await };
        tokio::time::timeout(patience.saturating_mul(times), work).await.unwrap_or_else(|_late| {
            self.silent.store(true, Ordering::Relaxed);
            Err(StoreError::unavailable("the database does not answer"))
        })
    }

    /// Carries out a write, by the writer if there is one, and returns when it is durable.
    pub(super) async fn write(&self, write: Write) -> Result<(), StoreError> {
        let Some(queue) = &self.queue else {
            let times = write.timeout_factor();
            return self
                .with_timeout_factor(times, writer::group::<D>(&self.write, &[write]))
                .await
                .map(drop);
        };
        let closed = || StoreError::unavailable("the store is closed");
        let (done, answer) = oneshot::channel();
        let queue = queue.upgrade().ok_or_else(closed)?;
        queue.try_send(writer::Job { write, done }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => StoreError::unavailable("too many writes are waiting"),
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        drop(queue);
        answer.await.map_err(|_lost| closed())?
    }

    /// Runs a write of a single statement outside the writer, and returns the number of affected rows.
    pub(super) async fn statement(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let check = || self.file.as_ref().map_or(Ok(()), |file| file.check());
        let execute = async {
            let mut connection = self.write.acquire().await.map_err(failed)?;
            connection.execute(sql, params).await
        };
        check()?;
        let done = self.in_time(execute).await;
        check()?;
        done
    }

    /// Begins a transaction whose queries all see the same state.
    pub(super) async fn read_transaction(&self) -> Result<Transaction<D>, StoreError> {
        Transaction::begin(&self.read, D::BEGIN_READ).await
    }

    /// Runs a query on a connection of the pool. `table` is named in the error if a row is damaged.
    pub(super) async fn rows(
        &self,
        table: &'static str,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let query = async {
            let mut connection = self.read.acquire().await.map_err(failed)?;
            rows_on::<D>(&mut connection, table, sql, params).await
        };
        self.in_time(query).await
    }

    /// [`SqlStore::rows`] for a query that reads whole tables.
    pub(super) async fn slow_rows(
        &self,
        table: &'static str,
        sql: &'static str,
    ) -> Result<Vec<Row>, StoreError> {
        const TIMES: u32 = 60;
        let query = async {
            let mut connection = self.read.acquire().await.map_err(failed)?;
            rows_on::<D>(&mut connection, table, sql, &[]).await
        };
        self.with_timeout_factor(TIMES, query).await
    }

    /// Runs a query that reads the one row of the table `installation`.
    pub(super) async fn installation_row(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Row, StoreError> {
        let rows = self.rows("installation", sql, params).await?;
        rows.into_iter().next().ok_or_else(|| StoreError::Corrupt("table installation is empty".to_owned()))
    }

    /// Lets the writer finish the waiting writes, and closes the pools.
    pub(super) async fn shut(&self) {
        if let Some(writer::WriterHandle { queue, ended, .. }) = self.writer.lock().await.take() {
            drop(queue);
            if ended.await.is_err() {
                tracing::error!("the writer panicked");
            }
        }
        // The writing pool closes last: the last connection moves the journal into the database, and a read-only
        // connection cannot do that.
        self.read.close().await;
        self.write.close().await;
    }
}

/// Runs a query on this connection.
pub(super) async fn rows_on<D: Dialect>(
    connection: &mut Connection<D>,
    table: &'static str,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, StoreError> {
    let cells = D::query(connection, sql, params).await?;
    Ok(cells.into_iter().map(|cells| Row::new(table, cells)).collect())
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn one_write_too_many_is_refused_and_the_others_are_carried_out() {
        let store = Arc::new(SqlStore::in_memory().await.unwrap());
        // The writer waits for the one connection of the pool.
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
        // Only one of them can store the fact; the others conflict with it, but each was tried.
        assert_eq!(count(Result::is_ok), 1);
        assert_eq!(count(|outcome| *outcome == Err(StoreError::Conflict)), outcomes.len() - refused - 1);
        store.shut().await;
    }
}
