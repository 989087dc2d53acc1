//! The end of a dry run.

use crate::wire::{ApiError, Code};

/// Turns the outcome of a dry run into one of three error codes (rule 4.10, guess G8). Failures of the server stay as
/// they are.
pub(in crate::actions) fn dry_run<T>(dry: bool, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
    if !dry {
        return outcome;
    }
    Err(match outcome {
        Ok(_) => {
            ApiError::new(Code::DryRunOperation, "DryRun=true: without it the request would have succeeded")
        }
        Err(error) if error.code.status() >= 500 => error,
        Err(error) if error.code == Code::ForbiddenNoPermission => {
            let reason = format!("DryRun=true: {}", error.reason);
            ApiError { denied: error.denied, ..ApiError::new(Code::DryRunAccessDenied, reason) }
        }
        Err(error) => {
            let reason = format!(
                "DryRun=true: without it the answer would have been {}: {}",
                error.wire, error.reason
            );
            ApiError::new(Code::DryRunValidation, reason)
        }
    })
}
