//! Checking the signature of a claim.

use super::types::{AuthError, Material, Scheme, SignedClaim, SignedRequest};
use super::{acs, client_key, rpc};

/// Checks the signature of `claim`, which must have been read from the same `request`, with the key whose id it names.
/// The comparison takes constant time.
///
/// This checks neither the time nor the nonce nor the security token.
///
/// # Errors
///
/// [`AuthError::WrongMaterial`], [`AuthError::UnusableKey`], [`AuthError::Mismatch`]. For ACS and client keys also
/// [`AuthError::BodyHash`], and [`AuthError::Malformed`], [`AuthError::Repeated`] or [`AuthError::TooLong`] for signed
/// headers that are missing, repeated or unreadable and for an ACS4 scope of another day than `x-acs-date`. For ACS
/// also [`AuthError::UnsignedHeader`].
pub fn verify(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
) -> Result<(), AuthError> {
    match claim.scheme {
        Scheme::RpcHmacSha1 | Scheme::RpcHmacSha256 | Scheme::RpcRsaSha256 => {
            rpc::verify(request, claim, material)
        }
        Scheme::Acs3HmacSha256 | Scheme::Acs3HmacSm3 | Scheme::Acs3RsaSha256 | Scheme::Acs4HmacSha256 => {
            acs::verify(request, claim, material)
        }
        Scheme::ClientKey => client_key::verify(request, claim, material),
    }
}
