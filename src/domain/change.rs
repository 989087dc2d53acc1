//! A decided change, as data.

use super::ResourcePolicy;
use super::names::{SecretId, StageLabel, VersionId};
use super::secret::{Secret, Version};
use super::tags::{TagKey, TagValue};
use super::time::Timestamp;

/// One step of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// The secret comes into being: everything but versions and labels, which follow as their own steps.
    Create(Box<Secret>),
    /// A version is written.
    AddVersion(Version),
    /// A version that carries no label is removed for good.
    EvictVersion(VersionId),
    /// The label sits on this version from now on.
    SetStage(StageLabel, VersionId),
    /// The label is on no version any more.
    RemoveStage(StageLabel),
    /// Another description.
    SetDescription(String),
    /// Another time of last change.
    SetUpdated(Timestamp),
    /// Another policy.
    SetPolicy(ResourcePolicy),
    /// Scheduled for deletion, or no longer.
    SetPlannedDeletion(Option<Timestamp>),
    /// A tag is set or overwritten.
    SetTag(TagKey, TagValue),
    /// A tag is removed.
    RemoveTag(TagKey),
    /// The secret and all that belongs to it is removed for good.
    Purge,
}

/// What happens to one secret, in order; all of it or nothing.
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
    /// The state that a creation leads to; none when this is not a creation.
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
                Op::SetTag(key, value) => next.tags.set(key.clone(), value.clone()),
                Op::RemoveTag(key) => next.tags.remove(key),
                Op::Purge => return None,
            }
        }
        next.revision = self.revision + 1;
        Some(next)
    }
}
