//! Why a command on a secret is not carried out.

use super::limits::Exceeded;

/// A reason to refuse. The wire layer gives each one code, status and wording; the texts here are for developers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such secret (or none any more).
    #[error("secret not found")]
    SecretNotFound,
    /// The secret has no such version, or no version with the wanted label (rules 3.33, 4.2, 4.3).
    #[error("version not found")]
    VersionNotFound,
    /// The name is taken (409 on creation).
    #[error("secret exists")]
    SecretExists,
    /// The name is taken by a secret in its recovery window (rule 6.6, creation).
    #[error("secret exists and is scheduled for deletion")]
    NameInRecoveryWindow,
    /// The secret is scheduled for deletion (rule 6.6).
    #[error("secret is scheduled for deletion")]
    InRecoveryWindow,
    /// The version exists with another value or type (rules 2.5, 2.6).
    #[error("version exists with other data")]
    VersionExists,
    /// A restore of a secret that is not scheduled for deletion (rule 6.7).
    #[error("secret is not scheduled for deletion")]
    NotInRecoveryWindow,
    /// Too many labels, or no version can be evicted (rules 2.9, 3.11, 3.34).
    #[error("a limit of the secret is exceeded: {0}")]
    LimitExceeded(Exceeded),
    /// The account has as many secrets in the region as it may have (rule 12.3).
    #[error("the quota of secrets is exceeded: {0}")]
    QuotaExceeded(Exceeded),
    /// The label is not on the version it should leave, or would leave and enter the same (3.25, 3.28, 3.29).
    #[error("label and versions do not match")]
    StageMismatch,
    /// The secret has no `ACSCurrent` (rule 3.36).
    #[error("secret has no current version")]
    NoCurrentVersion,
    /// A parameter is not valid in this combination; names it.
    #[error("parameter {0} is not valid")]
    Parameter(&'static str),
    /// The action does not work on this type of secret (rule 2.12).
    #[error("not supported for this type of secret")]
    UnsupportedType,
    /// More tags than a resource may carry (rule 11.1).
    #[error("too many tags: {0}")]
    TooManyTags(Exceeded),
}
