//! Actions on keys and aliases, and what they share.

pub(super) mod aliases;
pub(super) mod asymmetric;
pub(super) mod data_keys;
pub(super) mod import;
pub(super) mod lifecycle;
pub(super) mod listing;
pub(super) mod metadata;
pub(super) mod policy;
pub(super) mod rotation;
pub(super) mod symmetric;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::actions::secrets::create_secret::bounded;
use crate::app::keys::{EncryptionContext, id_only};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::ROTATION_DAYS;
use crate::wire::{ApiError, Code, Fields};

/// What the actions that use or change a key may answer.
pub(super) const KEY_CODES: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasNotFound,
    Code::AliasUnsupported,
    Code::KeyVersionNotFound,
    Code::OriginUnsupported,
    Code::UnsupportedOperation,
    Code::RejectedUnsupportedOperation,
    Code::RejectedDisabled,
    Code::RejectedPendingDeletion,
    Code::RejectedPendingImport,
    Code::RejectedStateModifiedFailed,
    Code::RejectedLimitExceeded,
    Code::DryRunOperation,
    Code::DryRunValidation,
    Code::DryRunAccessDenied,
];

/// What is answered: nothing but the request id.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

/// A key by id or by the ARN of it, where an alias is not allowed.
///
/// # Errors
/// Unsupported.Alias; MissingParameter or InvalidParameter naming the parameter.
pub(super) fn key_id(fields: Fields<'_>, name: &str) -> Result<KeyRef, ApiError> {
    let reference: KeyRef = fields.required(name)?;
    id_only(&reference)?;
    Ok(reference)
}

/// Bytes in base64.
///
/// # Errors
/// InvalidParameter naming the parameter, also when there are more than `max` bytes or none.
pub(super) fn base64(fields: Fields<'_>, name: &str, max: usize) -> Result<Option<Vec<u8>>, ApiError> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let no_base64 = "is not base64 (letters, digits, + and /, padded with =); in a query or form + is %2B";
    let bytes = STANDARD.decode(text).map_err(|_not_base64| ApiError::invalid(name, no_base64))?;
    let length = bytes.len();
    if (1..=max).contains(&length) {
        return Ok(Some(bytes));
    }
    Err(ApiError::invalid(name, format!("has {length} bytes when decoded from base64; expected 1 to {max}")))
}

/// As [`base64()`], and it must be there.
///
/// # Errors
/// MissingParameter, and those of [`base64()`].
pub(super) fn required_base64(fields: Fields<'_>, name: &str, max: usize) -> Result<Vec<u8>, ApiError> {
    base64(fields, name, max)?.ok_or_else(|| fields.missing(name))
}

/// Bytes as base64.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The longest context, in characters.
const CONTEXT_CHARS: usize = 8192;

/// An encryption context: a JSON object of texts, or flattened as `<name>.<key>=<value>` (fact C4).
///
/// # Errors
/// InvalidParameter naming the parameter.
pub(super) fn encryption_context(fields: Fields<'_>, name: &str) -> Result<EncryptionContext, ApiError> {
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

/// An interval such as `365d`, in milliseconds (rule 8.4).
///
/// # Errors
/// InvalidParameter naming RotationInterval.
pub(super) fn interval_ms(fields: Fields<'_>) -> Result<Option<i64>, ApiError> {
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

/// The end of a dry run (rule 4.10, question 7): what would have been answered becomes one of three codes. Failures
/// of the server stay what they are.
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

/// Why nothing is encrypted for an enclave.
pub(super) const NO_ENCLAVES: &str = "Recipient names an enclave, and there are none here; leave it out";

/// Refuses what names an enclave (question 24).
///
/// # Errors
/// UnsupportedOperation.
pub(super) fn no_recipient(fields: Fields<'_>) -> Result<(), ApiError> {
    match fields.text("Recipient")? {
        None => Ok(()),
        Some(_) => Err(ApiError::new(Code::UnsupportedOperation, NO_ENCLAVES)),
    }
}
