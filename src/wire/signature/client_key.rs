//! Client-key signatures of the instance gateway (protocol P74 to P78).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::types::{
    AuthError, MAX_FIELD, MAX_KEY_ID, MAX_SIGNATURE, Material, Mismatch, Scheme, Signature, SignedClaim,
    SignedRequest, rsa_matches, unknown_method,
};

/// The header with the key id: as clients send it, and as the documentation spells it (protocol P75).
const KEY_ID_HEADERS: [&str; 2] = ["x-kms-acccesskeyid", "x-kms-accesskeyid"];

/// Reads the headers of protocol P75. `signature` is the text after `Bearer `.
///
/// Neither the query nor the path is signed, so a request with query parameters is refused.
pub(super) fn claim<'a>(
    request: &SignedRequest<'a>,
    signature: &'a str,
) -> Result<SignedClaim<'a>, AuthError> {
    let required =
        |name, max| request.header(name, max).and_then(|value| value.ok_or(AuthError::Missing { name }));

    if !request.query.is_empty() {
        return Err(AuthError::Malformed { reason: "a client key does not sign query parameters" });
    }
    let mut access_key_id = None;
    for name in KEY_ID_HEADERS {
        access_key_id = access_key_id.or(request.header(name, MAX_KEY_ID)?);
    }
    let Some(access_key_id) = access_key_id else {
        return Err(AuthError::Missing { name: "x-kms-accesskeyid" });
    };
    let method = required("x-kms-signaturemethod", MAX_FIELD)?;
    if method != Scheme::ClientKey.as_str() {
        return Err(unknown_method(method));
    }
    required("content-sha256", MAX_FIELD)?;
    let signature = signature.trim_ascii();
    if signature.is_empty() {
        return Err(AuthError::Missing { name: "Authorization" });
    }
    if signature.len() > MAX_SIGNATURE {
        return Err(AuthError::TooLong { name: "Authorization" });
    }
    Ok(SignedClaim {
        scheme: Scheme::ClientKey,
        access_key_id,
        security_token: None,
        time: required("date", MAX_FIELD)?,
        nonce: None,
        scope_region: None,
        scope_product: None,
        scope_date: None,
        signed_headers: Vec::new(),
        signature: Signature(signature),
    })
}

/// Checks the hash of the body and the signature (protocol P75, P77).
pub(super) fn verify(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
) -> Result<(), AuthError> {
    let header = "content-sha256";
    let sent = request.header(header, MAX_FIELD)?.unwrap_or_default();
    let mut hash = const_hex::Buffer::<32>::new();
    if sent != hash.format_upper(&Sha256::digest(request.body).into()) {
        return Err(AuthError::BodyHash { header });
    }
    let string_to_sign = string_to_sign(request, claim)?;
    let signature = STANDARD.decode(claim.signature.0).ok();
    if rsa_matches(material, string_to_sign.as_bytes(), signature.as_deref())? {
        return Ok(());
    }
    Err(AuthError::Mismatch(Box::new(Mismatch { string_to_sign, canonical_request: None })))
}

/// The string to sign (protocol P76): method, body hash, type, date, the `x-kms-` headers by name, and `/`.
fn string_to_sign(request: &SignedRequest<'_>, claim: &SignedClaim<'_>) -> Result<String, AuthError> {
    let one = |name: &str| {
        let mut values = request.headers.get_all(name).iter();
        let first = values.next().map_or(Ok(""), http::HeaderValue::to_str);
        match (first, values.next()) {
            (Ok(text), None) => Ok(text.trim_ascii()),
            _ => Err(AuthError::Malformed { reason: "a signed header is repeated or not ASCII" }),
        }
    };
    let mut text = String::with_capacity(512);
    for line in [request.method, one("content-sha256")?, one("content-type")?, claim.time] {
        text.push_str(line);
        text.push('\n');
    }
    let mut names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| name.starts_with("x-kms-"));
    names.sort_unstable();
    for name in names {
        for piece in [name, ":", one(name)?, "\n"] {
            text.push_str(piece);
        }
    }
    text.push('/');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::params::Pairs;
    use http::{HeaderMap, HeaderValue};

    /// The example of protocol P76, signed with a key made for tests.
    const SIGNATURE: &str = "EfncAyl59vRWjyoBuFTEyjBLyMinM7Jem8G0Jn7RXlkLIbcF5o2cC4fo2rmHRoG79zHW3uQGr0Tw1k88BirXBVb+\
        JCV0SO+LSP4ueIYWU3BejHwJiUozMaDM8MfBQ11v82J1s5s7eEZlWq7QLGs6B4XPMsvySCxcP+W6eO6bUz4T83ql\
        tToliGbeBXxIGaQbo5vYg6RHDLO767rhRccIVv+R3HxdpukN9CftCgrFIMA+i8oC5dPgZJyUPCTzK1HjQjSWSgoK\
        i1Rc0ZzWLqxNDT9896qWlqX65nAAWfsQVEXD3ZNgGa0LlNiqZZ23ZBnGVmeyzdl4FZdvO5ZkvaxlLw==";
    const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2UscprIvXne8wpQsI7zF\n\
        E3Mz20c07RebVY6QbjTbKNI2TtydXL0vdmW65LORnfo54S8a9ji15b835RVYJ3se\n\
        6CqE2KT2VhMRPYbE+Fc9jl9SZm8IqZB00G+xEvGwQMAim6i3GhyXQggTfqKKlNiF\n\
        CN+L4+j0a3UyUyATB3Eu+BOAkZGFL3fKewYDRG8uQIOtXj7fV0s/+Vv6pUO1hZEt\n\
        0i2HPDkWFBnDfHkmNR531E7DGstsTpP8lSh50QUQHOS9D54jmFtaATS3He62QdMq\n\
        qzRTJLUow1e2zgfGTwypvZHGM68jaqhFH4o9GTBudpr/GCwqo1kdvF+3q6gPg1ms\n\
        3QIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    const BODY: &[u8] = b"\n\x11wire/app+db=1.@-_\x12\nACSCurrent \x01";
    const STRING_TO_SIGN: &str = "POST\n6FFEA4B47A4A730C6EE7AD534C21488B4F4F20B9627B663761804DBCF0F3A7A2\n\
        application/x-protobuf\nTue, 24 Nov 2026 02:58:39 GMT\nx-kms-acccesskeyid:KAAP.0000-test-client-key\n\
        x-kms-apiname:GetSecretValue\nx-kms-apiversion:dkms-gcs-0.2\nx-kms-signaturemethod:RSA_PKCS1_SHA_256\n/";

    fn headers() -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("host", "localhost:38444"),
            ("date", "Tue, 24 Nov 2026 02:58:39 GMT"),
            ("x-kms-apiversion", "dkms-gcs-0.2"),
            ("x-kms-apiname", "GetSecretValue"),
            ("x-kms-signaturemethod", "RSA_PKCS1_SHA_256"),
            ("x-kms-acccesskeyid", "KAAP.0000-test-client-key"),
            ("content-type", "application/x-protobuf"),
            ("content-sha256", "6FFEA4B47A4A730C6EE7AD534C21488B4F4F20B9627B663761804DBCF0F3A7A2"),
        ] {
            map.insert(name, HeaderValue::from_static(value));
        }
        map
    }

    fn check(headers: &HeaderMap, body: &[u8], signature: &str, key: Material<'_>) -> Result<(), AuthError> {
        let (query, form) = (Pairs::new(), Pairs::new());
        let request = SignedRequest { method: "POST", path: "/", query: &query, form: &form, headers, body };
        let claim = claim(&request, signature)?;
        assert_eq!((claim.time_ms(), claim.nonce), (Some(1_795_489_119_000), None));
        verify(&request, &claim, key)
    }

    fn check_changed(change: impl FnOnce(&mut HeaderMap), expected: &str) {
        let mut map = headers();
        change(&mut map);
        let found = check(&map, BODY, SIGNATURE, Material::PublicKeyPem(PUBLIC_KEY));
        assert_eq!(found.map_or_else(|e| e.to_string(), |()| "verifies".to_owned()), expected);
    }

    #[test]
    fn the_example_verifies_and_is_explained() {
        let key = Material::PublicKeyPem(PUBLIC_KEY);
        assert!(check(&headers(), BODY, SIGNATURE, key).is_ok());
        let other = SIGNATURE.replacen('E', "F", 1);
        let AuthError::Mismatch(mismatch) = check(&headers(), BODY, &other, key).unwrap_err() else {
            panic!()
        };
        assert_eq!(mismatch.string_to_sign(), STRING_TO_SIGN);
        assert!(matches!(check(&headers(), BODY, "no base64!", key), Err(AuthError::Mismatch(_))));
        assert!(matches!(
            check(&headers(), b"", SIGNATURE, key),
            Err(AuthError::BodyHash { header: "content-sha256" })
        ));
        assert!(matches!(
            check(&headers(), BODY, " ", key),
            Err(AuthError::Missing { name: "Authorization" })
        ));
        let secret = Material::Secret(PUBLIC_KEY.as_bytes());
        assert!(matches!(check(&headers(), BODY, SIGNATURE, secret), Err(AuthError::WrongMaterial)));
    }

    #[test]
    fn p76_the_named_headers_are_covered_and_others_are_not() {
        let set = |name: &'static str, value: &'static str| {
            move |map: &mut HeaderMap| {
                map.insert(name, HeaderValue::from_static(value));
            }
        };
        check_changed(set("host", "elsewhere"), "verifies");
        check_changed(set("x-kms-apiname", "Decrypt"), "signature does not match");
        check_changed(set("x-kms-extra", "1"), "signature does not match");
        check_changed(set("content-type", "text/plain"), "signature does not match");
        check_changed(set("x-kms-acccesskeyid", "KAAP.other"), "signature does not match");
        check_changed(set("x-kms-signaturemethod", "RSA_PSS_SHA_256"), "unknown signature method");
        check_changed(set("content-sha256", "6ffe"), "content-sha256 is not the hash of the body");
        let twice = |map: &mut HeaderMap| {
            map.append("x-kms-apiname", HeaderValue::from_static("Decrypt"));
        };
        check_changed(twice, "a signed header is repeated or not ASCII");
    }

    #[test]
    fn p75_missing_headers_are_named() {
        for name in ["date", "content-sha256", "x-kms-signaturemethod"] {
            check_changed(|map| drop(map.remove(name)), &format!("{name} is missing"));
        }
        check_changed(|map| drop(map.remove("x-kms-acccesskeyid")), "x-kms-accesskeyid is missing");
        // Protocol P75: the other spelling names the key as well, and is what gets signed then.
        let respell = |map: &mut HeaderMap| {
            if let Some(id) = map.remove("x-kms-acccesskeyid") {
                map.insert("x-kms-accesskeyid", id);
            }
        };
        check_changed(respell, "signature does not match");
    }
}
