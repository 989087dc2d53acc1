//! Who signed a request, and did they really? Pure functions over one request.
//!
//! A request proves knowledge of a key by a *signature* over a *string to sign*, a text that both sides derive from
//! the request. The server finds the key by the id in the request, derives the same text and checks the signature.
//! Three families are in use; [`claim`] tells them apart (fact B1) and [`verify`] checks each:
//!
//! - **RPC v1** (`rpc.rs`, section E): everything is a parameter, `Signature` too. The string to sign is the method,
//!   `%2F`, and the sorted parameters, encoded twice. The key is the secret followed by `&`; HMAC-SHA1 nearly always,
//!   HMAC-SHA256 rarely, or RSA with a client key. Headers and path are not covered.
//! - **ACS3 and ACS4** (`acs.rs`, section F): the header `Authorization` holds key id, names of the signed headers
//!   and signature. A *canonical request* (method, path, query, those headers, hash of the body) is hashed, and the
//!   string to sign is the algorithm and that hash. HMAC-SHA256, HMAC-SM3 or RSA; ACS4 derives its HMAC key from the
//!   secret, a date, a region and a product.
//! - **Client key** (`client_key.rs`, dkms-gateway.md section 1): the instance gateway with protobuf bodies.
//!   `Authorization: Bearer` holds an RSA signature over method, body hash, type, date and the `x-kms-` headers.
//!
//! Besides these, a request may carry a bearer token instead of a signature, or nothing at all.
//!
//! The steps of a server: [`claim`], which only reads; look up the key by [`SignedClaim::access_key_id`]; compare
//! [`SignedClaim::time_ms`] with the clock (15 minutes, G2); [`verify`]; only then remember the nonce (G4, D20). No
//! function here keeps state, reads a clock, or gives out a signature it computed.

use std::fmt;

use http::{HeaderMap, HeaderValue};
use rsa::{PublicKey, pkcs8::DecodePublicKey};

use crate::wire::params::Pairs;

mod acs;
mod client_key;
mod rpc;

pub use client_key::parse_http_date;

/// The longest `Authorization` header that is read, in bytes.
pub const MAX_AUTHORIZATION: usize = 4_096;
/// The longest id of a key that is read, in bytes.
pub const MAX_KEY_ID: usize = 4_096;
/// The longest signature that is read, in bytes of its text.
pub const MAX_SIGNATURE: usize = 4_096;
/// The longest security token that is read, in bytes.
pub const MAX_SECURITY_TOKEN: usize = 16_384;
/// The longest nonce that is read, in bytes (G3: at least 64).
pub const MAX_NONCE: usize = 256;
/// The longest other field that is read (time, method, version, hash), in bytes.
pub const MAX_FIELD: usize = 128;

/// The parts of a request that signatures cover.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method as sent, `GET` or `POST`.
    pub method: &'a str,
    /// The path as sent, without the query. RPC v1 and client-key signatures do not cover it: serve `/` only (A1).
    pub path: &'a str,
    /// The decoded query.
    pub query: &'a Pairs<'a>,
    /// The decoded form body, or the members of a JSON body; empty for any other body. RPC v1 signs these like the
    /// query (E2), so that no parameter is acted upon unsigned; ACS signs the raw body instead (F3).
    pub form: &'a Pairs<'a>,
    /// All headers as received.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

/// A way of signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RPC v1, `SignatureMethod=HMAC-SHA1` (E7).
    RpcHmacSha1,
    /// RPC v1, `SignatureMethod=HMAC-SHA256` (E7).
    RpcHmacSha256,
    /// RPC v1, `SignatureMethod=SHA256withRSA` and `SignatureType=PRIVATEKEY` (E8).
    RpcRsaSha256,
    /// V3, `ACS3-HMAC-SHA256` (F1 to F8).
    Acs3HmacSha256,
    /// V3, `ACS3-HMAC-SM3` (F10).
    Acs3HmacSm3,
    /// V3, `ACS3-RSA-SHA256` (F10).
    Acs3RsaSha256,
    /// V4, `ACS4-HMAC-SHA256` (F10).
    Acs4HmacSha256,
    /// The instance gateway's client key, RSA (K1 to K5).
    ClientKey,
}

/// What a request says about its sender (B1). Nothing of it is proven yet.
#[derive(Debug)]
pub enum Claim<'a> {
    /// Neither signature nor token. A server that wants a key answers `MissingAccessKeyId`.
    Unsigned,
    /// A bearer token, as header `x-acs-bearer-token` (F10) or parameter `BearerToken` (E9).
    Bearer,
    /// A signature, to be checked by [`verify`].
    Signed(SignedClaim<'a>),
}

/// A signature and what goes with it, as read by [`claim`].
///
/// `Debug` leaves out the security token and the signature.
pub struct SignedClaim<'a> {
    /// The way of signing.
    pub scheme: Scheme,
    /// The id of the key, never blank: `AccessKeyId`, the `Credential`, or `x-kms-acccesskeyid`.
    pub access_key_id: &'a str,
    /// The token of temporary credentials: `SecurityToken` (E11) or `x-acs-security-token` (F1). Blank is `None`. Whoever
    /// looks up the key must compare it.
    pub security_token: Option<&'a str>,
    /// The raw time: `Timestamp`, `x-acs-date` or `Date`; never blank. See [`time_ms`](Self::time_ms).
    pub time: &'a str,
    /// The nonce: `SignatureNonce`, optional in RPC v1 (E1), or `x-acs-signature-nonce`; a client key has none (K5).
    /// Blank is `None`.
    pub nonce: Option<&'a str>,
    /// The region an ACS4 key was derived for (F10), otherwise `None`.
    pub scope_region: Option<&'a str>,
    /// The product an ACS4 key was derived for, `Kms` in all captures (F10), otherwise `None`.
    pub scope_product: Option<&'a str>,
    /// ACS4: the first piece of the scope, `yyyymmdd`.
    scope_date: Option<&'a str>,
    /// ACS: the names of the signed headers, lower case and ascending.
    signed_headers: Vec<&'a str>,
    signature: Signature<'a>,
}

/// The text of a signature. Not comparable, so that nobody compares it in variable time.
struct Signature<'a>(&'a str);

/// The key to check a signature with. `Debug` shows the kind only.
#[derive(Clone, Copy)]
pub enum Material<'a> {
    /// The access key secret, for the HMAC schemes.
    Secret(&'a [u8]),
    /// The public RSA key, `SubjectPublicKeyInfo` in PEM, for the schemes with [`Scheme::uses_public_key`].
    PublicKeyPem(&'a str),
}

/// Why a request is not accepted as signed.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A parameter or header is absent or blank: the answer is `Missing<name>` (D17). The time is always called
    /// `Timestamp` for RPC and ACS; the instance gateway's headers have their own names (K10).
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
    /// `SignatureVersion` is not `1.0` (E1): `IncompleteSignature`.
    #[error("signature version is not 1.0")]
    UnknownVersion,
    /// The `Authorization` header or another field is not well formed: `IncompleteSignature`.
    #[error("{reason}")]
    Malformed {
        /// What is wrong, naming the field; nothing of the request is in it.
        reason: &'static str,
    },
    /// A field is longer than the bounds of this module: `IncompleteSignature`.
    #[error("{name} is too long")]
    TooLong {
        /// The field.
        name: &'static str,
    },
    /// A field that counts once was sent more than once: `IncompleteSignature`.
    #[error("{name} is given more than once")]
    Repeated {
        /// The field.
        name: &'static str,
    },
    /// `SignedHeaders` is not in strictly ascending order (F5): `IncompleteSignature`.
    #[error("signed headers are not in ascending order")]
    HeadersNotAscending,
    /// A header `x-acs-*` is present but not signed (F5): `IncompleteSignature`.
    #[error("header {name} is not signed")]
    UnsignedHeader {
        /// The header.
        name: String,
    },
    /// The hash of the body is not the one in the header (F3, K2).
    #[error("{header} is not the hash of the body")]
    BodyHash {
        /// The header.
        header: &'static str,
    },
    /// The signature is wrong: `SignatureDoesNotMatch` (E10, F9).
    #[error("signature does not match")]
    Mismatch(Box<Mismatch>),
    /// A secret was given for a scheme with public keys, or the other way round. The id is of another kind of key.
    #[error("the key is of another kind than the signature")]
    WrongMaterial,
    /// The key itself cannot be used (empty, or no RSA key in PEM): the server's fault.
    #[error("the stored key cannot be used")]
    UnusableKey,
}

/// What the server computed when a signature did not match, for the answer to the caller and nothing else.
///
/// It repeats parameters of the request (by the protocol's nature even `SecretData`), so `Debug` shows none of it.
pub struct Mismatch {
    string_to_sign: String,
    canonical_request: Option<String>,
}

impl Mismatch {
    /// The server's string to sign: the tail of the message of E10, the first bracket of F9.
    pub fn string_to_sign(&self) -> &str {
        &self.string_to_sign
    }

    /// ACS only: the server's canonical request, the second bracket of F9, with `***` for the values of headers that
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

    /// Whether the signature is in parameters (RPC v1) rather than in headers (B3).
    pub const fn is_rpc(self) -> bool {
        matches!(self, Self::RpcHmacSha1 | Self::RpcHmacSha256 | Self::RpcRsaSha256)
    }

    /// Whether a request without a nonce is refused: header signatures, but for the client key, which has none (K5).
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

/// Reads what a request says about its sender, in the order of B1. Checks nothing that needs a key.
///
/// A header `x-acs-action` decides nothing (B2). A request with `AccessKeyId` but neither `Signature` nor token is an
/// unfinished RPC request, not an unsigned one.
///
/// # Errors
///
/// Every variant of [`AuthError`] up to [`HeadersNotAscending`](AuthError::HeadersNotAscending).
pub fn claim<'a>(request: &SignedRequest<'a>) -> Result<Claim<'a>, AuthError> {
    let authorization = request.header("authorization", MAX_AUTHORIZATION)?.unwrap_or_default();
    if authorization.starts_with("ACS3-") || authorization.starts_with("ACS4-") {
        return acs::claim(request, authorization).map(Claim::Signed);
    }
    if let Some(signature) = authorization.strip_prefix("Bearer ")
        && request.headers.contains_key("x-kms-apiname")
    {
        return client_key::claim(request, signature).map(Claim::Signed);
    }
    if request.headers.contains_key("x-acs-bearer-token") {
        return Ok(Claim::Bearer);
    }
    if request.parameter("Signature").is_some() {
        return rpc::claim(request).map(Claim::Signed);
    }
    if request.parameter("BearerToken").is_some() {
        return Ok(Claim::Bearer);
    }
    match request.parameter("AccessKeyId") {
        Some(_) => Err(AuthError::Missing { name: "Signature" }),
        None => Ok(Claim::Unsigned),
    }
}

/// Checks the signature of `claim`, which must have been read from the same `request`, against the key whose id it
/// names. Compares in constant time.
///
/// Neither the time, nor the nonce, nor the security token is checked here.
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

/// The instant of a `Timestamp` or `x-acs-date` in milliseconds since the epoch (G1).
///
/// Exactly `yyyy-MM-ddTHH:mm:ssZ`, with an optional fraction of one to nine digits (cut to milliseconds) before the
/// `Z`. Anything else is `None`: other offsets, lower case, leap seconds, days that do not exist.
pub fn parse_time(raw: &str) -> Option<i64> {
    let (date, time) = raw.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = fields(date, '-', [4, 2, 2])?;
    if fraction.len() > 9 {
        return None;
    }
    let missing_digits = u32::try_from(9 - fraction.len()).ok()?;
    let nanos = digits(fraction, fraction.len())? * 10_i64.pow(missing_digits);
    Some(days_since_epoch(year, month, day)? * 86_400_000 + clock_ms(clock)? + nanos / 1_000_000)
}

/// The milliseconds of `HH:mm:ss` since midnight.
fn clock_ms(clock: &str) -> Option<i64> {
    let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1_000)
}

/// Three decimal fields of fixed widths.
fn fields(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, width) in values.iter_mut().zip(widths) {
        *value = digits(parts.next()?, width)?;
    }
    parts.next().is_none().then_some(values)
}

/// Exactly `width` decimal digits, at least one.
fn digits(text: &str, width: usize) -> Option<i64> {
    let plain = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The days from 1970-01-01 to a day of the Gregorian calendar; `None` if there is no such day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last day of a year.
    let (shifted_year, shifted_month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = shifted_year.div_euclid(4) - shifted_year.div_euclid(100) + shifted_year.div_euclid(400);
    Some(shifted_year * 365 + leap_days + (shifted_month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// Whether `signature` is a valid RSASSA-PKCS1-v1_5 signature with SHA-256 over `message` (E8, F10, K4).
fn rsa_matches(material: Material<'_>, message: &[u8], signature: Option<&[u8]>) -> Result<bool, AuthError> {
    let Material::PublicKeyPem(pem) = material else { return Err(AuthError::WrongMaterial) };
    let Ok(key) = PublicKey::from_public_key_pem(pem) else { return Err(AuthError::UnusableKey) };
    Ok(signature.is_some_and(|bytes| key.pkcs1v15_verify::<sha2::Sha256>(message, bytes).is_ok()))
}

/// The secret in `material`, never empty.
fn secret(material: Material<'_>) -> Result<&[u8], AuthError> {
    match material {
        Material::Secret([]) => Err(AuthError::UnusableKey),
        Material::Secret(secret) => Ok(secret),
        Material::PublicKeyPem(_) => Err(AuthError::WrongMaterial),
    }
}

impl<'a> SignedRequest<'a> {
    /// The first parameter called `name`, in the query before the body (C8). Blank ones count.
    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).or_else(|| self.form.get(name))
    }

    /// The parameter called `name` unless it is blank, at most `max` bytes.
    fn field(&self, name: &'static str, max: usize) -> Result<Option<&'a str>, AuthError> {
        bounded(self.parameter(name).unwrap_or_default(), name, max)
    }

    /// The values of a header. A handful of headers is looked through in less time than the name is hashed.
    fn values(&self, name: &str) -> impl Iterator<Item = &'a HeaderValue> {
        self.headers.iter().filter(move |(candidate, _)| candidate.as_str() == name).map(|(_, value)| value)
    }

    /// The trimmed value of a header unless it is blank, at most `max` bytes, in ASCII, and sent once.
    fn header(&self, name: &'static str, max: usize) -> Result<Option<&'a str>, AuthError> {
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

/// The error for a signature method nobody knows.
fn unknown_method(method: &str) -> AuthError {
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
    use proptest::prelude::*;

    /// Looks at the claim of a request with these parts.
    fn claimed<T>(
        query: &str,
        form: &str,
        headers: &[(&str, &str)],
        look: impl FnOnce(Result<Claim<'_>, AuthError>) -> T,
    ) -> T {
        let (query, form) = (Pairs::parse(query).unwrap(), Pairs::parse(form).unwrap());
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let parts =
            SignedRequest { method: "POST", path: "/", query: &query, form: &form, headers: &map, body: b"" };
        look(claim(&parts))
    }

    /// The same for one that is signed.
    fn signed<T>(query: &str, headers: &[(&str, &str)], look: impl FnOnce(SignedClaim<'_>) -> T) -> T {
        claimed(query, "", headers, |claim| match claim {
            Ok(Claim::Signed(claim)) => look(claim),
            other => panic!("{other:?}"),
        })
    }

    fn check_claim(query: &str, form: &str, headers: &[(&str, &str)], expected: &str) {
        let found = claimed(query, form, headers, |claim| match claim {
            Ok(Claim::Unsigned) => "unsigned".to_owned(),
            Ok(Claim::Bearer) => "bearer".to_owned(),
            Ok(Claim::Signed(claim)) => format!("{} {}", claim.scheme.as_str(), claim.access_key_id),
            Err(e) => e.to_string(),
        });
        assert_eq!(found, expected, "{query} {form} {headers:?}");
    }

    const RPC: &str = "AccessKeyId=id&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Timestamp=t";
    const ACS: (&str, &str) =
        ("Authorization", "ACS3-HMAC-SHA256 Credential=id,SignedHeaders=x-acs-date,Signature=00");
    const DATE: (&str, &str) = ("x-acs-date", "2026-11-24T03:30:00Z");

    #[test]
    fn b1_the_protocols_are_told_apart_in_this_order() {
        let rpc = format!("{RPC}&Signature=s");
        let kms = [
            ("authorization", "Bearer c2ln"),
            ("x-kms-apiname", "GetSecretValue"),
            ("x-kms-acccesskeyid", "KAAP.1"),
            ("x-kms-signaturemethod", "RSA_PKCS1_SHA_256"),
            ("content-sha256", "00"),
            ("date", "d"),
        ];
        check_claim("", "", &[], "unsigned");
        check_claim(
            "Action=A&Signatur=x",
            "",
            &[("x-acs-action", "A"), ("Authorization", "Basic x")],
            "unsigned",
        );
        check_claim(&rpc, "", &[("x-acs-action", "A")], "HMAC-SHA1 id");
        check_claim("", &rpc, &[], "HMAC-SHA1 id");
        check_claim(RPC, "Signature=s", &[("authorization", "Bearer c2ln")], "HMAC-SHA1 id");
        check_claim(&rpc, "", &[ACS, DATE, ("x-acs-bearer-token", "b")], "ACS3-HMAC-SHA256 id");
        check_claim(&rpc, "", &[("x-acs-bearer-token", "b")], "bearer");
        check_claim(&format!("{rpc}&BearerToken=b"), "", &[], "HMAC-SHA1 id");
        check_claim("BearerToken=b&SignatureType=BEARERTOKEN&AccessKeyId=id", "", &[], "bearer");
        check_claim("", "", &kms, "RSA_PKCS1_SHA_256 KAAP.1");
        check_claim("", "", kms.get(..1).unwrap(), "unsigned");
        check_claim("a=1", "", &kms, "a client key does not sign query parameters");
    }

    #[test]
    fn d17_missing_parameters_are_named() {
        check_claim(RPC, "", &[], "Signature is missing");
        check_claim(&format!("{RPC}&Signature="), "", &[], "Signature is missing");
        let complete = format!("{RPC}&Signature=s");
        for given in RPC.split('&') {
            let (name, _) = given.split_once('=').unwrap();
            let expected = format!("{name} is missing");
            check_claim(&complete.replace(given, ""), "", &[], &expected);
            check_claim(&complete.replace(given, &format!("{name}=")), "", &[], &expected);
        }
        check_claim("", "", &[ACS], "Timestamp is missing");
    }

    #[test]
    fn c8_the_first_of_a_name_counts_but_a_second_signature_is_refused() {
        check_claim(&format!("{RPC}&Signature=s&AccessKeyId=b"), "AccessKeyId=c", &[], "HMAC-SHA1 id");
        check_claim(&format!("{RPC}&Signature=s"), "Signature=s", &[], "Signature is given more than once");
    }

    #[test]
    fn e1_methods_and_versions() {
        let method =
            |method: &str, more: &str| format!("{}&Signature=s{more}", RPC.replace("HMAC-SHA1", method));
        check_claim(&method("hmac-sha1", ""), "", &[], "HMAC-SHA1 id");
        check_claim(&method("HMAC-SHA256", ""), "", &[], "HMAC-SHA256 id");
        check_claim(&method("SHA256withRSA", "&SignatureType=PRIVATEKEY"), "", &[], "SHA256withRSA id");
        check_claim(&method("SHA256withRSA", "&SignatureType="), "", &[], "unknown signature method");
        check_claim(&method("MD5", ""), "", &[], "unknown signature method");
        let version = format!("{}&Signature=s", RPC.replace("=1.0", "=2.0"));
        check_claim(&version, "", &[], "signature version is not 1.0");
    }

    #[test]
    fn fields_are_bounded() {
        let long = |n: usize| "x".repeat(n);
        let rpc = format!("{RPC}&Signature=s&");
        check_claim(&format!("{rpc}SignatureNonce={}", long(MAX_NONCE)), "", &[], "HMAC-SHA1 id");
        check_claim(
            &format!("{rpc}SignatureNonce={}", long(MAX_NONCE + 1)),
            "",
            &[],
            "SignatureNonce is too long",
        );
        check_claim(&format!("SecurityToken={}&{rpc}", long(16_385)), "", &[], "SecurityToken is too long");
        check_claim(&format!("AccessKeyId={}&{rpc}", long(4_097)), "", &[], "AccessKeyId is too long");
        let authorization = format!("ACS3-HMAC-SHA256 {}", long(4_096));
        check_claim("", "", &[("authorization", &authorization)], "authorization is too long");
        check_claim(
            "",
            "",
            &[ACS, DATE, ("x-acs-signature-nonce", &long(257))],
            "x-acs-signature-nonce is too long",
        );
        let not_ascii =
            ("authorization", "ACS3-HMAC-SHA256 Credential=中,SignedHeaders=x-acs-date,Signature=00");
        check_claim("", "", &[not_ascii, DATE], "a header of the signature is not ASCII");
        check_claim("", "", &[ACS, ACS, DATE], "authorization is given more than once");
        check_claim("", "", &[ACS, DATE, DATE], "x-acs-date is given more than once");
        let query = format!("{}&Signature=s", RPC.replace("HMAC-SHA1", &long(100)));
        claimed(&query, "", &[], |claim| match claim {
            Err(AuthError::UnknownMethod { method }) => assert_eq!(method.len(), 64),
            other => panic!("{other:?}"),
        });
    }

    #[test]
    fn claims_carry_token_nonce_and_time() {
        let query = format!("{RPC}&Signature=s&SecurityToken=tok&SignatureNonce=n");
        signed(&query, &[], |claim| {
            assert_eq!(claim.security_token, Some("tok"));
            assert_eq!((claim.nonce, claim.time, claim.time_ms()), (Some("n"), "t", None));
            let shown = format!("{claim:?}");
            assert!(
                !shown.contains("tok\"") && shown.contains("***") && !shown.contains("signature:"),
                "{shown}"
            );
        });

        let query = format!("{RPC}&Signature=s&SecurityToken=&SignatureNonce=");
        signed(&query, &[], |claim| {
            assert_eq!((claim.security_token, claim.nonce, claim.scope_region), (None, None, None));
        });

        let headers = [ACS, DATE, ("x-acs-security-token", " tok "), ("x-acs-signature-nonce", "n")];
        signed("SecurityToken=other", &headers, |claim| {
            assert_eq!((claim.security_token, claim.nonce), (Some("tok"), Some("n")));
            assert_eq!(claim.time_ms(), Some(1_795_491_000_000));
        });
    }

    #[test]
    fn g1_times_are_utc_with_an_optional_fraction() {
        let check = |raw: &str, expected: Option<i64>| assert_eq!(parse_time(raw), expected, "{raw}");
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.999Z", Some(-1));
        check("2016-03-28T03:13:08Z", Some(1_459_134_788_000));
        check("2026-11-24T03:30:00Z", Some(1_795_491_000_000));
        check("2026-11-24T03:30:00.312Z", Some(1_795_491_000_312));
        check("2026-11-24T03:30:00.3Z", Some(1_795_491_000_300));
        check("2026-11-24T03:30:00.123456789Z", Some(1_795_491_000_123));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799_000));
        for raw in [
            "",
            "Z",
            "T",
            "TZ",
            "2026-11-24T03:30:00",
            "2026-11-24 03:30:00Z",
            "2026-11-24T03:30:00z",
            "2026-11-24T03:30:00+00:00",
            "2026-11-24T03:30Z",
            "2026-11-24T3:30:00Z",
            "2026-11-24T03:30:00.Z",
            "2026-11-24T03:30:00.1234567890Z",
            "2026-11-24T03:30:00.+1Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T03:60:00Z",
            "2026-11-24T03:30:60Z",
            "2026-00-24T03:30:00Z",
            "2026-13-24T03:30:00Z",
            "2026-11-31T03:30:00Z",
            "2026-02-29T03:30:00Z",
            "2100-02-29T03:30:00Z",
            "2026-11-00T03:30:00Z",
            "02026-11-24T03:30:00Z",
            "-026-11-24T03:30:00Z",
            "2026-11-24-01T03:30:00Z",
            "２026-11-24T03:30:00Z",
        ] {
            check(raw, None);
        }
    }

    #[test]
    fn days_agree_with_the_calendar_library() {
        for days in (-719_000_i64..2_900_000).step_by(97) {
            let text = jiff::Timestamp::from_second(days * 86_400 + 3_661).unwrap().to_string();
            assert_eq!(parse_time(&text), Some((days * 86_400 + 3_661) * 1_000), "{text}");
        }
    }

    #[test]
    fn keys_of_the_wrong_kind_are_refused() {
        let pem = Material::PublicKeyPem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
        assert!(matches!(rsa_matches(Material::Secret(b"x"), b"", None), Err(AuthError::WrongMaterial)));
        assert!(matches!(rsa_matches(pem, b"", None), Err(AuthError::UnusableKey)));
        assert!(matches!(secret(pem), Err(AuthError::WrongMaterial)));
        assert!(matches!(secret(Material::Secret(b"")), Err(AuthError::UnusableKey)));
        assert_eq!(format!("{:?} {pem:?}", Material::Secret(b"hunter2")), "Secret(***) PublicKeyPem(***)");
    }

    proptest! {
        #[test]
        fn hostile_requests_never_panic(
            query in "[A-Za-z&=+.0-9-]{0,60}",
            authorization in "(ACS[34]-(HMAC-SHA256|RSA-SHA256|X) |Bearer )[ -~]{0,80}",
            fields in "(Credential=[a-z/]{0,9}, ?|SignedHeaders=[a-z;-]{0,9}, ?|Signature=[0-9a-f]{0,9}, ?){0,4}",
            time in "[0-9TZ:. -]{0,30}",
        ) {
            let acs = format!("ACS3-HMAC-SHA256 {fields}");
            for authorization in [authorization.as_str(), acs.as_str()] {
                let headers = [("authorization", authorization), ("x-kms-apiname", "a"), ("x-acs-date", "t")];
                let blank = |claim: Result<Claim<'_>, AuthError>| {
                    matches!(claim, Ok(Claim::Signed(claim)) if claim.access_key_id.is_empty())
                };
                prop_assert!(!claimed(&query, "", &headers, blank));
            }
            prop_assert!(parse_time(&time).is_none_or(|ms| ms < 253_402_300_800_000));
            prop_assert!(parse_http_date(&time).is_none());
        }
    }
}
