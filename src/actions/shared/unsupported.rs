//! Parameters that name something that does not exist here: KMS instances and enclaves.

use crate::wire::{ApiError, Code, Fields};

/// The reason for refusing a KMS instance.
pub(in crate::actions) const NO_INSTANCES: &str =
    "there are no KMS instances here; leave DKMSInstanceId and KmsInstanceId out";

/// The reason for refusing an enclave.
pub(in crate::actions) const NO_ENCLAVES: &str =
    "Recipient names an enclave, and there are none here; leave it out";

/// Refuses a request that names an enclave (guess G21).
///
/// # Errors
/// UnsupportedOperation.
pub(in crate::actions) fn no_recipient(fields: Fields<'_>) -> Result<(), ApiError> {
    match fields.text("Recipient")? {
        None => Ok(()),
        Some(_) => Err(ApiError::new(Code::UnsupportedOperation, NO_ENCLAVES)),
    }
}
