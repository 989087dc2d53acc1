//! ACS3 and ACS4 signatures (protocol P57 to P66): the signature is in the `Authorization` header.

use hmac::{Hmac, KeyInit, Mac};
use sha2::digest::{OutputSizeUser, consts::U32};
use sha2::{Digest, Sha256};
use sm3::Sm3;
use zeroize::Zeroizing;

use super::types::{
    AuthError, MAX_FIELD, MAX_KEY_ID, MAX_NONCE, MAX_SECURITY_TOKEN, Material, Mismatch, Scheme, Signature,
    SignedClaim, SignedRequest, rsa_matches, secret, unknown_method,
};
use crate::wire::canonical::canonical_query;

/// The last piece of an ACS4 credential.
const SCOPE_END: &str = "aliyun_v4_request";

/// The two names of the header with the hash of the body: the one that Tea sends, also for SM3 (protocol P66), and the one for
/// SM3.
const HASH_HEADERS: [&str; 2] = ["x-acs-content-sha256", "x-acs-content-sm3"];

/// A hash in lower-case hexadecimal; SHA-256 and SM3 have the same length.
type HexHash = const_hex::Buffer<32>;

/// Reads `Authorization` and the headers that belong to it (protocol P57, P58).
pub(super) fn claim<'a>(
    request: &SignedRequest<'a>,
    authorization: &'a str,
) -> Result<SignedClaim<'a>, AuthError> {
    let (algorithm, rest) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let known = [Scheme::Acs3HmacSha256, Scheme::Acs3HmacSm3, Scheme::Acs3RsaSha256, Scheme::Acs4HmacSha256];
    let Some(scheme) = known.into_iter().find(|scheme| scheme.as_str() == algorithm) else {
        return Err(unknown_method(algorithm));
    };
    let Fields { credential, signed_headers, signature } = Fields::parse(rest)?;
    let signed_headers: Vec<&str> = signed_headers.split(';').collect();
    check_signed_headers(&signed_headers)?;
    let scope = Scope::parse(scheme, credential)?;
    if scope.access_key_id.is_empty() {
        return Err(AuthError::Missing { name: "AccessKeyId" });
    }
    if scope.access_key_id.len() > MAX_KEY_ID {
        return Err(AuthError::TooLong { name: "Credential" });
    }
    Ok(SignedClaim {
        scheme,
        access_key_id: scope.access_key_id,
        security_token: request.header("x-acs-security-token", MAX_SECURITY_TOKEN)?,
        time: request.header("x-acs-date", MAX_FIELD)?.ok_or(AuthError::Missing { name: "Timestamp" })?,
        nonce: request.header("x-acs-signature-nonce", MAX_NONCE)?,
        scope_region: scope.region,
        scope_product: scope.product,
        scope_date: scope.date,
        signed_headers,
        signature: Signature(signature),
    })
}

/// The three fields of `Authorization`, found by name in any order (protocol P58). Other fields are ignored.
struct Fields<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, AuthError> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for field in text.split(',').map(str::trim_ascii).filter(|field| !field.is_empty()) {
            let Some((name, value)) = field.split_once('=') else {
                return Err(AuthError::Malformed { reason: "a field of Authorization has no value" });
            };
            let (slot, name) = match name {
                "Credential" => (&mut credential, "Credential"),
                "SignedHeaders" => (&mut signed_headers, "SignedHeaders"),
                "Signature" => (&mut signature, "Signature"),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(AuthError::Repeated { name });
            }
        }
        match (credential, signed_headers, signature) {
            (Some(credential), Some(signed_headers), Some(signature)) => {
                Ok(Self { credential, signed_headers, signature })
            }
            (None, ..) => Err(AuthError::Malformed { reason: "Authorization has no Credential" }),
            (_, None, _) => Err(AuthError::Malformed { reason: "Authorization has no SignedHeaders" }),
            (.., None) => Err(AuthError::Malformed { reason: "Authorization has no Signature" }),
        }
    }
}

/// The parts of a credential. Only ACS4 has more than the id (protocol P66).
struct Scope<'a> {
    access_key_id: &'a str,
    date: Option<&'a str>,
    region: Option<&'a str>,
    product: Option<&'a str>,
}

impl<'a> Scope<'a> {
    fn parse(scheme: Scheme, credential: &'a str) -> Result<Self, AuthError> {
        let mut pieces = credential.split('/');
        let access_key_id = pieces.next().unwrap_or_default();
        let scope = [pieces.next(), pieces.next(), pieces.next(), pieces.next()];
        match (scheme, scope, pieces.next()) {
            (Scheme::Acs4HmacSha256, [Some(date), Some(region), Some(product), Some(SCOPE_END)], None)
                if !date.is_empty() && !region.is_empty() && !product.is_empty() =>
            {
                Ok(Self { access_key_id, date: Some(date), region: Some(region), product: Some(product) })
            }
            (Scheme::Acs4HmacSha256, ..) => {
                Err(AuthError::Malformed { reason: "the scope of Credential is wrong" })
            }
            (_, [None, ..], None) => Ok(Self { access_key_id, date: None, region: None, product: None }),
            _ => Err(AuthError::Malformed { reason: "Credential has a scope" }),
        }
    }
}

/// Checks that the names are in lower case and strictly ascending (protocol P61).
fn check_signed_headers(names: &[&str]) -> Result<(), AuthError> {
    let token = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if names.iter().any(|name| name.is_empty() || !name.bytes().all(token)) {
        return Err(AuthError::Malformed { reason: "a name in SignedHeaders is not a header in lower case" });
    }
    if !names.is_sorted_by(|a, b| a < b) {
        return Err(AuthError::HeadersNotAscending);
    }
    Ok(())
}

/// Checks that the signature covers what it must, and that it is right (protocol P59 to P64, P66).
pub(super) fn verify(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
) -> Result<(), AuthError> {
    check_coverage(request, claim)?;
    match claim.scheme {
        Scheme::Acs3HmacSm3 => verify_with::<Sm3, Hmac<Sm3>>(request, claim, material),
        _ => verify_with::<Sha256, Hmac<Sha256>>(request, claim, material),
    }
}

/// Checks that every `x-acs-*` header is signed (protocol P61). Time, nonce, token and action are such headers.
fn check_coverage(request: &SignedRequest<'_>, claim: &SignedClaim<'_>) -> Result<(), AuthError> {
    // `claim` has checked that they are in ascending order.
    let unsigned =
        |name: &&str| name.starts_with("x-acs-") && claim.signed_headers.binary_search(name).is_err();
    match request.headers.keys().map(http::HeaderName::as_str).find(unsigned) {
        Some(name) => Err(AuthError::UnsignedHeader { name: name.to_owned() }),
        None => Ok(()),
    }
}

fn verify_with<D: Digest + OutputSizeUser<OutputSize = U32>, M: Mac + KeyInit>(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
) -> Result<(), AuthError> {
    let body_hash = body_hash::<D>(request)?;
    let mut hasher = D::new();
    canonical_request(request, claim, &body_hash, Tokens::AsSent, &mut |piece| hasher.update(piece));
    let request_hash = hex(hasher.finalize().into());
    let signature = decode_hex(claim.signature.0);
    let matches = if claim.scheme == Scheme::Acs3RsaSha256 {
        rsa_matches(material, string_to_sign(claim, &request_hash).as_bytes(), signature.as_deref())?
    } else {
        let mac = keyed::<M>(claim, material)?
            .chain_update(claim.scheme.as_str())
            .chain_update("\n")
            .chain_update(request_hash.as_str());
        signature.is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
    };
    if matches {
        return Ok(());
    }
    let mut text = Vec::new();
    canonical_request(request, claim, &body_hash, Tokens::Hidden, &mut |piece| text.extend_from_slice(piece));
    Err(AuthError::Mismatch(Box::new(Mismatch {
        string_to_sign: string_to_sign(claim, &request_hash),
        canonical_request: Some(String::from_utf8_lossy(&text).into_owned()),
    })))
}

/// The hash of the body in hexadecimal. The header must have the same (protocol P59).
fn body_hash<D: Digest + OutputSizeUser<OutputSize = U32>>(
    request: &SignedRequest<'_>,
) -> Result<HexHash, AuthError> {
    for header in HASH_HEADERS {
        if let Some(sent) = request.header(header, MAX_FIELD)? {
            let hash = hex(D::digest(request.body).into());
            return if sent == hash.as_str() { Ok(hash) } else { Err(AuthError::BodyHash { header }) };
        }
    }
    Err(AuthError::Malformed { reason: "x-acs-content-sha256 is missing" })
}

/// The MAC with the key of the claim. For ACS3 that is the secret (protocol P64), for ACS4 the end of a chain of derivations (protocol P66).
fn keyed<M: Mac + KeyInit>(claim: &SignedClaim<'_>, material: Material<'_>) -> Result<M, AuthError> {
    let secret = secret(material)?;
    let new = |key: &[u8]| M::new_from_slice(key).ok().ok_or(AuthError::UnusableKey);
    let (Some(date), Some(region), Some(product)) =
        (claim.scope_date, claim.scope_region, claim.scope_product)
    else {
        return new(secret);
    };
    // A key that was derived for one day must not sign for another.
    if !claim.time.split('T').next().unwrap_or_default().split('-').eq(date_parts(date)) {
        return Err(AuthError::Malformed {
            reason: "the date in the scope of Credential is not the day of x-acs-date",
        });
    }
    let prefix = b"aliyun_v4";
    let mut first = Zeroizing::new(Vec::with_capacity(prefix.len() + secret.len()));
    first.extend_from_slice(prefix);
    first.extend_from_slice(secret);
    let mut mac = new(&first)?;
    for piece in [date, region, product, SCOPE_END] {
        let key = Zeroizing::new(mac.chain_update(piece).finalize().into_bytes().to_vec());
        mac = new(&key)?;
    }
    Ok(mac)
}

/// Year, month and day of `yyyymmdd`, as far as it has these parts.
fn date_parts(date: &str) -> impl Iterator<Item = &str> {
    [date.get(..4), date.get(4..6), date.get(6..)].into_iter().flatten()
}

/// The string to sign (protocol P63).
fn string_to_sign(claim: &SignedClaim<'_>, request_hash: &HexHash) -> String {
    format!("{}\n{}", claim.scheme.as_str(), request_hash.as_str())
}

/// Whether a canonical request shows the values of headers that hold tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tokens {
    AsSent,
    Hidden,
}

/// Writes the canonical request, piece by piece (protocol P60, P61, P62).
fn canonical_request(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    body_hash: &HexHash,
    tokens: Tokens,
    put: &mut impl FnMut(&[u8]),
) {
    let mut query = String::new();
    canonical_query(&mut query, request.query.iter(), None);
    put(request.method.as_bytes());
    put(b"\n");
    put(if request.path.is_empty() { b"/" } else { request.path.as_bytes() });
    put(b"\n");
    put(query.as_bytes());
    put(b"\n");
    for name in &claim.signed_headers {
        put(name.as_bytes());
        put(b":");
        if tokens == Tokens::Hidden && name.ends_with("token") {
            put(b"***");
        } else {
            put_header(request, name, put);
        }
        put(b"\n");
    }
    put(b"\n");
    for (place, name) in claim.signed_headers.iter().enumerate() {
        put(if place == 0 { b"" } else { b";" });
        put(name.as_bytes());
    }
    put(b"\n");
    put(body_hash.as_str().as_bytes());
}

/// Appends the trimmed value of a header. A repeated header gives all values, sorted and joined by `,`; an absent one
/// gives nothing.
fn put_header(request: &SignedRequest<'_>, name: &str, put: &mut impl FnMut(&[u8])) {
    let mut values = request.values(name).map(|value| value.as_bytes().trim_ascii());
    let (Some(first), second) = (values.next(), values.next()) else { return };
    let Some(second) = second else { return put(first) };
    let mut sorted: Vec<&[u8]> = [first, second].into_iter().chain(values).collect();
    sorted.sort_unstable();
    put(&sorted.join(&b','));
}

/// A hash in lower-case hexadecimal.
fn hex(hash: [u8; 32]) -> HexHash {
    let mut text = HexHash::new();
    text.format(&hash);
    text
}

/// Decodes a signature in lower-case hexadecimal (protocol P64).
fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.bytes().all(lower) { const_hex::decode(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::canonical::encode_into;
    use crate::wire::params::Pairs;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    const KEY: Material<'_> = Material::Secret(b"testsecret");
    const NO_PAIRS: &Pairs<'_> = &Pairs::new();

    const QUERY: &str = "Description=x+y%2A~&SecretName=demo%2Fdb&VersionId=v1";
    const BODY: &[u8] = b"SecretData=a+b%2Bc%2F%E4%B8%AD~%2A";
    const SIGNED: &str = "accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;\
        x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";
    const SIGNATURE: &str = "2e89cb72f703838242e4d60f50762e9a43d2e2958e8427822d6145925d272c9f";
    const CANONICAL_REQUEST: &str = "POST\n/\nDescription=x%20y%2A~&SecretName=demo%2Fdb&VersionId=v1\n\
        accept:application/json\ncontent-type:application/x-www-form-urlencoded\nhost:127.0.0.1:38081\n\
        user-agent:example/1\nx-acs-action:CreateSecret\n\
        x-acs-content-sha256:06d89bea760823003c5ee1b6b202025c084509d96725245a46e650dcf821284e\n\
        x-acs-credentials-provider:static_ak\nx-acs-date:2026-11-24T03:30:00Z\n\
        x-acs-signature-nonce:0123456789abcdef0123456789abcdef\nx-acs-version:2016-01-20\n\n\
        accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;\
        x-acs-signature-nonce;x-acs-version\n06d89bea760823003c5ee1b6b202025c084509d96725245a46e650dcf821284e";
    const STRING_TO_SIGN: &str =
        "ACS3-HMAC-SHA256\nd7cff885b2c579df04eac17456b73be3b4388e0c2f88c96e091c0222d45f1eb3";

    /// The headers of the worked example, with this `Authorization`.
    fn headers(authorization: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in CANONICAL_REQUEST.lines().filter(|line| line.contains(':')) {
            let (name, value) = line.split_once(':').unwrap();
            map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        map.insert("authorization", authorization.parse().unwrap());
        map
    }

    fn authorization() -> String {
        format!("ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={SIGNED},Signature={SIGNATURE}")
    }

    fn check_with(
        method: &str,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
        key: Material<'_>,
    ) -> Result<(), AuthError> {
        let query = Pairs::parse(query).unwrap();
        let request = SignedRequest { method, path: "/", query: &query, form: NO_PAIRS, headers, body };
        let authorization = headers.get("authorization").unwrap().to_str().unwrap();
        verify(&request, &claim(&request, authorization)?, key)
    }

    fn check(headers: &HeaderMap) -> Result<(), AuthError> {
        check_with("POST", QUERY, headers, BODY, KEY)
    }

    fn check_authorization(text: &str, expected: &str) {
        let found = check(&headers(text)).map_or_else(|e| e.to_string(), |()| "verifies".to_owned());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_worked_example_verifies() {
        check_authorization(&authorization(), "verifies");
    }

    #[test]
    fn p65_a_mismatch_explains_the_worked_example() {
        let error =
            check_with("POST", QUERY, &headers(&authorization()), BODY, Material::Secret(b"x")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("demo"), "{error:?}");
        let AuthError::Mismatch(mismatch) = error else { panic!("{error:?}") };
        assert_eq!(mismatch.string_to_sign(), STRING_TO_SIGN);
        assert_eq!(mismatch.canonical_request(), Some(CANONICAL_REQUEST));
    }

    #[test]
    fn p65_the_security_token_is_not_shown() {
        let signed = SIGNED.replace("x-acs-signature-nonce", "x-acs-security-token;x-acs-signature-nonce");
        let mut map = headers(&authorization().replace(SIGNED, &signed));
        map.insert("x-acs-security-token", HeaderValue::from_static("hush"));
        let AuthError::Mismatch(mismatch) = check(&map).unwrap_err() else { panic!() };
        let shown = mismatch.canonical_request().unwrap();
        assert!(shown.contains("\nx-acs-security-token:***\n") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn p58_the_fields_are_found_by_name() {
        let (id, signed, signature) =
            ("Credential=testid", format!("SignedHeaders={SIGNED}"), format!("Signature={SIGNATURE}"));
        let start = "ACS3-HMAC-SHA256";
        check_authorization(&format!("{start} {id},{signature},{signed}"), "verifies");
        check_authorization(&format!("{start}  {signature} , {signed},  Extra=1, {id},"), "verifies");
        check_authorization(&format!("{start} {id},{signed}"), "Authorization has no Signature");
        check_authorization(&format!("{start} {id},{signature}"), "Authorization has no SignedHeaders");
        check_authorization(&format!("{start} {signed},{signature}"), "Authorization has no Credential");
        check_authorization(&format!("{start} Credential=,{signed},{signature}"), "AccessKeyId is missing");
        check_authorization(
            &format!("{start} Credential=a/b,{signed},{signature}"),
            "Credential has a scope",
        );
        check_authorization(
            &format!("{start} {id},{id},{signed},{signature}"),
            "Credential is given more than once",
        );
        check_authorization(
            &format!("{start} {id},{signed},{signature},x"),
            "a field of Authorization has no value",
        );
        check_authorization(start, "Authorization has no Credential");
        check_authorization(&authorization().replace(start, "ACS3-HMAC-MD5"), "unknown signature method");
        check_authorization(&authorization().replace(start, "ACS4-HMAC-SM3"), "unknown signature method");
        check_authorization(
            &authorization().replace(start, "ACS3-HMAC-SM3"),
            "x-acs-content-sha256 is not the hash of the body",
        );
        check_authorization(
            &authorization().replace(start, "ACS3-RSA-SHA256"),
            "the key is of another kind than the signature",
        );
        check_authorization(&authorization().replace("9f", "9F"), "signature does not match");
        check_authorization(
            &authorization().replace("Signature=", "Signature=0x"),
            "signature does not match",
        );
    }

    #[test]
    fn p61_signed_headers_are_ascending_and_cover_every_acs_header() {
        let with = |signed: &str| authorization().replace(SIGNED, signed);
        let ascending = "signed headers are not in ascending order";
        check_authorization(&with("host;accept"), ascending);
        check_authorization(&with("host;host"), ascending);
        let lower = "a name in SignedHeaders is not a header in lower case";
        check_authorization(&with("Host"), lower);
        check_authorization(&with(""), lower);
        check_authorization(&with("host;"), lower);
        check_authorization(&with(&SIGNED.replace(";x-acs-date", "")), "header x-acs-date is not signed");
        // Other headers may be left out, host included; then the signature is another one.
        check_authorization(&with(&SIGNED.replace("host;", "")), "signature does not match");
        let mut map = headers(&authorization());
        map.insert("x-acs-extra", HeaderValue::from_static("1"));
        assert!(matches!(check(&map), Err(AuthError::UnsignedHeader { name }) if name == "x-acs-extra"));
        map.remove("x-acs-extra");
        map.insert("x-sdk-client", HeaderValue::from_static("1"));
        assert!(check(&map).is_ok());
    }

    #[test]
    fn p59_the_hash_of_the_body_is_computed_here() {
        let map = headers(&authorization());
        assert!(matches!(check_with("POST", QUERY, &map, b"", KEY), Err(AuthError::BodyHash { .. })));
        let mut upper = map.clone();
        let hash = map.get("x-acs-content-sha256").unwrap().to_str().unwrap().to_uppercase();
        upper.insert("x-acs-content-sha256", hash.parse().unwrap());
        assert!(matches!(check(&upper), Err(AuthError::BodyHash { header: "x-acs-content-sha256" })));
        upper.remove("x-acs-content-sha256");
        assert!(matches!(
            check(&upper),
            Err(AuthError::Malformed { reason: "x-acs-content-sha256 is missing" })
        ));
    }

    /// Signs as a client would, for `Credential`s with or without scope.
    fn sign(scheme: Scheme, credential: &str, query: &str, map: &mut HeaderMap, body: &[u8]) {
        let hash = if scheme == Scheme::Acs3HmacSm3 {
            hex(Sm3::digest(body).into())
        } else {
            hex(Sha256::digest(body).into())
        };
        map.insert("x-acs-content-sha256", hash.as_str().parse().unwrap());
        map.remove("authorization");
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let fields = format!("Credential={credential},SignedHeaders={}", names.join(";"));
        let unsigned = format!("{} {fields},Signature=", scheme.as_str());
        let query = Pairs::parse(query).unwrap();
        let request =
            SignedRequest { method: "POST", path: "/", query: &query, form: NO_PAIRS, headers: map, body };
        let claim = claim(&request, &unsigned).unwrap();
        let mut text = Vec::new();
        canonical_request(&request, &claim, &hash, Tokens::AsSent, &mut |piece| {
            text.extend_from_slice(piece);
        });
        let signature = if scheme == Scheme::Acs3HmacSm3 {
            let to_sign = string_to_sign(&claim, &hex(Sm3::digest(&text).into()));
            const_hex::encode(
                keyed::<Hmac<Sm3>>(&claim, KEY).unwrap().chain_update(to_sign).finalize().into_bytes(),
            )
        } else {
            let to_sign = string_to_sign(&claim, &hex(Sha256::digest(&text).into()));
            const_hex::encode(
                keyed::<Hmac<Sha256>>(&claim, KEY).unwrap().chain_update(to_sign).finalize().into_bytes(),
            )
        };
        map.insert("authorization", format!("{unsigned}{signature}").parse().unwrap());
    }

    #[test]
    fn the_test_signer_agrees_with_the_worked_example() {
        let mut map = headers("");
        sign(Scheme::Acs3HmacSha256, "testid", QUERY, &mut map, BODY);
        assert_eq!(map.get("authorization").unwrap().to_str().unwrap(), authorization());
    }

    #[test]
    fn p66_the_scope_of_acs4_is_complete_and_of_the_same_day() {
        let check_scope = |credential: &str, expected: &str| {
            let text = authorization()
                .replace("ACS3", "ACS4")
                .replace("Credential=testid", &format!("Credential={credential}"));
            check_authorization(&text, expected);
        };
        let wrong = "the scope of Credential is wrong";
        check_scope("testid", wrong);
        check_scope("testid/20261124/cn-hangzhou/Kms", wrong);
        check_scope("testid/20261124/cn-hangzhou/Kms/aliyun_v3_request", wrong);
        check_scope("testid/20261124/cn-hangzhou/Kms/aliyun_v4_request/x", wrong);
        check_scope("testid/20261124//Kms/aliyun_v4_request", wrong);
        let other_day = "the date in the scope of Credential is not the day of x-acs-date";
        check_scope("testid/20261123/cn-hangzhou/Kms/aliyun_v4_request", other_day);
        check_scope("testid/202611240/cn-hangzhou/Kms/aliyun_v4_request", other_day);
        check_scope("testid/2026112/cn-hangzhou/Kms/aliyun_v4_request", other_day);
        check_scope("testid/20261124/cn-hangzhou/Kms/aliyun_v4_request", "signature does not match");

        let mut map = headers("");
        sign(
            Scheme::Acs4HmacSha256,
            "testid/20261124/cn-beijing/Kms/aliyun_v4_request",
            QUERY,
            &mut map,
            BODY,
        );
        assert!(check(&map).is_ok());
        let moved = map.get("authorization").unwrap().to_str().unwrap().replace("cn-beijing", "cn-hangzhou");
        map.insert("authorization", moved.parse().unwrap());
        assert!(matches!(check(&map), Err(AuthError::Mismatch(_))));
    }

    #[test]
    fn repeated_headers_are_joined_sorted_and_bytes_beyond_ascii_are_signed_as_they_are() {
        let mut map = headers("");
        map.append("accept", HeaderValue::from_static(" a/b "));
        map.append("accept", HeaderValue::from_static("z/z"));
        map.insert("user-agent", HeaderValue::from_bytes("代理\u{e9}".as_bytes()).unwrap());
        sign(Scheme::Acs3HmacSha256, "testid", QUERY, &mut map, BODY);
        assert!(check(&map).is_ok());
        let AuthError::Mismatch(mismatch) =
            check_with("POST", QUERY, &map, BODY, Material::Secret(b"x")).unwrap_err()
        else {
            panic!()
        };
        let shown = mismatch.canonical_request().unwrap();
        assert!(shown.contains("\naccept:a/b,application/json,z/z\n"), "{shown}");
        assert!(shown.contains("\nuser-agent:代理é\n"), "{shown}");
    }

    proptest! {
        #[test]
        fn our_own_signature_verifies_and_any_change_is_refused(
            pairs in proptest::collection::vec((".{1,5}", any::<String>()), 1..6),
            body in any::<Vec<u8>>(),
            extra in "[!-~]{1,20}",
            scheme in prop::sample::select(vec![Scheme::Acs3HmacSha256, Scheme::Acs3HmacSm3, Scheme::Acs4HmacSha256]),
            victim: prop::sample::Index,
        ) {
            let join = |pairs: &[(String, String)]| {
                let mut out = String::new();
                for (name, value) in pairs {
                    encode_into(&mut out, name);
                    out.push('=');
                    encode_into(&mut out, value);
                    out.push('&');
                }
                out
            };
            let credential = match scheme {
                Scheme::Acs4HmacSha256 => "testid/20261124/cn-hangzhou/Kms/aliyun_v4_request",
                _ => "testid",
            };
            let mut map = headers("");
            map.insert("x-acs-extra", extra.parse().unwrap());
            sign(scheme, credential, &join(&pairs), &mut map, &body);
            prop_assert!(check_with("POST", &join(&pairs), &map, &body, KEY).is_ok());
            prop_assert!(check_with("GET", &join(&pairs), &map, &body, KEY).is_err());
            prop_assert!(check_with("POST", &join(&pairs), &map, &body, Material::Secret(b"testsecres")).is_err());

            let mut longer = body.clone();
            longer.push(0);
            prop_assert!(check_with("POST", &join(&pairs), &map, &longer, KEY).is_err());
            let victim = victim.index(pairs.len());
            let mut changed = pairs.clone();
            changed[victim].1.push('x');
            prop_assert!(check_with("POST", &join(&changed), &map, &body, KEY).is_err());
            changed.remove(victim);
            prop_assert!(check_with("POST", &join(&changed), &map, &body, KEY).is_err());
            for name in ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-action", "x-acs-extra", "user-agent"] {
                let mut other = map.clone();
                let value = format!("{}~", other.get(name).unwrap().to_str().unwrap());
                other.insert(name, value.parse().unwrap());
                prop_assert!(check_with("POST", &join(&pairs), &other, &body, KEY).is_err(), "{}", name);
                other.remove(name);
                prop_assert!(check_with("POST", &join(&pairs), &other, &body, KEY).is_err(), "{}", name);
            }
        }
    }
}
