//! Starts rotations: those of calls, those that are due, and those that an ended process left.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::log::EventLog;
use super::run::Claim;
use super::targets::target;
use super::tasks::{At, Ended, Entered, LEASE_MS, Progress, Task};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::retry::until_first;
use crate::app::secrets::Decided;
use crate::domain::rotation::decide::{self, Begin, Begun, Step};
use crate::domain::rotation::{Failure, Trigger};
use crate::domain::{ClockSetting, Refusal, Scope, SecretName, SecretRef, Timestamp, VersionId, writes};
use crate::store::{AccessKeyRecord, AccessKeyStatus, RotationsDue};

/// How long a call of RotateSecret waits, in milliseconds of the machine's time (rule R4.8).
const CALL_MS: u64 = 2000;
/// How long a move of the clock waits, in milliseconds of the machine's time.
const CLOCK_MS: u64 = 30_000;
/// How many secrets that were not seen yet one query of what is due can find.
const BATCH: usize = 1000;
/// Pages of secrets, when all are walked through.
const PAGE: u32 = 500;

/// What became of the rotations that were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RotationCounts {
    /// The new version is there.
    pub done: usize,
    /// The plan is Invalid, unless it was Disabled.
    pub failed: usize,
    /// They go on.
    pub running: usize,
    /// They could not start: a rotation or a window is under way, or a rule of the service forbids it.
    #[serde(skip_serializing_if = "is_zero")]
    pub refused: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What RotateSecret did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The ARN of the secret.
    pub arn: String,
    /// Its name.
    pub name: SecretName,
}

impl App {
    /// Rotates a secret now, and waits for the end, but at most two seconds (rules R4).
    ///
    /// # Errors
    /// [`Refusal`]s and errors of keys of a rotation that cannot start (rule R4.9).
    pub async fn rotate(
        self: &Arc<Self>,
        caller: &Scope,
        reference: &SecretRef,
        version: &VersionId,
        asked_with: Option<String>,
    ) -> Result<Started, AppError> {
        let loaded = self.find(caller, reference).await?;
        let secret = &loaded.secret;
        secret.require_live()?;
        let managed = secret.require_managed()?;
        let started = Started { arn: secret.arn(), name: secret.name.clone() };
        if secret.version(version).is_some() {
            return Ok(started);
        }
        self.require_usable_key(&loaded).await?;
        if let Some(user) = managed.config.ram_user()
            && self.directory.keys_of(&secret.scope.account, user).await.is_none()
        {
            return Err(Refusal::RamUserNotFound.into());
        }
        let at = (secret.scope.clone(), secret.name.clone());
        let begin = Begin { version: version.clone(), trigger: Trigger::Call, lease: self.fresh_lease() };
        let Some(task) = self.entered(&at, &begin).await? else { return Ok(started) };
        match self.begin_rotation(&at, &begin).await {
            Ok(Begun::Started(_)) => {
                let version = version.clone();
                let claim = Claim { at, version, trigger: Trigger::Call, asked_with };
                let progress = self.spawn_claimed(task, claim);
                self.wait(progress).await;
                Ok(started)
            }
            other => {
                self.rotations.leave(&task, Ended::Nothing);
                other.map(|_nothing| started)
            }
        }
    }

    /// Enters a secret, before a rotation is claimed: the scheduler must not take it for one whose worker is gone. `None`
    /// when there is nothing to start. A rotation is only ever claimed by the task that has entered.
    async fn entered(&self, at: &At, begin: &Begin) -> Result<Option<Task>, AppError> {
        let deadline = self.clock.pause(CALL_MS);
        tokio::pin!(deadline);
        loop {
            let mut progress = match self.rotations.enter(at) {
                Entered::Mine(task) => return Ok(Some(task)),
                Entered::Other(progress) => progress,
            };
            let begun = self.would_begin(at, begin).await?;
            if matches!(begun, Begun::Ignored | Begun::NotDue) {
                return Ok(None);
            }
            let is_over = tokio::select! { _ = ended(&mut progress) => true, () = &mut deadline => false };
            match begun {
                Begun::Started(_) if is_over => {}
                // The other task waits for a slot, and rotates the secret when it has one.
                Begun::Started(_) => return Err(Refusal::BeingRotated.into()),
                Begun::Joined | Begun::Ignored | Begun::NotDue => return Ok(None),
            }
        }
    }

    /// Waits for the end of a task as long as a call does.
    async fn wait(&self, mut progress: Progress) {
        tokio::select! { _ = ended(&mut progress) => {}, () = self.clock.pause(CALL_MS) => {} }
    }

    /// Starts what is due for one secret, because a call made it so, and waits as a call does.
    pub async fn rotate_if_due(self: &Arc<Self>, scope: &Scope, name: &SecretName) {
        let progress = self.start_due(&(scope.clone(), name.clone()));
        self.wait(progress).await;
        self.rotations.wake();
    }

    /// Carries out everything that is due by the clock, and goes on with rotations whose process is gone. Waits for the end
    /// of all, but at most 30 seconds; those that take longer go on.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails.
    pub async fn rotate_due(self: &Arc<Self>) -> Result<RotationCounts, AppError> {
        let turn = self.rotations.turn.lock().await;
        self.rotate_due_in(turn).await
    }

    /// Moves the clock, does everything that it makes due, and says what became of rotations.
    ///
    /// # Errors
    /// As [`App::move_clock`].
    pub async fn move_clock_and_rotate<F>(self: &Arc<Self>, change: F) -> Result<RotationCounts, AppError>
    where
        F: Fn(ClockSetting) -> ClockSetting + Send + Sync,
    {
        // The scheduler wakes when the clock moves; what is due is started here, and counted.
        let turn = self.rotations.turn.lock().await;
        self.move_clock(change).await?;
        self.do_due().await?;
        self.rotate_due_in(turn).await
    }

    async fn rotate_due_in(
        self: &Arc<Self>,
        turn: tokio::sync::MutexGuard<'_, ()>,
    ) -> Result<RotationCounts, AppError> {
        let mut seen = BTreeSet::new();
        let mut tasks = Vec::new();
        // One rotation for each secret, however many dates it missed (rules R3.10, R8.1).
        loop {
            // The secrets that were seen are still due while they wait for a slot, so each query asks for more.
            let due =
                self.what_is_due(seen.len() + BATCH).await?.into_iter().filter(|at| seen.insert(at.clone()));
            let fresh: Vec<At> = due.collect();
            if fresh.is_empty() {
                break;
            }
            tasks.extend(fresh.iter().map(|at| self.start_due(at)));
        }
        drop(turn);
        Ok(self.count_ended(tasks).await)
    }

    /// Waits for tasks as long as a move of the clock does, and counts how they ended.
    async fn count_ended(&self, mut tasks: Vec<Progress>) -> RotationCounts {
        let mut counts = RotationCounts::default();
        let deadline = self.clock.pause(CLOCK_MS);
        tokio::pin!(deadline);
        while let Some(mut task) = tasks.pop() {
            tokio::select! {
                ended = ended(&mut task) => match ended {
                    Ended::Done => counts.done += 1,
                    Ended::Failed => counts.failed += 1,
                    Ended::Interrupted => counts.running += 1,
                    Ended::Dropped | Ended::Nothing => {}
                },
                () = &mut deadline => {
                    counts.running += tasks.len() + 1;
                    break;
                }
            }
        }
        counts
    }

    async fn what_is_due(&self, most: usize) -> Result<Vec<At>, AppError> {
        // Where this process owns its database, a rotation under way that it does not work at was left by one that is gone.
        let wall = if self.store.is_shared() { self.clock.wall() } else { Timestamp::from_millis(i64::MAX) };
        let due =
            RotationsDue { now: self.clock.now(), wall, limit: u32::try_from(most).unwrap_or(u32::MAX) };
        Ok(self.store.rotations_due(due).await?)
    }

    /// Starts a task for what is due for a secret, unless one works at it already.
    fn start_due(self: &Arc<Self>, at: &At) -> Progress {
        let task = match self.rotations.enter(at) {
            Entered::Mine(task) => task,
            Entered::Other(progress) => return progress,
        };
        let (app, progress) = (Arc::clone(self), task.done.subscribe());
        let work = async move {
            let ended = app.do_due_of(&task.at).await;
            app.leave(&task, ended).await;
        };
        drop(self.rotations.tasks.spawn(work));
        progress
    }

    /// Starts a task for a rotation that was claimed.
    fn spawn_claimed(self: &Arc<Self>, task: Task, claim: Claim) -> Progress {
        let (app, progress) = (Arc::clone(self), task.done.subscribe());
        let work = async move {
            let slot = Arc::clone(&app.rotations.slots).acquire_owned().await;
            // The slots are closed at the end of the process: whoever comes next goes on with the rotation.
            let ended = if slot.is_ok() { app.work(&claim).await } else { Ended::Interrupted };
            drop(slot);
            app.leave(&task, ended).await;
        };
        drop(self.rotations.tasks.spawn(work));
        progress
    }

    /// Ends a task. The scheduler looks for an interrupted rotation again when its lease is over.
    async fn leave(&self, task: &Task, ended: Ended) {
        self.rotations.leave(task, ended);
        if ended == Ended::Interrupted {
            tokio::select! {
                () = self.clock.pause(LEASE_MS.unsigned_abs()) => self.rotations.wake(),
                () = self.rotations.stop.cancelled() => {}
            }
        }
    }

    async fn do_due_of(&self, at: &At) -> Ended {
        let Ok(_slot) = Arc::clone(&self.rotations.slots).acquire_owned().await else {
            return Ended::Nothing;
        };
        match self.claim_due(at).await {
            Ok(Some(claim)) => self.work(&claim).await,
            // It was deleted or rotated before this task had a slot.
            Ok(None) | Err(AppError::Refused(_) | AppError::Busy) => Ended::Nothing,
            Err(error) => {
                tracing::error!(%error, secret = at.1.as_str(), "a rotation that is due could not start");
                Ended::Interrupted
            }
        }
    }

    /// Claims what is due: the rotation that a process left behind, or a new one; what is due in a window is done at once.
    async fn claim_due(&self, at: &At) -> Result<Option<Claim>, AppError> {
        let (lease, wall) = (self.fresh_lease(), self.clock.wall());
        let over = if self.store.is_shared() { wall } else { Timestamp::from_millis(i64::MAX) };
        let taken =
            self.change_managed(at, |managed| decide::take_over(managed, lease.clone(), over)).await?;
        if taken {
            let loaded = self.loaded(at).await?;
            let running = loaded.secret.managed.as_deref().and_then(|managed| managed.running.as_ref());
            return Ok(running.map(|running| Claim {
                at: at.clone(),
                version: running.version.clone(),
                trigger: running.trigger,
                asked_with: None,
            }));
        }
        while until_first!(self, self.step_window_once(at))? {}
        let version = self.fresh_version_id()?;
        let begin = Begin { version, trigger: Trigger::Schedule, lease };
        Ok(match self.begin_rotation(at, &begin).await? {
            Begun::Started(_) => {
                let (version, trigger) = (begin.version, Trigger::Schedule);
                Some(Claim { at: at.clone(), version, trigger, asked_with: None })
            }
            Begun::Ignored | Begun::Joined | Begun::NotDue => None,
        })
    }

    /// Does what is due in the window of an AccessKey; false when nothing is.
    async fn step_window_once(&self, at: &At) -> Result<bool, AppError> {
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let managed = loaded.secret.require_managed()?;
        let now = self.clock.now();
        let Some((next, ops, step)) = decide::window_step(&loaded.secret, managed, now) else {
            return Ok(false);
        };
        let account = &loaded.secret.scope.account;
        let user = next.config.ram_user().unwrap_or_default().to_owned();
        let (id, status) = match step {
            Step::Disable(id) => (id, AccessKeyStatus::Inactive),
            Step::Delete(id) => (id, AccessKeyStatus::Deleted),
        };
        let own_user = self.directory.is_own_user(account, &user).await;
        let account = account.clone();
        let key = AccessKeyRecord { id, account, user, status, created: now, own_user, sealed: None };
        let change = writes::manage(&loaded.secret, next, ops);
        let after = loaded.after(&change, None, None);
        let decided = Decided { access_keys: vec![key], ..Decided::plain(&loaded.secret, change) };
        self.commit(guard, decided, after).await?;
        Ok(true)
    }

    /// Rotates every managed secret whose name fits a pattern, in all accounts and regions or in one account. Waits as a
    /// move of the clock does.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails. Rotations that have started by then go on.
    pub async fn rotate_all(
        self: &Arc<Self>,
        fits: impl Fn(&Scope, &SecretName) -> bool + Send + Sync,
    ) -> Result<RotationCounts, AppError> {
        let (mut tasks, mut refused) = (Vec::new(), 0);
        let mut last: Option<At> = None;
        loop {
            let after = last.as_ref().map(|(scope, name)| (scope, name));
            let page = self.store.walk_secrets(after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for at in page.iter().filter(|(scope, name)| fits(scope, name)) {
                match self.rotate_one(at).await {
                    Ok(task) => tasks.push(task),
                    // Generic secrets do not rotate, and a deleted one is not there.
                    Err(AppError::Refused(Refusal::UnsupportedType | Refusal::SecretNotFound)) => {}
                    Err(AppError::Refused(_) | AppError::Busy) => refused += 1,
                    Err(error) => return Err(error),
                }
            }
            last = page.into_iter().next_back();
        }
        Ok(RotationCounts { refused, ..self.count_ended(tasks).await })
    }

    /// Starts a rotation of a secret by hand.
    async fn rotate_one(self: &Arc<Self>, at: &At) -> Result<Progress, AppError> {
        let version = self.fresh_version_id()?;
        let begin = Begin { version: version.clone(), trigger: Trigger::Call, lease: self.fresh_lease() };
        let Entered::Mine(task) = self.rotations.enter(at) else { return Err(Refusal::BeingRotated.into()) };
        match self.begin_rotation(at, &begin).await {
            Ok(Begun::Started(_)) => {
                let (at, trigger) = (at.clone(), Trigger::Call);
                Ok(self.spawn_claimed(task, Claim { at, version, trigger, asked_with: None }))
            }
            other => {
                self.rotations.leave(&task, Ended::Nothing);
                // The version is fresh, so nothing but a refusal keeps it from starting.
                Err(other.err().unwrap_or_else(|| Refusal::BeingRotated.into()))
            }
        }
    }

    /// When the clock next makes something happen to a managed secret.
    pub(in crate::app) async fn next_rotation(&self) -> Result<Option<Timestamp>, AppError> {
        Ok(self.store.next_rotation().await?)
    }

    /// Returns when something may have fallen due before the next date that was known.
    pub async fn woken(&self) {
        self.rotations.woken().await;
    }

    /// The last rotations and events.
    pub fn event_log(&self) -> &EventLog {
        &self.rotations.events
    }

    /// Checks a rotator without changing anything, and says what it found; `None` when no rotator has this name.
    pub async fn check_rotator(&self, name: &str) -> Option<Result<String, Failure>> {
        Some(target(self, self.rotators().named(name)?).check().await)
    }

    /// The rotators, without credentials.
    pub fn rotators(&self) -> &crate::domain::rotation::rotators::Rotators {
        &self.rotations.settings.rotators
    }
}

/// How a task ended.
async fn ended(progress: &mut Progress) -> Ended {
    // It fails when the task died.
    let ended = progress.wait_for(Option::is_some).await;
    ended.ok().and_then(|ended| *ended).unwrap_or(Ended::Nothing)
}
