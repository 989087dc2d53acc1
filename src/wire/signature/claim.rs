//! Reading what a request says about its sender.

use super::types::{AuthError, Claim, MAX_AUTHORIZATION, SignedRequest};
use super::{acs, client_key, rpc};

/// Reads what a request says about its sender, in the order of protocol P11. Checks nothing that needs a key.
///
/// A header `x-acs-action` has no effect here (protocol P12). A request with `AccessKeyId` but neither `Signature` nor a token is
/// an incomplete RPC request and not an unsigned one.
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

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::super::time::{parse_http_date, parse_time};
    use super::super::types::{MAX_NONCE, SignedClaim};
    use super::*;
    use crate::wire::params::Pairs;

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
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
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
    fn p11_the_protocols_are_told_apart_in_this_order() {
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
    fn p45_missing_parameters_are_named() {
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
    fn p24_the_first_of_a_name_counts_but_a_second_signature_is_refused() {
        check_claim(&format!("{RPC}&Signature=s&AccessKeyId=b"), "AccessKeyId=c", &[], "HMAC-SHA1 id");
        check_claim(&format!("{RPC}&Signature=s"), "Signature=s", &[], "Signature is given more than once");
    }

    #[test]
    fn p45_methods_and_versions() {
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
