//! A decided change, as data.

use super::ResourcePolicy;
use super::names::{SecretId, StageLabel, VersionId};
use super::rotation::Managed;
use super::secret::{Secret, Version};
use super::tags::{TagKey, TagValue};
use super::time::Timestamp;

/// One step of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Creates the secret: everything but versions and labels, which follow as steps of their own.
    Create(Box<Secret>),
    /// Adds a version.
    AddVersion(Version),
    /// Removes a version that carries no label, for good.
    EvictVersion(VersionId),
    /// Puts the label on this version.
    SetStage(StageLabel, VersionId),
    /// Takes the label off.
    RemoveStage(StageLabel),
    /// Replaces the description.
    SetDescription(String),
    /// Sets the time of the last change.
    SetUpdated(Timestamp),
    /// Replaces the policy.
    SetPolicy(ResourcePolicy),
    /// Schedules the deletion, or cancels it with `None`.
    SetPlannedDeletion(Option<Timestamp>),
    /// Another state of what is managed of it.
    SetManaged(Box<Managed>),
    /// Sets or overwrites a tag.
    SetTag(TagKey, TagValue),
    /// Removes a tag.
    RemoveTag(TagKey),
    /// Removes the secret and everything that belongs to it, for good.
    Purge,
}

/// The steps that change one secret, in order. They are applied together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The secret.
    pub secret: SecretId,
    /// The revision it was decided on; 0 for a creation.
    pub on_revision: u64,
    /// The steps.
    pub ops: Vec<Op>,
}

impl Change {
    /// The secret that a creation leads to. `None` when this is not a creation.
    pub fn created(&self) -> Option<Secret> {
        let Some(Op::Create(empty)) = self.ops.first() else { return None };
        empty.after(self)
    }
}

impl Secret {
    /// The state after `change`, which must have been decided on this state. `None` when the change removes the secret.
    #[must_use]
    pub fn after(&self, change: &Change) -> Option<Self> {
        let mut next = self.clone();
        for op in &change.ops {
            match op {
                Op::Create(secret) => next = secret.as_ref().clone(),
                Op::AddVersion(version) => next.versions.push(version.clone()),
                Op::EvictVersion(id) => next.versions.retain(|v| &v.id != id),
                Op::SetStage(label, version) => next.stages.set(label.clone(), version.clone()),
                Op::RemoveStage(label) => next.stages.remove(label.as_str()),
                Op::SetDescription(text) => next.description.clone_from(text),
                Op::SetUpdated(at) => next.updated = *at,
                Op::SetPlannedDeletion(at) => next.planned_deletion = *at,
                Op::SetPolicy(policy) => next.policy = Some(policy.clone()),
                Op::SetManaged(managed) => next.managed = Some(managed.clone()),
                Op::SetTag(key, value) => next.tags.set(key.clone(), value.clone()),
                Op::RemoveTag(key) => next.tags.remove(key),
                Op::Purge => return None,
            }
        }
        next.revision = self.revision + 1;
        Some(next)
    }
}
