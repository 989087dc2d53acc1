//! The cache of secrets, bounded by bytes. Values stay sealed; only data keys are unwrapped, in memory that is wiped.
//!
//! Entries are added only under the lock of the secret, after a load or a commit, so an entry is never older than the
//! database if this process owns it. If other processes write too, each use compares the revision with the database.

use std::sync::Arc;

use quick_cache::sync::Cache as Bounded;
use quick_cache::{Equivalent, Weighter};

use super::error::AppError;
use super::loaded::Loaded;
use crate::domain::{Scope, SecretName};
use crate::store::Store;

/// A secret in the cache, by scope and name.
type CacheKey = (Scope, SecretName);

/// A borrowed [`CacheKey`] with the same hash, for lookups without an allocation.
#[derive(Hash)]
struct BorrowedKey<'a>(&'a Scope, &'a SecretName);

impl Equivalent<CacheKey> for BorrowedKey<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        *self.0 == key.0 && *self.1 == key.1
    }
}

/// The cache of secrets.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Bounded<CacheKey, Arc<Loaded>, ByBytes>,
    /// Checks that an entry is still current. `None` if no other process writes.
    others: Option<Arc<dyn Store>>,
}

/// Size and hit counts of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheFacts {
    /// Lookups that found their secret.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Secrets held.
    pub secrets: u64,
    /// The bytes that they take, approximately.
    pub bytes: u64,
    /// The most bytes that they may take.
    pub limit: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<CacheKey, Arc<Loaded>> for ByBytes {
    fn weight(&self, _key: &CacheKey, loaded: &Arc<Loaded>) -> u64 {
        loaded.bytes()
    }
}

/// The weight of an ordinary entry, from which the size of the table is derived.
const ORDINARY_BYTES: u64 = 2048;

impl Cache {
    /// A cache of at most `bytes` bytes.
    pub(super) fn new(bytes: u64, store: &Arc<dyn Store>) -> Self {
        let items = usize::try_from(bytes / ORDINARY_BYTES).unwrap_or(usize::MAX).max(16);
        let entries = Bounded::with_weighter(items, bytes, ByBytes);
        Self { entries, others: store.is_shared().then(|| Arc::clone(store)) }
    }

    /// The secret, if it is cached and current.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database has to be asked and does not answer.
    pub(super) async fn get(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<Arc<Loaded>>, AppError> {
        let Some(loaded) = self.entries.get(&BorrowedKey(scope, name)) else { return Ok(None) };
        let Some(store) = &self.others else { return Ok(Some(loaded)) };
        match store.head(scope, name).await? {
            Some((id, revision)) if id == loaded.secret.id && revision == loaded.secret.revision => {
                Ok(Some(loaded))
            }
            _ => {
                self.remove(scope, name);
                Ok(None)
            }
        }
    }

    pub(super) fn put(&self, loaded: &Arc<Loaded>) {
        let key = (loaded.secret.scope.clone(), loaded.secret.name.clone());
        self.entries.insert(key, Arc::clone(loaded));
    }

    pub(super) fn remove(&self, scope: &Scope, name: &SecretName) {
        self.entries.remove(&BorrowedKey(scope, name));
    }

    /// Size and hit counts.
    pub(super) fn facts(&self) -> CacheFacts {
        CacheFacts {
            hits: self.entries.hits(),
            misses: self.entries.misses(),
            secrets: self.entries.len() as u64,
            bytes: self.entries.weight(),
            limit: self.entries.capacity(),
        }
    }

    pub(super) fn clear(&self) {
        self.entries.clear();
    }
}
