//! What each action does to a key. Each function takes a key and returns its next state, or a reason to refuse.
//!
//! A decision about a key is the next [`Key`], not a list of steps as for secrets (`writes.rs`). A key is small, has
//! one row, and its metadata changes as a whole; the store replaces that row if its revision has not changed.

use std::borrow::Cow;

use super::{Key, KeyOwner, KeySpec, KeyState, KeyUsage, KeyVersion, KeyVersionId, Origin, ProtectionLevel};
use crate::domain::limits::{TAGS, TAGS_PER_RESOURCE};
use crate::domain::{KeyId, Limits, Quota, ResourcePolicy, Scope, TagKey, TagValue, Tags, Timestamp};

/// Why a command on a key is refused. Each one is displayed as a sentence for developers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// The key does not exist (any more).
    #[error("there is no such key in this account and region; ListKeys lists the existing ones")]
    NotFound,
    /// The alias does not exist.
    #[error("there is no such alias in this account and region; ListAliases lists the existing ones")]
    AliasNotFound,
    /// The key has no such version.
    #[error("the key has no version with this KeyVersionId; ListKeyVersions lists the existing ones")]
    VersionNotFound,
    /// The alias is taken.
    #[error("an alias of this name exists; UpdateAlias points it to another key")]
    AliasExists,
    /// An alias was given where only a key id is allowed.
    #[error(
        "this action takes a key's id or the ARN of a key, not an alias; DescribeKey shows the id of the key behind an alias"
    )]
    AliasNotAllowed,
    /// The key's state does not allow its use (protocol P80).
    #[error("the key's state is {}, and only an Enabled key can be used; {}", .0.as_str(), .0.remedy())]
    State(KeyState),
    /// The key's state does not allow this change (protocol P80), with the reason.
    #[error("the key's state is {state}; {1}", state = .0.as_str())]
    StateModification(KeyState, &'static str),
    /// The key is protected from deletion.
    #[error("the key is protected from deletion; SetDeletionProtection removes the protection")]
    Protected,
    /// The key's type does not support this, with the reason.
    #[error("{0}")]
    UnsupportedKey(&'static str),
    /// The key's type does not support this change of its life cycle, with the reason.
    #[error("{0}")]
    UnsupportedRotation(&'static str),
    /// The key's origin does not allow it.
    #[error("the key's Origin is {}; this action needs a key that was created with Origin=EXTERNAL", .0.as_str())]
    UnsupportedOrigin(Origin),
    /// A parameter is not valid in this combination: its name, and why.
    #[error("{0} {1}")]
    Parameter(&'static str, Cow<'static, str>),
    /// A limit on keys, aliases, versions or tags would be exceeded (rule 12.3).
    #[error("{0}")]
    LimitExceeded(Quota),
    /// Imported material differs from the first import or has the wrong size, with the reason.
    #[error("{0}")]
    Material(&'static str),
    /// The import token belongs to another key.
    #[error("ImportToken is not one that GetParametersForImport gave out for this key")]
    ImportToken,
    /// The import token has expired.
    #[error("ImportToken is older than 24 hours; GetParametersForImport gives out another one")]
    ImportTokenExpired,
}

impl KeyRefusal {
    /// A parameter is not valid in this combination.
    pub fn parameter(name: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Parameter(name, why.into())
    }
}

impl KeyState {
    /// What makes a key in this state usable again.
    const fn remedy(self) -> &'static str {
        match self {
            Self::Enabled | Self::Disabled => "EnableKey enables it",
            Self::PendingDeletion => "CancelKeyDeletion cancels the deletion",
            Self::PendingImport => "it waits for ImportKeyMaterial",
        }
    }
}

/// Days until a scheduled deletion: shortest and longest (guess G32).
pub const DELETION_DAYS: (u32, u32) = (7, 366);
/// Days between rotations: shortest and longest.
pub const ROTATION_DAYS: (i64, i64) = (7, 730);
/// Characters of a key's description.
pub const DESCRIPTION_CHARS: usize = 8192;

const DAY_MS: i64 = 86_400_000;

/// A key to create.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id, newly generated.
    pub id: KeyId,
    /// Account and region.
    pub scope: Scope,
    /// Who creates it.
    pub owner: KeyOwner,
    /// Kind of material.
    pub spec: KeySpec,
    /// What it is for. `None` for the default of the spec.
    pub usage: Option<KeyUsage>,
    /// Where its material comes from.
    pub origin: Origin,
    /// The protection level that the API shows.
    pub protection: ProtectionLevel,
    /// Free text.
    pub description: String,
    /// The interval of automatic rotation, in milliseconds.
    pub rotation_interval_ms: Option<i64>,
    /// Its tags.
    pub tags: Tags,
    /// Its policy. `None` for the default one.
    pub policy: Option<ResourcePolicy>,
    /// The id of its first version, newly generated.
    pub version: KeyVersionId,
}

/// Decides CreateKey. A key of external origin has no version until its material is imported.
///
/// # Errors
/// [`KeyRefusal::Parameter`] when usage, origin or rotation do not fit the spec; [`KeyRefusal::LimitExceeded`].
pub fn create(new: NewKey, present: usize, limits: &Limits, now: Timestamp) -> Result<Key, KeyRefusal> {
    let usage = match new.usage {
        None => new
            .spec
            .usages()
            .first()
            .copied()
            .ok_or(KeyRefusal::UnsupportedKey("a key of this KeySpec has no use"))?,
        Some(usage) if new.spec.usages().contains(&usage) => usage,
        Some(_) => {
            let usages =
                new.spec.usages().iter().map(|usage| usage.as_str()).collect::<Vec<_>>().join(" or ");
            let why = format!("does not fit KeySpec {}; expected {usages}", new.spec.as_str());
            return Err(KeyRefusal::parameter("KeyUsage", why));
        }
    };
    let external = new.origin == Origin::External;
    if external && new.spec != KeySpec::Aes256 {
        return Err(KeyRefusal::parameter("Origin", "EXTERNAL is possible only with KeySpec Aliyun_AES_256"));
    }
    if let Some(interval) = new.rotation_interval_ms {
        if external || !new.spec.is_symmetric() {
            let why = "is possible only for a symmetric key whose Origin is Aliyun_KMS";
            return Err(KeyRefusal::parameter("EnableAutomaticRotation", why));
        }
        check_interval(interval)?;
    }
    within(present, limits.keys())?;
    if new.tags.len() > TAGS_PER_RESOURCE {
        return Err(KeyRefusal::LimitExceeded(TAGS));
    }
    let first = KeyVersion { number: 1, id: new.version, created: now };
    Ok(Key {
        id: new.id,
        scope: new.scope,
        owner: new.owner,
        spec: new.spec,
        usage,
        origin: new.origin,
        protection: new.protection,
        state: if external { KeyState::PendingImport } else { KeyState::Enabled },
        description: new.description,
        created: now,
        deletion: None,
        protected: None,
        material_expires: None,
        rotation_interval_ms: new.rotation_interval_ms,
        last_rotation: now,
        versions: if external { Vec::new() } else { vec![first] },
        has_material: !external,
        tags: new.tags,
        policy: new.policy,
        revision: 1,
    })
}

/// Refuses another item when the limit is reached.
fn within(present: usize, quota: Quota) -> Result<(), KeyRefusal> {
    if present < quota.most { Ok(()) } else { Err(KeyRefusal::LimitExceeded(quota)) }
}

/// Decides whether the account may have another alias in the region, where it has `present`.
///
/// # Errors
/// [`KeyRefusal::LimitExceeded`].
pub fn add_alias(present: usize, limits: &Limits) -> Result<(), KeyRefusal> {
    within(present, limits.aliases())
}

fn check_interval(interval_ms: i64) -> Result<(), KeyRefusal> {
    let (min, max) = ROTATION_DAYS;
    if (min * DAY_MS..=max * DAY_MS).contains(&interval_ms) {
        Ok(())
    } else {
        let why = format!("is out of range; expected {min} to {max} days, such as 30d");
        Err(KeyRefusal::parameter("RotationInterval", why))
    }
}

impl Key {
    /// Refuses the use of a key that is not enabled (protocol P80, first row).
    ///
    /// # Errors
    /// [`KeyRefusal::State`].
    pub fn require_enabled(&self) -> Result<(), KeyRefusal> {
        if self.state == KeyState::Enabled { Ok(()) } else { Err(KeyRefusal::State(self.state)) }
    }

    /// Refuses a change of the service's own keys.
    fn require_user(&self) -> Result<(), KeyRefusal> {
        let why = "this is the service's own key, which only encrypts secrets without EncryptionKeyId";
        if self.owner == KeyOwner::User { Ok(()) } else { Err(KeyRefusal::UnsupportedKey(why)) }
    }

    /// Refuses a key that cannot encrypt data or data keys itself: an asymmetric one, or the service's own.
    ///
    /// # Errors
    /// [`KeyRefusal::UnsupportedKey`].
    pub fn require_symmetric(&self) -> Result<(), KeyRefusal> {
        self.require_user()?;
        let why =
            "the key is asymmetric, and this needs a symmetric one (KeySpec Aliyun_AES_256 or Aliyun_SM4)";
        if self.spec.is_symmetric() { Ok(()) } else { Err(KeyRefusal::UnsupportedKey(why)) }
    }

    /// The state after a change.
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.revision += 1;
        next
    }
}

/// Decides EnableKey and DisableKey.
///
/// # Errors
/// [`KeyRefusal::StateModification`] when the key is pending.
pub fn set_enabled(key: &Key, enabled: bool) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    match key.state {
        KeyState::Enabled | KeyState::Disabled => {
            let state = if enabled { KeyState::Enabled } else { KeyState::Disabled };
            Ok(key.with(|k| k.state = state))
        }
        KeyState::PendingDeletion | KeyState::PendingImport => {
            let why = "only an Enabled or Disabled key can be enabled or disabled";
            Err(KeyRefusal::StateModification(key.state, why))
        }
    }
}

/// Decides ScheduleKeyDeletion.
///
/// # Errors
/// [`KeyRefusal::StateModification`] when it is scheduled already or the key is protected.
pub fn schedule_deletion(key: &Key, days: u32, now: Timestamp) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    if key.state == KeyState::PendingDeletion {
        return Err(KeyRefusal::StateModification(key.state, "its deletion is scheduled already"));
    }
    if key.protected.is_some() {
        return Err(KeyRefusal::Protected);
    }
    Ok(key.with(|k| {
        k.state = KeyState::PendingDeletion;
        k.deletion = Some(now.plus_days(i64::from(days)));
    }))
}

/// Decides CancelKeyDeletion. The key becomes Enabled, even if it was disabled before (guess G31); a key without
/// material becomes PendingImport.
///
/// # Errors
/// [`KeyRefusal::StateModification`] when it is not scheduled.
pub fn cancel_deletion(key: &Key) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    if key.state != KeyState::PendingDeletion {
        return Err(KeyRefusal::StateModification(key.state, "no deletion is scheduled"));
    }
    let state = if key.has_material { KeyState::Enabled } else { KeyState::PendingImport };
    Ok(key.with(|k| {
        k.state = state;
        k.deletion = None;
    }))
}

/// Decides UpdateKeyDescription.
///
/// # Errors
/// [`KeyRefusal::UnsupportedKey`] for the service's own keys.
pub fn describe(key: &Key, description: String) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    Ok(key.with(|k| k.description = description))
}

/// Decides SetKeyPolicy.
///
/// # Errors
/// [`KeyRefusal::UnsupportedKey`] for the service's own keys.
pub fn set_policy(key: &Key, policy: ResourcePolicy) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    Ok(key.with(|k| k.policy = Some(policy)))
}

/// Decides SetDeletionProtection. `because` is the reason for the protection and may be empty; `None` removes the
/// protection.
///
/// # Errors
/// [`KeyRefusal::State`] when the key is pending deletion.
pub fn protect(key: &Key, because: Option<String>) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    if key.state == KeyState::PendingDeletion {
        return Err(KeyRefusal::State(key.state));
    }
    Ok(key.with(|k| k.protected = because))
}

/// Decides UpdateRotationPolicy. `None` switches automatic rotation off.
///
/// # Errors
/// [`KeyRefusal::UnsupportedRotation`] for a key that cannot rotate, [`KeyRefusal::State`],
/// [`KeyRefusal::Parameter`] for an interval out of bounds.
pub fn set_rotation(key: &Key, interval_ms: Option<i64>) -> Result<Key, KeyRefusal> {
    require_rotatable(key)?;
    if !key.spec.is_symmetric() {
        let why = "an asymmetric key does not rotate by itself; CreateKeyVersion adds a version";
        return Err(KeyRefusal::UnsupportedRotation(why));
    }
    if let Some(interval) = interval_ms {
        check_interval(interval)?;
    }
    Ok(key.with(|k| k.rotation_interval_ms = interval_ms))
}

fn require_rotatable(key: &Key) -> Result<(), KeyRefusal> {
    if key.owner == KeyOwner::Service {
        return Err(KeyRefusal::UnsupportedRotation("the service's own key is not rotated by its users"));
    }
    if key.origin == Origin::External {
        let why = "a key whose Origin is EXTERNAL has one version only, which is imported";
        return Err(KeyRefusal::UnsupportedRotation(why));
    }
    key.require_enabled()
}

/// Decides CreateKeyVersion, for symmetric and asymmetric keys, without a minimum time between versions (guess G33).
/// `present` counts the versions of all keys of the account in the region.
///
/// # Errors
/// [`KeyRefusal::UnsupportedRotation`], [`KeyRefusal::State`], [`KeyRefusal::LimitExceeded`].
pub fn add_version(
    key: &Key,
    id: KeyVersionId,
    present: usize,
    limits: &Limits,
    now: Timestamp,
) -> Result<Key, KeyRefusal> {
    require_rotatable(key)?;
    within(present, limits.key_versions())?;
    Ok(rotated(key, id, now))
}

/// The key with one more version.
fn rotated(key: &Key, id: KeyVersionId, at: Timestamp) -> Key {
    let number = key.versions.last().map_or(0, |version| version.number) + 1;
    key.with(|k| {
        k.versions.push(KeyVersion { number, id, created: at });
        k.last_rotation = at;
    })
}

/// Decides TagResource for a key.
///
/// # Errors
/// [`KeyRefusal::LimitExceeded`], [`KeyRefusal::UnsupportedKey`] for the service's own keys.
pub fn tag(key: &Key, tags: &[(TagKey, TagValue)]) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    let next = key.with(|k| {
        for (name, value) in tags {
            k.tags.set(name.clone(), value.clone());
        }
    });
    if next.tags.len() > TAGS_PER_RESOURCE { Err(KeyRefusal::LimitExceeded(TAGS)) } else { Ok(next) }
}

/// Decides UntagResource for a key. `None` removes all tags.
///
/// # Errors
/// [`KeyRefusal::UnsupportedKey`] for the service's own keys.
pub fn untag(key: &Key, names: Option<&[TagKey]>) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    Ok(key.with(|k| match names {
        None => k.tags = Tags::default(),
        Some(names) => names.iter().for_each(|name| k.tags.remove(name)),
    }))
}

/// Decides ImportKeyMaterial. The key gets its only version and becomes Enabled.
///
/// # Errors
/// [`KeyRefusal::UnsupportedOrigin`] for a key made here, [`KeyRefusal::State`] when it is pending deletion,
/// [`KeyRefusal::Parameter`] for an expiry in the past.
pub fn import(
    key: &Key,
    id: KeyVersionId,
    expires: Option<Timestamp>,
    now: Timestamp,
) -> Result<Key, KeyRefusal> {
    if key.origin != Origin::External {
        return Err(KeyRefusal::UnsupportedOrigin(key.origin));
    }
    if key.state == KeyState::PendingDeletion {
        return Err(KeyRefusal::State(key.state));
    }
    if expires.is_some_and(|at| at <= now) {
        return Err(KeyRefusal::parameter("KeyMaterialExpireUnix", "is in the past by the server's clock"));
    }
    let state = if key.state == KeyState::PendingImport { KeyState::Enabled } else { key.state };
    Ok(key.with(|k| {
        k.state = state;
        k.material_expires = expires;
        k.has_material = true;
        if k.versions.is_empty() {
            k.versions.push(KeyVersion { number: 1, id, created: now });
            k.last_rotation = now;
        }
    }))
}

/// Decides DeleteKeyMaterial. The key remains, and accepts the same material again.
///
/// # Errors
/// [`KeyRefusal::UnsupportedOrigin`] for a key made here, [`KeyRefusal::State`] when it is pending.
pub fn delete_material(key: &Key) -> Result<Key, KeyRefusal> {
    if key.origin != Origin::External {
        return Err(KeyRefusal::UnsupportedOrigin(key.origin));
    }
    match key.state {
        KeyState::Enabled | KeyState::Disabled => Ok(without_material(key)),
        pending => Err(KeyRefusal::State(pending)),
    }
}

fn without_material(key: &Key) -> Key {
    key.with(|k| {
        k.state = KeyState::PendingImport;
        k.has_material = false;
        k.material_expires = None;
    })
}

/// What happens to a key at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The key and its material are deleted.
    Deleted,
    /// Its imported material has expired and is destroyed.
    Expired(Key),
    /// It has a new version.
    Rotated(Key),
}

/// Decides what is due for a key at `now`. Returns the earliest event; call again until it returns `None`.
pub fn due(key: &Key, version: impl FnOnce() -> KeyVersionId, now: Timestamp) -> Option<Due> {
    let at = key.due().filter(|at| *at <= now)?;
    if key.deletion == Some(at) {
        Some(Due::Deleted)
    } else if key.material_expires == Some(at) {
        Some(Due::Expired(without_material(key)))
    } else {
        // When the clock is moved far ahead, the key gets one version, not one for every interval that was skipped. The
        // limit of versions does not apply: a key with automatic rotation always rotates.
        Some(Due::Rotated(rotated(key, version(), now)))
    }
}
