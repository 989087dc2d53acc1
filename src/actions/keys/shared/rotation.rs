//! The interval of automatic rotation.

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
    let split = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let seconds: i64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_no_number| wrong())?;
    let interval = i64::from(number).saturating_mul(seconds).saturating_mul(1000);
    let (_, max) = ROTATION_DAYS;
    if interval > max * 86_400_000 {
        return Err(ApiError::invalid("RotationInterval", format!("is longer than {max} days")));
    }
    Ok(Some(interval))
}
