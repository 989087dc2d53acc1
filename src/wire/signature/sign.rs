//! Signing requests as official clients do: ACS3-HMAC-SHA256 and RPC v1 with HMAC-SHA1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::types::AuthError;
use crate::wire::canonical::{canonical_query, encode_into};

/// The access key that signs.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The id of the access key.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a [u8],
    /// The token of temporary credentials.
    pub security_token: Option<&'a str>,
}

/// What every request says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The value of the header `Host`.
    pub host: &'a str,
    /// The action.
    pub action: &'a str,
    /// The version of the product's API.
    pub version: &'a str,
    /// The time, as `2027-01-01T00:00:00Z`.
    pub time: &'a str,
    /// A text that no other request has.
    pub nonce: &'a str,
}

/// A name and its value.
pub type Pair<'a> = (&'a str, &'a str);

/// The type of a body with parameters.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters as a query or as a form body.
pub fn encoded(parameters: &[Pair<'_>]) -> String {
    let mut text = String::new();
    canonical_query(&mut text, parameters.iter().copied(), None);
    text
}

/// The headers of a POST to `/` with this query and this form body, `Authorization` included (protocol P57 to P64). `Host` is
/// signed and not in the list.
///
/// # Errors
/// [`AuthError::UnusableKey`] when the secret is empty.
pub fn acs3(
    signer: Signer<'_>,
    call: Call<'_>,
    query: &[Pair<'_>],
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, AuthError> {
    const ALGORITHM: &str = "ACS3-HMAC-SHA256";
    let hash = const_hex::encode(Sha256::digest(body));
    let mut headers = vec![
        ("content-type", FORM.to_owned()),
        ("host", call.host.to_owned()),
        ("x-acs-action", call.action.to_owned()),
        ("x-acs-content-sha256", hash.clone()),
        ("x-acs-date", call.time.to_owned()),
    ];
    headers.extend(signer.security_token.map(|token| ("x-acs-security-token", token.to_owned())));
    headers.push(("x-acs-signature-nonce", call.nonce.to_owned()));
    headers.push(("x-acs-version", call.version.to_owned()));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let lines = lines.concat();
    let canonical = Zeroizing::new(format!("POST\n/\n{}\n{lines}\n{names}\n{hash}", encoded(query)));
    let request_hash = const_hex::encode(Sha256::digest(canonical.as_bytes()));
    let mac = keyed::<Hmac<Sha256>>(signer.secret)?.chain_update(format!("{ALGORITHM}\n{request_hash}"));
    let signature = const_hex::encode(mac.finalize().into_bytes());
    let id = signer.access_key_id;
    headers.retain(|(name, _)| *name != "host");
    headers.push((
        "authorization",
        format!("{ALGORITHM} Credential={id},SignedHeaders={names},Signature={signature}"),
    ));
    Ok(headers)
}

/// The form body of a POST with these parameters, the system parameters and the signature (protocol P45 to P51).
///
/// # Errors
/// [`AuthError::UnusableKey`] when the secret is empty.
pub fn rpc(
    signer: Signer<'_>,
    call: Call<'_>,
    parameters: &[Pair<'_>],
) -> Result<Zeroizing<String>, AuthError> {
    let mut all = vec![
        ("Action", call.action),
        ("Version", call.version),
        ("Format", "JSON"),
        ("AccessKeyId", signer.access_key_id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", call.nonce),
        ("Timestamp", call.time),
    ];
    all.extend(signer.security_token.map(|token| ("SecurityToken", token)));
    all.extend_from_slice(parameters);
    let mut body = Zeroizing::new(encoded(&all));
    let mut text = Zeroizing::new("POST&%2F&".to_owned());
    encode_into(&mut text, &body);
    let mut key = Zeroizing::new(signer.secret.to_vec());
    if !key.is_empty() {
        key.push(b'&');
    }
    let mac = keyed::<Hmac<Sha1>>(&key)?.chain_update(text.as_bytes());
    body.push_str("&Signature=");
    encode_into(&mut body, &STANDARD.encode(mac.finalize().into_bytes()));
    Ok(body)
}

fn keyed<M: Mac + KeyInit>(key: &[u8]) -> Result<M, AuthError> {
    if key.is_empty() {
        return Err(AuthError::UnusableKey);
    }
    M::new_from_slice(key).ok().ok_or(AuthError::UnusableKey)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::super::{Claim, Material, SignedRequest, claim, verify};
    use super::*;
    use crate::wire::params::Pairs;

    const CALL: Call<'_> = Call {
        host: "127.0.0.1:7070",
        action: "GetSecretValue",
        version: "2016-01-20",
        time: "2027-01-01T00:00:00Z",
        nonce: "n-1",
    };

    fn signer<'a>(secret: &'a str, security_token: Option<&'a str>) -> Signer<'a> {
        Signer { access_key_id: "testid", secret: secret.as_bytes(), security_token }
    }

    /// Whether the server's own check accepts a request.
    fn accepted(query: &str, form: &str, headers: &[(&str, String)], secret: &str) -> bool {
        let (pairs, fields) = (Pairs::parse(query).unwrap(), Pairs::parse(form).unwrap());
        let mut map = HeaderMap::new();
        map.append("host", HeaderValue::from_static(CALL.host));
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: &pairs,
            form: &fields,
            headers: &map,
            body: form.as_bytes(),
        };
        let Ok(Claim::Signed(claimed)) = claim(&request) else { return false };
        claimed.access_key_id == "testid"
            && verify(&request, &claimed, Material::Secret(secret.as_bytes())).is_ok()
    }

    #[test]
    fn an_empty_secret_signs_nothing() {
        assert!(acs3(signer("", None), CALL, &[], b"").is_err());
        assert!(rpc(signer("", None), CALL, &[]).is_err());
    }

    proptest! {
        #[test]
        fn the_servers_own_check_accepts_both_signatures_and_no_other_secret(
            name in "[A-Z][a-zA-Z.]{0,8}1",
            value in any::<String>(),
            body in any::<String>(),
            token in proptest::option::of("[A-Za-z0-9+/=]{1,40}"),
        ) {
            let signer = signer("testsecret", token.as_deref());
            let query = encoded(&[(&name, &value)]);
            let form = encoded(&[("SecretData", &body)]);
            let headers = acs3(signer, CALL, &[(&name, &value)], form.as_bytes()).unwrap();
            prop_assert!(accepted(&query, &form, &headers, "testsecret"));
            prop_assert!(!accepted(&query, &form, &headers, "testsecret2"));
            prop_assert!(!accepted("", &form, &headers, "testsecret"));
            let form = rpc(signer, CALL, &[(&name, &value), ("SecretData", &body)]).unwrap();
            prop_assert!(accepted("", &form, &[], "testsecret"));
            prop_assert!(!accepted("", &form, &[], "testsecret2"));
            prop_assert!(!accepted("a=1", &form, &[], "testsecret"));
        }
    }
}
