//! Writing secrets.

use super::dialect::{Param, Session, revision, touched};
use super::{managed, statements as sql};
use crate::domain::{KeyId, Op, ResourcePolicy, Secret, SecretId, Timestamp, Version};
use crate::store::{Batch, DataKeyRecord, SealedValue, StoreError};

/// Carries out a change of a secret.
pub(super) async fn commit<S: Session>(session: &mut S, batch: &Batch) -> Result<(), StoreError> {
    let change = &batch.change;
    if change.ops.iter().any(|op| matches!(op, Op::Purge)) {
        return purge(session, &change.secret, change.on_revision).await;
    }
    if let Some(Op::Create(secret)) = change.ops.first() {
        insert_secret(session, secret, None).await?;
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
        step(session, id, op, batch).await?;
    }
    for key in &batch.access_keys {
        managed::put_access_key(session, key).await?;
    }
    if !batch.access_keys.is_empty() {
        session.execute(sql::COUNT_ACCOUNTS_UP, &[]).await?;
    }
    Ok(())
}

/// The steps in an order that satisfies the constraints of the database: a version exists before a label points to it,
/// and is removed after its labels have moved.
fn ordered(ops: &[Op]) -> impl Iterator<Item = &Op> {
    let rank = |op: &Op| match op {
        Op::AddVersion(_) => 0,
        Op::EvictVersion(_) => 2,
        _ => 1,
    };
    (0..3).flat_map(move |wanted| ops.iter().filter(move |op| rank(op) == wanted))
}

async fn step<S: Session>(session: &mut S, secret: &str, op: &Op, batch: &Batch) -> Result<(), StoreError> {
    let id = Param::from(secret);
    match op {
        Op::AddVersion(version) => {
            let value = batch.values.iter().find(|v| v.version == version.id);
            insert_version(session, secret, version, value).await?;
            0
        }
        Op::SetManaged(managed) => {
            let running = managed.running.as_ref();
            let candidate = batch.values.iter().find(|v| running.is_some_and(|r| r.version == v.version));
            managed::put(session, secret, managed, candidate).await?;
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
        // `touch` does these in the row of the secret.
        Op::Create(_)
        | Op::SetDescription(_)
        | Op::SetUpdated(_)
        | Op::SetPlannedDeletion(_)
        | Op::SetPolicy(_)
        | Op::Purge => 0,
    };
    Ok(())
}

/// Stores a wrapped data key without checking that the key exists that wraps it.
pub(super) async fn put_data_key<S: Session>(
    session: &mut S,
    secret: &str,
    key: &DataKeyRecord,
) -> Result<(), StoreError> {
    session.execute(sql::PUT_DATA_KEY, &data_key(secret, key)).await.map(drop)
}

/// The columns of a data key.
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

/// Stores a version and its sealed value.
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

/// Inserts the row of a secret, and its tags. The revision of a new secret is 1.
pub(super) async fn insert_secret<S: Session>(
    session: &mut S,
    secret: &Secret,
    candidate: Option<&SealedValue>,
) -> Result<(), StoreError> {
    let id = Param::from(secret.id.as_str());
    let params = [
        id,
        secret.scope.account.as_str().into(),
        secret.scope.region.as_str().into(),
        secret.name.as_str().into(),
        secret.secret_type.as_str().into(),
        secret.description.as_str().into(),
        secret.encryption_key.as_ref().map(KeyId::as_str).into(),
        secret.created.as_millis().into(),
        secret.updated.as_millis().into(),
        secret.planned_deletion.map(Timestamp::as_millis).into(),
        secret.policy.as_ref().map(ResourcePolicy::as_str).into(),
        revision(secret.revision.max(1)),
    ];
    session.execute(sql::INSERT_SECRET, &params).await?;
    for (key, value) in secret.tags.iter() {
        session.execute(sql::SET_TAG, &[id, key.as_str().into(), value.as_str().into()]).await?;
    }
    if let Some(managed) = &secret.managed {
        managed::put(session, secret.id.as_str(), managed, candidate).await?;
        managed::set_target(session, secret).await?;
    }
    Ok(())
}

/// Increments the revision of a secret and sets the changed columns of its row.
async fn touch<S: Session>(session: &mut S, batch: &Batch) -> Result<(), StoreError> {
    let (mut description, mut updated, mut planned, mut policy) = (None, None, None, None);
    for op in &batch.change.ops {
        match op {
            Op::SetDescription(text) => description = Some(text.as_str()),
            Op::SetUpdated(at) => updated = Some(at.as_millis()),
            Op::SetPlannedDeletion(at) => planned = Some(at.map(Timestamp::as_millis)),
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

async fn purge<S: Session>(session: &mut S, id: &SecretId, on_revision: u64) -> Result<(), StoreError> {
    // The compare-and-set also locks the row against other writers.
    let params =
        [id.as_str().into(), revision(on_revision), Param::Text(None), Param::Int(None), Param::Text(None)];
    touched(session.execute(sql::UPDATE_SECRET, &params).await?)?;
    for statement in sql::PURGE_CHILDREN {
        session.execute(statement, &[id.as_str().into()]).await?;
    }
    session.execute(sql::DELETE_SECRET, &[id.as_str().into()]).await.map(drop)
}
