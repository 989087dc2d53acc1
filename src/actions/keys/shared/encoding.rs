//! Base64 and encryption contexts, as parameters carry them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::actions::shared::bounded_text::bounded;
use crate::app::keys::EncryptionContext;
use crate::wire::{ApiError, Fields};

/// Reads bytes in base64.
///
/// # Errors
/// InvalidParameter naming the parameter: not base64, no bytes, or more than `max` bytes.
pub(in crate::actions) fn base64(
    fields: Fields<'_>,
    name: &str,
    max: usize,
) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let no_base64 = "is not base64 (letters, digits, + and /, padded with =); in a query or form + is %2B";
    let bytes = STANDARD.decode(text).map_err(|_not_base64| ApiError::invalid(name, no_base64))?;
    let length = bytes.len();
    if (1..=max).contains(&length) {
        return Ok(Some(bytes));
    }
    Err(ApiError::invalid(name, format!("has {length} bytes when decoded from base64; expected 1 to {max}")))
}

/// As [`base64()`], for a required parameter.
///
/// # Errors
/// MissingParameter, and those of [`base64()`].
pub(in crate::actions) fn required_base64(
    fields: Fields<'_>,
    name: &str,
    max: usize,
) -> Result<Vec<u8>, ApiError> {
    base64(fields, name, max)?.ok_or_else(|| fields.missing(name))
}

/// Writes bytes in base64.
pub(in crate::actions) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The maximum length of an encryption context, in characters.
pub(in crate::actions) const CONTEXT_CHARS: usize = 8192;

/// Reads an encryption context: a JSON object of strings, or parameters `<name>.<key>=<value>` (protocol P20).
///
/// # Errors
/// InvalidParameter naming the parameter.
pub(in crate::actions) fn encryption_context(
    fields: Fields<'_>,
    name: &str,
) -> Result<EncryptionContext, ApiError> {
    let wrong = || ApiError::invalid(name, "is not a JSON object of texts, such as {\"purpose\":\"test\"}");
    bounded(fields, name, CONTEXT_CHARS)?;
    match fields.json(name)? {
        None => {
            let flat = fields.flattened(name)?;
            Ok(flat.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
        }
        Some(Value::Object(members)) => members
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(value) => Ok((key, value)),
                _ => Err(wrong()),
            })
            .collect(),
        Some(_) => Err(wrong()),
    }
}
