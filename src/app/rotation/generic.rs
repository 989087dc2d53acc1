//! Generic secrets that a rotator rotates, as their user's own timer would on the cloud (rules DY14.1, DY14.2). A secret gets a plan
//! when it is created, and those of before when the process starts or its data are replaced.

use std::sync::atomic::Ordering;

use super::tasks::At;
use crate::app::App;
use crate::app::error::AppError;
use crate::app::loaded::Loaded;
use crate::app::retry::until_first;
use crate::domain::rotation::rotators::{Described, Rotator};
use crate::domain::rotation::{ExtendedConfig, Managed, Plan};
use crate::domain::{Refusal, Secret, SecretName, SecretType, StageLabel, Timestamp};

impl App {
    /// Whether RotateSecret and UpdateSecretRotationPolicy work on Generic secrets that have a rotator (rule DY14.2).
    pub fn generic_rotates_by_call(&self) -> bool {
        self.rotations.settings.generic_by_call
    }

    /// What is managed of a secret for a call: Generic secrets have it when calls may rotate them, and a rotator does.
    ///
    /// # Errors
    /// [`Refusal::UnsupportedType`].
    pub fn managed_for_call(&self, secret: &Secret) -> Result<Managed, Refusal> {
        if secret.secret_type == SecretType::Generic && !self.generic_rotates_by_call() {
            return Err(Refusal::UnsupportedType);
        }
        self.managed_of(secret)
    }

    /// What is managed of a secret. A Generic secret with a rotator has it from its first rotation on.
    pub(super) fn managed_of(&self, secret: &Secret) -> Result<Managed, Refusal> {
        if let Some(managed) = secret.managed.as_deref() {
            return Ok(managed.clone());
        }
        let rotator =
            self.generic_rotator(&secret.name).filter(|_| secret.secret_type == SecretType::Generic);
        let rotator = rotator.ok_or(Refusal::UnsupportedType)?;
        let current = secret.stages.version_of(StageLabel::CURRENT).and_then(|id| secret.version(id));
        let last_rotation = current.map(|version| version.created);
        Ok(Managed { last_rotation, ..fresh(rotator, secret.created) })
    }

    /// What a new Generic secret is created with, when a rotator rotates it by itself.
    pub(in crate::app) fn managed_of_new(&self, name: &SecretName, now: Timestamp) -> Option<Managed> {
        let rotator = self.generic_rotator(name).filter(|rotator| rotator.interval.is_some())?;
        Some(fresh(rotator, now))
    }

    fn generic_rotator(&self, name: &SecretName) -> Option<&Rotator> {
        let config = ExtendedConfig::generic();
        let described = Described { name, secret_type: SecretType::Generic, config: &config };
        self.rotations.settings.rotators.of(&described)
    }

    /// Gives a plan to Generic secrets that a rotator with an interval rotates, after a start and after the data were replaced.
    pub(super) async fn adopt_generic(&self) -> Result<(), AppError> {
        let has_interval = self.rotators().any_interval();
        if !self.rotations.adopts.swap(false, Ordering::AcqRel) || !has_interval {
            return Ok(());
        }
        let outcome = self.adopt_all().await;
        if outcome.is_err() {
            self.rotations.adopts.store(true, Ordering::Release);
        }
        outcome
    }

    async fn adopt_all(&self) -> Result<(), AppError> {
        let mut last: Option<At> = None;
        loop {
            let after = last.as_ref().map(|(scope, name)| (scope, name));
            let page = self.store.walk_secrets(after, self.rotations.settings.page).await?;
            let has_timer =
                |at: &&At| self.generic_rotator(&at.1).is_some_and(|rotator| rotator.interval.is_some());
            for at in page.iter().filter(has_timer) {
                match until_first!(self, self.reconcile_once(at)) {
                    Ok(_) | Err(AppError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            last = match page.into_iter().next_back() {
                Some(at) => Some(at),
                None => return Ok(()),
            };
        }
    }

    /// Gives a Generic secret the plan that its rotator has now. Plans that calls may set stay as they are. True when the plan
    /// changed.
    pub(super) async fn reconcile_once(&self, at: &At) -> Result<bool, AppError> {
        let guard = self.locks.hold(&at.0, &at.1).await;
        let (guard, loaded) = self.load_live(guard, &at.0, &at.1).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let Some(next) = self.reconciled(&loaded) else { return Ok(false) };
        self.commit_managed(guard, &loaded, next).await?;
        Ok(true)
    }

    fn reconciled(&self, loaded: &Loaded) -> Option<Managed> {
        let secret = &loaded.secret;
        if secret.secret_type != SecretType::Generic {
            return None;
        }
        let rotator = self.generic_rotator(&secret.name);
        match (secret.managed.as_deref(), rotator) {
            (None, Some(rotator)) if rotator.interval.is_some() => self.managed_of(secret).ok(),
            (Some(managed), rotator) if managed.running.is_none() => {
                let keeps = self.generic_rotates_by_call() && rotator.is_some();
                let plan = plan(rotator);
                (!keeps && managed.plan != plan).then(|| Managed { plan, ..managed.clone() })
            }
            _ => None,
        }
    }
}

fn plan(rotator: Option<&Rotator>) -> Plan {
    rotator.and_then(|rotator| rotator.interval).map_or(Plan::Disabled, Plan::Enabled)
}

fn fresh(rotator: &Rotator, created: Timestamp) -> Managed {
    Managed::new(ExtendedConfig::generic(), plan(Some(rotator)), created)
}
