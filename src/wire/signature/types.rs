//! The types of signatures: the request, the claim that was read from it, the key, and the errors.

use std::fmt;

use http::{HeaderMap, HeaderValue};
use rsa::{PublicKey, pkcs8::DecodePublicKey};

use super::time::{parse_http_date, parse_time};
use crate::wire::params::Pairs;

/// The longest accepted `Authorization` header, in bytes.
pub const MAX_AUTHORIZATION: usize = 4_096;
/// The longest accepted key id, in bytes.
pub const MAX_KEY_ID: usize = 4_096;
/// The longest accepted signature, in bytes of its text.
pub const MAX_SIGNATURE: usize = 4_096;
/// The longest accepted security token, in bytes.
pub const MAX_SECURITY_TOKEN: usize = 16_384;
/// The longest accepted nonce, in bytes (protocol P69: at least 64).
pub const MAX_NONCE: usize = 256;
/// The longest accepted value of other fields (time, method, version, hash), in bytes.
pub const MAX_FIELD: usize = 128;

/// The parts of a request that signatures cover.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method as sent, `GET` or `POST`.
    pub method: &'a str,
    /// The path as sent, without the query. RPC v1 and client-key signatures do not cover it, so only `/` may be served
    /// (protocol P1).
    pub path: &'a str,
    /// The decoded query.
    pub query: &'a Pairs<'a>,
    /// The decoded form body, or the members of a JSON body; empty for any other body. RPC v1 signs these like the
    /// query (protocol P46), so that every parameter that has an effect is signed; ACS signs the raw body instead (protocol P59).
    pub form: &'a Pairs<'a>,
    /// All headers as received.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

/// A signature scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RPC v1, `SignatureMethod=HMAC-SHA1` (protocol P51).
    RpcHmacSha1,
    /// RPC v1, `SignatureMethod=HMAC-SHA256` (protocol P51).
    RpcHmacSha256,
    /// RPC v1, `SignatureMethod=SHA256withRSA` and `SignatureType=PRIVATEKEY` (protocol P52).
    RpcRsaSha256,
    /// V3, `ACS3-HMAC-SHA256` (protocol P57 to P64).
    Acs3HmacSha256,
    /// V3, `ACS3-HMAC-SM3` (protocol P66).
    Acs3HmacSm3,
    /// V3, `ACS3-RSA-SHA256` (protocol P66).
    Acs3RsaSha256,
    /// V4, `ACS4-HMAC-SHA256` (protocol P66).
    Acs4HmacSha256,
    /// The instance gateway's client key, RSA (protocol P74 to P78).
    ClientKey,
}

/// What a request says about its sender (protocol P11). Nothing is proven yet.
#[derive(Debug)]
pub enum Claim<'a> {
    /// Neither a signature nor a token. A server that requires a key answers `MissingAccessKeyId`.
    Unsigned,
    /// A bearer token, as header `x-acs-bearer-token` (protocol P66) or parameter `BearerToken` (protocol P53).
    Bearer,
    /// A signature that [`verify`](fn@super::verify) must check.
    Signed(SignedClaim<'a>),
}

/// A signature and the fields that belong to it, as read by [`claim`](fn@super::claim).
///
/// `Debug` does not show the security token and the signature.
pub struct SignedClaim<'a> {
    /// The signature scheme.
    pub scheme: Scheme,
    /// The id of the key, never blank: `AccessKeyId`, the `Credential`, or `x-kms-acccesskeyid`.
    pub access_key_id: &'a str,
    /// The token of temporary credentials: `SecurityToken` (protocol P55) or `x-acs-security-token` (protocol P57). `None` if it is blank.
    /// The caller that looks up the key must compare it.
    pub security_token: Option<&'a str>,
    /// The raw time: `Timestamp`, `x-acs-date` or `Date`; never blank. See [`time_ms`](Self::time_ms).
    pub time: &'a str,
    /// The nonce: `SignatureNonce`, optional in RPC v1 (protocol P45), or `x-acs-signature-nonce`; a client key has none (protocol P78).
    /// `None` if it is blank.
    pub nonce: Option<&'a str>,
    /// The region an ACS4 key was derived for (protocol P66), otherwise `None`.
    pub scope_region: Option<&'a str>,
    /// The product an ACS4 key was derived for, `Kms` in all captures (protocol P66), otherwise `None`.
    pub scope_product: Option<&'a str>,
    /// ACS4: the first piece of the scope, `yyyymmdd`.
    pub(super) scope_date: Option<&'a str>,
    /// ACS: the names of the signed headers, lower case and ascending.
    pub(super) signed_headers: Vec<&'a str>,
    pub(super) signature: Signature<'a>,
}

/// The text of a signature. It has no `PartialEq`, so that it cannot be compared in variable time.
pub(super) struct Signature<'a>(pub(super) &'a str);

/// The key that a signature is checked with. `Debug` shows only the kind.
#[derive(Clone, Copy)]
pub enum Material<'a> {
    /// The access key secret, for the HMAC schemes.
    Secret(&'a [u8]),
    /// The public RSA key, `SubjectPublicKeyInfo` in PEM, for the schemes with [`Scheme::uses_public_key`].
    PublicKeyPem(&'a str),
}

/// Why a signature is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A parameter or header is absent or blank: the answer is `Missing<name>` (protocol P41). The time is always called
    /// `Timestamp` for RPC and ACS; the instance gateway's headers have their own names (protocol P79).
    #[error("{name} is missing")]
    Missing {
        /// The parameter, or the header of the instance gateway.
        name: &'static str,
    },
    /// The signature method or algorithm is not known: `InvalidSignatureMethod`.
    #[error("unknown signature method")]
    UnknownMethod {
        /// The method as sent, at most 64 characters of it.
        method: String,
    },
    /// `SignatureVersion` is not `1.0` (protocol P45): `IncompleteSignature`.
    #[error("signature version is not 1.0")]
    UnknownVersion,
    /// The `Authorization` header or another field is not well formed: `IncompleteSignature`.
    #[error("{reason}")]
    Malformed {
        /// What is wrong. It names the field and contains nothing of the request.
        reason: &'static str,
    },
    /// A field is longer than the limits above: `IncompleteSignature`.
    #[error("{name} is too long")]
    TooLong {
        /// The field.
        name: &'static str,
    },
    /// A field that may be sent only once was sent repeatedly: `IncompleteSignature`.
    #[error("{name} is given more than once")]
    Repeated {
        /// The field.
        name: &'static str,
    },
    /// `SignedHeaders` is not in strictly ascending order (protocol P61): `IncompleteSignature`.
    #[error("signed headers are not in ascending order")]
    HeadersNotAscending,
    /// A header `x-acs-*` is present but not signed (protocol P61): `IncompleteSignature`.
    #[error("header {name} is not signed")]
    UnsignedHeader {
        /// The header.
        name: String,
    },
    /// The hash of the body is not the one in the header (protocol P59, P75).
    #[error("{header} is not the hash of the body")]
    BodyHash {
        /// The header.
        header: &'static str,
    },
    /// The signature is wrong: `SignatureDoesNotMatch` (protocol P54, P65).
    #[error("signature does not match")]
    Mismatch(Box<Mismatch>),
    /// A secret was given for a scheme with public keys, or the other way round. The id belongs to another kind of key.
    #[error("the key is of another kind than the signature")]
    WrongMaterial,
    /// The stored key cannot be used because it is empty or not an RSA key in PEM. This is a fault of the server.
    #[error("the stored key cannot be used")]
    UnusableKey,
}

/// What the server computed for a signature that did not match. Use it only for the answer to the caller.
///
/// It contains parameters of the request, which may include `SecretData`, so `Debug` shows nothing of it.
pub struct Mismatch {
    pub(super) string_to_sign: String,
    pub(super) canonical_request: Option<String>,
}

impl Mismatch {
    /// The server's string to sign: the end of the message of protocol P54, the first bracket of protocol P65.
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// ACS only: the server's canonical request, the second bracket of protocol P65, with `***` for the values of headers that
    /// are tokens.
    pub fn canonical_request(&self) -> Option<&str> {
        self.canonical_request.as_deref()
    }
}

impl Scheme {
    /// Whether the key is a public RSA key rather than a secret.
    pub const fn uses_public_key(self) -> bool {
        matches!(self, Self::RpcRsaSha256 | Self::Acs3RsaSha256 | Self::ClientKey)
    }

    /// Whether the signature is in parameters (RPC v1) and not in headers (protocol P13).
    pub const fn is_rpc(self) -> bool {
        matches!(self, Self::RpcHmacSha1 | Self::RpcHmacSha256 | Self::RpcRsaSha256)
    }

    /// Whether a nonce is required: for header signatures except the client key, which has none (protocol P78).
    pub const fn needs_nonce(self) -> bool {
        !self.is_rpc() && !matches!(self, Self::ClientKey)
    }

    /// The name of the scheme, for logs: the algorithm of `Authorization`, or the signature method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RpcHmacSha1 => "HMAC-SHA1",
            Self::RpcHmacSha256 => "HMAC-SHA256",
            Self::RpcRsaSha256 => "SHA256withRSA",
            Self::Acs3HmacSha256 => "ACS3-HMAC-SHA256",
            Self::Acs3HmacSm3 => "ACS3-HMAC-SM3",
            Self::Acs3RsaSha256 => "ACS3-RSA-SHA256",
            Self::Acs4HmacSha256 => "ACS4-HMAC-SHA256",
            Self::ClientKey => "RSA_PKCS1_SHA_256",
        }
    }
}

impl SignedClaim<'_> {
    /// [`time`](Self::time) in milliseconds since the epoch; `None` answers `InvalidTimeStamp.Format`.
    pub fn time_ms(&self) -> Option<i64> {
        match self.scheme {
            Scheme::ClientKey => parse_http_date(self.time),
            _ => parse_time(self.time),
        }
    }
}

/// Whether `signature` is a valid RSASSA-PKCS1-v1_5 signature with SHA-256 over `message` (protocol P52, P66, P77).
pub(super) fn rsa_matches(
    material: Material<'_>,
    message: &[u8],
    signature: Option<&[u8]>,
) -> Result<bool, AuthError> {
    let Material::PublicKeyPem(pem) = material else { return Err(AuthError::WrongMaterial) };
    let Ok(key) = PublicKey::from_public_key_pem(pem) else { return Err(AuthError::UnusableKey) };
    Ok(signature.is_some_and(|bytes| key.pkcs1v15_verify::<sha2::Sha256>(message, bytes).is_ok()))
}

/// The secret in `material`, never empty.
pub(super) fn secret(material: Material<'_>) -> Result<&[u8], AuthError> {
    match material {
        Material::Secret([]) => Err(AuthError::UnusableKey),
        Material::Secret(secret) => Ok(secret),
        Material::PublicKeyPem(_) => Err(AuthError::WrongMaterial),
    }
}

impl<'a> SignedRequest<'a> {
    /// The first parameter called `name`, in the query before the body (protocol P24). Blank ones count.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).or_else(|| self.form.get(name))
    }

    /// The parameter called `name` unless it is blank, at most `max` bytes.
    pub(super) fn field(&self, name: &'static str, max: usize) -> Result<Option<&'a str>, AuthError> {
        bounded(self.parameter(name).unwrap_or_default(), name, max)
    }

    /// The values of a header. With a handful of headers a linear search is faster than hashing the name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a HeaderValue> {
        self.headers.iter().filter(move |(candidate, _)| candidate.as_str() == name).map(|(_, value)| value)
    }

    /// The trimmed value of a header unless it is blank, at most `max` bytes, in ASCII, and sent once.
    pub(super) fn header(&self, name: &'static str, max: usize) -> Result<Option<&'a str>, AuthError> {
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(AuthError::Repeated { name });
        }
        match value.to_str() {
            Ok(text) => bounded(text.trim_ascii(), name, max),
            Err(_) => Err(AuthError::Malformed { reason: "a header of the signature is not ASCII" }),
        }
    }
}

/// `text`, or `None` if it is blank.
fn bounded<'a>(text: &'a str, name: &'static str, max: usize) -> Result<Option<&'a str>, AuthError> {
    match text.len() {
        0 => Ok(None),
        length if length > max => Err(AuthError::TooLong { name }),
        _ => Ok(Some(text)),
    }
}

/// The error for an unknown signature method.
pub(super) fn unknown_method(method: &str) -> AuthError {
    AuthError::UnknownMethod { method: method.chars().take(64).collect() }
}

impl fmt::Debug for SignedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", self.query)
            .field("form", self.form)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SignedClaim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedClaim")
            .field("scheme", &self.scheme)
            .field("access_key_id", &self.access_key_id)
            .field("security_token", &self.security_token.as_ref().map(|_| "***"))
            .field("time", &self.time)
            .field("nonce", &self.nonce)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Material<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(***)",
            Self::PublicKeyPem(_) => "PublicKeyPem(***)",
        })
    }
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mismatch(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_wrong_kind_are_refused() {
        let pem = Material::PublicKeyPem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
        assert!(matches!(rsa_matches(Material::Secret(b"x"), b"", None), Err(AuthError::WrongMaterial)));
        assert!(matches!(rsa_matches(pem, b"", None), Err(AuthError::UnusableKey)));
        assert!(matches!(secret(pem), Err(AuthError::WrongMaterial)));
        assert!(matches!(secret(Material::Secret(b"")), Err(AuthError::UnusableKey)));
        assert_eq!(format!("{:?} {pem:?}", Material::Secret(b"hunter2")), "Secret(***) PublicKeyPem(***)");
    }
}
