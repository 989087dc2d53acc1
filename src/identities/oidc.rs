//! OIDC tokens: JSON Web Tokens with an RSA signature, verified with the keys of issuers that an account trusts.

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use rsa::{BoxedUint, PublicKey};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use sha2::{Sha256, Sha384, Sha512};

use super::OidcProvider;
use crate::domain::Timestamp;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcFailure {
    /// It is empty.
    #[error("empty")]
    Empty,
    /// It does not have three parts.
    #[error("not three parts")]
    Parts,
    /// A part is not base64.
    #[error("not base64")]
    Encoding,
    /// Its algorithm is not RSA.
    #[error("algorithm {0}")]
    Algorithm(String),
    /// Its header or claims do not have the expected form.
    #[error("claims")]
    Content,
    /// Its header requires an extension (`crit`).
    #[error("crit")]
    Critical,
    /// It is from another issuer.
    #[error("issuer")]
    Issuer,
    /// The issuer has no key with the id that the token names.
    #[error("no key of {0}")]
    NoKey(String),
    /// Its signature does not match.
    #[error("signature")]
    Signature,
    /// It has expired, is too old, or was issued in the future.
    #[error("expired")]
    Expired,
    /// It is for another audience.
    #[error("audience")]
    Audience,
}

/// The claims of an accepted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `sub`.
    pub subject: String,
    /// The claim `aud`.
    pub audience: Vec<String>,
    /// The claim `iat`.
    pub issued: Timestamp,
    /// The claim `exp`.
    pub expires: Timestamp,
}

/// A token of valid form. Nothing about it has been verified.
#[derive(Debug)]
pub struct Token<'a> {
    header: Header,
    claims: Claims,
    /// The signed part.
    signed: &'a str,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Whether the token requires an extension (RFC 7515, 4.1.11). No extension is supported, so such a token is refused.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Deserializes to true if the member is present, whatever its value is.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// How far the issuer's clock may be ahead, in seconds.
const SKEW_SECONDS: i64 = 60;

impl<'a> Token<'a> {
    /// Parses a token.
    ///
    /// # Errors
    /// [`OidcFailure::Empty`] to [`OidcFailure::Content`].
    pub fn read(text: &'a str) -> Result<Self, OidcFailure> {
        if text.is_empty() {
            return Err(OidcFailure::Empty);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(OidcFailure::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(OidcFailure::Parts)?;
        if claims.contains('.') {
            return Err(OidcFailure::Parts);
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).or_else(|_| URL_SAFE.decode(part));
        let decode = |part| decode(part).map_err(|_invalid| OidcFailure::Encoding);
        let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
        let header: Header = serde_json::from_slice(&header).map_err(|_invalid| OidcFailure::Content)?;
        if !matches!(header.alg.as_str(), "RS256" | "RS384" | "RS512") {
            return Err(OidcFailure::Algorithm(header.alg));
        }
        if header.crit {
            return Err(OidcFailure::Critical);
        }
        let claims = serde_json::from_slice(&claims).map_err(|_invalid| OidcFailure::Content)?;
        Ok(Self { header, claims, signed, signature })
    }

    /// Verifies the token against an issuer that the account trusts.
    ///
    /// # Errors
    /// [`OidcFailure::Issuer`] to [`OidcFailure::Audience`], in this order.
    pub fn verify(self, provider: &OidcProvider, now: Timestamp) -> Result<TokenInfo, OidcFailure> {
        let Self { header, claims, signed, signature } = self;
        if claims.iss != provider.issuer {
            return Err(OidcFailure::Issuer);
        }
        // A token without a key id may be signed by any key.
        let named = |(kid, _): &&(String, PublicKey)| header.kid.is_empty() || *kid == header.kid;
        let mut keys = provider.keys.iter().filter(named).peekable();
        if keys.peek().is_none() {
            return Err(OidcFailure::NoKey(provider.issuer.clone()));
        }
        if !keys.any(|(_, key)| is_signed_by(key, &header.alg, signed.as_bytes(), &signature)) {
            return Err(OidcFailure::Signature);
        }
        let now_seconds = now.as_millis() / 1000;
        let too_old = claims.iat < now_seconds - provider.issuance_limit_seconds;
        let ahead = claims.iat.max(claims.nbf.unwrap_or(claims.iat)) > now_seconds + SKEW_SECONDS;
        if claims.exp <= now_seconds || too_old || ahead {
            return Err(OidcFailure::Expired);
        }
        let audience = match claims.aud {
            Audience::One(one) => vec![one],
            Audience::Many(many) => many,
        };
        if !audience.iter().any(|one| provider.client_ids.contains(one)) {
            return Err(OidcFailure::Audience);
        }
        let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
        let (issued, expires) = (at(claims.iat), at(claims.exp));
        Ok(TokenInfo { issuer: claims.iss, subject: claims.sub, audience, issued, expires })
    }
}

fn is_signed_by(key: &PublicKey, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
    match algorithm {
        "RS256" => key.pkcs1v15_verify::<Sha256>(signed, signature),
        "RS384" => key.pkcs1v15_verify::<Sha384>(signed, signature),
        _ => key.pkcs1v15_verify::<Sha512>(signed, signature),
    }
    .is_ok()
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: String,
    n: Option<String>,
    e: Option<String>,
}

/// The RSA keys of a JWK set, by id. `None` when it is not a JWK set or contains no RSA key.
pub(super) fn keys(text: &str) -> Option<Vec<(String, PublicKey)>> {
    let set: JwkSet = serde_json::from_str(text).ok()?;
    let number = |text: Option<String>| {
        let bytes = URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()?;
        Some(BoxedUint::from_be_slice_vartime(&bytes))
    };
    let mut keys = Vec::new();
    for jwk in set.keys.into_iter().filter(|jwk| jwk.kty == "RSA") {
        keys.push((jwk.kid, PublicKey::new(number(jwk.n)?, number(jwk.e)?).ok()?));
    }
    if keys.is_empty() { None } else { Some(keys) }
}
