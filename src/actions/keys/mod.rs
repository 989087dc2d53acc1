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
    let wrong = || ApiError::invalid(name);
    let bytes = STANDARD.decode(text).map_err(|_not_base64| wrong())?;
    if (1..=max).contains(&bytes.len()) { Ok(Some(bytes)) } else { Err(wrong()) }
}

/// As [`base64()`], and it must be there.
///
/// # Errors
/// MissingParameter, and those of [`base64()`].
pub(super) fn required_base64(fields: Fields<'_>, name: &str, max: usize) -> Result<Vec<u8>, ApiError> {
    base64(fields, name, max)?.ok_or_else(|| ApiError::missing(name))
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
    let wrong = || ApiError::invalid(name);
    if fields.text(name)?.is_some_and(|text| text.chars().count() > CONTEXT_CHARS) {
        return Err(wrong());
    }
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
    let wrong = || ApiError::invalid("RotationInterval");
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
    if interval > max * 86_400_000 { Err(wrong()) } else { Ok(Some(interval)) }
}

/// The end of a dry run (rule 4.10, question 7): what would have been answered becomes one of three codes. Failures
/// of the server stay what they are.
pub(in crate::actions) fn dry_run<T>(dry: bool, outcome: Result<T, ApiError>) -> Result<T, ApiError> {
    if !dry {
        return outcome;
    }
    Err(match outcome {
        Ok(_) => ApiError::new(Code::DryRunOperation),
        Err(error) if error.code.status() >= 500 => error,
        Err(error) if error.code == Code::ForbiddenNoPermission => {
            ApiError { denied: error.denied, ..ApiError::new(Code::DryRunAccessDenied) }
        }
        Err(_) => ApiError::new(Code::DryRunValidation),
    })
}

/// Refuses what names an enclave (question 24).
///
/// # Errors
/// UnsupportedOperation.
pub(super) fn no_recipient(fields: Fields<'_>) -> Result<(), ApiError> {
    match fields.text("Recipient")? {
        None | Some("") => Ok(()),
        Some(_) => Err(ApiError::new(Code::UnsupportedOperation)),
    }
}
