//! What starts rotations: calls, dates, and processes that are gone.

use std::sync::Arc;

use serde::Serialize;

use super::claim::Claim;
use super::dispatch::target;
use super::log::EventLog;
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
/// How long an interrupted rotation rests where no other process can continue it, in milliseconds of the machine's time.
const CONTINUE_MS: u64 = 10_000;

/// What became of the rotations that were due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RotationCounts {
    /// The new version is there.
    pub done: usize,
    /// The plan is Invalid, unless it was Disabled.
    pub failed: usize,
    /// They go on.
    pub running: usize,
}

/// A secret that an administrator wanted to rotate and that cannot rotate now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRotation {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The secret's name.
    pub secret: String,
    /// Why it cannot rotate.
    pub message: String,
}

impl RefusedRotation {
    fn new((scope, name): &At, refusal: &Refusal) -> Self {
        let (account, region) = (scope.account.to_string(), scope.region.to_string());
        Self { account, region, secret: name.to_string(), message: refusal.to_string() }
    }
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
        let managed = self.managed_for_call(secret)?;
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
        if let Some(progress) = self.start_by_call(&at, begin, asked_with).await? {
            self.wait(progress).await;
        }
        Ok(started)
    }

    /// Starts a rotation that a call asks for, or joins the one to the same version. `None` when there is nothing to wait
    /// for.
    async fn start_by_call(
        self: &Arc<Self>,
        at: &At,
        begin: Begin,
        asked_with: Option<String>,
    ) -> Result<Option<Progress>, AppError> {
        loop {
            // Entered before it is claimed, so that the scheduler does not take it for one whose worker is gone.
            let task = match self.rotations.enter(at) {
                Entered::Mine(task) => task,
                Entered::Other(progress) => match self.decide_begin(at, &begin).await? {
                    Begun::Joined => return Ok(Some(progress)),
                    Begun::Ignored | Begun::NotDue => return Ok(None),
                    // The other task has not claimed anything. It may be about to, or about to leave.
                    Begun::Started(_) if self.wait(progress).await => continue,
                    Begun::Started(_) => return Err(Refusal::BeingRotated.into()),
                },
            };
            let trigger = begin.trigger;
            return match self.begin_rotation(at, &begin).await {
                Ok(Begun::Started(_)) => {
                    let claim = Claim { at: at.clone(), version: begin.version, trigger, asked_with };
                    Ok(Some(self.spawn_claimed(task, claim)))
                }
                other => {
                    self.rotations.leave(&task, Ended::Nothing);
                    other.map(|_nothing| None)
                }
            };
        }
    }

    /// Waits for the end of a task as long as a call does. False when it has not ended.
    async fn wait(&self, mut progress: Progress) -> bool {
        tokio::select! { _ = ended(&mut progress) => true, () = self.clock.pause(CALL_MS) => false }
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
        self.adopt_generic().await?;
        let mut tasks = Vec::new();
        let mut last: Option<At> = None;
        // One rotation for each secret, however many dates it missed (rules R3.10, R8.1).
        loop {
            let page = self.due_after(last.as_ref()).await?;
            tasks.extend(page.iter().map(|at| self.start_due(at)));
            last = match page.into_iter().next_back() {
                Some(at) => Some(at),
                None => break,
            };
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

    /// A page of the secrets that a rotation is due for.
    async fn due_after(&self, last: Option<&At>) -> Result<Vec<At>, AppError> {
        // Where this process owns its database, a rotation under way that it does not work at was left by one that is gone.
        let wall = if self.store.is_shared() { self.clock.wall() } else { Timestamp::from_millis(i64::MAX) };
        let after = last.map(|(scope, name)| (scope, name));
        let due = RotationsDue { now: self.clock.now(), wall, limit: self.rotations.settings.page };
        Ok(self.store.rotations_due(due, after).await?)
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
            // The slots are closed at the end of the process. The next process continues the rotation.
            let ended = if slot.is_ok() { app.work(&claim).await } else { Ended::Interrupted };
            drop(slot);
            app.leave(&task, ended).await;
        };
        drop(self.rotations.tasks.spawn(work));
        progress
    }

    /// Ends a task. Has the scheduler continue a rotation that was interrupted, as soon as it may be taken over.
    async fn leave(&self, task: &Task, ended: Ended) {
        self.rotations.leave(task, ended);
        if ended == Ended::Interrupted {
            let pause = if self.store.is_shared() { LEASE_MS.unsigned_abs() } else { CONTINUE_MS };
            tokio::select! {
                () = self.clock.pause(pause) => self.rotations.wake(),
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
            // Deleted or rotated meanwhile.
            Ok(None) | Err(AppError::Refused(_) | AppError::Busy) => Ended::Nothing,
            Err(error) => {
                tracing::error!(%error, secret = at.1.as_str(), "a rotation that is due could not start");
                Ended::Nothing
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
        if until_first!(self, self.reconcile_once(at))? {
            self.rotations.wake();
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
    /// move of the clock does, and lists the secrets whose rotation was refused.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails.
    pub async fn rotate_all(
        self: &Arc<Self>,
        fits: impl Fn(&Scope, &SecretName) -> bool + Send + Sync,
    ) -> Result<(RotationCounts, Vec<RefusedRotation>), AppError> {
        let (mut tasks, mut refused) = (Vec::new(), Vec::new());
        let mut last: Option<At> = None;
        loop {
            let after = last.as_ref().map(|(scope, name)| (scope, name));
            let page = self.store.walk_secrets(after, self.rotations.settings.page).await?;
            if page.is_empty() {
                break;
            }
            for at in page.iter().filter(|(scope, name)| fits(scope, name)) {
                let (version, lease) = (self.fresh_version_id()?, self.fresh_lease());
                let begin = Begin { version, trigger: Trigger::Call, lease };
                match self.start_by_call(at, begin, None).await {
                    Ok(progress) => tasks.extend(progress),
                    // Generic, or deleted since the page was read.
                    Err(AppError::Refused(Refusal::UnsupportedType | Refusal::SecretNotFound)) => {}
                    Err(AppError::Refused(refusal)) => refused.push(RefusedRotation::new(at, &refusal)),
                    Err(error) => return Err(error),
                }
            }
            last = page.into_iter().next_back();
        }
        Ok((self.count_ended(tasks).await, refused))
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

    /// Tries a rotator without changing anything, and says what it found; `None` when there is none of this name.
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
