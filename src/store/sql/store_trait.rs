//! The implementation of [`Store`]. A method is one statement, or calls the file that does the work.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::dialect::{Dialect, Param, revision, touched};
use super::list_secrets::{array, count, scoped, tag_row};
use super::managed::access_key;
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use super::write::Write;
use crate::domain::{
    AccountId, ClockSetting, KeyId, Page, Scope, SecretFilter, SecretId, SecretName, TagKey, TagValue,
    Timestamp,
};
use crate::store::{
    Batch, KeptAccounts, KeptFaults, KeptNonces, KeyChange, Listing, PassedNonces, ReplaceScope, Resealed,
    Revisions, RotationsDue, ScopeRecord, SecretRecord, Snapshot, Store, StoreError, TagRow, UsedNonce,
};

/// The time limit of a health check.
const HEALTHY: Duration = Duration::from_millis(2500);

#[async_trait]
impl<D: Dialect> Store for SqlStore<D> {
    fn is_shared(&self) -> bool {
        D::SHARED
    }

    async fn installation(&self) -> Result<Revisions, StoreError> {
        let mut row = self.installation_row(sql::INSTALLATION, &[]).await?;
        let (keys, accounts) = (row.count()?, row.count()?);
        let (clock, faults) = (row.count()?, row.count()?);
        let setting = ClockSetting { ahead_ms: row.int()?, stands: row.optional_time()? };
        Ok(Revisions { keys, accounts, clock, faults, setting })
    }

    async fn set_clock(&self, setting: ClockSetting, on_revision: u64) -> Result<(), StoreError> {
        let stands = setting.stands.map(Timestamp::as_millis);
        let params = [revision(on_revision), setting.ahead_ms.into(), stands.into()];
        touched(self.statement(sql::SET_CLOCK, &params).await?)
    }

    async fn faults(&self) -> Result<KeptFaults, StoreError> {
        let mut row = self.installation_row(sql::FAULTS, &[]).await?;
        Ok(KeptFaults { revision: row.count()?, rules: row.optional_text()? })
    }

    async fn set_faults(&self, rules: String, on_revision: u64) -> Result<(), StoreError> {
        touched(self.statement(sql::SET_FAULTS, &[revision(on_revision), rules.as_str().into()]).await?)
    }

    async fn use_nonce(&self, nonce: UsedNonce, on_revision: u64) -> Result<bool, StoreError> {
        self.insert_nonce(&nonce, on_revision).await
    }

    async fn nonces(&self) -> Result<KeptNonces, StoreError> {
        self.kept_nonces().await
    }

    async fn set_forgotten_nonces(&self, forgotten: String, on_revision: u64) -> Result<(), StoreError> {
        let params = [revision(on_revision), forgotten.as_str().into()];
        touched(self.statement(sql::SET_FORGOTTEN_NONCES, &params).await?)
    }

    async fn mark_nonces(&self) -> Result<(), StoreError> {
        self.statement(sql::MARK_NONCES, &[b"m".as_slice().into(), i64::MAX.into()]).await.map(drop)
    }

    async fn passed_nonces(&self, passed: PassedNonces) -> Result<Vec<i64>, StoreError> {
        self.generations_passed(passed).await
    }

    async fn forget_nonces(&self, passed: PassedNonces) -> Result<(), StoreError> {
        self.statement(sql::FORGET_NONCES, &super::nonces::bounds(passed)).await.map(drop)
    }

    async fn head(&self, scope: &Scope, name: &SecretName) -> Result<Option<(SecretId, u64)>, StoreError> {
        let params = [scope.account.as_str().into(), scope.region.as_str().into(), name.as_str().into()];
        let rows = self.rows("secrets", sql::HEAD, &params).await?;
        rows.into_iter().next().map(|mut row| Ok((row.parsed()?, row.count()?))).transpose()
    }

    async fn load_secret(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<SecretRecord>, StoreError> {
        self.secret(scope, name).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.write(Write::Commit(Box::new(batch))).await
    }

    async fn list_secrets(
        &self,
        scope: &Scope,
        filter: Option<&SecretFilter>,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing, StoreError> {
        let Some(filter) = filter else { return self.list_all(scope, page, now).await };
        if filter.nothing {
            return Ok(Listing { total: 0, rows: Vec::new() });
        }
        self.list_filtered(scope, filter, page, now).await
    }

    async fn tags_of(&self, names: &[SecretName], scope: &Scope) -> Result<Vec<TagRow>, StoreError> {
        let names = array(Some(names.iter().map(SecretName::as_str)));
        let params = [scope.account.as_str().into(), scope.region.as_str().into(), names.as_deref().into()];
        self.rows("tags", D::TAGS_OF, &params).await?.into_iter().map(tag_row).collect()
    }

    async fn list_tags(
        &self,
        scope: &Scope,
        after: Option<(&str, &str)>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TagRow>, StoreError> {
        let (name, key) = after.unwrap_or_default();
        let [account, region, now] = scoped(scope, now);
        let params = [account, region, now, name.into(), key.into(), i64::from(limit).into()];
        self.rows("tags", sql::LIST_TAGS, &params).await?.into_iter().map(tag_row).collect()
    }

    async fn names_with_tag(
        &self,
        scope: &Scope,
        tag: (&TagKey, Option<&TagValue>),
        after: &str,
        limit: u32,
    ) -> Result<Vec<SecretName>, StoreError> {
        let params = [
            scope.account.as_str().into(),
            scope.region.as_str().into(),
            after.into(),
            tag.0.as_str().into(),
            tag.1.map(TagValue::as_str).into(),
            i64::from(limit).into(),
        ];
        let rows = self.rows("tags", sql::NAMES_WITH_TAG, &params).await?;
        rows.into_iter().map(|mut row| row.parsed()).collect()
    }

    async fn due_for_purge(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError> {
        let params = [now.as_millis().into(), i64::from(limit).into()];
        let rows = self.rows("secrets", sql::DUE_FOR_PURGE, &params).await?;
        rows.into_iter().map(|mut row| row.place()).collect()
    }

    async fn next_purge(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.rows("secrets", sql::NEXT_PURGE, &[]).await?;
        rows.into_iter().next().map(|mut row| row.time()).transpose()
    }

    async fn rotations_due(
        &self,
        due: RotationsDue,
        after: Option<(&Scope, &SecretName)>,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError> {
        let [account, region, name] = keyset(after);
        let (now, wall) = (due.now.as_millis().into(), due.wall.as_millis().into());
        let params = [now, wall, account.into(), region.into(), name.into(), i64::from(due.limit).into()];
        let rows = self.rows("managed_secrets", sql::ROTATIONS_DUE, &params).await?;
        rows.into_iter().map(|mut row| row.place()).collect()
    }

    async fn next_rotation(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.rows("managed_secrets", sql::NEXT_ROTATION, &[]).await?;
        rows.into_iter().next().map(|mut row| row.time()).transpose()
    }

    async fn is_target_taken(&self, target: &str) -> Result<bool, StoreError> {
        Ok(count(self.rows("managed_secrets", sql::TARGET_TAKEN, &[target.into()]).await?)? > 0)
    }

    async fn walk_secrets(
        &self,
        after: Option<(&Scope, &SecretName)>,
        limit: u32,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError> {
        let [account, region, name] = keyset(after);
        let params = [account.into(), region.into(), name.into(), i64::from(limit).into()];
        let rows = self.rows("secrets", sql::WALK_SECRETS, &params).await?;
        rows.into_iter().map(|mut row| row.place()).collect()
    }

    async fn load_keys(&self, scope: &Scope) -> Result<ScopeRecord, StoreError> {
        self.in_time(self.keys_of(scope)).await
    }

    async fn keys_revision(&self, scope: &Scope) -> Result<u64, StoreError> {
        let params = [scope.account.as_str().into(), scope.region.as_str().into()];
        count(self.rows("key_scopes", sql::SCOPE_REVISION, &params).await?)
    }

    async fn commit_keys(
        &self,
        scope: &Scope,
        on_revision: u64,
        change: KeyChange,
    ) -> Result<(), StoreError> {
        self.write(Write::Keys(scope.clone(), on_revision, Box::new(change))).await
    }

    async fn scopes_with_keys(&self) -> Result<Vec<Scope>, StoreError> {
        self.scopes(sql::KEY_SCOPES, &[]).await
    }

    async fn scopes_with_due_keys(&self, now: Timestamp) -> Result<Vec<Scope>, StoreError> {
        self.scopes(sql::DUE_KEYS, &[now.as_millis().into()]).await
    }

    async fn next_key_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.rows("keys", sql::NEXT_KEY_DUE, &[]).await?;
        rows.into_iter().next().map(|mut row| row.time()).transpose()
    }

    async fn accounts(&self) -> Result<KeptAccounts, StoreError> {
        // The revision is read first. If accounts change in between, they are newer than it, and the next comparison
        // reads again.
        let revision = self.installation().await?.accounts;
        let rows = self.rows("accounts", sql::ACCOUNTS, &[]).await?;
        let account = |mut row: Row| Ok((row.parsed()?, row.bytes()?));
        let accounts = rows.into_iter().map(account).collect::<Result<_, StoreError>>()?;
        let rows = self.rows("access_keys", sql::ALL_ACCESS_KEYS, &[Param::Text(None)]).await?;
        let access_keys = rows.into_iter().map(access_key).collect::<Result<_, StoreError>>()?;
        Ok(KeptAccounts { revision, accounts, access_keys })
    }

    async fn set_account(
        &self,
        id: AccountId,
        sealed: Option<Vec<u8>>,
        on_revision: u64,
    ) -> Result<(), StoreError> {
        self.write(Write::Account(id, sealed, on_revision)).await
    }

    async fn scope_of_key(&self, id: &KeyId) -> Result<Option<Scope>, StoreError> {
        Ok(self.scopes(sql::SCOPE_OF_KEY, &[id.as_str().into()]).await?.pop())
    }

    async fn snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, StoreError> {
        self.whole_snapshot(account).await
    }

    async fn put_snapshot(&self, replaces: ReplaceScope, snapshot: Arc<Snapshot>) -> Result<(), StoreError> {
        self.write(Write::Snapshot(replaces, snapshot)).await
    }

    async fn reseal(&self, resealed: Resealed) -> Result<(), StoreError> {
        self.write(Write::Reseal(Box::new(resealed))).await
    }

    async fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.rows("meta", sql::META, &[name.into()]).await?;
        rows.into_iter().next().map(|mut row| row.bytes()).transpose()
    }

    async fn add_meta(&self, name: &'static str, value: Vec<u8>) -> Result<(), StoreError> {
        self.write(Write::AddMeta(name, value)).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        if let Some(file) = &self.file {
            file.health()?;
        }
        let answered = tokio::time::timeout(HEALTHY, self.next_purge()).await;
        answered
            .unwrap_or_else(|_late| Err(StoreError::unavailable("the health check took too long")))
            .map(drop)
    }

    fn release_reserve(&self) -> bool {
        self.file.as_ref().inspect(|file| file.release_reserve()).is_some()
    }

    async fn reset(&self) -> Result<(), StoreError> {
        self.write(Write::Reset).await
    }

    async fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut findings = Vec::new();
        for query in [D::INTEGRITY].into_iter().chain(D::REFERENCES).chain([sql::ORPHANS]) {
            for mut row in self.slow_rows("database", query).await? {
                findings.push(row.text()?);
            }
        }
        findings.retain(|line| line != "ok");
        Ok(findings)
    }

    async fn close(&self) {
        self.shut().await;
    }
}

/// What a page of secrets comes after; empty texts come before every secret.
fn keyset<'a>(after: Option<(&'a Scope, &'a SecretName)>) -> [&'a str; 3] {
    after.map_or([""; 3], |(scope, name)| [scope.account.as_str(), scope.region.as_str(), name.as_str()])
}
