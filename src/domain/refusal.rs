//! Why a command on a secret is refused.

use std::borrow::Cow;
use std::fmt;

/// A reason to refuse a command. Each one is displayed as a sentence for developers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The secret does not exist (any more).
    #[error(
        "there is no secret of this name in this account and region (names are case-sensitive); \
         ListSecrets lists the existing ones"
    )]
    SecretNotFound,
    /// No version has this id or label.
    #[error(
        "the secret has no version with this VersionId or VersionStage (both are case-sensitive); \
         ListSecretVersionIds lists the existing ones"
    )]
    VersionNotFound,
    /// The secret exists, but the version with this id does not carry the label.
    #[error("the version named by VersionId does not carry the label named by VersionStage")]
    LabelElsewhere,
    /// The name is taken.
    #[error("a secret of this name exists; PutSecretValue adds a version to it")]
    SecretExists,
    /// The name is taken by a secret that is scheduled for deletion.
    #[error(
        "a secret of this name is scheduled for deletion; RestoreSecret brings it back, and DeleteSecret with \
         ForceDeleteWithoutRecovery=true frees the name at once"
    )]
    NameInRecoveryWindow,
    /// The secret is scheduled for deletion.
    #[error("the secret is scheduled for deletion; RestoreSecret brings it back")]
    InRecoveryWindow,
    /// The version exists with another value or data type.
    #[error(
        "the secret has a version with this VersionId and another value or data type; a version never changes, \
         so choose another VersionId"
    )]
    VersionExists,
    /// The secret is not scheduled for deletion.
    #[error("the secret is not scheduled for deletion, so there is nothing to restore")]
    NotInRecoveryWindow,
    /// A limit of the service would be exceeded.
    #[error("{0}")]
    LimitExceeded(Quota),
    /// The account has the maximum number of secrets in the region (rule 12.3).
    #[error("{0}")]
    QuotaExceeded(Quota),
    /// The label is not on the version that the caller names.
    #[error(
        "the label is not on the version that RemoveFromVersion names; ListSecretVersionIds shows where it is"
    )]
    StageMismatch,
    /// The label would move to the version that it leaves.
    #[error("RemoveFromVersion and MoveToVersion name the same version")]
    SameVersion,
    /// The secret lost its current version.
    #[error("no version of the secret carries the label ACSCurrent")]
    NoCurrentVersion,
    /// A parameter is not valid in this combination: its name, and why.
    #[error("{0} {1}")]
    Parameter(&'static str, Cow<'static, str>),
    /// The database behind a new secret refused what the secret needs: its words, without passwords.
    #[error("{0}")]
    NotCarriedOut(String),
    /// The account at an instance is another secret's.
    #[error(
        "another secret has this account at this instance, and the service takes over no account that exists; choose another AccountName"
    )]
    AccountTaken,
    /// The RAM user is not there.
    #[error(
        "there is no RAM user of the name in ExtendedConfig.UserName in this account; GET /_sesame/accounts lists them"
    )]
    RamUserNotFound,
    /// The account has roles, but not the one by which the service changes AccessKeys.
    #[error(
        "the account has no role {0}, by which the service rotates AccessKeys; add it to the roles of the account, or set managed.check_service_roles = false"
    )]
    RamRoleNotFound(&'static str),
    /// A rotation of the secret is under way, or the window after one (rule R4.6).
    #[error("a rotation of the secret is under way; GET /_sesame/rotations shows it")]
    BeingRotated,
    /// The secret is of a type that does not support this.
    #[error(
        "the type of the secret does not support this: Generic secrets are written by their users, all others rotate"
    )]
    UnsupportedType,
}

impl Refusal {
    /// A parameter is not valid in this combination.
    pub fn parameter(name: &'static str, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Parameter(name, why.into())
    }
}

/// A limit that a command would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is limited, such as `labels on all versions of a secret together`.
    pub of: &'static str,
    /// The maximum.
    pub most: usize,
    /// The setting of the configuration file that changes it, such as `limits.labels_per_secret`.
    pub setting: Option<&'static str>,
}

impl Quota {
    /// A limit that no setting changes.
    pub const fn fixed(of: &'static str, most: usize) -> Self {
        Self { of, most, setting: None }
    }

    /// A limit that a setting of the configuration file changes.
    pub const fn set(of: &'static str, most: usize, setting: &'static str) -> Self {
        Self { of, most, setting: Some(setting) }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, most, setting } = self;
        match setting {
            Some(setting) => write!(f, "at most {most} {of} ({setting} in the configuration file)"),
            None => write!(f, "at most {most} {of}"),
        }
    }
}
