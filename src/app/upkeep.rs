//! What happens without a caller: purging what is due, resetting, checking everything.

use super::App;
use super::error::AppError;
use super::progress::Progress;
use super::retry::unless_busy;
use crate::domain::{ClockSetting, Scope, SecretName, StageLabel, Timestamp};

/// How many secrets are looked at in one go.
const BATCH: u32 = 100;

/// How often work that others may have made due is looked for, in milliseconds.
const LOOK_MS: i64 = 60 * 1000;

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where: the ARN of a secret, or the database.
    pub place: String,
    /// What.
    pub finding: String,
}

impl App {
    /// Does everything that the clock has brought due: removes secrets whose recovery window is over, deletes and rotates
    /// keys, lets imported material expire. Says how many secrets were removed.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails; what was done until then stays done.
    pub async fn do_due(&self) -> Result<u64, AppError> {
        self.catch_up().await?;
        self.keys.do_all_due().await?;
        let purged = self.purge_due().await?;
        self.nonces.sweep(&*self.clock).await?;
        Ok(purged)
    }

    /// When something falls due next.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, AppError> {
        // Where others may move the clock, or schedule something, it is looked at every minute.
        let look = self.store.is_shared().then(|| self.clock.now().plus_millis(LOOK_MS));
        let times = [
            self.store.next_purge().await?,
            self.store.next_key_due().await?,
            look,
            self.nonces.next_due(&*self.clock),
        ];
        Ok(times.into_iter().flatten().min())
    }

    /// Removes every secret whose recovery window is over and says how many were (rule 6.5).
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails; what was removed until then stays removed.
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

    /// Removes every secret, key and kept account, sets the clock back, and puts the configuration file's faults into
    /// force. Nonces stay known. Requests under way may still answer from what they had read.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database fails.
    pub async fn reset(&self) -> Result<(), AppError> {
        // All locks: no write is between reading and committing, and none puts an old entry into the cache.
        let _guards = self.locks.hold_all().await;
        let _keys = self.keys.lock().await;
        let outcome = self.store.reset().await;
        self.cache.clear();
        self.keys.clear();
        self.rooms.clear().await;
        outcome?;
        self.directory.reload().await?;
        self.clock.adopt(ClockSetting::default());
        if !self.store.is_shared() {
            self.put_faults(None).await?;
        }
        self.catch_up().await
    }

    /// Opens every value and verifies every invariant. Tells of each secret.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database cannot be read at all.
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
                findings.push(format!("label {label} sits on a version that is not there"));
            }
        }
        if let Err(error) = self.vault.check(&loaded).await {
            findings.push(error.to_string());
        }
        findings
    }
}
