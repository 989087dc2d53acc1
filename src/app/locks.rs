//! Locks of secrets, so that each has at most one writer at a time. Their number is fixed, and a hash selects one.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::{Scope, SecretName};

/// The number of locks. Two secrets that share one wait for each other, which is harmless.
const LOCKS: usize = 4096;

/// The locks of all secrets.
#[derive(Debug)]
pub(super) struct Locks {
    hash: RandomState,
    locks: Vec<Arc<Mutex<()>>>,
}

impl Default for Locks {
    fn default() -> Self {
        Self { hash: RandomState::new(), locks: (0..LOCKS).map(|_| Arc::default()).collect() }
    }
}

impl Locks {
    /// Waits for the lock of a secret, and holds it until the guard is dropped.
    pub(super) async fn hold(&self, scope: &Scope, name: &SecretName) -> OwnedMutexGuard<()> {
        let index = usize::try_from(self.hash.hash_one((scope, name)) % LOCKS as u64).unwrap_or_default();
        let lock = self.locks.get(index).map_or_else(Arc::default, Arc::clone);
        lock.lock_owned().await
    }

    /// Waits for all locks. While they are held, no secret changes.
    pub(super) async fn hold_all(&self) -> Vec<OwnedMutexGuard<()>> {
        let mut guards = Vec::with_capacity(LOCKS);
        // No deadlock: the order is always the same, and other callers hold at most one lock.
        for lock in &self.locks {
            guards.push(Arc::clone(lock).lock_owned().await);
        }
        guards
    }
}
