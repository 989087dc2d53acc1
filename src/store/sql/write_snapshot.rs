//! Writing a snapshot, and replacing everything that the root key seals.

use std::collections::BTreeSet;

use super::dialect::{Dialect, Param, Session};
use super::{managed, statements as sql, write_keys, write_secrets};
use crate::store::{ReplaceScope, Resealed, SecretRecord, Snapshot, StoreError};

/// Replaces what the scope says with a snapshot, inside the current transaction.
pub(super) async fn put<S: Session>(
    session: &mut S,
    replaces: &ReplaceScope,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    for statement in S::Dialect::LOCK_ALL {
        session.execute(statement, &[]).await?;
    }
    match replaces {
        ReplaceScope::Nothing => {}
        ReplaceScope::Account(account) => {
            for statement in sql::CLEAR_ACCOUNT {
                session.execute(statement, &[account.as_str().into()]).await?;
            }
        }
        ReplaceScope::Everything => {
            for statement in sql::CLEAR {
                session.execute(statement, &[]).await?;
            }
        }
    }
    for record in &snapshot.keys {
        write_keys::insert(session, record).await?;
    }
    for (scope, alias) in &snapshot.aliases {
        write_keys::put_alias(session, sql::INSERT_ALIAS, scope, alias).await?;
    }
    for record in &snapshot.secrets {
        insert(session, record).await?;
    }
    for (id, sealed) in &snapshot.accounts {
        let params = [Param::from(id.as_str()), sealed.as_slice().into()];
        session.execute(sql::INSERT_ACCOUNT, &params).await?;
    }
    for key in &snapshot.access_keys {
        managed::put_access_key(session, key).await?;
    }
    if S::Dialect::SHARED { count_all(session, snapshot).await } else { Ok(()) }
}

/// Increments every revision that other processes compare, because nothing they hold in memory is of this snapshot.
async fn count_all<S: Session>(session: &mut S, snapshot: &Snapshot) -> Result<(), StoreError> {
    let of_keys = snapshot.keys.iter().map(|record| &record.key.scope);
    for scope in of_keys.chain(snapshot.aliases.iter().map(|(scope, _)| scope)).collect::<BTreeSet<_>>() {
        let params = [Param::from(scope.account.as_str()), scope.region.as_str().into()];
        session.execute(sql::ADD_SCOPE, &params).await?;
    }
    for statement in sql::BUMP_ALL_REVISIONS {
        session.execute(statement, &[]).await?;
    }
    Ok(())
}

/// Inserts a secret with its data keys, versions and labels.
async fn insert<S: Session>(session: &mut S, record: &SecretRecord) -> Result<(), StoreError> {
    let secret = &record.secret;
    write_secrets::insert_secret(session, secret, record.candidate.as_ref()).await?;
    let id = Param::from(secret.id.as_str());
    for key in &record.data_keys {
        write_secrets::put_data_key(session, secret.id.as_str(), key).await?;
    }
    for version in &secret.versions {
        let value = record.values.iter().find(|value| value.version == version.id);
        write_secrets::insert_version(session, secret.id.as_str(), version, value).await?;
    }
    for (label, version) in secret.stages.iter() {
        let params = [id, label.as_str().into(), version.as_str().into()];
        session.execute(sql::SET_LABEL, &params).await?;
    }
    Ok(())
}

/// Replaces everything that the root key seals, inside the current transaction.
pub(super) async fn reseal<S: Session>(session: &mut S, resealed: &Resealed) -> Result<(), StoreError> {
    for (key, number, wrapped) in &resealed.material {
        let params = [Param::from(key.as_str()), i64::from(*number).into(), wrapped.as_slice().into()];
        if session.execute(sql::SET_MATERIAL, &params).await? != 1 {
            return Err(StoreError::Conflict);
        }
    }
    for (id, sealed) in &resealed.accounts {
        let params = [Param::from(id.as_str()), sealed.as_slice().into()];
        session.execute(sql::PUT_ACCOUNT, &params).await?;
    }
    for (id, sealed) in &resealed.access_keys {
        let params = [Param::from(id.as_str()), sealed.as_slice().into()];
        session.execute(sql::RESEAL_ACCESS_KEY, &params).await?;
    }
    for (name, value) in &resealed.meta {
        session.execute(sql::PUT_META, &[Param::from(*name), value.as_slice().into()]).await?;
    }
    Ok(())
}
