//! Rotations: what starts them, how one is carried out, and what is remembered of them.

mod create;
mod due;
mod log;
mod run;
mod targets;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::task::TaskTracker;

pub use create::{NewManaged, Prepared};
pub use due::{RotationCounts, Started};
pub use log::{EventLog, Followed, RotationRecord};

use crate::domain::rotation::RotationSettings;
use crate::domain::{Scope, SecretName};
use crate::ports::{Clock, Entropy};

/// The most rotations at once (rule R8.2).
const AT_ONCE: usize = 8;
/// How long a process may be silent before another one goes on with its rotation, in milliseconds (rule R8.3).
const LEASE_MS: i64 = 60_000;

/// A secret's place.
type At = (Scope, SecretName);

/// What is known of rotations in this process.
#[derive(Debug)]
pub(super) struct Rotations {
    settings: RotationSettings,
    /// The name under which this process holds leases.
    owner: String,
    slots: Arc<Semaphore>,
    /// Secrets that a task of this process works at.
    active: Mutex<BTreeSet<At>>,
    /// Counts the ends of tasks, for those who wait for one.
    ended: watch::Sender<u64>,
    tasks: TaskTracker,
    /// Tells the scheduler that something may have fallen due.
    wake: Notify,
    /// How many rotations succeeded and failed here.
    totals: [AtomicUsize; 2],
    pub(super) events: EventLog,
}

impl Rotations {
    pub(super) fn new(settings: RotationSettings, clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        Self {
            settings,
            owner: entropy.uuid_of(clock.wall()).to_string(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            active: Mutex::default(),
            ended: watch::Sender::new(0),
            tasks: TaskTracker::new(),
            wake: Notify::new(),
            totals: Default::default(),
            events: EventLog::default(),
        }
    }

    /// Notes that a task works at a secret; false when one does already.
    fn enter(&self, at: &At) -> bool {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).insert(at.clone())
    }

    fn leave(&self, at: &At) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(at);
        self.ended.send_modify(|count| *count += 1);
    }

    fn is_active(&self, at: &At) -> bool {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).contains(at)
    }

    /// Tells the scheduler to look again.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when something may have fallen due.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// How many rotations succeeded and failed in this process.
    pub(super) fn totals(&self) -> [usize; 2] {
        [0, 1].map(|at| self.totals.get(at).map_or(0, |count| count.load(Ordering::Relaxed)))
    }

    /// Waits until the tasks have come to their end.
    pub(super) async fn close(&self) {
        self.slots.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
