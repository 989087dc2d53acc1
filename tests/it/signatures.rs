//! Requests captured from real client libraries, and altered ones: each must be judged as recorded.

use std::error::Error;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sesame::testing::wire::params::Pairs;
use sesame::testing::wire::signature::{AuthError, Claim, Material, Scheme, SignedRequest, claim, verify};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A capture: the request, and the keys that the server must know.
#[derive(Clone, PartialEq)]
struct Capture {
    file: String,
    kind: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    binary: bool,
    key_id: Option<String>,
    secret: Option<String>,
    public_key: Option<String>,
    token: Option<String>,
    valid: bool,
}

/// The server's verdict on a request.
#[derive(Debug)]
enum Verdict {
    Unsigned,
    Bearer,
    Verified(Scheme),
    /// The signature is right, but the claim names another key or token than the one in the fixture.
    OtherKey,
    Refused(AuthError),
    /// The parameters could not be read.
    Unreadable,
    /// No HTTP server would accept the headers.
    NotHttp,
}

fn read(folder: &str) -> Outcome<Vec<Capture>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(folder);
    let mut files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| parse(file)).collect()
}

fn parse(file: &Path) -> Outcome<Capture> {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let text = |pointer: &str| json.pointer(pointer).and_then(|value| value.as_str()).map(str::to_owned);
    let need = |pointer: &str| text(pointer).ok_or_else(|| format!("{}: no {pointer}", file.display()));
    let body = need("/body")?;
    let binary = need("/body_encoding")? == "base64";
    Ok(Capture {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kind: need("/signature_kind")?,
        method: need("/method")?,
        target: need("/target")?,
        headers: serde_json::from_value(json["headers"].clone())?,
        body: if binary { STANDARD.decode(body)? } else { body.into_bytes() },
        binary,
        key_id: text("/signing/accessKeyId").or_else(|| text("/signing/keyId")),
        secret: text("/signing/accessKeySecret"),
        public_key: text("/signing/publicKeyPem"),
        token: text("/signing/securityToken"),
        valid: json["expect"]["signature_valid"].as_bool().ok_or("no expectation")?,
    })
}

/// Judges a request as the server does.
fn judge(capture: &Capture) -> Outcome<Verdict> {
    let (path, query) = capture.target.split_once('?').unwrap_or((&capture.target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in &capture.headers {
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { return Ok(Verdict::NotHttp) };
        headers.append(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    let form_body = headers
        .get("content-type")
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let form = Pairs::parse_bytes(if form_body { &capture.body } else { b"" });
    let (Ok(query), Ok(form)) = (Pairs::parse(query), form) else { return Ok(Verdict::Unreadable) };
    let request = SignedRequest {
        method: &capture.method,
        path,
        query: &query,
        form: &form,
        headers: &headers,
        body: &capture.body,
    };
    let signed = match claim(&request) {
        Ok(Claim::Unsigned) => return Ok(Verdict::Unsigned),
        Ok(Claim::Bearer) => return Ok(Verdict::Bearer),
        Ok(Claim::Signed(signed)) => signed,
        Err(e) => return Ok(Verdict::Refused(e)),
    };
    let material = if signed.scheme.uses_public_key() {
        Material::PublicKeyPem(capture.public_key.as_ref().ok_or("no public key")?)
    } else {
        Material::Secret(capture.secret.as_ref().ok_or("no secret")?.as_bytes())
    };
    let key_matches = Some(signed.access_key_id) == capture.key_id.as_deref()
        && signed.security_token == capture.token.as_deref();
    Ok(match verify(&request, &signed, material) {
        Ok(()) if key_matches => {
            assert!(signed.time_ms().is_some(), "{}: {}", capture.file, signed.time);
            Verdict::Verified(signed.scheme)
        }
        Ok(()) => Verdict::OtherKey,
        Err(e) => Verdict::Refused(e),
    })
}

/// The scheme that must be recognised for a kind of capture.
fn scheme(kind: &str) -> Option<Scheme> {
    Some(match kind {
        "rpc-v1-hmac-sha1" => Scheme::RpcHmacSha1,
        "rpc-v1-rsa-sha256" => Scheme::RpcRsaSha256,
        "acs3-hmac-sha256" => Scheme::Acs3HmacSha256,
        "acs3-hmac-sm3" => Scheme::Acs3HmacSm3,
        "acs3-rsa-sha256" => Scheme::Acs3RsaSha256,
        "acs4-hmac-sha256" => Scheme::Acs4HmacSha256,
        "dkms-client-key" => Scheme::ClientKey,
        _ => return None,
    })
}

#[test]
fn captured_requests_are_judged_as_recorded() -> Outcome<()> {
    let captures = read("captures")?;
    let mut counts = [0; 4];
    for capture in &captures {
        let verdict = judge(capture)?;
        let (slot, right) = match (&verdict, capture.kind.as_str()) {
            (Verdict::Unsigned, "anonymous") => (0, capture.valid),
            (Verdict::Bearer, "bearer") => (1, capture.valid),
            (Verdict::Verified(found), kind) => (2, capture.valid && scheme(kind) == Some(*found)),
            (Verdict::Refused(AuthError::Mismatch(_)), _) => (3, !capture.valid),
            _ => (0, false),
        };
        assert!(right, "{}: {verdict:?}", capture.file);
        counts[slot] += 1;
    }
    assert_eq!(captures.len(), 333);
    assert_eq!(counts, [1, 2, 329, 1], "unsigned, bearer, verified, refused");
    Ok(())
}

#[test]
fn tampered_requests_are_refused() -> Outcome<()> {
    let captures = read("captures_tampered")?;
    let mut not_http = 0;
    for capture in &captures {
        not_http += assert_refused(capture, "")?;
    }
    assert_eq!((captures.len(), not_http), (50, 1));
    assert!(captures.iter().all(|capture| !capture.valid));
    Ok(())
}

#[test]
fn every_alteration_of_a_verifying_capture_is_refused() -> Outcome<()> {
    let (mut altered, mut not_http) = (0, 0);
    for capture in read("captures")? {
        if !matches!(judge(&capture)?, Verdict::Verified(_)) {
            continue;
        }
        for (what, variant) in mutations(&capture) {
            not_http += assert_refused(&variant, &what)?;
            altered += 1;
        }
    }
    assert_eq!((altered, not_http), (1827, 3), "as many as the reference checker makes");
    Ok(())
}

/// Asserts that a request is refused. An alteration may put a control character into a header, which no server accepts:
/// then the request with a visible character in its place must be refused too, and 1 is returned.
fn assert_refused(capture: &Capture, what: &str) -> Outcome<usize> {
    let verdict = judge(capture)?;
    if !matches!(verdict, Verdict::NotHttp) {
        assert!(matches!(verdict, Verdict::Refused(_)), "{} {what}: {verdict:?}", capture.file);
        return Ok(0);
    }
    let mut visible = capture.clone();
    visible.headers.iter_mut().for_each(|(_, value)| *value = value.replace('\u{7f}', "}"));
    let verdict = judge(&visible)?;
    assert!(matches!(verdict, Verdict::Refused(_)), "{} {what}: {verdict:?}", capture.file);
    Ok(1)
}

/// The alterations of the reference checker.
fn mutations(capture: &Capture) -> Vec<(String, Capture)> {
    let mut found = Vec::new();
    let mut alter = |what: &str, change: &dyn Fn(&mut Capture)| {
        let mut variant = capture.clone();
        change(&mut variant);
        if variant != *capture {
            found.push((what.to_owned(), variant));
        }
    };
    let client_key = capture.kind == "dkms-client-key";
    alter("method", &|c| c.method = String::from(if c.method == "POST" { "GET" } else { "POST" }));
    if !client_key {
        alter("extra parameter", &|c| {
            let separator = if c.target.contains('?') { '&' } else { '?' };
            c.target = format!("{}{separator}Zz=1", c.target);
        });
        alter("name", &|c| c.target = c.target.replacen("SecretName=wire", "SecretName=Wire", 1));
    }
    if !capture.body.is_empty() {
        let addition: &[u8] = if capture.binary { b"\0" } else { b"&Zz=1" };
        alter("body", &|c| c.body.extend_from_slice(addition));
    }
    alter("secret", &|c| c.secret.iter_mut().for_each(|secret| secret.push('x')));
    for name in headers_to_alter(capture) {
        alter(name, &|c| {
            for (_, value) in c.headers.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
                let last = value.pop().map(|last| char::from(u8::try_from(last).unwrap_or_default() ^ 1));
                value.extend(last);
            }
        });
    }
    found
}

fn headers_to_alter(capture: &Capture) -> Vec<&'static str> {
    if capture.kind == "dkms-client-key" {
        return vec!["date", "x-kms-apiname"];
    }
    if !capture.kind.starts_with("acs") {
        return Vec::new();
    }
    let is_authorization = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("authorization");
    let authorization = capture.headers.iter().find(is_authorization).map_or("", |(_, value)| value);
    let list = authorization.split("SignedHeaders=").nth(1).unwrap_or_default();
    let signed: Vec<&str> = list.split(',').next().unwrap_or_default().split(';').collect();
    let candidates = [
        "host",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-action",
        "x-acs-version",
        "x-acs-security-token",
    ];
    candidates.into_iter().filter(|name| signed.contains(name)).collect()
}

#[test]
fn altered_signatures_and_ids_are_refused() -> Outcome<()> {
    // Beyond the reference checker: every hexadecimal or base64 character of a signature counts, and so does case.
    for file in ["worked-example-acs3-CreateSecret.json", "worked-example-rpc-CreateSecret.json"] {
        let capture =
            parse(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/captures").join(file))?;
        assert!(matches!(judge(&capture)?, Verdict::Verified(_)), "{file}");
        for (from, to) in [
            ("d272c9f", "d272c9e"),
            ("d272c9f", "d272c9"),
            ("d272c9f", "D272C9F"),
            ("Signature=2e89", "Signature=0x2e89"),
            ("zzpIw%3D", "zzpIx%3D"),
            ("zzpIw%3D", "zzpIw"),
            ("Signature=zAUl", "Signature=ZAUl"),
            ("Credential=testid", "Credential=testie"),
            ("AccessKeyId=testid", "AccessKeyId=testie"),
            ("Signature=zAUl", "Signature=a&Signature=zAUl"),
        ] {
            let mut variant = capture.clone();
            variant.target = variant.target.replace(from, to);
            variant.headers.iter_mut().for_each(|(_, value)| *value = value.replace(from, to));
            if variant == capture {
                continue;
            }
            let verdict = judge(&variant)?;
            assert!(matches!(verdict, Verdict::Refused(_) | Verdict::OtherKey), "{file}, {to}: {verdict:?}");
        }
    }
    Ok(())
}
