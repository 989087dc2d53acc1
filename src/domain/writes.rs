//! Decisions: what each writing action does to a secret.
//!
//! A decision about a secret is a [`Change`], a list of steps, and not the next [`Secret`]. A secret may have hundreds
//! of versions with values of many kilobytes, and the store writes only the rows that the steps name. A key is a few
//! hundred bytes without its material; there a decision is the next `Key`, which replaces the row (see
//! `keys/decisions.rs`).

use super::kinds::{DataType, SecretType};
use super::limits::{self, Limits, RECOVERY_DAYS};
use super::names::{KeyId, Scope, SecretId, SecretName, StageLabel, VersionId};
use super::rotation::Managed;
use super::secret::{Secret, Version};
use super::stages::StageMap;
use super::tags::{TagKey, TagValue, Tags};
use super::time::Timestamp;
use super::{Change, Op, Refusal, ResourcePolicy};

/// A secret to create, with its first version.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Internal identity, newly generated.
    pub id: SecretId,
    /// Account and region.
    pub scope: Scope,
    /// Name.
    pub name: SecretName,
    /// Free text.
    pub description: String,
    /// The CMK the caller named, if any.
    pub encryption_key: Option<KeyId>,
    /// Kind.
    pub secret_type: SecretType,
    /// Id of the first version.
    pub version: VersionId,
    /// Id of the version that carries `ACSPrevious` from the beginning, for types with two accounts (rule R5.5).
    pub previous: Option<VersionId>,
    /// Data type of the first version.
    pub data_type: DataType,
    /// Tags.
    pub tags: Tags,
    /// Its policy. `None` for the default one.
    pub policy: Option<ResourcePolicy>,
    /// What is managed of it; `None` for Generic.
    pub managed: Option<Managed>,
}

/// Whether a secret of this type may have this name (rule 1.2).
///
/// # Errors
/// [`Refusal::Parameter`] naming `SecretName`.
pub fn check_name(secret_type: SecretType, name: &SecretName) -> Result<(), Refusal> {
    let wrong = |why| Err(Refusal::parameter("SecretName", why));
    let text = name.as_str();
    let below = |start: &str| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty());
    match secret_type {
        SecretType::Ecs if !below(ECS_NAMES) => {
            wrong("does not begin with acs/ecs/, as the name of a secret of type ECS must")
        }
        SecretType::RamCredentials if !below(RAM_NAMES) => {
            wrong("is not $Auto; the service names secrets of type RAMCredentials itself")
        }
        SecretType::Generic | SecretType::Rds | SecretType::Redis | SecretType::PolarDb
            if name.is_reserved() =>
        {
            wrong("begins with acs/, which is reserved for the service")
        }
        _ => Ok(()),
    }
}

/// What names of secrets of type ECS begin with.
const ECS_NAMES: &str = "acs/ecs/";
/// What names of secrets of type RAMCredentials begin with; the name of the RAM user follows (rule DY5.4).
pub const RAM_NAMES: &str = "acs/ram/user/";

/// Decides a creation on a free name: the first version carries `ACSCurrent`, and none `ACSPrevious` unless there are two
/// accounts (rules 2.1, R5.5).
///
/// # Errors
/// [`Refusal::Parameter`] for a name that the type does not allow (rule 1.2), [`Refusal::LimitExceeded`].
pub fn create(new: NewSecret, now: Timestamp) -> Result<Change, Refusal> {
    check_name(new.secret_type, &new.name)?;
    if new.tags.len() > limits::TAGS_PER_RESOURCE {
        return Err(Refusal::LimitExceeded(limits::TAGS));
    }
    let secret = Secret {
        id: new.id,
        scope: new.scope,
        name: new.name,
        secret_type: new.secret_type,
        description: new.description,
        encryption_key: new.encryption_key,
        created: now,
        updated: now,
        planned_deletion: None,
        policy: new.policy,
        versions: Vec::new(),
        stages: StageMap::default(),
        tags: new.tags,
        managed: new.managed.map(Box::new),
        revision: 0,
    };
    let id = secret.id.clone();
    let mut ops = vec![Op::Create(Box::new(secret))];
    // The other account's version first: the current one is the newest.
    let previous = new.previous.map(|id| (StageLabel::previous(), id));
    let labelled = previous.into_iter().chain([(StageLabel::current(), new.version)]);
    for ((label, id), ordinal) in labelled.zip(1..) {
        ops.push(Op::AddVersion(Version { id: id.clone(), data_type: new.data_type, created: now, ordinal }));
        ops.push(Op::SetStage(label, id));
    }
    Ok(Change { secret: id, on_revision: 0, ops })
}

/// Why the name of an existing secret cannot be created again; depends on that secret's state (rule 6.6).
pub fn refuse_creation(existing: &Secret) -> Refusal {
    if existing.planned_deletion.is_some() { Refusal::NameInRecoveryWindow } else { Refusal::SecretExists }
}

/// A version to add.
#[derive(Debug, Clone)]
pub struct PutVersion {
    /// Its id.
    pub version: VersionId,
    /// Its type of data.
    pub data_type: DataType,
    /// The labels it is to carry; not empty.
    pub stages: Vec<StageLabel>,
    /// Whether the value equals the stored one. `None` when no version has this id.
    pub same_value: Option<bool>,
}

/// Decides PutSecretValue. `None` means that the same version is put again, which changes nothing, not even labels
/// (rule 2.4).
///
/// # Errors
/// [`Refusal::InRecoveryWindow`], [`Refusal::VersionExists`] (rules 2.5, 2.6), [`Refusal::LimitExceeded`]
/// (rules 2.9, 3.11).
pub fn put_version(
    secret: &Secret,
    put: PutVersion,
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<Change>, Refusal> {
    require_generic(secret)?;
    secret.require_live()?;
    if let Some(stored) = secret.version(&put.version) {
        let equal = put.same_value == Some(true) && stored.data_type == put.data_type;
        return if equal { Ok(None) } else { Err(Refusal::VersionExists) };
    }
    let ordinal = secret.versions.last().map_or(0, |v| v.ordinal) + 1;
    let version = Version { id: put.version, data_type: put.data_type, created: now, ordinal };
    let mut stages = secret.stages.clone();
    // ACSCurrent goes first because it moves ACSPrevious; an ACSPrevious in the same request then decides where that is.
    for label in put.stages.iter().filter(|l| l.as_str() == StageLabel::CURRENT) {
        stages.move_to(label, &version.id);
    }
    for label in put.stages.iter().filter(|l| l.as_str() != StageLabel::CURRENT) {
        stages.move_to(label, &version.id);
    }
    if stages.len() > limits.labels_per_secret {
        return Err(Refusal::LimitExceeded(limits.labels()));
    }
    let mut ops = Vec::new();
    if secret.versions.len() >= limits.versions_per_secret {
        // The earliest version that carries no label (rule 2.8).
        let free = secret.versions.iter().find(|v| !stages.is_labelled(&v.id));
        ops.push(Op::EvictVersion(
            free.ok_or(Refusal::LimitExceeded(limits.labelled_versions()))?.id.clone(),
        ));
    }
    ops.push(Op::AddVersion(version));
    ops.extend(stage_ops(&secret.stages, &stages));
    Ok(Some(change(secret, ops, now)))
}

/// A label to move between two versions.
#[derive(Debug, Clone)]
pub struct MoveStage {
    /// The label.
    pub label: StageLabel,
    /// The version it leaves (`RemoveFromVersion`).
    pub remove_from: Option<VersionId>,
    /// The version it enters (`MoveToVersion`).
    pub move_to: Option<VersionId>,
}

/// Decides UpdateSecretVersionStage (rules 3.20 to 3.36). `None` means that nothing changes (rule 3.23).
///
/// # Errors
/// [`Refusal::Parameter`] (rules 3.20, 3.26), [`Refusal::StageMismatch`] (rules 3.25, 3.28, 3.29),
/// [`Refusal::VersionNotFound`] (rule 3.33), [`Refusal::LimitExceeded`] (rule 3.34), [`Refusal::InRecoveryWindow`] (rule 3.35),
/// [`Refusal::NoCurrentVersion`] (rule 3.36).
pub fn move_stage(
    secret: &Secret,
    command: &MoveStage,
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<Change>, Refusal> {
    let MoveStage { label, remove_from, move_to } = command;
    if move_to.is_none() && (remove_from.is_none() || label.is_built_in()) {
        let why = if label.is_built_in() {
            "is missing; ACSCurrent and ACSPrevious can be moved, not removed"
        } else {
            "is missing, and so is RemoveFromVersion; one of both must be given"
        };
        return Err(Refusal::parameter("MoveToVersion", why));
    }
    if remove_from == move_to {
        return Err(Refusal::SameVersion);
    }
    require_generic(secret)?;
    secret.require_live()?;
    if secret.stages.version_of(StageLabel::CURRENT).is_none() {
        return Err(Refusal::NoCurrentVersion);
    }
    for version in [remove_from, move_to].into_iter().flatten() {
        secret.version(version).ok_or(Refusal::VersionNotFound)?;
    }
    if let Some(from) = remove_from
        && secret.stages.version_of(label.as_str()) != Some(from)
    {
        return Err(Refusal::StageMismatch);
    }
    let mut stages = secret.stages.clone();
    match move_to {
        Some(to) => stages.move_to(label, to),
        None => stages.remove(label.as_str()),
    }
    if stages.len() > limits.labels_per_secret {
        return Err(Refusal::LimitExceeded(limits.labels()));
    }
    let ops = stage_ops(&secret.stages, &stages);
    Ok(if ops.is_empty() { None } else { Some(change(secret, ops, now)) })
}

/// How a secret is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// At once, without recovery (rule 6.3).
    Force,
    /// After a recovery window of this many days (rule 6.1).
    After(i64),
}

/// Decides DeleteSecret and returns when the secret is purged.
///
/// # Errors
/// [`Refusal::InRecoveryWindow`] when it is already scheduled, [`Refusal::Parameter`] for a window outside 7 to 30 days
/// (rule 6.2).
pub fn delete(secret: &Secret, how: Deletion, now: Timestamp) -> Result<(Change, Timestamp), Refusal> {
    match how {
        Deletion::Force => Ok((purge(secret), now)),
        Deletion::After(days) => {
            if !RECOVERY_DAYS.contains(&days) {
                let (min, max) = (RECOVERY_DAYS.start(), RECOVERY_DAYS.end());
                let why = format!("is out of range; expected {min} to {max} days");
                return Err(Refusal::parameter("RecoveryWindowInDays", why));
            }
            secret.require_live()?;
            let at = now.plus_days(days);
            // Scheduling a deletion does not change UpdateTime (guess G13).
            let mut ops = vec![Op::SetPlannedDeletion(Some(at))];
            // A rotation that is under way is dropped (rule R3.16).
            let running = secret.managed.as_deref().filter(|managed| managed.running.is_some());
            ops.extend(running.map(|managed| Op::SetManaged(Box::new(managed.with_running(None)))));
            Ok((untimed(secret, ops), at))
        }
    }
}

/// Removes a secret whose recovery window has ended (rule 6.5).
pub fn purge(secret: &Secret) -> Change {
    untimed(secret, vec![Op::Purge])
}

/// Decides RestoreSecret: versions and labels stay as they were (rule 6.8).
///
/// # Errors
/// [`Refusal::NotInRecoveryWindow`] (rule 6.7).
pub fn restore(secret: &Secret, now: Timestamp) -> Result<Change, Refusal> {
    if secret.planned_deletion.is_none() {
        return Err(Refusal::NotInRecoveryWindow);
    }
    Ok(change(secret, vec![Op::SetPlannedDeletion(None)], now))
}

/// Decides UpdateSecret. Without a description it stays as it is. `custom_data` is a JSON object; on a Generic secret it says
/// nothing (rule 8.12).
///
/// # Errors
/// [`Refusal::InRecoveryWindow`], [`Refusal::Parameter`] naming `ExtendedConfig.CustomData`.
pub fn update(
    secret: &Secret,
    description: Option<String>,
    custom_data: Option<&str>,
    now: Timestamp,
) -> Result<Change, Refusal> {
    secret.require_live()?;
    let mut ops: Vec<Op> = description.map(Op::SetDescription).into_iter().collect();
    let managed = secret.managed.as_deref().filter(|_| secret.secret_type != SecretType::Generic);
    if let (Some(managed), Some(data)) = (managed, custom_data) {
        let config = managed.config.with_custom_data(data)?;
        ops.push(Op::SetManaged(Box::new(Managed { config, ..managed.clone() })));
    }
    Ok(change(secret, ops, now))
}

/// Decides SetSecretPolicy. It does not change UpdateTime (guess G13).
///
/// # Errors
/// [`Refusal::InRecoveryWindow`].
pub fn set_policy(secret: &Secret, policy: ResourcePolicy) -> Result<Change, Refusal> {
    secret.require_live()?;
    Ok(untimed(secret, vec![Op::SetPolicy(policy)]))
}

/// Decides TagResource. Existing keys are overwritten. Allowed in the recovery window (rule 6.6).
///
/// # Errors
/// [`Refusal::LimitExceeded`] (rule 11.1).
pub fn tag(secret: &Secret, tags: Vec<(TagKey, TagValue)>) -> Result<Change, Refusal> {
    let fresh = tags.iter().filter(|(key, _)| secret.tags.get(key).is_none()).count();
    if secret.tags.len() + fresh > limits::TAGS_PER_RESOURCE {
        return Err(Refusal::LimitExceeded(limits::TAGS));
    }
    let ops = tags.into_iter().map(|(key, value)| Op::SetTag(key, value)).collect();
    // Tags do not change UpdateTime (guess G13).
    Ok(untimed(secret, ops))
}

/// Decides UntagResource. Unknown keys are ignored (rule 11.4). `None` means that nothing changes.
pub fn untag(secret: &Secret, keys: &[TagKey]) -> Option<Change> {
    let ops: Vec<Op> =
        keys.iter().filter(|key| secret.tags.get(key).is_some()).cloned().map(Op::RemoveTag).collect();
    if ops.is_empty() { None } else { Some(untimed(secret, ops)) }
}

/// Refuses what only secrets of type Generic support (rule 2.12).
fn require_generic(secret: &Secret) -> Result<(), Refusal> {
    if secret.secret_type == SecretType::Generic { Ok(()) } else { Err(Refusal::UnsupportedType) }
}

/// A change of what is managed of a secret, with whatever else belongs to it.
pub fn manage(secret: &Secret, managed: Managed, mut ops: Vec<Op>) -> Change {
    ops.push(Op::SetManaged(Box::new(managed)));
    untimed(secret, ops)
}

/// A change that also sets UpdateTime.
fn change(secret: &Secret, mut ops: Vec<Op>, now: Timestamp) -> Change {
    ops.push(Op::SetUpdated(now));
    untimed(secret, ops)
}

/// A change that leaves UpdateTime as it is.
fn untimed(secret: &Secret, ops: Vec<Op>) -> Change {
    Change { secret: secret.id.clone(), on_revision: secret.revision, ops }
}

/// The steps that lead from one assignment of labels to another.
pub(super) fn stage_ops(before: &StageMap, after: &StageMap) -> Vec<Op> {
    let gone = before
        .iter()
        .filter(|(label, _)| after.version_of(label.as_str()).is_none())
        .map(|(label, _)| Op::RemoveStage(label.clone()));
    let moved = after
        .iter()
        .filter(|(label, version)| before.version_of(label.as_str()) != Some(version))
        .map(|(label, version)| Op::SetStage(label.clone(), version.clone()));
    gone.chain(moved).collect()
}

#[cfg(test)]
mod tests;
