//! The writer: group commit.
//!
//! The writer takes all waiting writes, runs each under a savepoint of one transaction, commits, and answers
//! afterwards. A write is therefore durable when it is acknowledged, and many writes share the cost of one commit.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sqlx::Pool;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use super::database_file::DatabaseFile;
use super::dialect::{Dialect, Param, Session, revision, touched};
use super::error::failed;
use super::listings::Listings;
use super::transaction::Transaction;
use super::write::Write;
use super::{statements as sql, write_keys, write_secrets, write_snapshot};
use crate::store::{StoreError, Unavailable};

/// A waiting write.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) write: Write,
    /// Takes the outcome.
    pub(super) done: oneshot::Sender<Result<(), StoreError>>,
}

/// The most writes that may wait. Further ones are refused, so that memory stays bounded.
pub(super) const QUEUE: usize = 4096;

/// The most writes in one transaction, which bounds how long the first of them waits.
pub(super) const GROUP: usize = 256;

/// Carries out groups of writes.
pub(super) trait Writer: Send + 'static {
    /// Carries out all writes in one transaction. Returns the outcome of each, or one error for all of them.
    fn group(&mut self, writes: &[Write]) -> impl Future<Output = Outcomes> + Send;

    /// The file of the database, if it is in a file.
    fn file(&self) -> Option<&Arc<DatabaseFile>> {
        None
    }
}

/// How often it is tried whether a full disk has room again.
const RECOVER: Duration = Duration::from_secs(5);

/// The outcome of each write of a group, or the reason why the whole transaction failed.
pub(super) type Outcomes = Result<Vec<Result<(), StoreError>>, StoreError>;

/// A running writer. It ends when the queue is closed and empty.
pub(super) struct WriterHandle {
    pub(super) queue: mpsc::Sender<Job>,
    /// Resolves when the writer has ended.
    pub(super) ended: oneshot::Receiver<()>,
    /// Totals and page ends, which the writer discards when the number of secrets may have changed.
    pub(super) listings: Arc<Listings>,
    /// The file of the database, if it is in a file.
    pub(super) file: Option<Arc<DatabaseFile>>,
}

/// Runs a writer on a thread of its own.
///
/// # Errors
/// [`StoreError::Unavailable`] if the thread cannot be started.
pub(super) fn spawn_on_thread(writer: impl Writer) -> Result<WriterHandle, StoreError> {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    let listings = Arc::<Listings>::default();
    let (runtime, of_writer) = (Handle::current(), Arc::clone(&listings));
    let file = writer.file().cloned();
    let work = move || {
        runtime.block_on(run(writer, jobs, &of_writer));
        if end.send(()).is_err() {
            tracing::debug!("nothing waits for the end of the writer");
        }
    };
    let thread = thread::Builder::new().name("sesame-writer".to_owned()).spawn(work);
    thread.map_err(|e| StoreError::Unavailable(Unavailable::from_error(e)))?;
    Ok(WriterHandle { queue, ended, listings, file })
}

/// Runs a writer as a task, for one that has to wait for a connection of a pool.
pub(super) fn spawn_task(writer: impl Writer) -> WriterHandle {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    let listings = Arc::<Listings>::default();
    let of_writer = Arc::clone(&listings);
    #[expect(
        clippy::disallowed_methods,
        reason = "closing the queue ends the task, and close() waits for it"
    )]
    tokio::spawn(async move {
        run(writer, jobs, &of_writer).await;
        if end.send(()).is_err() {
            tracing::debug!("nothing waits for the end of the writer");
        }
    });
    WriterHandle { queue, ended, listings, file: None }
}

/// Takes writes until the queue is closed and empty.
async fn run(mut worker: impl Writer, mut queue: mpsc::Receiver<Job>, listings: &Listings) {
    let mut jobs = Vec::new();
    let mut recover = tokio::time::interval(RECOVER);
    recover.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let full = worker.file().filter(|file| file.is_full());
        tokio::select! {
            taken = queue.recv_many(&mut jobs, GROUP) => if taken == 0 { return },
            _ = recover.tick(), if full.is_some() => {
                full.into_iter().for_each(|file| file.recover());
                continue;
            }
        }
        let (writes, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.write, job.done)).unzip();
        let outcomes = match worker.group(&writes).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); writes.len()],
        };
        if writes.iter().any(Write::may_change_totals) {
            listings.invalidate();
        }
        for (done, outcome) in waiting.into_iter().zip(outcomes) {
            if done.send(outcome).is_err() {
                tracing::debug!("nothing waits for this write any more");
            }
        }
    }
}

/// A writer that takes its connection from a pool, for a database in memory, whose one connection readers need too.
pub(super) struct Pooled<D: Dialect>(pub(super) Pool<D::Db>);

impl<D: Dialect> Writer for Pooled<D> {
    async fn group(&mut self, writes: &[Write]) -> Outcomes {
        group::<D>(&self.0, writes).await
    }
}

/// [`Writer::group`] on a connection of a pool.
pub(super) async fn group<D: Dialect>(pool: &Pool<D::Db>, writes: &[Write]) -> Outcomes {
    // It is rolled back if it is dropped before its end.
    let mut transaction = Transaction::<D>::begin(pool, D::BEGIN).await?;
    let outcomes = match execute_all(&mut *transaction, writes).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            if let Err(also) = transaction.rollback().await {
                // On a full disk SQLite has already ended the transaction, and there is nothing to roll back.
                tracing::warn!(error = %also, "a failed transaction could not be rolled back");
            }
            return Err(error);
        }
    };
    transaction.commit().await?;
    if writes.iter().any(Write::destroys_material) {
        scrub::<D>(pool).await?;
    }
    Ok(outcomes)
}

/// Removes destroyed key material from the journals of the database.
async fn scrub<D: Dialect>(pool: &Pool<D::Db>) -> Result<(), StoreError> {
    for statement in D::SCRUB {
        let mut connection = pool.acquire().await.map_err(failed)?;
        D::query(&mut connection, statement, &[]).await?;
    }
    Ok(())
}

/// Carries out all writes inside the current transaction.
pub(super) async fn execute_all<S: Session>(session: &mut S, writes: &[Write]) -> Outcomes {
    if let [write] = writes {
        // A single write needs no savepoint: if it is refused, so is the transaction.
        return execute_one(session, write).await.map(|()| vec![Ok(())]);
    }
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        session.execute("SAVEPOINT one", &[]).await?;
        let outcome = execute_one(session, write).await;
        if outcome.is_err() {
            // A refused write must not affect the others. If the whole transaction is broken, this statement fails too.
            session.execute("ROLLBACK TO SAVEPOINT one", &[]).await?;
        }
        session.execute("RELEASE SAVEPOINT one", &[]).await?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Carries out one write.
async fn execute_one<S: Session>(session: &mut S, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Commit(batch) => write_secrets::commit(session, batch).await,
        Write::Keys(scope, on, change) => write_keys::change(session, scope, *on, change).await,
        Write::AddMeta(name, value) => {
            let params = [Param::from(*name), value.as_slice().into()];
            session.execute(sql::INSERT_META, &params).await.map(drop)
        }
        Write::Snapshot(replaces, snapshot) => write_snapshot::put(session, replaces, snapshot).await,
        Write::Reseal(resealed) => write_snapshot::reseal(session, resealed).await,
        Write::Account(id, sealed, on) => {
            let params = [Param::from(id.as_str()), sealed.as_deref().into()];
            match sealed {
                Some(_) => session.execute(sql::PUT_ACCOUNT, &params).await?,
                None => session.execute(sql::DELETE_ACCOUNT, &params[..1]).await?,
            };
            touched(session.execute(sql::BUMP_ACCOUNTS_REVISION, &[revision(*on)]).await?)
        }
        Write::Reset => {
            for statement in S::Dialect::LOCK_ALL.iter().copied().chain(sql::CLEAR).chain(sql::RESET) {
                session.execute(statement, &[]).await?;
            }
            Ok(())
        }
    }
}
