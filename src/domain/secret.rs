//! The aggregate: a secret with its versions, labels and tags. Values are not part of it; they stay sealed.

use std::fmt;
use std::str::FromStr;

use super::names::{Invalid, KeyId, Scope, SecretId, SecretName, StageLabel, VersionId};
use super::stages::StageMap;
use super::tags::Tags;
use super::time::Timestamp;
use super::{Refusal, ResourcePolicy};

/// Types of secrets (rule 8.1). Only `Generic` can be created so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretType {
    /// Free text that the caller rotates.
    Generic,
    /// An ApsaraDB RDS account.
    Rds,
    /// A Redis account.
    Redis,
    /// A RAM user's access key.
    RamCredentials,
    /// An ECS login.
    Ecs,
    /// A PolarDB account.
    PolarDb,
}

impl SecretType {
    /// The API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "Generic",
            Self::Rds => "Rds",
            Self::Redis => "Redis",
            Self::RamCredentials => "RAMCredentials",
            Self::Ecs => "ECS",
            Self::PolarDb => "PolarDB",
        }
    }
}

impl FromStr for SecretType {
    type Err = Invalid;

    /// Case-sensitive (rule 8.1).
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let all = [Self::Generic, Self::Rds, Self::Redis, Self::RamCredentials, Self::Ecs, Self::PolarDb];
        let found = all.into_iter().find(|t| t.as_str() == text);
        found.ok_or_else(|| Invalid::not_one_of(text, all.map(Self::as_str)))
    }
}

/// How clients interpret a value. It is stored and returned verbatim either way (rules 1.9, 1.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `text`, the default.
    Text,
    /// `binary`.
    Binary,
}

impl DataType {
    /// The API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

impl FromStr for DataType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "text" => Ok(Self::Text),
            "binary" => Ok(Self::Binary),
            _ => Err(Invalid::not_one_of(text, [Self::Text.as_str(), Self::Binary.as_str()])),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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

    /// The version that a reader asks for (rules 4.1 to 4.3).
    ///
    /// # Errors
    /// [`Refusal::InRecoveryWindow`]; [`Refusal::VersionNotFound`]; [`Refusal::LabelElsewhere`] when id and label select
    /// different versions.
    pub fn select(&self, id: Option<&VersionId>, stage: Option<&StageLabel>) -> Result<&Version, Refusal> {
        self.require_live()?;
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
