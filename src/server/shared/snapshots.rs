//! Snapshots in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{ReplaceScope, Snapshot};

/// How many snapshots are kept.
pub(in crate::server) const MAX_SNAPSHOTS: usize = 100;

/// A snapshot under a name.
#[derive(Debug, Clone)]
pub(in crate::server) struct NamedSnapshot {
    pub(in crate::server) contents: Arc<Snapshot>,
    pub(in crate::server) instead: ReplaceScope,
    pub(in crate::server) taken: String,
}

/// The snapshots by name; they are gone when the server stops.
#[derive(Debug, Default)]
pub(in crate::server) struct Snapshots(Mutex<BTreeMap<String, NamedSnapshot>>);

impl Snapshots {
    pub(in crate::server) fn locked(&self) -> MutexGuard<'_, BTreeMap<String, NamedSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
