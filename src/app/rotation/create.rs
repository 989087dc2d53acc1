//! Creations of managed secrets: their name, their values, and the RAM user behind them.

use crate::app::App;
use crate::app::error::AppError;
use crate::app::loaded::Loaded;
use crate::domain::rotation::value::{self, Initial, UserKey};
use crate::domain::rotation::{ExtendedConfig, Managed, Plan, RotationInterval};
use crate::domain::writes::{RAM_NAMES, check_name};
use crate::domain::{Refusal, Scope, SecretName, SecretType, Timestamp};
use crate::identities;
use crate::store::{AccessKeyRecord, AccessKeyStatus};

/// What a creation of a managed secret sends.
#[derive(Debug)]
pub struct NewManaged<'a> {
    /// Its type.
    pub secret_type: SecretType,
    /// Its name; `None` where the service makes one.
    pub name: Option<&'a SecretName>,
    /// `ExtendedConfig`.
    pub config: Option<&'a str>,
    /// `SecretData`.
    pub data: &'a str,
    /// How often it rotates by itself, if it does.
    pub interval: Option<RotationInterval>,
}

/// A managed secret that can be created.
#[derive(Debug)]
pub struct Prepared {
    /// Its name.
    pub name: SecretName,
    /// What is managed of it.
    pub managed: Managed,
    /// Its values.
    pub values: Initial,
    /// AccessKeys of a RAM user that is made with it.
    pub access_keys: Vec<AccessKeyRecord>,
}

impl App {
    /// Checks a creation of a managed secret, and makes its name and values.
    ///
    /// # Errors
    /// [`Refusal::Parameter`] naming what is wrong, [`Refusal::RamUserNotFound`].
    pub async fn prepare_managed(&self, scope: &Scope, new: NewManaged<'_>) -> Result<Prepared, AppError> {
        let config = ExtendedConfig::parse(new.secret_type, new.config, &scope.region)?;
        let name = match new.name {
            Some(name) => name.clone(),
            None => ram_name(&config)?,
        };
        check_name(new.secret_type, &name)?;
        let now = self.clock.now();
        let (mut keys, mut access_keys) = (Vec::new(), Vec::new());
        if new.secret_type == SecretType::RamCredentials {
            let user = config.ram_user().unwrap_or_default();
            (keys, access_keys) = match self.directory.keys_of(&scope.account, user).await {
                Some(keys) => (keys, Vec::new()),
                None if self.rotations.settings.makes_users && self.directory.has_no_users().await => {
                    self.made_user(scope, user, new.data, now)?
                }
                None => return Err(Refusal::RamUserNotFound.into()),
            };
        }
        let rng = &mut *self.entropy.rng();
        let values = value::initial(new.secret_type, &config, new.data, &keys, (now, rng))?;
        let plan = new.interval.map_or(Plan::Disabled, Plan::Enabled);
        Ok(Prepared { name, managed: Managed::new(config, plan, now), values, access_keys })
    }

    /// A RAM user that is made on the fly with the keys that were sent (rule DY12.7).
    fn made_user(
        &self,
        scope: &Scope,
        user: &str,
        data: &str,
        now: Timestamp,
    ) -> Result<(Vec<UserKey>, Vec<AccessKeyRecord>), AppError> {
        let identities = self.directory.current();
        let (mut keys, mut records) = (Vec::new(), Vec::new());
        for (id, secret) in value::sent_access_keys(data)? {
            if identities.key(&id).is_some() {
                let why = "lists an AccessKeyId that somebody else has";
                return Err(Refusal::parameter("SecretData", why).into());
            }
            let hidden = identities::file::Hidden::from(secret.reveal());
            let sealed = self.directory.seal_access_key(&scope.account, &id, &hidden)?;
            keys.push(UserKey { id: id.clone(), created: Some(now) });
            records.push(AccessKeyRecord {
                id,
                account: scope.account.clone(),
                user: user.to_owned(),
                status: AccessKeyStatus::Active,
                created: now,
                own_user: true,
                sealed: Some(sealed),
            });
        }
        Ok((keys, records))
    }

    /// Refuses when the key that encrypts a secret cannot be used (rules R3.17, R4.9).
    pub(super) async fn require_usable_key(&self, loaded: &Loaded) -> Result<(), AppError> {
        if let Some(id) = &loaded.secret.encryption_key {
            let held = self.keys.by_id(&loaded.secret.scope, id).await?;
            held.key().require_enabled()?;
        }
        Ok(())
    }
}

/// The name of a secret of type RAMCredentials (rule DY5.4).
fn ram_name(config: &ExtendedConfig) -> Result<SecretName, Refusal> {
    let user = config.ram_user().unwrap_or_default();
    let wrong = |invalid| {
        let why = format!("has a UserName that no secret can be named after: acs/ram/user/ and it {invalid}");
        Refusal::parameter("ExtendedConfig", why)
    };
    format!("{RAM_NAMES}{user}").parse().map_err(wrong)
}
