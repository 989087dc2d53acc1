//! Errors of use cases.

use crate::crypto::CryptoError;
use crate::crypto::asymmetric::AsymmetricError;
use crate::domain::Refusal;
use crate::domain::keys::decisions::KeyRefusal;
use crate::store::{StoreError, Unavailable};

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule of the service about secrets forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rule of the service about keys forbids it.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// Concurrent writers won too often. The caller may try again.
    #[error("too many conflicting changes")]
    Busy,
    /// The database did not answer, or did not succeed. The caller may try again.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// Stored data is not valid.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Something stored could not be opened.
    #[error("sealed data: {0}")]
    Crypto(#[from] CryptoError),
    /// A stored key pair could not be used.
    #[error("key pair: {0}")]
    Pair(#[from] AsymmetricError),
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Busy,
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Corrupt(what) => Self::Damaged(what),
        }
    }
}
