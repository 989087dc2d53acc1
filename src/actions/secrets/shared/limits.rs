//! Limits of what a secret holds.

use crate::actions::endpoint::Context;
use crate::actions::shared::bounded_text::bounded;
use crate::domain::limits::DESCRIPTION_CHARS;
use crate::wire::{ApiError, Fields};

/// Checks that a value is not longer than the configured limit (rule 1.8).
///
/// # Errors
/// InvalidParameter naming `SecretData`.
pub(in crate::actions) fn check_length(context: &Context, data: &[u8]) -> Result<(), ApiError> {
    let (length, most) = (data.len(), context.app.limits().secret_data_bytes);
    if length <= most {
        return Ok(());
    }
    let why = format!(
        "has {length} bytes; at most {most} are allowed (limits.secret_data_bytes in the configuration file)"
    );
    Err(ApiError::invalid("SecretData", why))
}

/// Reads the description, at most 8,192 characters (rule 1.11).
pub(in crate::actions) fn description(fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    bounded(fields, "Description", DESCRIPTION_CHARS)
}
