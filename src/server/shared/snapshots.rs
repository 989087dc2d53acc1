//! Snapshots in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{Contents, Instead};

/// How many snapshots are kept.
pub(in crate::server) const MAX_SNAPSHOTS: usize = 100;

/// What was there once.
#[derive(Debug, Clone)]
pub(in crate::server) struct Snapshot {
    pub(in crate::server) contents: Arc<Contents>,
    pub(in crate::server) instead: Instead,
    pub(in crate::server) taken: String,
}

/// The snapshots by name; they are gone when the server stops.
#[derive(Debug, Default)]
pub(in crate::server) struct Snapshots(Mutex<BTreeMap<String, Snapshot>>);

impl Snapshots {
    pub(in crate::server) fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
