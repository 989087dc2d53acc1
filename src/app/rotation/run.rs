//! One rotation: claimed, made, applied, finished; or failed, and then nothing changed but the plan.

use std::sync::Arc;

use super::claim::{Claim, Stop};
use super::dispatch::target;
use super::job::{Effects, Job};
use super::steps::{self, PENDING};
use super::tasks::{At, Ended, LEASE_MS};
use crate::app::App;
use crate::app::error::AppError;
use crate::app::loaded::Loaded;
use crate::app::retry::until_first;
use crate::app::secrets::Decided;
use crate::app::vault;
use crate::domain::faults::{Call, Effect};
use crate::domain::rotation::decide::{self, Begin, Begun, Dropped, Finish};
use crate::domain::rotation::event::Happened;
use crate::domain::rotation::rotators::{Described, Rotator};
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure, Lease, Managed, SubType};
use crate::domain::{DataType, Refusal, StageLabel, writes};
use crate::store::SealedValue;

/// The longest that making and applying a value may take, in milliseconds of the machine's time.
const TIMEOUT_MS: u64 = 30_000;

impl App {
    pub(super) fn fresh_lease(&self) -> Lease {
        Lease { owner: self.rotations.owner.clone(), until: self.clock.wall().plus_millis(LEASE_MS) }
    }

    /// Starts a rotation, if nothing is against it.
    pub(super) async fn begin_rotation(&self, at: &At, begin: &Begin) -> Result<Begun, AppError> {
        until_first!(self, self.begin_once(at, begin))
    }

    /// What would become of a rotation that started now. Changes nothing.
    pub(super) async fn decide_begin(&self, at: &At, begin: &Begin) -> Result<Begun, AppError> {
        let loaded = self.loaded(at).await?;
        let managed = self.managed_of(&loaded.secret)?;
        Ok(decide::begin(&loaded.secret, &managed, begin.clone(), self.clock.now())?)
    }

    async fn begin_once(&self, at: &At, begin: &Begin) -> Result<Begun, AppError> {
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        loaded.secret.require_live()?;
        let managed = self.managed_of(&loaded.secret)?;
        let begun = decide::begin(&loaded.secret, &managed, begin.clone(), self.clock.now())?;
        if let Begun::Started(next) = &begun {
            self.commit_managed(guard, &loaded, next.as_ref().clone()).await?;
        }
        Ok(begun)
    }

    /// Commits another state of what is managed of a secret, and nothing else.
    pub(super) async fn commit_managed(
        &self,
        guard: crate::app::secrets::SecretGuard,
        loaded: &Loaded,
        next: Managed,
    ) -> Result<Option<Arc<Loaded>>, AppError> {
        let change = writes::manage(&loaded.secret, next, Vec::new());
        let after = loaded.after(&change, None, None);
        Ok(self.commit(guard, Decided::plain(&loaded.secret, change), after).await?.1)
    }

    /// Changes what is managed of a secret as `decide` says; `None` changes nothing.
    pub(super) async fn change_managed<F>(&self, at: &At, decide: F) -> Result<bool, AppError>
    where
        F: Fn(&Managed) -> Option<Managed> + Send + Sync,
    {
        until_first!(self, self.change_managed_once(at, &decide))
    }

    async fn change_managed_once<F>(&self, at: &At, decide: &F) -> Result<bool, AppError>
    where
        F: Fn(&Managed) -> Option<Managed> + Send + Sync,
    {
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let Some(next) = decide(loaded.secret.require_managed()?) else { return Ok(false) };
        self.commit_managed(guard, &loaded, next).await?;
        Ok(true)
    }

    /// Carries out a rotation that this process has claimed, to its end.
    pub(super) async fn work(&self, claim: &Claim) -> Ended {
        let loaded = match self.loaded(&claim.at).await.map_err(Stop::from) {
            Ok(loaded) => loaded,
            Err(stop) => return stop.without_failure(),
        };
        let rotator = self.rotator_of(&loaded);
        let is_stepwise = rotator.is_some_and(|rotator| steps::of(rotator).is_some());
        let rotator = rotator.map_or_else(String::new, |rotator| rotator.name.clone());
        let log = &self.rotations.events;
        let now = self.clock.now();
        let number = log.started(&loaded.secret, &claim.version, claim.trigger, &rotator, now);
        let (attempts, outcome) = self.attempts(claim).await;
        let ended = match outcome {
            Ok(()) => Ended::Done,
            Err(Stop::Dropped) => Ended::Dropped,
            Err(Stop::Interrupted) => Ended::Interrupted,
            Err(Stop::Failed(failure)) => self.give_up(claim, number, failure, is_stepwise).await,
        };
        let result = match ended {
            Ended::Done => {
                self.tell(&claim.at, &Happened::Rotated).await;
                "done"
            }
            Ended::Failed => "failed",
            Ended::Interrupted => "interrupted",
            Ended::Dropped | Ended::Nothing => "dropped",
        };
        self.rotations.events.ended(number, attempts, result, self.clock.now());
        ended
    }

    async fn attempts(&self, claim: &Claim) -> (u32, Result<(), Stop>) {
        let mut pauses = self.rotations.settings.pauses_ms.iter();
        let mut attempts = 1;
        loop {
            let outcome = self.attempt(claim).await;
            let Err(Stop::Failed(failure)) = outcome else { return (attempts, outcome) };
            let pause = pauses.next().filter(|_| failure.cause.may_pass());
            let Some(pause) = pause else { return (attempts, Err(Stop::Failed(failure))) };
            tracing::warn!(secret = claim.at.1.as_str(), %failure, attempts, "an attempt at a rotation failed");
            if let Err(stop) = self.rest(*pause).await {
                return (attempts, Err(stop));
            }
            let renewed = self
                .change_managed(&claim.at, |managed| {
                    decide::next_attempt(managed, &claim.version, self.fresh_lease())
                })
                .await;
            match renewed {
                Ok(true) => attempts += 1,
                Ok(false) => return (attempts, Err(Stop::Dropped)),
                Err(error) => return (attempts, Err(error.into())),
            }
        }
    }

    /// Writes a failure down. It is dropped when the rotation is not ours any more.
    async fn give_up(&self, claim: &Claim, number: u64, failure: Failure, is_stepwise: bool) -> Ended {
        let owner = &self.rotations.owner;
        let written = self
            .change_managed(&claim.at, |m| {
                if m.config.sub_type() == SubType::Value && !self.generic_rotates_by_call() {
                    return decide::miss(m, &claim.version, owner, self.clock.now());
                }
                decide::fail(m, &claim.version, owner)
            })
            .await;
        match written {
            Ok(true) => {}
            Ok(false) => return Ended::Dropped,
            Err(error) => {
                return Stop::from(error).without_failure();
            }
        }
        if is_stepwise && let Err(error) = self.drop_pending(claim).await {
            tracing::warn!(secret = claim.at.1.as_str(), %error, "the label {PENDING} could not be taken off");
        }
        tracing::warn!(secret = claim.at.1.as_str(), %failure, "a rotation failed");
        self.rotations.events.failed(number, &failure);
        self.tell(&claim.at, &Happened::RotationFailed(failure)).await;
        Ended::Failed
    }

    /// Adds an event about a secret that is there.
    async fn tell(&self, at: &At, happened: &Happened) {
        if let Ok(loaded) = self.loaded(at).await {
            let managed = loaded.secret.managed.as_deref();
            let id = self.entropy.uuid().to_string();
            self.rotations.events.add(&loaded.secret, managed, happened, &id, self.clock.now());
        }
    }

    pub(super) async fn loaded(&self, at: &At) -> Result<Arc<Loaded>, AppError> {
        let _guard = self.locks.hold(&at.0, &at.1).await;
        Ok(self.load(&at.0, &at.1).await?.ok_or(Refusal::SecretNotFound)?)
    }

    /// The rotator of a secret; `None` for Generic.
    pub(super) fn rotator_of(&self, loaded: &Loaded) -> Option<&Rotator> {
        let secret = &loaded.secret;
        let config = &secret.managed.as_deref()?.config;
        let described = Described { name: &secret.name, secret_type: secret.secret_type, config };
        self.rotations.settings.rotators.of(&described)
    }

    async fn attempt(&self, claim: &Claim) -> Result<(), Stop> {
        let loaded = self.loaded(&claim.at).await?;
        let managed = loaded.secret.require_managed().map_err(AppError::from)?;
        let owner = &self.rotations.owner;
        let running = managed.worked_at(&claim.version, owner).ok_or(Stop::Dropped)?;
        let rotator = self.rotator_of(&loaded);
        let rotator = rotator.ok_or_else(|| Failure::new(Cause::Unsuitable, "no rotator fits the secret"))?;
        let current = self.text_of(&loaded, StageLabel::CURRENT).await?;
        let current = current.ok_or(Stop::Dropped)?;
        let previous = self.text_of(&loaded, StageLabel::PREVIOUS).await?;
        let job = Job {
            secret: &loaded.secret,
            managed,
            current: &current,
            previous: previous.as_ref(),
            running,
            asked_with: claim.asked_with.as_deref(),
        };
        if let Some(webhook) = steps::of(rotator) {
            return self.step_through(claim, webhook, &job).await;
        }
        let target = target(self, rotator);
        let work = async {
            let (value, sealed) = if running.has_candidate {
                let opened = self.vault.open_candidate(&loaded).await.map_err(Stop::from)?;
                let sealed = loaded.candidate().cloned().ok_or(Stop::Dropped)?;
                (text(opened.to_vec())?, sealed)
            } else {
                let value = target.make(&job).await?;
                let sealed = self.keep_candidate(claim, &value).await?;
                (value, sealed)
            };
            self.inject_fault(claim).await?;
            let effects = target.apply(&job, &value).await?;
            Ok::<_, Stop>((sealed, effects))
        };
        let (sealed, effects) = tokio::select! {
            done = work => done?,
            () = self.clock.pause(TIMEOUT_MS) => {
                let why = format!("the rotator {} took longer than 30 seconds", rotator.name);
                return Err(Failure::new(Cause::RotatorTimeout, why).into());
            }
        };
        self.finish(claim, &sealed, &effects).await
    }

    /// Waits, unless the process ends: the rotation stays as it is then, and goes on at the next start.
    async fn rest(&self, ms: u64) -> Result<(), Stop> {
        tokio::select! {
            () = self.clock.pause(ms) => Ok(()),
            () = self.rotations.stop.cancelled() => Err(Stop::Interrupted),
        }
    }

    /// Injects the fault of a rule, where a real target would fail: after the candidate is stored (rule DY10.5).
    pub(super) async fn inject_fault(&self, claim: &Claim) -> Result<(), Stop> {
        let secrets = [claim.at.1.to_string()];
        let Some(fault) =
            self.faults.inject(&Call::of_rotator(&claim.at.0.account, &secrets), &*self.entropy)
        else {
            return Ok(());
        };
        if let Some(delay_ms) = fault.delay_ms {
            self.rest(delay_ms).await?;
        }
        let rule = fault.rule;
        let message = format!("rule {rule} of faults made it fail");
        match fault.effect {
            Effect::Error { code, .. } => {
                Err(Failure::new(Cause::of_code(&code).unwrap_or(Cause::RotatorFailed), message).into())
            }
            // A rule with `drop` is about the call.
            Effect::Drop { .. } | Effect::None {} => Ok(()),
        }
    }

    /// The value with a label; `None` when no version has it.
    async fn text_of(&self, loaded: &Loaded, label: &str) -> Result<Option<Hidden>, Stop> {
        let secret = &loaded.secret;
        let Some(version) = secret.stages.version_of(label).and_then(|id| secret.version(id)) else {
            return Ok(None);
        };
        if version.data_type != DataType::Text {
            let why = "the current value is binary, and rotators work with text";
            return Err(Failure::new(Cause::RotatorFailed, why).into());
        }
        let value = self.value(loaded, version).await?;
        text(value.to_vec()).map(Some).map_err(Stop::from)
    }

    /// Seals a new value and stores it, before anything outside is changed.
    async fn keep_candidate(&self, claim: &Claim, value: &Hidden) -> Result<SealedValue, Stop> {
        let kept: Result<Option<SealedValue>, AppError> =
            until_first!(self, self.keep_candidate_once(claim, value));
        kept?.ok_or(Stop::Dropped)
    }

    async fn keep_candidate_once(
        &self,
        claim: &Claim,
        value: &Hidden,
    ) -> Result<Option<SealedValue>, AppError> {
        let at = &claim.at;
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let managed = loaded.secret.require_managed()?;
        let Some(next) = decide::with_candidate(managed, &claim.version, &self.rotations.owner) else {
            return Ok(None);
        };
        let target = vault::target(&loaded.secret, &claim.version, DataType::Text);
        let bytes = value.reveal().as_bytes();
        let sealed = self.vault.seal(target, bytes, Some(&loaded), self.clock.now()).await?;
        let change = writes::manage(&loaded.secret, next, Vec::new());
        let fresh = sealed.fresh.as_ref().map(|fresh| fresh.key.clone());
        let after = loaded.after(&change, Some(sealed.value.clone()), fresh);
        let plain = Decided::plain(&loaded.secret, change);
        let decided = Decided { values: vec![sealed.value.clone()], key: sealed.fresh, ..plain };
        self.commit(guard, decided, after).await?;
        Ok(Some(sealed.value))
    }

    /// Makes the candidate the current version: one change.
    async fn finish(&self, claim: &Claim, sealed: &SealedValue, effects: &Effects) -> Result<(), Stop> {
        let finished: Result<Result<(), Dropped>, AppError> =
            until_first!(self, self.finish_once(claim, sealed, effects));
        match finished? {
            Ok(()) => Ok(()),
            Err(Dropped::Lost) => Err(Stop::Dropped),
            Err(Dropped::Full) => {
                let why = "the secret has no room for a version: take a label off a version";
                Err(Failure::new(Cause::RotatorFailed, why).into())
            }
            Err(Dropped::Conflict) => {
                let why = "another version became ACSCurrent during the rotation; that version stays current";
                Err(Failure::new(Cause::Conflict, why).into())
            }
        }
    }

    async fn finish_once(
        &self,
        claim: &Claim,
        sealed: &SealedValue,
        effects: &Effects,
    ) -> Result<Result<(), Dropped>, AppError> {
        let at = &claim.at;
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let managed = loaded.secret.require_managed()?;
        let done =
            Finish { version: &claim.version, owner: &self.rotations.owner, window: effects.window.clone() };
        let now = self.clock.now();
        let (next, ops) = match decide::finish(&loaded.secret, managed, done, &self.limits, now) {
            Ok(decided) => decided,
            Err(dropped) => return Ok(Err(dropped)),
        };
        let change = writes::manage(&loaded.secret, next, ops);
        let after = loaded.after(&change, Some(sealed.clone()), None);
        let plain = Decided::plain(&loaded.secret, change);
        let access_keys = effects.access_keys.clone();
        let decided = Decided { values: vec![sealed.clone()], access_keys, ..plain };
        self.commit(guard, decided, after).await?;
        Ok(Ok(()))
    }
}

fn text(bytes: Vec<u8>) -> Result<Hidden, Failure> {
    let text = String::from_utf8(bytes);
    text.map(Hidden::new).map_err(|_invalid| Failure::new(Cause::Unsuitable, "the stored value is not text"))
}
