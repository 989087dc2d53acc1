//! The aggregate: a secret with its versions, labels and tags. Values are not part of it; they stay sealed.

use super::kinds::{DataType, SecretType};
use super::names::{KeyId, Scope, SecretId, SecretName, StageLabel, VersionId};
use super::rotation::Managed;
use super::stages::StageMap;
use super::tags::Tags;
use super::time::Timestamp;
use super::{Refusal, ResourcePolicy};

/// One version. Written once, never changed (rule 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The caller's id.
    pub id: VersionId,
    /// How clients interpret the value.
    pub data_type: DataType,
    /// When it was written.
    pub created: Timestamp,
    /// Position in the secret's history, from 1, never reused. It orders versions even while the clock stands still.
    pub ordinal: u64,
}

/// A secret with everything but its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Internal identity.
    pub id: SecretId,
    /// Account and region.
    pub scope: Scope,
    /// Name, unique in the scope.
    pub name: SecretName,
    /// Kind.
    pub secret_type: SecretType,
    /// Free text, may be empty (rule 1.11).
    pub description: String,
    /// The CMK named by the caller. `None` when the service-managed key encrypts (rule 7.1).
    pub encryption_key: Option<KeyId>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed (guess G13 lists what counts as a change).
    pub updated: Timestamp,
    /// When it will be purged, while it is scheduled for deletion.
    pub planned_deletion: Option<Timestamp>,
    /// The policy. `None` for the default one (rule 10.2).
    pub policy: Option<ResourcePolicy>,
    /// The versions, oldest first.
    pub versions: Vec<Version>,
    /// Which version carries which label.
    pub stages: StageMap,
    /// Tags.
    pub tags: Tags,
    /// What a secret of a managed type has beside; for Generic, what its rotator needs, and mostly `None`.
    pub managed: Option<Box<Managed>>,
    /// Number of committed changes, from 1.
    pub revision: u64,
}

impl Secret {
    /// The version with this id.
    pub fn version(&self, id: &VersionId) -> Option<&Version> {
        self.versions.iter().find(|v| &v.id == id)
    }

    /// The ARN (rule 1.4).
    pub fn arn(&self) -> String {
        self.scope.secret_arn(&self.name)
    }

    /// The account that the service makes for it at an instance, as one text; `None` for types whose accounts are brought. No
    /// two secrets of a scope may have the same (rules DY3.6, DY4.3).
    pub fn target(&self) -> Option<String> {
        let config = &self.managed.as_deref()?.config;
        match self.secret_type {
            SecretType::Redis | SecretType::PolarDb => Some(
                [
                    self.scope.account.as_str(),
                    self.scope.region.as_str(),
                    self.secret_type.as_str(),
                    config.instance().unwrap_or_default(),
                    config.member("AccountName").unwrap_or_default(),
                ]
                .join("\n"),
            ),
            SecretType::Generic | SecretType::Rds | SecretType::Ecs | SecretType::RamCredentials => None,
        }
    }

    /// Whether the recovery window has ended, so that the secret no longer exists for callers (rule 6.5).
    pub fn is_due_for_purge(&self, now: Timestamp) -> bool {
        self.planned_deletion.is_some_and(|at| at <= now)
    }

    /// Refuses while the secret is scheduled for deletion (rule 6.6).
    ///
    /// # Errors
    /// [`Refusal::InRecoveryWindow`].
    pub fn require_live(&self) -> Result<(), Refusal> {
        if self.planned_deletion.is_some() { Err(Refusal::InRecoveryWindow) } else { Ok(()) }
    }

    /// What is managed of it.
    ///
    /// # Errors
    /// [`Refusal::UnsupportedType`] for a Generic secret, which its users rotate (rule R1.1).
    pub fn require_managed(&self) -> Result<&Managed, Refusal> {
        self.managed.as_deref().ok_or(Refusal::UnsupportedType)
    }

    /// The version that a reader asks for (rules 4.1 to 4.3).
    ///
    /// # Errors
    /// [`Refusal::InRecoveryWindow`]; [`Refusal::VersionNotFound`]; [`Refusal::LabelElsewhere`] when id and label select
    /// different versions.
    pub fn select(&self, id: Option<&VersionId>, stage: Option<&StageLabel>) -> Result<&Version, Refusal> {
        self.require_live()?;
        // Managed types: VersionId is ignored, and only the two built-in labels can be read (rule R6.1).
        let is_managed = self.secret_type != SecretType::Generic;
        let id = id.filter(|_| !is_managed);
        if is_managed && stage.is_some_and(|stage| !stage.is_built_in()) {
            return Err(Refusal::VersionNotFound);
        }
        let by_stage = |label: &str| self.stages.version_of(label).ok_or(Refusal::VersionNotFound);
        let wanted = match (id, stage) {
            (None, None) => by_stage(StageLabel::CURRENT)?,
            (None, Some(stage)) => by_stage(stage.as_str())?,
            (Some(id), None) => id,
            (Some(id), Some(stage)) if by_stage(stage.as_str())? == id => id,
            (Some(_), Some(_)) => return Err(Refusal::LabelElsewhere),
        };
        self.version(wanted).ok_or(Refusal::VersionNotFound)
    }
}
