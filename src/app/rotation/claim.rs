//! A rotation that this process works at, and why an attempt at it stops.

use super::tasks::{At, Ended};
use crate::app::error::AppError;
use crate::domain::rotation::{Cause, Failure, Trigger};
use crate::domain::{VersionId, with_causes};
use crate::store::StoreError;

/// Why an attempt did not succeed.
pub(super) enum Stop {
    Failed(Failure),
    /// The secret was deleted, replaced, or taken over by another process.
    Dropped,
    /// The process ends, or the database fails: the rotation stays under way, and it is continued later.
    Interrupted,
}

impl Stop {
    /// How a rotation ended whose failure cannot be stored.
    pub(super) fn without_failure(self) -> Ended {
        match self {
            Self::Interrupted => Ended::Interrupted,
            Self::Dropped | Self::Failed(_) => Ended::Dropped,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(_) => Self::Dropped,
            AppError::Busy | AppError::Unavailable(_) => {
                tracing::error!(error = %with_causes(&error), "a rotation was interrupted and will be continued");
                Self::Interrupted
            }
            AppError::Key(refusal) => Self::Failed(Failure::new(Cause::KeyUnavailable, refusal.to_string())),
            other => {
                tracing::error!(error = %other, "a rotation met an error of the server");
                let why = "the server could not carry the rotation out; its log has the cause";
                Self::Failed(Failure::new(Cause::RotatorFailed, why))
            }
        }
    }
}

/// A claimed rotation.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) at: At,
    pub(super) version: VersionId,
    pub(super) trigger: Trigger,
    /// The AccessKey that signed the call.
    pub(super) asked_with: Option<String>,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        AppError::from(error).into()
    }
}
