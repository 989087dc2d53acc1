//! Secrets in memory, bounded by bytes. Values stay sealed; only data keys are unwrapped, in memory that is wiped.
//!
//! An entry is put in only under the secret's lock, by whoever loaded or committed it, so it is never older than
//! the database.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache as Bounded;

use super::loaded::Loaded;
use crate::domain::{Scope, SecretName};

type Place = (Scope, SecretName);

/// The cache.
#[derive(Debug)]
pub(super) struct Cache(Bounded<Place, Arc<Loaded>, ByBytes>);

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
    pub(super) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / ORDINARY_BYTES).unwrap_or(usize::MAX).max(16);
        Self(Bounded::with_weighter(items, bytes, ByBytes))
    }

    pub(super) fn get(&self, scope: &Scope, name: &SecretName) -> Option<Arc<Loaded>> {
        self.0.get(&(scope.clone(), name.clone()))
    }

    pub(super) fn put(&self, loaded: &Arc<Loaded>) {
        let place = (loaded.secret.scope.clone(), loaded.secret.name.clone());
        self.0.insert(place, Arc::clone(loaded));
    }

    pub(super) fn remove(&self, scope: &Scope, name: &SecretName) {
        self.0.remove(&(scope.clone(), name.clone()));
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}
