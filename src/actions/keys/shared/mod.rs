//! What several actions on keys use.

use crate::app::keys::id_only;
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

pub(super) mod aliases;
pub(super) mod ciphertext;
pub(super) mod data_keys;
pub(super) mod encoding;
pub(super) mod key_pairs;
pub(super) mod metadata;
pub(super) mod policies;
pub(super) mod rotation;
pub(super) mod versions;

/// Error codes of the actions that use or change a key.
pub(in crate::actions) const KEY_CODES: &[Code] = &[
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

/// Reads a key by its id or ARN; an alias is not allowed.
///
/// # Errors
/// Unsupported.Alias; MissingParameter or InvalidParameter naming the parameter.
pub(in crate::actions) fn key_id(fields: Fields<'_>, name: &str) -> Result<KeyRef, ApiError> {
    let reference: KeyRef = fields.required(name)?;
    id_only(&reference)?;
    Ok(reference)
}
