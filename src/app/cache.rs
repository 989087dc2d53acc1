//! Secrets in memory, bounded by bytes. Values stay sealed; only data keys are unwrapped, in memory that is wiped.
//!
//! An entry is put in only under the secret's lock, by whoever loaded or committed it, so where nobody else writes it is
//! never older than the database. Where others write, each use compares its revision with the database's.

use std::sync::Arc;

use quick_cache::sync::Cache as Bounded;
use quick_cache::{Equivalent, Weighter};

use super::error::AppError;
use super::loaded::Loaded;
use crate::domain::{Scope, SecretName};
use crate::store::Store;

type Place = (Scope, SecretName);

/// A [`Place`] to look at, with the same hash.
#[derive(Hash)]
struct At<'a>(&'a Scope, &'a SecretName);

impl Equivalent<Place> for At<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        *self.0 == place.0 && *self.1 == place.1
    }
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    entries: Bounded<Place, Arc<Loaded>, ByBytes>,
    /// Whom to ask whether an entry still stands; none where nobody else writes.
    others: Option<Arc<dyn Store>>,
}

/// What the cache holds, and how often it helped.
#[derive(Debug, Clone, Copy)]
pub struct CacheFacts {
    /// Reads that found their secret.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Secrets held.
    pub secrets: u64,
    /// Bytes that they take, roughly.
    pub bytes: u64,
    /// Bytes that they may take.
    pub limit: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Place, Arc<Loaded>> for ByBytes {
    fn weight(&self, _place: &Place, loaded: &Arc<Loaded>) -> u64 {
        loaded.bytes()
    }
}

/// What an ordinary entry weighs, to size the table.
const ORDINARY_BYTES: u64 = 2048;

impl Cache {
    /// A cache of at most so many bytes.
    pub(super) fn new(bytes: u64, store: &Arc<dyn Store>) -> Self {
        let items = usize::try_from(bytes / ORDINARY_BYTES).unwrap_or(usize::MAX).max(16);
        let entries = Bounded::with_weighter(items, bytes, ByBytes);
        Self { entries, others: store.is_shared().then(|| Arc::clone(store)) }
    }

    /// The secret, if it is here and as it is in the database.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is needed and does not answer.
    pub(super) async fn get(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<Arc<Loaded>>, AppError> {
        let Some(loaded) = self.entries.get(&At(scope, name)) else { return Ok(None) };
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
        let place = (loaded.secret.scope.clone(), loaded.secret.name.clone());
        self.entries.insert(place, Arc::clone(loaded));
    }

    pub(super) fn remove(&self, scope: &Scope, name: &SecretName) {
        self.entries.remove(&At(scope, name));
    }

    /// What it holds, and how often it helped.
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
