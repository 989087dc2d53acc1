//! Maintenance: what is due by the clock, reset, and check.

use super::App;
use super::error::AppError;
use super::progress::Progress;
use super::retry::unless_busy;
use crate::domain::{ClockSetting, Scope, SecretName, SecretType, StageLabel, Timestamp};

/// The number of secrets that are read at once.
const BATCH: u32 = 100;

/// How often to look for work that other processes have made due, in milliseconds.
const LOOK_MS: i64 = 60 * 1000;

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where: the ARN of a secret, or the database.
    pub place: String,
    /// What is wrong.
    pub finding: String,
}

impl App {
    /// Does everything that is due: removes secrets whose recovery window has ended, deletes and rotates keys, lets
    /// imported material expire. Returns the number of removed secrets.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database fails; what was done before stays done.
    pub async fn do_due(&self) -> Result<u64, AppError> {
        self.catch_up().await?;
        self.keys.do_all_due().await?;
        let purged = self.purge_due().await?;
        self.nonces.sweep(&*self.clock).await?;
        Ok(purged)
    }

    /// When something is due next.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, AppError> {
        // Other processes may move the clock or schedule something, so look at least every minute.
        let look = self.store.is_shared().then(|| self.clock.now().plus_millis(LOOK_MS));
        let times = [
            self.store.next_purge().await?,
            self.store.next_key_due().await?,
            self.next_rotation().await?,
            look,
            self.nonces.next_due(&*self.clock),
        ];
        Ok(times.into_iter().flatten().min())
    }

    /// Removes every secret whose recovery window has ended, and returns their number (rule 6.5).
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database fails; what was removed before stays removed.
    pub async fn purge_due(&self) -> Result<u64, AppError> {
        let mut purged = 0;
        loop {
            let due = self.store.due_for_purge(self.clock.now(), BATCH).await?;
            let mut progress = false;
            for (scope, name) in due {
                if unless_busy(self.purge_if_due(&scope, &name).await)? {
                    purged += 1;
                    progress = true;
                }
            }
            if !progress {
                return Ok(purged);
            }
        }
    }

    /// Removes every secret, key and stored account, resets the clock, and returns to the rules of faults of the
    /// configuration file. Used nonces stay remembered. Concurrent requests may still answer from what they read
    /// before.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database fails.
    pub async fn reset(&self) -> Result<(), AppError> {
        // With all locks held, no write is between reading and committing, and none can put an outdated entry into the
        // cache.
        let _guards = self.locks.hold_all().await;
        let _keys = self.keys.lock().await;
        let outcome = self.store.reset().await;
        self.cache.clear();
        self.keys.clear();
        self.quotas.clear().await;
        self.rotations.events.clear();
        outcome?;
        self.directory.reload().await?;
        self.clock.adopt(ClockSetting::default());
        if !self.store.is_shared() {
            self.forget_faults();
        }
        self.catch_up().await
    }

    /// Opens every value and checks every invariant. Reports progress for each secret.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database cannot be read at all.
    pub async fn check(&self, progress: &dyn Progress) -> Result<(usize, Vec<Damage>), AppError> {
        self.catch_up().await?;
        let mut damages: Vec<Damage> = Vec::new();
        let database = |finding| Damage { place: "database".to_owned(), finding };
        damages.extend(self.store.integrity().await?.into_iter().map(database));
        damages.extend(self.check_keys().await?);
        let mut checked: usize = 0;
        let mut last: Option<(Scope, SecretName)> = None;
        loop {
            let after = last.as_ref().map(|(scope, name)| (scope, name));
            let secrets = self.store.walk_secrets(after, BATCH).await?;
            if secrets.is_empty() {
                return Ok((checked, damages));
            }
            for (scope, name) in &secrets {
                checked += 1;
                progress.at(checked, None);
                let found = self.check_one(scope, name).await;
                damages.extend(
                    found.into_iter().map(|finding| Damage { place: scope.secret_arn(name), finding }),
                );
            }
            last = secrets.into_iter().next_back();
        }
    }

    /// Checks that the material of every key opens.
    async fn check_keys(&self) -> Result<Vec<Damage>, AppError> {
        let mut damages = Vec::new();
        for scope in self.store.scopes_with_keys().await? {
            for held in self.keys.of(&scope).await?.newest_first() {
                if held.key().has_material
                    && let Err(error) = self.keys.open(&held)
                {
                    damages.push(Damage { place: held.key().arn(), finding: error.to_string() });
                }
            }
        }
        Ok(damages)
    }

    async fn check_one(&self, scope: &Scope, name: &SecretName) -> Vec<String> {
        let loaded = match self.load(scope, name).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return vec!["vanished during the check".to_owned()],
            Err(error) => return vec![error.to_string()],
        };
        let mut findings = Vec::new();
        let secret = &loaded.secret;
        if secret.stages.version_of(StageLabel::CURRENT).is_none() {
            findings.push("no version is ACSCurrent (rule 3.40)".to_owned());
        }
        for (label, version) in secret.stages.iter() {
            if secret.version(version).is_none() {
                findings.push(format!("label {label} is on a version that does not exist"));
            }
        }
        match secret.managed.as_deref() {
            None if secret.secret_type != SecretType::Generic => {
                findings.push("what is managed of it is missing".to_owned());
            }
            Some(managed) if managed.running.as_ref().is_some_and(|running| running.has_candidate) => {
                if let Err(error) = self.vault.open_candidate(&loaded).await {
                    findings.push(error.to_string());
                }
            }
            _ => {}
        }
        if let Err(error) = self.vault.check(&loaded).await {
            findings.push(error.to_string());
        }
        findings
    }
}
