//! Free texts with a maximum length.

use crate::domain::names::Invalid;
use crate::wire::{ApiError, Fields};

/// A free text with a maximum length, in characters.
///
/// # Errors
/// InvalidParameter naming the parameter.
pub(in crate::actions) fn bounded(
    fields: Fields<'_>,
    name: &str,
    most: usize,
) -> Result<Option<String>, ApiError> {
    fields.text(name)?.map(|text| short_enough(name, text, most)).transpose()
}

/// Checks that a text is not longer than the maximum, in characters.
///
/// # Errors
/// InvalidParameter naming the parameter.
pub(in crate::actions) fn short_enough(name: &str, text: &str, most: usize) -> Result<String, ApiError> {
    Invalid::check_length(text, 0..=most).map_err(|invalid| ApiError::invalid(name, invalid))?;
    Ok(text.to_owned())
}
