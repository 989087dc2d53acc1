//! Authentication: from the claim in a request to its caller. The order of checks is that of the gateway: key, token, time,
//! signature, nonce (protocol P44).

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::reasons;
use crate::app::{Caller, Nonce, SKEW_MS, Session};
use crate::crypto::same_bytes;
use crate::domain::Timestamp;
use crate::domain::policy::{Identity, Principal};
use crate::identities::{FoundKey, KeyMaterial};
use crate::server::settings::AuthMode;
use crate::server::shared::Shared;
use crate::wire::signature::{self, Claim, Material, SignedClaim, SignedRequest};
use crate::wire::{ApiError, Code};

const DELETED_KEY: &str =
    "a rotation of a RAMCredentials secret deleted this access key; read the current one by GetSecretValue";
const NO_TOKEN: &str =
    "the SecurityToken was not issued by this server, or was issued under another root key";
const MISSING_TOKEN: &str = "the access key needs a SecurityToken, but none was sent";
const OTHER_TOKEN: &str = "the SecurityToken belongs to another access key";
const TIME_FORM: &str = "the time of the signature is malformed; expected UTC such as 2026-11-24T03:30:00Z";
const NO_NONCE: &str =
    "a signature in headers needs a nonce: send a fresh one each time as x-acs-signature-nonce";

/// The prefix of the ids of temporary access keys.
const TEMPORARY: &str = "STS.";

/// A caller, and whether a valid signature proves who it is.
#[derive(Debug)]
pub(super) struct Authenticated {
    pub(super) caller: Caller,
    pub(super) proven: bool,
}

/// Authenticates a claim. In mode `open`, a request with an unknown key or without a key acts as the root of
/// the default account. A key that a rotation deleted is refused in every mode.
///
/// # Errors
/// The gateway's code for the check that failed.
pub(super) async fn caller(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &Claim<'_>,
) -> Result<Authenticated, ApiError> {
    let settings = &shared.settings;
    let open = settings.mode == AuthMode::Open;
    let root = |access_key: Option<&str>| {
        let caller = Caller::root(settings.default_account.clone(), access_key.map(str::to_owned));
        Authenticated { caller, proven: false }
    };
    let proven = |caller| Authenticated { caller, proven: true };
    let claim = match claim {
        Claim::Unsigned | Claim::Bearer if open => return Ok(root(None)),
        Claim::Unsigned => {
            return Err(ApiError::missing_from_gateway("AccessKeyId", reasons::unsigned(shared)));
        }
        // This server issues no bearer tokens (protocol P66).
        Claim::Bearer => {
            return Err(ApiError::new(
                Code::InvalidSignatureMethod,
                "bearer tokens are not supported; sign with an access key",
            ));
        }
        Claim::Signed(claim) => claim,
    };
    let id = claim.access_key_id;
    let identities = settings.app.directory().current();
    if let Some(found) = identities.key(id) {
        let caller = of_key(shared, request, claim, found).await?;
        return Ok(Authenticated { caller, proven: !found.well_known });
    }
    // In mode `open`, too: else a program that keeps its old key would fail while the key is Inactive and then work again.
    if identities.is_deleted_key(id) {
        return Err(ApiError::new(Code::InvalidAccessKeyIdNotFound, DELETED_KEY));
    }
    match claim.security_token {
        Some(token) => match settings.app.session(token) {
            Ok(session) => of_session(shared, request, claim, session).await.map(proven),
            Err(_) if open => Ok(root(Some(id))),
            Err(_) if id.starts_with(TEMPORARY) => {
                Err(ApiError::new(Code::InvalidSecurityTokenMalformed, NO_TOKEN))
            }
            Err(_) => Err(ApiError::new(Code::InvalidAccessKeyIdNotFound, reasons::unknown_key(shared, id))),
        },
        None if open => Ok(root(Some(id))),
        None if id.starts_with(TEMPORARY) => Err(ApiError::new(Code::MissingSecurityToken, MISSING_TOKEN)),
        None => Err(ApiError::new(Code::InvalidAccessKeyIdNotFound, reasons::unknown_key(shared, id))),
    }
}

/// Authenticates the holder of a configured key.
async fn of_key(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    found: &FoundKey,
) -> Result<Caller, ApiError> {
    if !found.key.active {
        let reason = "the access key is Inactive; set its status to Active in the configuration file or by PUT /_sesame/accounts/ID";
        return Err(ApiError::new(Code::InvalidAccessKeyIdInactive, reason));
    }
    check_token(claim, found.key.token.as_ref())?;
    let identity = match &found.user {
        None => Identity::Root,
        Some(name) => Identity::User { name: name.clone() },
    };
    let principal = Principal { account: found.account.id.clone(), identity };
    let material = match &found.key.material {
        KeyMaterial::Secret(secret) => exposed(secret),
        KeyMaterial::PublicKey(pem) => Material::PublicKeyPem(pem),
    };
    verify(shared, request, claim, material, &principal).await?;
    Ok(Caller { principal, access_key: Some(claim.access_key_id.to_owned()), session: None })
}

/// Checks the token of a configured key. The token must be the configured one. A temporary key without a configured token
/// accepts any token, and a permanent key accepts none.
fn check_token(claim: &SignedClaim<'_>, wanted: Option<&SecretString>) -> Result<(), ApiError> {
    match (claim.security_token, wanted) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(ApiError::new(Code::MissingSecurityToken, MISSING_TOKEN)),
        (Some(_), None) if claim.access_key_id.starts_with(TEMPORARY) => Ok(()),
        (Some(sent), Some(wanted)) if same_bytes(sent.as_bytes(), bytes(wanted)) => Ok(()),
        (Some(_), None) => {
            let reason = "a SecurityToken was sent with a permanent access key, which has none";
            Err(ApiError::new(Code::InvalidSecurityTokenMismatch, reason))
        }
        (Some(_), Some(_)) => Err(ApiError::new(Code::InvalidSecurityTokenMismatch, OTHER_TOKEN)),
    }
}

/// Authenticates the holder of temporary credentials.
async fn of_session(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    session: Session,
) -> Result<Caller, ApiError> {
    if session.access_key != claim.access_key_id {
        return Err(ApiError::new(Code::InvalidSecurityTokenMismatch, OTHER_TOKEN));
    }
    let app = &shared.settings.app;
    let identities = app.directory().current();
    let role = identities.account(&session.account).and_then(|account| account.roles.get(&session.role));
    // A session also ends when its role is removed.
    let now = app.clock().now();
    if session.is_over(now) || role.is_none() {
        let reason = if role.is_none() {
            "the role of these temporary credentials no longer exists".to_owned()
        } else {
            format!("the temporary credentials expired at {}; the service's time is {now}", session.expires)
        };
        return Err(ApiError::new(Code::InvalidSecurityTokenExpired, reason));
    }
    let identity = Identity::RoleSession { role: session.role.clone(), session: session.name.clone() };
    let principal = Principal { account: session.account.clone(), identity };
    verify(shared, request, claim, exposed(session.secret()), &principal).await?;
    let access_key = Some(claim.access_key_id.to_owned());
    Ok(Caller { principal, access_key, session: Some(Arc::new(session)) })
}

fn exposed(secret: &SecretString) -> Material<'_> {
    Material::Secret(bytes(secret))
}

#[expect(
    clippy::disallowed_methods,
    reason = "neither signature nor token can be checked without looking at it"
)]
fn bytes(secret: &SecretString) -> &[u8] {
    secret.expose_secret().as_bytes()
}

/// Checks time, signature and nonce, in this order.
async fn verify(
    shared: &Shared,
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
    principal: &Principal,
) -> Result<(), ApiError> {
    let clock = shared.settings.app.clock();
    let signed_at = claim.time_ms().ok_or_else(|| ApiError::new(Code::InvalidTimeStampFormat, TIME_FORM))?;
    let signed_at = Timestamp::from_millis(signed_at);
    // Clients sign with the machine's time even when the service's clock was moved, so either clock may accept it.
    let is_fresh = |now: Timestamp| now.distance_ms(signed_at) <= SKEW_MS.unsigned_abs();
    if !is_fresh(clock.wall()) && !is_fresh(clock.now()) {
        return Err(ApiError::new(Code::InvalidTimeStampExpired, reasons::expired(signed_at, clock)));
    }
    signature::verify(request, claim, material).map_err(|error| reasons::unproven(claim, error))?;
    // Only after the signature is verified: strangers must not use up nonces of others.
    match claim.nonce {
        Some(nonce) => {
            let nonce = Nonce { principal, access_key: claim.access_key_id, nonce, signed: signed_at };
            Ok(shared.settings.app.use_nonce(nonce).await?)
        }
        // Header signatures require a nonce by documentation; RPC v1 signatures do not (protocol P45).
        None if claim.scheme.needs_nonce() => Err(ApiError::missing_from_gateway("SignatureNonce", NO_NONCE)),
        None => Ok(()),
    }
}
