//! Nonces of signed requests in a database that several processes share.

use super::dialect::{Dialect, Param, revision};
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use crate::store::{KeptNonces, PassedNonces, StoreError, UsedNonce};

impl<D: Dialect> SqlStore<D> {
    pub(super) async fn insert_nonce(&self, nonce: &UsedNonce, on_revision: u64) -> Result<bool, StoreError> {
        let params = [
            nonce.fingerprint.as_slice().into(),
            nonce.seen.as_millis().into(),
            nonce.expires.as_millis().into(),
            nonce.principal.as_str().into(),
            revision(on_revision),
            i64::MAX.into(),
        ];
        Ok(self.statement(sql::INSERT_NONCE, &params).await? == 1)
    }

    pub(super) async fn kept_nonces(&self) -> Result<KeptNonces, StoreError> {
        let mut row = self.installation_row(sql::NONCES, &[i64::MAX.into()]).await?;
        Ok(KeptNonces { revision: row.count()?, forgotten: row.optional_text()?, is_whole: row.count()? > 0 })
    }

    pub(super) async fn generations_passed(&self, passed: PassedNonces) -> Result<Vec<i64>, StoreError> {
        let params = [&bounds(passed)[..], &[passed.generation_ms.into()]].concat();
        let rows = self.rows("nonces", sql::PASSED_NONCES, &params).await?;
        rows.into_iter().map(|mut row: Row| row.int()).collect()
    }
}

/// The common parameters of the two statements about expired nonces.
pub(super) fn bounds(passed: PassedNonces) -> [Param<'static>; 5] {
    [
        passed.expired_before.as_millis().into(),
        passed.near_service.0.as_millis().into(),
        passed.near_service.1.as_millis().into(),
        passed.signed_within_ms.into(),
        passed.moved_before.as_millis().into(),
    ]
}
