//! What is known of rotations in this process: which tasks work at which secrets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::log::EventLog;
use crate::domain::rotation::RotationSettings;
use crate::domain::{Scope, SecretName};
use crate::ports::{Clock, Entropy};

/// The most rotations at once (rule R8.2).
const AT_ONCE: usize = 8;
/// How long a process may be silent before another one goes on with its rotation, in milliseconds (rule R8.3).
pub(super) const LEASE_MS: i64 = 60_000;

/// A secret's place.
pub(super) type At = (Scope, SecretName);

/// How a rotation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The new version is there.
    Done,
    /// The plan is Invalid, unless it was Disabled.
    Failed,
    /// The secret was deleted, replaced, or taken over by another process.
    Dropped,
    /// The process ended or the database failed. The rotation is still under way in the database.
    Interrupted,
    /// There was nothing to do.
    Nothing,
}

/// How a task ended; `None` while it works.
pub(super) type Progress = watch::Receiver<Option<Ended>>;

/// A task's place at a secret.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) at: At,
    pub(super) done: watch::Sender<Option<Ended>>,
}

/// Whether a task may work at a secret.
#[derive(Debug)]
pub(super) enum Entered {
    /// It may.
    Mine(Task),
    /// Another one does.
    Other(Progress),
}

/// What is known of rotations in this process.
#[derive(Debug)]
pub(in crate::app) struct Rotations {
    pub(super) settings: RotationSettings,
    /// The name under which this process holds leases.
    pub(super) owner: String,
    pub(super) slots: Arc<Semaphore>,
    /// Secrets that a task of this process works at, and how each task ended.
    active: Mutex<BTreeMap<At, Progress>>,
    /// Held by whoever looks for what is due and starts it.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) tasks: TaskTracker,
    /// The process ends: whoever comes next goes on with what is under way.
    pub(super) stop: CancellationToken,
    /// Tells the scheduler that something may have fallen due.
    wake: Notify,
    /// Whether Generic secrets may be there that have a rotator and no plan.
    pub(super) adopts: AtomicBool,
    pub(in crate::app) events: Arc<EventLog>,
}

impl Rotations {
    pub(in crate::app) fn new(
        settings: RotationSettings,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
        events: Arc<EventLog>,
    ) -> Self {
        Self {
            settings,
            owner: entropy.uuid_of(clock.wall()).to_string(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            active: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            wake: Notify::new(),
            adopts: AtomicBool::new(true),
            events,
        }
    }

    /// Notes that a task works at a secret, unless one does already.
    pub(super) fn enter(&self, at: &At) -> Entered {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = active.get(at) {
            return Entered::Other(progress.clone());
        }
        let (done, progress) = watch::channel(None);
        active.insert(at.clone(), progress);
        Entered::Mine(Task { at: at.clone(), done })
    }

    /// Notes that a task is over, and how.
    pub(super) fn leave(&self, task: &Task, ended: Ended) {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).remove(&task.at);
        task.done.send_replace(Some(ended));
    }

    /// Tells the scheduler to look again.
    pub(in crate::app) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Notes that secrets were replaced.
    pub(in crate::app) fn replaced(&self) {
        self.adopts.store(true, Ordering::Release);
        self.wake();
    }

    /// Returns when something may have fallen due.
    pub(in crate::app) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Waits until the tasks have come to their end.
    pub(in crate::app) async fn close(&self) {
        self.stop.cancel();
        self.slots.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
