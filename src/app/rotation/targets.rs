//! The systems whose credentials are rotated: a target makes a value, applies it, and can be checked.

use std::sync::Arc;

use async_trait::async_trait;
use rand::RngExt;

use super::job::{Effects, Job, Target};
use crate::app::App;
use crate::crypto::LoginKey;
use crate::domain::rotation::rotators::Rotator;
use crate::domain::rotation::value::{self, AccessKey, Fresh, Hidden};
use crate::domain::rotation::{Cause, Failure, SubType, Trigger, Window};
use crate::identities;
use crate::store::{AccessKeyRecord, AccessKeyStatus};

pub(super) fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Cause::RotatorFailed, message)
}

/// A failure that another attempt cannot mend.
pub(super) fn unsuitable(message: impl Into<String>) -> Failure {
    Failure::new(Cause::Unsuitable, message)
}

/// Generates values of the right shape and contacts no target system (rule DY10.5).
#[derive(Debug)]
pub(super) struct Simulate<'a> {
    pub(super) app: &'a App,
    pub(super) rotator: &'a Rotator,
}

#[async_trait]
impl Target for Simulate<'_> {
    async fn make(&self, job: &Job<'_>) -> Result<Hidden, Failure> {
        let fresh = if job.managed.config.sub_type() == SubType::SshKey {
            let entropy = Arc::clone(&self.app.entropy);
            let made = tokio::task::spawn_blocking(move || LoginKey::generate(&mut *entropy.rng())).await;
            let pair = made.map_err(|_died| failed("the key pair was not made"))?;
            let pair = pair.map_err(|error| failed(format!("the key pair was not made: {error}")))?;
            Fresh::SshKey { public: pair.public_line, private: Hidden::new(pair.private_pem.to_string()) }
        } else {
            let password = self.rotator.password(&mut *self.app.entropy.rng());
            Fresh::Password(password.map_err(|refusal| failed(refusal.to_string()))?)
        };
        let previous = job.previous.map(Hidden::reveal);
        value::next(&job.managed.config, job.current.reveal(), previous, fresh)
            .ok_or_else(|| unsuitable("the stored value is not of the shape of its type"))
    }

    async fn apply(&self, _job: &Job<'_>, _value: &Hidden) -> Result<Effects, Failure> {
        Ok(Effects::default())
    }

    async fn check(&self) -> Result<String, Failure> {
        Ok("it generates values of the right shape and contacts no target system".to_owned())
    }
}

/// Sesame's own directory of RAM users (rules DY12).
#[derive(Debug)]
pub(super) struct Ram<'a> {
    pub(super) app: &'a App,
}

/// What ids of AccessKeys begin with (rule DY12.1).
const KEY_ID: &str = "LTAI5t";

impl Ram<'_> {
    /// Letters and digits at random.
    fn random(&self, length: usize) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut rng = self.app.entropy.rng();
        let one = |_| ALPHABET.get(rng.random_range(0..ALPHABET.len())).map(|byte| char::from(*byte));
        (0..length).filter_map(one).collect()
    }
}

#[async_trait]
impl Target for Ram<'_> {
    async fn make(&self, job: &Job<'_>) -> Result<Hidden, Failure> {
        let key = AccessKey {
            access_key_id: format!("{KEY_ID}{}", self.random(18)),
            access_key_secret: Hidden::new(self.random(30)),
            generate_timestamp: job.running.started.to_string(),
        };
        value::next(&job.managed.config, job.current.reveal(), None, Fresh::AccessKey(key))
            .ok_or_else(|| unsuitable("the stored value is not of the shape of its type"))
    }

    async fn apply(&self, job: &Job<'_>, value: &Hidden) -> Result<Effects, Failure> {
        let directory = &self.app.directory;
        let account = &job.secret.scope.account;
        let user = job.managed.config.ram_user().unwrap_or_default();
        let gone = || Failure::new(Cause::RamUserNotFound, format!("there is no RAM user \"{user}\""));
        let known = directory.keys_of(account, user).await.ok_or_else(gone)?;
        let own = directory.is_own_user(account, user).await;
        let made: AccessKey =
            value::access_key(value.reveal()).ok_or_else(|| failed("the candidate is not an AccessKey"))?;
        let old = value::access_key_id(job.current.reveal())
            .ok_or_else(|| unsuitable("the stored value is not an AccessKey"))?;
        let key = |id: &str, status| AccessKeyRecord {
            id: id.to_owned(),
            account: account.clone(),
            user: user.to_owned(),
            status,
            created: job.running.started,
            own_user: own,
            sealed: None,
        };
        let mut access_keys = Vec::new();
        // Two keys at most: the oldest that is not in use goes (rule DY12.5).
        let has_old = known.iter().any(|key| key.id == old);
        let others: Vec<_> =
            known.iter().filter(|key| key.id != old && key.id != made.access_key_id).collect();
        let surplus = (others.len() + usize::from(has_old) + 1).saturating_sub(value::MOST_KEYS);
        for other in others.into_iter().take(surplus) {
            if job.asked_with == Some(other.id.as_str()) {
                let why = "the RAM user has two AccessKeys, and the older one signed this request";
                return Err(Failure::new(Cause::AccessKeyLimit, why));
            }
            access_keys.push(key(&other.id, AccessKeyStatus::Deleted));
        }
        let secret = identities::file::Hidden::from(made.access_key_secret.reveal());
        let sealed = directory.seal_access_key(account, &made.access_key_id, &secret);
        let sealed = sealed.map_err(|error| failed(error.to_string()))?;
        let new = key(&made.access_key_id, AccessKeyStatus::Active);
        access_keys.push(AccessKeyRecord { sealed: Some(sealed), ..new });
        let settings = &self.app.rotations.settings;
        let length = match job.running.trigger {
            Trigger::Schedule => settings.ram_window_ms,
            Trigger::Call => settings.ram_window_manual_ms,
        };
        let window = has_old.then(|| Window {
            old_key: old,
            old_version: job.running.current.clone(),
            disables: settings.ram_disable_old.then(|| job.running.started.plus_millis(length / 2)),
            ends: job.running.started.plus_millis(length),
        });
        Ok(Effects { access_keys, window })
    }

    async fn check(&self) -> Result<String, Failure> {
        match self.app.directory.current().counts() {
            [_, 0, ..] if !self.app.rotations.settings.makes_users => {
                Err(Failure::new(Cause::RamUserNotFound, "there is no RAM user in the configuration file"))
            }
            [_, users, ..] => Ok(format!("the server's own directory has {users} RAM users")),
        }
    }
}
