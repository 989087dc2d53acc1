//! What is managed of a secret, and what rotations did to AccessKeys.

use super::dialect::{Dialect, Param, Session};
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use crate::domain::rotation::{ExtendedConfig, Managed, Plan, RotationInterval, Running, Window};
use crate::domain::{Scope, Secret, SecretName, Timestamp};
use crate::store::{AccessKeyRecord, AccessKeyStatus, RotationsDue, SealedValue, SecretRecord, StoreError};

impl<D: Dialect> SqlStore<D> {
    pub(super) async fn rotations_due(
        &self,
        due: RotationsDue,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError> {
        let params = [due.now.as_millis().into(), due.wall.as_millis().into(), i64::from(due.limit).into()];
        let rows = self.rows("managed_secrets", sql::ROTATIONS_DUE, &params).await?;
        rows.into_iter().map(|mut row| row.place()).collect()
    }

    pub(super) async fn access_keys(&self) -> Result<Vec<AccessKeyRecord>, StoreError> {
        let rows = self.rows("access_keys", sql::ALL_ACCESS_KEYS, &[Param::Text(None)]).await?;
        rows.into_iter().map(access_key).collect()
    }
}

/// A row of `access_keys`.
pub(super) fn access_key(mut row: Row) -> Result<AccessKeyRecord, StoreError> {
    Ok(AccessKeyRecord {
        id: row.text()?,
        account: row.parsed()?,
        user: row.text()?,
        status: row.parsed()?,
        created: row.time()?,
        own_user: row.int()? == 1,
        sealed: row.optional_bytes()?,
    })
}

/// Stores an AccessKey, or another state of it.
pub(super) async fn put_access_key<S: Session>(
    session: &mut S,
    key: &AccessKeyRecord,
) -> Result<(), StoreError> {
    let params = [
        key.id.as_str().into(),
        key.account.as_str().into(),
        key.user.as_str().into(),
        AccessKeyStatus::as_str(key.status).into(),
        key.created.as_millis().into(),
        i64::from(key.own_user).into(),
        key.sealed.as_deref().into(),
    ];
    session.execute(sql::PUT_ACCESS_KEY, &params).await.map(drop)
}

/// Takes what is managed out of its row, from the candidate on, and puts it into the record.
pub(super) fn add(mut row: Row, record: &mut SecretRecord) -> Result<(), StoreError> {
    let candidate = row.optional_bytes()?;
    let (config, word) = (row.text()?, row.text()?);
    let interval = row.optional_int()?.map(RotationInterval::from_seconds);
    let last_rotation = row.optional_time()?;
    let running = row.optional_text()?;
    let window = row.optional_text()?;
    let data_key = row.optional_parsed()?;
    let created = record.secret.created;
    let damaged = || row.damaged("what is managed of a secret cannot be understood");
    let config = ExtendedConfig::stored(record.secret.secret_type, &config).map_err(|_refusal| damaged())?;
    let plan = Plan::stored(&word, interval.flatten()).ok_or_else(damaged)?;
    let running = running.map(|text| Running::from_text(&text).ok_or_else(damaged)).transpose()?;
    let window = window.map(|text| Window::from_text(&text).ok_or_else(damaged)).transpose()?;
    if let (Some(running), Some(sealed), Some(data_key)) = (&running, candidate, data_key) {
        let version = running.version.clone();
        record.candidate = Some(SealedValue { version, data_key, sealed: sealed.into() });
    }
    record.secret.managed = Some(Box::new(Managed { config, plan, created, last_rotation, running, window }));
    Ok(())
}

/// Stores what is managed of a secret. A candidate that was stored before stays while its rotation is under way.
pub(super) async fn put<S: Session>(
    session: &mut S,
    id: &str,
    managed: &Managed,
    candidate: Option<&SealedValue>,
) -> Result<(), StoreError> {
    let config = managed.config.to_text();
    let running = managed.running.as_ref().map(Running::to_text);
    let window = managed.window.as_ref().map(Window::to_text);
    let keeps = managed.running.as_ref().is_some_and(|running| running.has_candidate);
    let candidate = candidate.filter(|_| keeps);
    let until = managed.running.as_ref().map(|running| running.lease.until.as_millis());
    let params = [
        id.into(),
        config.as_str().into(),
        managed.plan.as_str().into(),
        managed.plan.interval().map(RotationInterval::seconds).into(),
        managed.last_rotation.map(Timestamp::as_millis).into(),
        running.as_deref().into(),
        window.as_deref().into(),
        until.into(),
        managed.due().map(Timestamp::as_millis).into(),
        candidate.map(|value| value.data_key.as_str()).into(),
        candidate.map(|value| &*value.sealed).into(),
        i64::from(keeps).into(),
    ];
    session.execute(sql::PUT_MANAGED, &params).await.map(drop)
}

/// Notes which account a secret has at its instance, which no other secret of its scope may have.
pub(super) async fn set_target<S: Session>(session: &mut S, secret: &Secret) -> Result<(), StoreError> {
    let Some(target) = secret.target() else { return Ok(()) };
    let params = [secret.id.as_str().into(), target.as_str().into()];
    session.execute(sql::SET_TARGET, &params).await.map(drop)
}
