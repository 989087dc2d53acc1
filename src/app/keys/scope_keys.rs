//! The keys of one scope in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::held::HeldKey;
use crate::domain::keys::{Alias, KeyOwner};
use crate::domain::{KeyId, Timestamp};

/// The keys and aliases of one scope.
#[derive(Debug, Clone, Default)]
pub struct ScopeKeys {
    pub(super) keys: BTreeMap<KeyId, Arc<HeldKey>>,
    /// By name.
    pub(super) aliases: Vec<Alias>,
    /// When something is due for any of the keys next.
    pub(super) next_due: Option<Timestamp>,
    /// The revision of the scope in the store.
    pub(super) revision: u64,
}

impl ScopeKeys {
    /// The keys, newest first, then by id (guess G10).
    pub fn newest_first(&self) -> Vec<Arc<HeldKey>> {
        let mut keys: Vec<Arc<HeldKey>> = self.keys.values().map(Arc::clone).collect();
        keys.sort_by(|a, b| b.key().created.cmp(&a.key().created).then_with(|| a.key().id.cmp(&b.key().id)));
        keys
    }

    /// The number of versions of all keys (rule 12.3).
    pub(super) fn versions(&self) -> usize {
        self.keys.values().map(|held| held.key().versions.len()).sum()
    }

    /// The number of keys, versions and aliases, as a measure of the memory that they take.
    pub(super) fn size(&self) -> usize {
        self.keys.len() + self.versions() + self.aliases.len()
    }

    pub(super) fn service_key(&self) -> Option<Arc<HeldKey>> {
        self.keys.values().find(|held| held.key().owner == KeyOwner::Service).map(Arc::clone)
    }

    /// The aliases, by name.
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    pub(super) fn new(keys: BTreeMap<KeyId, Arc<HeldKey>>, aliases: Vec<Alias>, revision: u64) -> Self {
        let next_due = keys.values().filter_map(|held| held.key().due()).min();
        Self { keys, aliases, next_due, revision }
    }
}
