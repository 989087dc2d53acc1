//! The quota of secrets per account and region (`[limits] secrets_per_account`).
//!
//! Secrets are counted at the first creation in a scope. The remaining quota is remembered, and each creation takes one
//! of it, so most creations do not count. When it is used up, secrets are counted again, so a refusal always comes from
//! a fresh count, which also sees what deletions have freed. If other processes write too, only a part of the remaining
//! quota is used before the next count, so that all processes together exceed the limit at most by what they create at
//! the same moment.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::error::AppError;
use crate::domain::{Page, Quota, Refusal, Scope, Timestamp};
use crate::store::Store;

/// The number of tables. Scopes that share one wait for each other while one of them is counted.
const TABLES: usize = 64;
/// The most scopes of a table. A scope that was dropped is counted again.
const SCOPES: usize = 16;
/// If other processes write: the remaining quota is divided by this, and only that part is used before the next count.
const SHARE: u64 = 16;

type Table = HashMap<Scope, AtomicU64>;

/// Quota for one secret. Hold it until the creation is committed or given up: it prevents a count in between.
pub(super) type Taken = OwnedRwLockReadGuard<Table>;

/// The remaining quota of each scope.
#[derive(Debug)]
pub(super) struct RemainingQuotas {
    limit: Quota,
    hash: RandomState,
    tables: Vec<Arc<RwLock<Table>>>,
}

impl RemainingQuotas {
    /// A quota of this many secrets in each scope.
    pub(super) fn new(limit: Quota) -> Self {
        let tables = (0..TABLES).map(|_| Arc::default()).collect();
        Self { limit, hash: RandomState::new(), tables }
    }

    /// Takes quota for one secret.
    ///
    /// # Errors
    /// [`Refusal::QuotaExceeded`] if none is left; those of the store.
    pub(super) async fn take(
        &self,
        store: &dyn Store,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Taken, AppError> {
        let index = usize::try_from(self.hash.hash_one(scope) % TABLES as u64).unwrap_or_default();
        let table = self.tables.get(index).map_or_else(Arc::default, Arc::clone);
        let taken = Arc::clone(&table).read_owned().await;
        if take_one(&taken, scope) {
            return Ok(taken);
        }
        drop(taken);
        // This waits for every running creation of this table, so the count is complete.
        let mut table = table.write_owned().await;
        if !take_one(&table, scope) {
            let page = Page { number: 1, size: 1 };
            let present = store.list_secrets(scope, None, page, now).await?.total;
            let left = (self.limit.most as u64).saturating_sub(present);
            if left == 0 {
                return Err(Refusal::QuotaExceeded(self.limit).into());
            }
            let used = if store.is_shared() { left.div_ceil(SHARE) } else { left };
            if table.len() >= SCOPES {
                table.clear();
            }
            table.insert(scope.clone(), AtomicU64::new(used - 1));
        }
        Ok(table.downgrade())
    }

    /// Forgets all counts. Call it when everything may have been replaced.
    pub(super) async fn clear(&self) {
        for table in &self.tables {
            table.write().await.clear();
        }
    }
}

/// Takes one of the remembered quota, if any is left.
fn take_one(table: &Table, scope: &Scope) -> bool {
    let one_less = |left: u64| left.checked_sub(1);
    let order = (Ordering::AcqRel, Ordering::Acquire);
    table.get(scope).is_some_and(|left| left.fetch_update(order.0, order.1, one_less).is_ok())
}
