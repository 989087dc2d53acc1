//! The writer: group commit.
//!
//! It takes what waits, carries each write out under a savepoint of one transaction, commits, and only then answers
//! all. So a write is durable when it is acknowledged, and many writers share the cost of one commit.

use std::sync::Arc;
use std::thread;

use sqlx::Pool;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::dialect::{Dialect, Param, Session, revision, touched};
use super::error::failed;
use super::listings::Listings;
use super::transaction::Transaction;
use super::write::Write;
use super::{statements as sql, write_keys, write_secrets, write_snapshot};
use crate::store::{StoreError, Unavailable};

/// A write and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) write: Write,
    pub(super) done: oneshot::Sender<Result<(), StoreError>>,
}

/// How many writes may wait; one more is refused, so that memory stays bounded.
pub(super) const QUEUE: usize = 4096;

/// The most writes of one transaction: bounds how long the first of them waits.
pub(super) const GROUP: usize = 256;

/// Where groups of writes are carried out.
pub(super) trait Writer: Send + 'static {
    /// One transaction with all writes; the outcome of each, or one error for all of them.
    fn group(&mut self, writes: &[Write]) -> impl Future<Output = Outcomes> + Send;
}

/// What became of each write of a group, or why there was no transaction at all.
pub(super) type Outcomes = Result<Vec<Result<(), StoreError>>, StoreError>;

/// A writer at work: what waits for it, and its end, which comes when that is closed and empty.
pub(super) struct WriterHandle {
    pub(super) queue: mpsc::Sender<Job>,
    pub(super) ended: oneshot::Receiver<()>,
    /// What it makes to be counted again.
    pub(super) listings: Arc<Listings>,
}

/// Sets a writer to work on a thread of its own.
///
/// # Errors
/// [`StoreError::Unavailable`] when there can be no more threads.
pub(super) fn on_thread(writer: impl Writer) -> Result<WriterHandle, StoreError> {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    let listings = Arc::<Listings>::default();
    let (runtime, recount) = (Handle::current(), Arc::clone(&listings));
    let work = move || {
        runtime.block_on(run(writer, jobs, &recount));
        if end.send(()).is_err() {
            tracing::debug!("nobody waits for the writer's end");
        }
    };
    let thread = thread::Builder::new().name("sesame-writer".to_owned()).spawn(work);
    thread.map_err(|e| StoreError::Unavailable(Unavailable::from_error(e)))?;
    Ok(WriterHandle { queue, ended, listings })
}

/// Sets a writer to work that waits for others, as one does whose connection is in a pool.
pub(super) fn on_task(writer: impl Writer) -> WriterHandle {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (end, ended) = oneshot::channel();
    let listings = Arc::<Listings>::default();
    let recount = Arc::clone(&listings);
    #[expect(clippy::disallowed_methods, reason = "who closes the queue waits for the end")]
    tokio::spawn(async move {
        run(writer, jobs, &recount).await;
        if end.send(()).is_err() {
            tracing::debug!("nobody waits for the writer's end");
        }
    });
    WriterHandle { queue, ended, listings }
}

/// Works until the queue is closed and empty.
async fn run(mut carrier: impl Writer, mut queue: mpsc::Receiver<Job>, listings: &Listings) {
    let mut jobs = Vec::new();
    while queue.recv_many(&mut jobs, GROUP).await > 0 {
        let (writes, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).map(|job| (job.write, job.done)).unzip();
        let outcomes = match carrier.group(&writes).await {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); writes.len()],
        };
        if writes.iter().any(Write::recounts) {
            listings.forget();
        }
        for (done, outcome) in waiting.into_iter().zip(outcomes) {
            if done.send(outcome).is_err() {
                tracing::debug!("nobody waits for this write any more");
            }
        }
    }
}

/// A writer whose connection is in a pool, for a database that others need the same connection of.
pub(super) struct Pooled<D: Dialect>(pub(super) Pool<D::Db>);

impl<D: Dialect> Writer for Pooled<D> {
    async fn group(&mut self, writes: &[Write]) -> Outcomes {
        group::<D>(&self.0, writes).await
    }
}

/// As [`Writer::group`], on a connection of a pool.
pub(super) async fn group<D: Dialect>(pool: &Pool<D::Db>, writes: &[Write]) -> Outcomes {
    // Rolled back when it is dropped before its end.
    let mut transaction = Transaction::<D>::begin(pool, D::BEGIN).await?;
    let outcomes = match all_of(&mut *transaction, writes).await {
        Ok(outcomes) => outcomes,
        Err(error) => {
            if let Err(also) = transaction.rollback().await {
                // It may be gone already: a full disk ends it. The pool tests a connection before it is used again.
                tracing::warn!(error = %also, "a failed transaction could not be rolled back");
            }
            return Err(error);
        }
    };
    transaction.commit().await?;
    if writes.iter().any(Write::destroys) {
        scrub::<D>(pool).await?;
    }
    Ok(outcomes)
}

/// Takes destroyed material out of what the database keeps beside its tables.
async fn scrub<D: Dialect>(pool: &Pool<D::Db>) -> Result<(), StoreError> {
    for statement in D::SCRUB {
        let mut connection = pool.acquire().await.map_err(failed)?;
        D::query(&mut connection, statement, &[]).await?;
    }
    Ok(())
}

/// All writes inside one transaction.
pub(super) async fn all_of<S: Session>(session: &mut S, writes: &[Write]) -> Outcomes {
    if let [write] = writes {
        // Alone it needs no savepoint: what is refused is the whole transaction.
        return one(session, write).await.map(|()| vec![Ok(())]);
    }
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        session.execute("SAVEPOINT one", &[]).await?;
        let outcome = one(session, write).await;
        if outcome.is_err() {
            // One refused write must not harm the others; where the whole transaction is broken, this fails too.
            session.execute("ROLLBACK TO SAVEPOINT one", &[]).await?;
        }
        session.execute("RELEASE SAVEPOINT one", &[]).await?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

async fn one<S: Session>(session: &mut S, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Commit(batch) => write_secrets::commit(session, batch).await,
        Write::Keys(scope, on, change) => write_keys::change(session, scope, *on, change).await,
        Write::AddMeta(name, value) => {
            let params = [Param::from(*name), value.as_slice().into()];
            session.execute(sql::INSERT_META, &params).await.map(drop)
        }
        Write::Snapshot(instead, contents) => write_snapshot::put(session, instead, contents).await,
        Write::Reseal(resealed) => write_snapshot::reseal(session, resealed).await,
        Write::Account(id, sealed, on) => {
            let params = [Param::from(id.as_str()), sealed.as_deref().into()];
            match sealed {
                Some(_) => session.execute(sql::PUT_ACCOUNT, &params).await?,
                None => session.execute(sql::DELETE_ACCOUNT, &params[..1]).await?,
            };
            touched(session.execute(sql::COUNT_ACCOUNTS, &[revision(*on)]).await?)
        }
        Write::Reset => {
            for statement in S::Dialect::LOCK_ALL.iter().copied().chain(sql::CLEAR).chain(sql::RESET) {
                session.execute(statement, &[]).await?;
            }
            Ok(())
        }
    }
}
