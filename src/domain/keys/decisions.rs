//! What each action does to a key. Every function takes a state and gives the next one, or a reason to refuse.

use super::{Key, KeyOwner, KeySpec, KeyState, KeyUsage, KeyVersion, KeyVersionId, Origin, ProtectionLevel};
use crate::domain::limits::{Exceeded, TAGS_PER_RESOURCE, too_many_tags};
use crate::domain::{KeyId, Limits, ResourcePolicy, Scope, TagKey, TagValue, Tags, Timestamp};

/// Why a command on a key is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// No such key (or none any more).
    #[error("key not found")]
    NotFound,
    /// No such alias.
    #[error("alias not found")]
    AliasNotFound,
    /// No such version of the key.
    #[error("key version not found")]
    VersionNotFound,
    /// The alias is taken.
    #[error("alias exists")]
    AliasExists,
    /// An alias was given where an id is needed.
    #[error("an id is needed")]
    AliasNotAllowed,
    /// The key's state does not allow its use (`errors.md` E).
    #[error("the key is {}", .0.as_str())]
    State(KeyState),
    /// The key's state does not allow this change of it (`errors.md` E), or deletion protection does not.
    #[error("the key's state cannot be modified so")]
    StateModification,
    /// The key is of a kind that cannot do this.
    #[error("not supported by this kind of key")]
    UnsupportedKey,
    /// The key is of a kind whose life this action does not govern.
    #[error("this kind of key does not rotate so")]
    UnsupportedRotation,
    /// The origin of the key's material does not allow it.
    #[error("not possible for a key of this origin")]
    UnsupportedOrigin,
    /// A parameter is not valid in this combination; names it.
    #[error("parameter {0} is not valid")]
    Parameter(&'static str),
    /// Too many keys, aliases, versions or tags (rule 12.3).
    #[error("a limit is exceeded: {0}")]
    LimitExceeded(Exceeded),
    /// Imported material is not what the key once had, or not of its size.
    #[error("key material is not valid")]
    Material,
    /// The import token is not for this key.
    #[error("import token is not valid")]
    ImportToken,
    /// The import token is too old.
    #[error("import token is expired")]
    ImportTokenExpired,
}

/// Days until a scheduled deletion: shortest and longest (question 20).
pub const DELETION_DAYS: (u32, u32) = (7, 366);
/// Days between rotations: shortest and longest.
pub const ROTATION_DAYS: (i64, i64) = (7, 730);
/// Characters of a key's description.
pub const DESCRIPTION_CHARS: usize = 8192;

const DAY_MS: i64 = 86_400_000;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id, fresh.
    pub id: KeyId,
    /// Account and region.
    pub scope: Scope,
    /// Who makes it.
    pub owner: KeyOwner,
    /// Kind of material.
    pub spec: KeySpec,
    /// What it is for; the spec's default when absent.
    pub usage: Option<KeyUsage>,
    /// Where its material comes from.
    pub origin: Origin,
    /// How it is said to be protected.
    pub protection: ProtectionLevel,
    /// Free text.
    pub description: String,
    /// How often it shall rotate by itself, in milliseconds.
    pub rotation_interval_ms: Option<i64>,
    /// Its tags.
    pub tags: Tags,
    /// Its policy; none for the default one.
    pub policy: Option<ResourcePolicy>,
    /// The id of its first version, fresh.
    pub version: KeyVersionId,
}

/// Decides CreateKey. A key of external origin has no version until its material is imported.
///
/// # Errors
/// [`KeyRefusal::Parameter`] when usage, origin or rotation do not fit the spec; [`KeyRefusal::LimitExceeded`].
pub fn create(new: NewKey, present: usize, limits: &Limits, now: Timestamp) -> Result<Key, KeyRefusal> {
    let usage = match new.usage {
        None => new.spec.usages().first().copied().ok_or(KeyRefusal::UnsupportedKey)?,
        Some(usage) if new.spec.usages().contains(&usage) => usage,
        Some(_) => return Err(KeyRefusal::Parameter("KeyUsage")),
    };
    let external = new.origin == Origin::External;
    if external && new.spec != KeySpec::Aes256 {
        return Err(KeyRefusal::Parameter("Origin"));
    }
    if let Some(interval) = new.rotation_interval_ms {
        if external || !new.spec.is_symmetric() {
            return Err(KeyRefusal::Parameter("EnableAutomaticRotation"));
        }
        check_interval(interval)?;
    }
    within(present, limits.keys_per_account, "keys of an account in a region")?;
    if new.tags.len() > TAGS_PER_RESOURCE {
        return Err(KeyRefusal::LimitExceeded(too_many_tags()));
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

/// Refuses one more where there are as many as there may be.
fn within(present: usize, most: usize, of: &'static str) -> Result<(), KeyRefusal> {
    if present < most { Ok(()) } else { Err(KeyRefusal::LimitExceeded(Exceeded::new(most, of))) }
}

/// Decides whether there may be one more alias in account and region, where there are `present`.
///
/// # Errors
/// [`KeyRefusal::LimitExceeded`].
pub fn add_alias(present: usize, limits: &Limits) -> Result<(), KeyRefusal> {
    within(present, limits.aliases_per_account(), "aliases of an account in a region")
}

fn check_interval(interval_ms: i64) -> Result<(), KeyRefusal> {
    let (min, max) = ROTATION_DAYS;
    if (min * DAY_MS..=max * DAY_MS).contains(&interval_ms) {
        Ok(())
    } else {
        Err(KeyRefusal::Parameter("RotationInterval"))
    }
}

impl Key {
    /// Refuses the use of a key that is not enabled (`errors.md` E, first row).
    ///
    /// # Errors
    /// [`KeyRefusal::State`].
    pub fn require_enabled(&self) -> Result<(), KeyRefusal> {
        if self.state == KeyState::Enabled { Ok(()) } else { Err(KeyRefusal::State(self.state)) }
    }

    /// Refuses what only the owner of a key may do to the service's own keys.
    fn require_user(&self) -> Result<(), KeyRefusal> {
        if self.owner == KeyOwner::User { Ok(()) } else { Err(KeyRefusal::UnsupportedKey) }
    }

    /// Refuses a key that cannot encrypt data or data keys by itself: an asymmetric one, or the service's own.
    ///
    /// # Errors
    /// [`KeyRefusal::UnsupportedKey`].
    pub fn require_symmetric(&self) -> Result<(), KeyRefusal> {
        self.require_user()?;
        if self.spec.is_symmetric() { Ok(()) } else { Err(KeyRefusal::UnsupportedKey) }
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
        KeyState::PendingDeletion | KeyState::PendingImport => Err(KeyRefusal::StateModification),
    }
}

/// Decides ScheduleKeyDeletion.
///
/// # Errors
/// [`KeyRefusal::StateModification`] when it is scheduled already or the key is protected.
pub fn schedule_deletion(key: &Key, days: u32, now: Timestamp) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    if key.state == KeyState::PendingDeletion || key.protected.is_some() {
        return Err(KeyRefusal::StateModification);
    }
    Ok(key.with(|k| {
        k.state = KeyState::PendingDeletion;
        k.deletion = Some(now.plus_days(i64::from(days)));
    }))
}

/// Decides CancelKeyDeletion: the key is enabled again, also when it was disabled before (question 22); one without
/// material waits for it again.
///
/// # Errors
/// [`KeyRefusal::StateModification`] when it is not scheduled.
pub fn cancel_deletion(key: &Key) -> Result<Key, KeyRefusal> {
    key.require_user()?;
    if key.state != KeyState::PendingDeletion {
        return Err(KeyRefusal::StateModification);
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

/// Decides SetDeletionProtection; `because` says why a protected key is, and may be empty.
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

/// Decides UpdateRotationPolicy; none switches automatic rotation off.
///
/// # Errors
/// [`KeyRefusal::UnsupportedRotation`] for a key that cannot rotate, [`KeyRefusal::State`],
/// [`KeyRefusal::Parameter`] for an interval out of bounds.
pub fn set_rotation(key: &Key, interval_ms: Option<i64>) -> Result<Key, KeyRefusal> {
    require_rotatable(key)?;
    if !key.spec.is_symmetric() {
        return Err(KeyRefusal::UnsupportedRotation);
    }
    if let Some(interval) = interval_ms {
        check_interval(interval)?;
    }
    Ok(key.with(|k| k.rotation_interval_ms = interval_ms))
}

fn require_rotatable(key: &Key) -> Result<(), KeyRefusal> {
    if key.owner == KeyOwner::Service || key.origin == Origin::External {
        return Err(KeyRefusal::UnsupportedRotation);
    }
    key.require_enabled()
}

/// Decides CreateKeyVersion: both kinds of keys, without a pause between versions (question 21). `present` counts the
/// versions of all keys in account and region.
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
    within(present, limits.key_versions_per_account(), "versions of all keys of an account in a region")?;
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

/// Decides the setting of tags.
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
    if next.tags.len() > TAGS_PER_RESOURCE {
        Err(KeyRefusal::LimitExceeded(too_many_tags()))
    } else {
        Ok(next)
    }
}

/// Decides the removal of tags; none removes all.
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

/// Decides ImportKeyMaterial: the key gets its one version and is enabled.
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
        return Err(KeyRefusal::UnsupportedOrigin);
    }
    if key.state == KeyState::PendingDeletion {
        return Err(KeyRefusal::State(key.state));
    }
    if expires.is_some_and(|at| at <= now) {
        return Err(KeyRefusal::Parameter("KeyMaterialExpireUnix"));
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

/// Decides DeleteKeyMaterial. The key stays, and takes the same material again.
///
/// # Errors
/// [`KeyRefusal::UnsupportedOrigin`] for a key made here, [`KeyRefusal::State`] when it is pending.
pub fn delete_material(key: &Key) -> Result<Key, KeyRefusal> {
    if key.origin != Origin::External {
        return Err(KeyRefusal::UnsupportedOrigin);
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

/// What time brings to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It is gone, and its material with it.
    Deleted,
    /// Its imported material has expired and is destroyed.
    Expired(Key),
    /// It has a new version.
    Rotated(Key),
}

/// Decides what is due for a key at `now`: one thing at a time, the earliest; ask again until none is left.
pub fn due(key: &Key, version: impl FnOnce() -> KeyVersionId, now: Timestamp) -> Option<Due> {
    let at = key.due().filter(|at| *at <= now)?;
    if key.deletion == Some(at) {
        Some(Due::Deleted)
    } else if key.material_expires == Some(at) {
        Some(Due::Expired(without_material(key)))
    } else {
        // A clock that was moved far ahead makes one version, not one for every interval that was skipped. The quota of
        // versions does not hold it off: a key that was promised to rotate does.
        Some(Due::Rotated(rotated(key, version(), now)))
    }
}
