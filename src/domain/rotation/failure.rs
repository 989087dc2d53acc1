//! Why a rotation failed, as events and lists tell it.

use std::fmt;

/// A cause of failure, with the code of rule R7.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The target did not answer.
    TargetUnreachable,
    /// The target said no.
    TargetRefused,
    /// The account is not there.
    AccountNotFound,
    /// The RAM user is not there.
    RamUserNotFound,
    /// The RAM user has two AccessKeys, and the older one cannot go (rule DY12.5).
    AccessKeyLimit,
    /// The key that encrypts the secret is disabled or gone (rule R3.17).
    KeyUnavailable,
    /// The rotator failed in another way.
    RotatorFailed,
    /// The rotator cannot work with what is stored or configured. It has the code of [`Cause::RotatorFailed`].
    Unsuitable,
    /// The rotator took too long.
    RotatorTimeout,
    /// The secret was changed meanwhile (rule R8.4).
    Conflict,
}

impl Cause {
    /// One cause for each code.
    pub const ALL: [Self; 9] = [
        Self::TargetUnreachable,
        Self::TargetRefused,
        Self::AccountNotFound,
        Self::RamUserNotFound,
        Self::AccessKeyLimit,
        Self::KeyUnavailable,
        Self::RotatorFailed,
        Self::RotatorTimeout,
        Self::Conflict,
    ];

    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TargetUnreachable => "Kms:TargetUnreachable",
            Self::TargetRefused => "Kms:TargetRefused",
            Self::AccountNotFound => "Kms:AccountNotFound",
            Self::RamUserNotFound => "Kms:RamUserNotFound",
            Self::AccessKeyLimit => "Kms:AccessKeyLimit",
            Self::KeyUnavailable => "Kms:KeyUnavailable",
            Self::RotatorFailed | Self::Unsuitable => "Kms:RotatorFailed",
            Self::RotatorTimeout => "Kms:RotatorTimeout",
            Self::Conflict => "Kms:Conflict",
        }
    }

    /// Whether another attempt at the same rotation may succeed. If not, the rotation ends at once.
    pub const fn may_pass(self) -> bool {
        !matches!(self, Self::Unsuitable | Self::Conflict)
    }

    /// The cause of this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

/// A failure: its cause, and a sentence for a developer. The sentence never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// The sentence.
    pub message: String,
}

impl Failure {
    /// A failure of this cause.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.cause.code(), self.message)
    }
}
