//! Writing keys and aliases.

use super::dialect::{Param, Session, revision, touched};
use super::statements as sql;
use crate::domain::keys::{Alias, Key};
use crate::domain::{KeyId, ResourcePolicy, Scope, Timestamp};
use crate::store::{KeyChange, KeyRecord, StoreError};

/// Carries out a change of keys or aliases inside the current transaction.
pub(super) async fn change<S: Session>(
    session: &mut S,
    scope: &Scope,
    on_revision: u64,
    change: &KeyChange,
) -> Result<(), StoreError> {
    let place = [Param::from(scope.account.as_str()), scope.region.as_str().into()];
    let [account, region] = place;
    // This comes first: it locks the scope against other changes.
    touched(session.execute(sql::BUMP_SCOPE_REVISION, &[account, region, revision(on_revision)]).await?)?;
    match change {
        KeyChange::Put { record } => put(session, record).await?,
        KeyChange::Delete { key, on_revision } => delete(session, key, *on_revision).await?,
        KeyChange::SetAlias { alias } => put_alias(session, sql::SET_ALIAS, scope, alias).await?,
        KeyChange::RemoveAlias { name } => {
            let params = [account, region, name.as_str().into()];
            session.execute(sql::REMOVE_ALIAS, &params).await.map(drop)?;
        }
    }
    // This comes last, so that changes of other scopes wait for the row only during the commit.
    touched(session.execute(sql::BUMP_KEYS_REVISION, &[]).await?)
}

/// The columns of a key that may change, in the order in which both statements begin.
fn changing(record: &KeyRecord) -> [Param<'_>; 13] {
    let key = &record.key;
    let time = |at: Option<Timestamp>| Param::Int(at.map(Timestamp::as_millis));
    [
        key.id.as_str().into(),
        i64::try_from(key.revision).unwrap_or(i64::MAX).into(),
        key.state.as_str().into(),
        key.description.as_str().into(),
        time(key.deletion),
        i64::from(key.protected.is_some()).into(),
        key.protected.as_deref().unwrap_or_default().into(),
        time(key.material_expires),
        key.rotation_interval_ms.into(),
        key.last_rotation.as_millis().into(),
        record.imported.as_deref().into(),
        time(key.due()),
        key.policy.as_ref().map(ResourcePolicy::as_str).into(),
    ]
}

/// The columns of a key that never change.
fn fixed(key: &Key) -> [Param<'_>; 8] {
    [
        key.scope.account.as_str().into(),
        key.scope.region.as_str().into(),
        key.owner.as_str().into(),
        key.spec.as_str().into(),
        key.usage.as_str().into(),
        key.origin.as_str().into(),
        key.protection.as_str().into(),
        key.created.as_millis().into(),
    ]
}

/// Points an alias to a key with the given statement.
pub(super) async fn put_alias<S: Session>(
    session: &mut S,
    statement: &'static str,
    scope: &Scope,
    alias: &Alias,
) -> Result<(), StoreError> {
    let params = [
        scope.account.as_str().into(),
        scope.region.as_str().into(),
        alias.name.as_str().into(),
        alias.key.as_str().into(),
    ];
    session.execute(statement, &params).await.map(drop)
}

async fn put<S: Session>(session: &mut S, record: &KeyRecord) -> Result<(), StoreError> {
    if record.key.revision == 1 {
        return insert(session, record).await;
    }
    touched(session.execute(sql::UPDATE_KEY, &changing(record)).await?)?;
    // A change adds at most one version, and only the material of the newest one may change.
    parts(session, record, 1).await
}

/// Inserts a key with its versions and tags.
pub(super) async fn insert<S: Session>(session: &mut S, record: &KeyRecord) -> Result<(), StoreError> {
    let params: Vec<Param<'_>> = changing(record).into_iter().chain(fixed(&record.key)).collect();
    session.execute(sql::INSERT_KEY, &params).await?;
    parts(session, record, record.key.versions.len()).await
}

/// Writes the newest versions of a key, and replaces its tags.
async fn parts<S: Session>(session: &mut S, record: &KeyRecord, versions: usize) -> Result<(), StoreError> {
    let key = &record.key;
    let id = Param::from(key.id.as_str());
    for version in key.versions.iter().rev().take(versions) {
        let material =
            record.material.iter().find(|(number, _)| *number == version.number).map(|(_, m)| &**m);
        let params = [
            id,
            i64::from(version.number).into(),
            version.id.as_str().into(),
            material.into(),
            version.created.as_millis().into(),
        ];
        session.execute(sql::SET_KEY_VERSION, &params).await?;
    }
    session.execute(sql::DELETE_KEY_TAGS, &[id]).await?;
    for (name, value) in key.tags.iter() {
        session.execute(sql::INSERT_KEY_TAG, &[id, name.as_str().into(), value.as_str().into()]).await?;
    }
    Ok(())
}

async fn delete<S: Session>(session: &mut S, key: &KeyId, on_revision: u64) -> Result<(), StoreError> {
    let params = [key.as_str().into(), revision(on_revision)];
    touched(session.execute(sql::LOCK_KEY, &params).await?)?;
    for statement in sql::DELETE_KEY {
        session.execute(statement, &[key.as_str().into()]).await?;
    }
    Ok(())
}
