//! The writer: group commit.
//!
//! It takes what waits, carries each write out under a savepoint of one transaction, commits, and only then answers
//! all. So a write is durable when it is acknowledged, and many writers share the cost of one commit.

use std::sync::Arc;
use std::thread;

use sqlx::Pool;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::dialect::{Dialect, Param, Session};
use super::listings::Listings;
use super::transaction::Transaction;
use super::{Write, failed, statements as sql};
use crate::domain::{Op, ResourcePolicy, Secret, SecretId, Version};
use crate::store::{Batch, DataKeyRecord, SealedValue, StoreError};

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
pub(super) struct Working {
    pub(super) queue: mpsc::Sender<Job>,
    pub(super) ended: oneshot::Receiver<()>,
    /// What it makes to be counted again.
    pub(super) listings: Arc<Listings>,
}

/// Sets a writer to work on a thread of its own.
///
/// # Errors
/// [`StoreError::Unavailable`] when there can be no more threads.
pub(super) fn on_thread(writer: impl Writer) -> Result<Working, StoreError> {
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
    thread.map_err(|e| StoreError::Unavailable(e.to_string()))?;
    Ok(Working { queue, ended, listings })
}

/// Sets a writer to work that waits for others, as one does whose connection is in a pool.
pub(super) fn on_task(writer: impl Writer) -> Working {
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
    Working { queue, ended, listings }
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
        let mut connection = pool.acquire().await.map_err(|e| failed(&e))?;
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
        Write::Commit(batch) => commit(session, batch).await,
        Write::Keys(scope, on, change) => super::write_keys::change(session, scope, *on, change).await,
        Write::AddMeta(name, value) => {
            let params = [Param::from(*name), value.as_slice().into()];
            session.execute(sql::INSERT_META, &params).await.map(drop)
        }
        Write::Contents(instead, contents) => super::contents::put(session, instead, contents).await,
        Write::Reseal(resealed) => super::contents::reseal(session, resealed).await,
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

/// Carries a change out, step by step.
async fn commit<S: Session>(session: &mut S, batch: &Batch) -> Result<(), StoreError> {
    let change = &batch.change;
    if change.ops.iter().any(|op| matches!(op, Op::Purge)) {
        return purge(session, &change.secret, change.on_revision).await;
    }
    if let Some(Op::Create(secret)) = change.ops.first() {
        insert_secret(session, secret).await?;
    } else {
        touch(session, batch).await?;
    }
    let id = change.secret.as_str();
    if let Some(key) = &batch.data_key {
        let [secret, data_key, of, version, wrapped, created] = data_key(id, &key.record);
        let params = [secret, data_key, of, version, wrapped, created, key.wrapped_by.as_str().into()];
        touched(session.execute(sql::INSERT_DATA_KEY, &params).await?)?;
    }
    for op in ordered(&change.ops) {
        step(session, id, op, batch.value.as_ref()).await?;
    }
    Ok(())
}

/// The steps in an order in which the database's own guards hold all the time: a version is there before a label
/// enters it, and labels have left it before it goes.
fn ordered(ops: &[Op]) -> impl Iterator<Item = &Op> {
    let rank = |op: &Op| match op {
        Op::AddVersion(_) => 0,
        Op::EvictVersion(_) => 2,
        _ => 1,
    };
    (0..3).flat_map(move |wanted| ops.iter().filter(move |op| rank(op) == wanted))
}

async fn step<S: Session>(
    session: &mut S,
    secret: &str,
    op: &Op,
    value: Option<&SealedValue>,
) -> Result<(), StoreError> {
    let id = Param::from(secret);
    match op {
        Op::AddVersion(version) => {
            let value = value.filter(|v| v.version == version.id);
            insert_version(session, secret, version, value).await?;
            0
        }
        Op::EvictVersion(version) => {
            session.execute(sql::DELETE_VERSION, &[id, version.as_str().into()]).await?
        }
        Op::SetStage(label, version) => {
            let params = [id, label.as_str().into(), version.as_str().into()];
            session.execute(sql::SET_LABEL, &params).await?
        }
        Op::RemoveStage(label) => session.execute(sql::DELETE_LABEL, &[id, label.as_str().into()]).await?,
        Op::SetTag(key, value) => {
            session.execute(sql::SET_TAG, &[id, key.as_str().into(), value.as_str().into()]).await?
        }
        Op::RemoveTag(key) => session.execute(sql::DELETE_TAG, &[id, key.as_str().into()]).await?,
        // Carried out by the statement on the secret's own row.
        Op::Create(_)
        | Op::SetDescription(_)
        | Op::SetUpdated(_)
        | Op::SetPlannedDeletion(_)
        | Op::SetPolicy(_)
        | Op::Purge => 0,
    };
    Ok(())
}

/// Stores a wrapped data key, whether its key is there or not.
pub(super) async fn put_data_key<S: Session>(
    session: &mut S,
    secret: &str,
    key: &DataKeyRecord,
) -> Result<(), StoreError> {
    session.execute(sql::PUT_DATA_KEY, &data_key(secret, key)).await.map(drop)
}

/// What is stored of a data key.
fn data_key<'a>(secret: &'a str, key: &'a DataKeyRecord) -> [Param<'a>; 6] {
    [
        secret.into(),
        key.id.as_str().into(),
        key.key.as_str().into(),
        i64::from(key.key_version).into(),
        key.wrapped.as_slice().into(),
        key.created.as_millis().into(),
    ]
}

/// Stores a version with its value.
pub(super) async fn insert_version<S: Session>(
    session: &mut S,
    secret: &str,
    version: &Version,
    value: Option<&SealedValue>,
) -> Result<(), StoreError> {
    let without = || StoreError::Corrupt("a version was committed without its value".to_owned());
    let value = value.ok_or_else(without)?;
    let params = [
        secret.into(),
        version.id.as_str().into(),
        i64::try_from(version.ordinal).unwrap_or(i64::MAX).into(),
        version.data_type.as_str().into(),
        value.data_key.as_str().into(),
        value.sealed.as_ref().into(),
        version.created.as_millis().into(),
    ];
    session.execute(sql::INSERT_VERSION, &params).await.map(drop)
}

/// The secret's own row, and its tags. A fresh secret counts as changed once.
pub(super) async fn insert_secret<S: Session>(session: &mut S, secret: &Secret) -> Result<(), StoreError> {
    let id = Param::from(secret.id.as_str());
    let params = [
        id,
        secret.scope.account.as_str().into(),
        secret.scope.region.as_str().into(),
        secret.name.as_str().into(),
        secret.secret_type.as_str().into(),
        secret.description.as_str().into(),
        secret.encryption_key.as_ref().map(crate::domain::KeyId::as_str).into(),
        secret.created.as_millis().into(),
        secret.updated.as_millis().into(),
        secret.planned_deletion.map(crate::domain::Timestamp::as_millis).into(),
        secret.policy.as_ref().map(ResourcePolicy::as_str).into(),
        revision(secret.revision.max(1)),
    ];
    session.execute(sql::INSERT_SECRET, &params).await?;
    for (key, value) in secret.tags.iter() {
        session.execute(sql::SET_TAG, &[id, key.as_str().into(), value.as_str().into()]).await?;
    }
    Ok(())
}

/// Counts the revision up and sets what changes in the secret's own row.
async fn touch<S: Session>(session: &mut S, batch: &Batch) -> Result<(), StoreError> {
    let (mut description, mut updated, mut planned, mut policy) = (None, None, None, None);
    for op in &batch.change.ops {
        match op {
            Op::SetDescription(text) => description = Some(text.as_str()),
            Op::SetUpdated(at) => updated = Some(at.as_millis()),
            Op::SetPlannedDeletion(at) => planned = Some(at.map(crate::domain::Timestamp::as_millis)),
            Op::SetPolicy(text) => policy = Some(text.as_str()),
            _ => {}
        }
    }
    let id = Param::from(batch.change.secret.as_str());
    let params = [id, revision(batch.change.on_revision), description.into(), updated.into(), policy.into()];
    touched(session.execute(sql::UPDATE_SECRET, &params).await?)?;
    match planned {
        Some(at) => session.execute(sql::PLAN_DELETION, &[id, at.into()]).await.map(drop),
        None => Ok(()),
    }
}

/// A compare-and-set touches its one row, or somebody else came first.
pub(super) fn touched(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn purge<S: Session>(session: &mut S, id: &SecretId, on_revision: u64) -> Result<(), StoreError> {
    // Lock and compare first: the row is counted up, then removed with its children.
    let params =
        [id.as_str().into(), revision(on_revision), Param::Text(None), Param::Int(None), Param::Text(None)];
    touched(session.execute(sql::UPDATE_SECRET, &params).await?)?;
    for statement in sql::PURGE_CHILDREN {
        session.execute(statement, &[id.as_str().into()]).await?;
    }
    session.execute(sql::DELETE_SECRET, &[id.as_str().into()]).await.map(drop)
}

pub(super) fn revision(revision: u64) -> Param<'static> {
    i64::try_from(revision).unwrap_or(i64::MAX).into()
}
