//! Why a use case failed.

use crate::crypto::CryptoError;
use crate::domain::Refusal;
use crate::store::StoreError;

/// What the use cases answer when they do not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule of the service forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The secret belongs to another account, and no policy lets the caller in; carries its ARN.
    #[error("the secret {0} belongs to another account")]
    OtherAccount(String),
    /// Others changed the secret faster than we could decide; the caller may try again.
    #[error("too many conflicting changes")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something stored could not be opened.
    #[error("sealed data: {0}")]
    Crypto(#[from] CryptoError),
}
