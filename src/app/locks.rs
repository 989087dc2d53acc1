//! One writer per secret at a time: a fixed number of locks, chosen by hash.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::{Scope, SecretName};

/// How many locks there are. Two secrets that share one only wait for each other.
const LOCKS: usize = 4096;

/// The locks.
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

    /// Waits for all locks and holds them: nothing is being changed meanwhile.
    pub(super) async fn hold_all(&self) -> Vec<OwnedMutexGuard<()>> {
        let mut guards = Vec::with_capacity(LOCKS);
        // Always in the same order, and nobody else holds more than one: no deadlock.
        for lock in &self.locks {
            guards.push(Arc::clone(lock).lock_owned().await);
        }
        guards
    }
}
