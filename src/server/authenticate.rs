//! Who asks? From a claim to a caller, in the order that the gateway checks: key, time, signature, nonce (fact D20).

use super::{AuthMode, Shared};
use crate::app::{AccessKey, Caller, KeyMaterial, SKEW_MS};
use crate::domain::Timestamp;
use crate::wire::signature::{self, Claim, Material, SignedClaim, SignedRequest};
use crate::wire::{ApiError, Code};

/// The caller that a claim proves.
///
/// # Errors
/// The gateway's own codes for each failure.
pub(super) fn caller(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &Claim,
) -> Result<Caller, ApiError> {
    let settings = &shared.settings;
    let root = |access_key: Option<&str>| Caller {
        account: settings.default_account.clone(),
        access_key: access_key.map(str::to_owned),
    };
    match (claim, settings.mode) {
        (Claim::Unsigned | Claim::Bearer, AuthMode::Open) => Ok(root(None)),
        (Claim::Unsigned, AuthMode::Signed) => Err(ApiError::missing_from_gateway("AccessKeyId")),
        // Nobody here issues bearer tokens (fact F10).
        (Claim::Bearer, AuthMode::Signed) => Err(ApiError::new(Code::InvalidSignatureMethod)),
        (Claim::Signed(signed), mode) => match (settings.access_keys.find(&signed.access_key_id), mode) {
            (Some(key), _) => verified(shared, request, signed, key),
            (None, AuthMode::Open) => Ok(root(Some(&signed.access_key_id))),
            (None, AuthMode::Signed) => Err(ApiError::new(Code::InvalidAccessKeyIdNotFound)),
        },
    }
}

fn verified(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &SignedClaim,
    key: &AccessKey,
) -> Result<Caller, ApiError> {
    if !key.active {
        return Err(ApiError::new(Code::InvalidAccessKeyIdInactive));
    }
    let clock = shared.settings.app.clock();
    let signed_at = claim.time_ms().ok_or_else(|| ApiError::new(Code::InvalidTimeStampFormat))?;
    let signed_at = Timestamp::from_millis(signed_at);
    // A client signs by the machine's clock even when the service's clock was moved: fresh by either is fresh.
    let fresh = [clock.now(), clock.wall()].iter().any(|now| now.distance_ms(signed_at) <= SKEW_MS);
    if !fresh {
        return Err(ApiError::new(Code::InvalidTimeStampExpired));
    }
    match &key.material {
        KeyMaterial::Secret(secret) => {
            #[expect(clippy::disallowed_methods, reason = "a signature cannot be checked without the key")]
            let secret = secrecy::ExposeSecret::expose_secret(secret);
            signature::verify(request, claim, Material::Secret(secret.as_bytes()))?;
        }
        KeyMaterial::PublicKey(pem) => signature::verify(request, claim, Material::PublicKeyPem(pem))?,
    }
    // Only now: a stranger must not be able to use up somebody's nonces.
    match &claim.nonce {
        Some(nonce) if !shared.nonces.first_use(&claim.access_key_id, nonce, clock.wall()) => {
            return Err(ApiError::new(Code::SignatureNonceUsed));
        }
        // The documentation of header signatures requires one; that of RPC v1 knows none (fact E1).
        None if claim.scheme.needs_nonce() => return Err(ApiError::missing_from_gateway("SignatureNonce")),
        _ => {}
    }
    Ok(Caller { account: key.account.clone(), access_key: Some(claim.access_key_id.clone()) })
}
