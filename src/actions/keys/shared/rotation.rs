//! The interval of automatic rotation.

use crate::domain::duration;
use crate::domain::keys::decisions::ROTATION_DAYS;
use crate::wire::{ApiError, Fields};

/// Reads an interval such as `365d`; returns milliseconds (rule 8.4).
///
/// # Errors
/// InvalidParameter naming RotationInterval.
pub(in crate::actions) fn interval_ms(fields: Fields<'_>) -> Result<Option<i64>, ApiError> {
    let Some(text) = fields.text("RotationInterval")? else { return Ok(None) };
    let wrong =
        || ApiError::invalid("RotationInterval", "is not a whole number and s, m, h or d, such as 30d");
    let interval = duration::seconds(text).ok_or_else(wrong)?.saturating_mul(1000);
    let (_, max) = ROTATION_DAYS;
    if interval > max * 86_400_000 {
        return Err(ApiError::invalid("RotationInterval", format!("is longer than {max} days")));
    }
    Ok(Some(interval))
}
