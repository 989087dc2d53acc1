//! RPC v1 signatures (protocol P45 to P56): everything is a parameter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::types::{
    AuthError, MAX_FIELD, MAX_KEY_ID, MAX_NONCE, MAX_SECURITY_TOKEN, MAX_SIGNATURE, Material, Mismatch,
    Scheme, Signature, SignedClaim, SignedRequest, rsa_matches, secret, unknown_method,
};
use crate::wire::canonical::{canonical_query, encode_into};

/// Reads the system parameters (protocol P45). If a parameter is repeated, the first counts (protocol P24). A repeated `Signature` is
/// refused, because both would be left out of the string to sign.
pub(super) fn claim<'a>(request: &SignedRequest<'a>) -> Result<SignedClaim<'a>, AuthError> {
    let required =
        |name, max| request.field(name, max).and_then(|value| value.ok_or(AuthError::Missing { name }));

    let all = request.query.iter().chain(request.form.iter());
    if all.filter(|(name, _)| *name == "Signature").count() > 1 {
        return Err(AuthError::Repeated { name: "Signature" });
    }
    let access_key_id = required("AccessKeyId", MAX_KEY_ID)?;
    let signature = required("Signature", MAX_SIGNATURE)?;
    let method = required("SignatureMethod", MAX_FIELD)?;
    if required("SignatureVersion", MAX_FIELD)? != "1.0" {
        return Err(AuthError::UnknownVersion);
    }
    let time = required("Timestamp", MAX_FIELD)?;
    let scheme = if method.eq_ignore_ascii_case("HMAC-SHA1") {
        Scheme::RpcHmacSha1
    } else if method.eq_ignore_ascii_case("HMAC-SHA256") {
        Scheme::RpcHmacSha256
    } else if method == "SHA256withRSA" && request.parameter("SignatureType") == Some("PRIVATEKEY") {
        Scheme::RpcRsaSha256
    } else {
        return Err(unknown_method(method));
    };
    Ok(SignedClaim {
        scheme,
        access_key_id,
        security_token: request.field("SecurityToken", MAX_SECURITY_TOKEN)?,
        time,
        nonce: request.field("SignatureNonce", MAX_NONCE)?,
        scope_region: None,
        scope_product: None,
        scope_date: None,
        signed_headers: Vec::new(),
        signature: Signature(signature),
    })
}

/// Checks the signature over the string to sign (protocol P51, P52).
pub(super) fn verify(
    request: &SignedRequest<'_>,
    claim: &SignedClaim<'_>,
    material: Material<'_>,
) -> Result<(), AuthError> {
    let string_to_sign = string_to_sign(request);
    let signature = STANDARD.decode(claim.signature.0).ok();
    let matches = match claim.scheme {
        Scheme::RpcRsaSha256 => rsa_matches(material, string_to_sign.as_bytes(), signature.as_deref())?,
        Scheme::RpcHmacSha256 => {
            hmac_matches::<Hmac<Sha256>>(material, &string_to_sign, signature.as_deref())?
        }
        _ => hmac_matches::<Hmac<Sha1>>(material, &string_to_sign, signature.as_deref())?,
    };
    if matches {
        return Ok(());
    }
    Err(AuthError::Mismatch(Box::new(Mismatch { string_to_sign, canonical_request: None })))
}

/// The MAC. Its key is the secret followed by `&` (protocol P51).
fn hmac_matches<M: Mac + KeyInit>(
    material: Material<'_>,
    string_to_sign: &str,
    signature: Option<&[u8]>,
) -> Result<bool, AuthError> {
    let secret = secret(material)?;
    let mut key = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
    key.extend_from_slice(secret);
    key.push(b'&');
    let Ok(mac) = M::new_from_slice(&key) else { return Err(AuthError::UnusableKey) };
    let mac = mac.chain_update(string_to_sign);
    Ok(signature.is_some_and(|bytes| mac.verify_slice(bytes).is_ok()))
}

/// The string to sign (protocol P46 to P50): the method, the path `/`, and all parameters except `Signature`, sorted.
fn string_to_sign(request: &SignedRequest<'_>) -> String {
    let mut canonical = String::new();
    canonical_query(&mut canonical, request.query.iter().chain(request.form.iter()), Some("Signature"));
    let mut text = String::with_capacity(request.method.len() + 5 + canonical.len() * 2);
    text.push_str(request.method);
    text.push_str("&%2F&");
    encode_into(&mut text, &canonical);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::params::Pairs;
    use http::HeaderMap;
    use proptest::prelude::*;

    const KEY: Material<'_> = Material::Secret(b"testsecret");

    fn with_request<T>(
        method: &str,
        query: &str,
        form: &str,
        ask: impl FnOnce(&SignedRequest<'_>) -> T,
    ) -> T {
        let (query, form) = (Pairs::parse(query).unwrap(), Pairs::parse(form).unwrap());
        let headers = HeaderMap::new();
        ask(&SignedRequest { method, path: "/", query: &query, form: &form, headers: &headers, body: b"" })
    }

    fn check(method: &str, query: &str, form: &str, key: Material<'_>) -> Result<(), AuthError> {
        with_request(method, query, form, |request| verify(request, &claim(request)?, key))
    }

    /// Signs as a client would, from the pairs.
    fn signed(method: &str, query: &str, form: &str, algorithm: &str) -> String {
        let text = with_request(method, query, form, string_to_sign);
        let signature = if algorithm == "HMAC-SHA256" {
            let mac = Hmac::<Sha256>::new_from_slice(b"testsecret&").unwrap();
            STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
        } else {
            let mac = Hmac::<Sha1>::new_from_slice(b"testsecret&").unwrap();
            STANDARD.encode(mac.chain_update(text).finalize().into_bytes())
        };
        let mut out = String::new();
        encode_into(&mut out, &signature);
        out
    }

    const WORKED_QUERY: &str = "Action=CreateSecret&Format=json&Version=2016-01-20&Timestamp=2026-11-24T03%3A30%3A00Z\
        &SignatureNonce=0123456789abcdef0123456789abcdef&Description=x+y%2A~&SecretName=demo%2Fdb&VersionId=v1\
        &SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&AccessKeyId=testid&Signature=zAUltw06ct5UADfk4nS1c7zzpIw%3D";
    const WORKED_FORM: &str = "SecretData=a+b%2Bc%2F%E4%B8%AD~%2A";
    const WORKED_STRING_TO_SIGN: &str = "POST&%2F&AccessKeyId%3Dtestid%26Action%3DCreateSecret%26Description%3D\
        x%2520y%252A~%26Format%3Djson%26SecretData%3Da%2520b%252Bc%252F%25E4%25B8%25AD~%252A%26SecretName%3Ddemo%252Fdb\
        %26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D0123456789abcdef0123456789abcdef%26SignatureVersion%3D1.0\
        %26Timestamp%3D2026-11-24T03%253A30%253A00Z%26Version%3D2016-01-20%26VersionId%3Dv1";

    #[test]
    fn the_worked_example_verifies() {
        assert_eq!(with_request("POST", WORKED_QUERY, WORKED_FORM, string_to_sign), WORKED_STRING_TO_SIGN);
        assert!(check("POST", WORKED_QUERY, WORKED_FORM, KEY).is_ok());
        // Protocol P17: all parameters in the body is the same request.
        assert!(check("POST", "", &format!("{WORKED_FORM}&{WORKED_QUERY}"), KEY).is_ok());
        assert!(check("GET", &format!("{WORKED_QUERY}&{WORKED_FORM}"), "", KEY).is_err(), "protocol P56");
    }

    #[test]
    fn the_example_of_the_documentation_verifies_without_a_nonce() {
        let query = "Action=CreateKey&SignatureVersion=1.0&Format=json&Version=2016-01-20&AccessKeyId=testid\
            &SignatureMethod=HMAC-SHA1&Timestamp=2016-03-28T03:13:08Z&Signature=41wk2SSX1GJh7fwnc5eqOfiJPFg%3D";
        assert!(check("GET", query, "", KEY).is_ok());
        with_request("GET", query, "", |request| {
            let claim = claim(request).unwrap();
            assert_eq!((claim.nonce, claim.time), (None, "2016-03-28T03:13:08Z"));
        });
    }

    #[test]
    fn p54_a_mismatch_explains_the_string_to_sign_and_hides_it_from_logs() {
        let error = check("POST", WORKED_QUERY, WORKED_FORM, Material::Secret(b"other")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("SecretData"), "{error:?}");
        let AuthError::Mismatch(mismatch) = error else { panic!("{error:?}") };
        assert_eq!(mismatch.string_to_sign(), WORKED_STRING_TO_SIGN);
        assert_eq!(mismatch.canonical_request(), None);
    }

    #[test]
    fn signatures_that_are_no_base64_do_not_match() {
        for signature in
            ["zAUltw06ct5UADfk4nS1c7zzpIw", "zAUltw06ct5UADfk4nS1c7zzpIx%3D", "%FF", "zAUl", "!", "中"]
        {
            let query = WORKED_QUERY.replace("zAUltw06ct5UADfk4nS1c7zzpIw%3D", signature);
            if Pairs::parse(&query).is_ok() {
                assert!(
                    matches!(check("POST", &query, WORKED_FORM, KEY), Err(AuthError::Mismatch(_))),
                    "{signature}"
                );
            }
        }
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let pem = Material::PublicKeyPem("testsecret");
        assert!(matches!(check("POST", WORKED_QUERY, WORKED_FORM, pem), Err(AuthError::WrongMaterial)));
        let rsa = WORKED_QUERY.replace("HMAC-SHA1", "SHA256withRSA&SignatureType=PRIVATEKEY");
        assert!(matches!(check("POST", &rsa, WORKED_FORM, KEY), Err(AuthError::WrongMaterial)));
    }

    /// Joins pairs as a client does, percent-encoded.
    fn join(pairs: &[(String, String)]) -> String {
        let mut out = String::new();
        for (name, value) in pairs {
            out.push('&');
            encode_into(&mut out, name);
            out.push('=');
            encode_into(&mut out, value);
        }
        out
    }

    proptest! {
        #[test]
        fn our_own_signature_verifies_and_any_change_is_refused(
            query in proptest::collection::vec(("z.{0,5}", any::<String>()), 0..6),
            form in proptest::collection::vec(("z.{0,5}", any::<String>()), 1..6),
            sha256: bool,
            addition in ".",
            victim: prop::sample::Index,
        ) {
            let algorithm = if sha256 { "HMAC-SHA256" } else { "HMAC-SHA1" };
            let system = format!(
                "AccessKeyId=testid&SignatureMethod={algorithm}&SignatureVersion=1.0&Timestamp=t&SignatureNonce=n"
            );
            let all = format!("{system}{}", join(&query));
            let signature = signed("POST", &all, &join(&form), algorithm);
            let all = format!("{all}&Signature={signature}");
            prop_assert!(check("POST", &all, &join(&form), KEY).is_ok());
            prop_assert!(check("POST", &join(&form), &all, KEY).is_ok(), "the order does not matter");
            prop_assert!(check("GET", &all, &join(&form), KEY).is_err());
            prop_assert!(check("POST", &all, &join(&form), Material::Secret(b"testsecret2")).is_err());
            let more = format!("{all}&zz=1");
            prop_assert!(check("POST", &more, &join(&form), KEY).is_err());

            let victim = victim.index(form.len());
            let mut changed = form.clone();
            changed[victim].1.push_str(&addition);
            prop_assert!(check("POST", &all, &join(&changed), KEY).is_err());
            changed.remove(victim);
            prop_assert!(check("POST", &all, &join(&changed), KEY).is_err());
            let mut renamed = form.clone();
            renamed[victim].0.push_str(&addition);
            prop_assert!(check("POST", &all, &join(&renamed), KEY).is_err());
        }
    }
}
