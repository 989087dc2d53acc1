//! Snapshots that `/_sesame/snapshots` takes. They are kept in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{ReplaceScope, Snapshot};

/// The maximum number of snapshots.
pub(in crate::server) const MAX_SNAPSHOTS: usize = 100;

/// All data, or that of one account, at one time.
#[derive(Debug, Clone)]
pub(in crate::server) struct KeptSnapshot {
    /// The data.
    pub(in crate::server) contents: Arc<Snapshot>,
    /// What a restore replaces.
    pub(in crate::server) replaces: ReplaceScope,
    /// The service's time when it was taken.
    pub(in crate::server) taken: String,
}

/// The snapshots by name. They are lost when the server stops.
#[derive(Debug, Default)]
pub(in crate::server) struct Snapshots(Mutex<BTreeMap<String, KeptSnapshot>>);

impl Snapshots {
    /// Locks the table of snapshots.
    pub(in crate::server) fn locked(&self) -> MutexGuard<'_, BTreeMap<String, KeptSnapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
