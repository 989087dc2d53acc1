//! How many more secrets an account may have in a region (`[limits] secrets_per_account`).
//!
//! Secrets are counted at the first creation in a scope, and again when the room that was found is used up. Each creation
//! in between takes one of it, so a creation does not count, and a refusal is always decided on a fresh count. Room that
//! deletions make is found by the next count. Where other processes write, too, only a part of the room is used before the
//! next count, so that all of them together exceed the limit by no more than what they create at the same moment.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use super::error::AppError;
use crate::domain::{Page, Quota, Refusal, Scope, Timestamp};
use crate::store::Store;

/// How many tables there are. Scopes that share one only wait for each other while one of them is counted.
const TABLES: usize = 64;
/// The most scopes of a table; one that was forgotten is counted again.
const SCOPES: usize = 16;
/// Where other processes write: the part of the room that is used before the next count.
const SHARE: u64 = 16;

type Table = HashMap<Scope, AtomicU64>;

/// Room for one secret. To be held until the creation is committed or given up: nothing is counted meanwhile.
pub(super) type Taken = OwnedRwLockReadGuard<Table>;

/// The room that is left in each scope.
#[derive(Debug)]
pub(super) struct Rooms {
    limit: Quota,
    hash: RandomState,
    tables: Vec<Arc<RwLock<Table>>>,
}

impl Rooms {
    /// Room for as many secrets in each scope as the limit says.
    pub(super) fn new(limit: Quota) -> Self {
        let tables = (0..TABLES).map(|_| Arc::default()).collect();
        Self { limit, hash: RandomState::new(), tables }
    }

    /// Takes room for one more secret.
    ///
    /// # Errors
    /// [`Refusal::QuotaExceeded`] when there is none; those of the store.
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
        // Waits for every creation under way in this table: what is counted now is all there is.
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

    /// Forgets all counts, because everything may have been replaced.
    pub(super) async fn clear(&self) {
        for table in &self.tables {
            table.write().await.clear();
        }
    }
}

/// Takes one of the room that is known, if there is any.
fn take_one(table: &Table, scope: &Scope) -> bool {
    let one_less = |left: u64| left.checked_sub(1);
    let order = (Ordering::AcqRel, Ordering::Acquire);
    table.get(scope).is_some_and(|left| left.fetch_update(order.0, order.1, one_less).is_ok())
}
