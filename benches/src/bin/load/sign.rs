//! Requests of the cloud's API: signed by ACS3-HMAC-SHA256 with everything in the query, as its SDKs send them, or not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::plan::Plan;

/// The hash of an empty body, which every request has.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static NONCE: AtomicU64 = AtomicU64::new(0);

/// `yyyy-MM-ddTHH:mm:ssZ` of now.
fn time() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default().to_string()
}

/// A nonce that no other request has, of this process or another.
fn nonce() -> String {
    static STARTED: std::sync::OnceLock<u128> = std::sync::OnceLock::new();
    let started = *STARTED.get_or_init(|| {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        nanos << 22 | u128::from(std::process::id())
    });
    format!("{started:024x}-{:x}", NONCE.fetch_add(1, Ordering::Relaxed))
}

fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => {
                out.push('%');
                out.push_str(&const_hex::encode_upper([other]));
            }
        }
    }
}

/// The canonical query: sorted, encoded.
fn query(mut parameters: Vec<(&str, String)>) -> String {
    parameters.sort_unstable();
    let mut out = String::with_capacity(128);
    for (name, value) in &parameters {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        encode_into(&mut out, value);
    }
    out
}

/// The bytes of a call.
pub fn call(plan: &Plan, action: &str, mut parameters: Vec<(&str, String)>) -> Vec<u8> {
    if plan.xml {
        parameters.push(("Format", "XML".to_owned()));
    }
    if plan.signed {
        return signed(plan, action, &query(parameters)).into_bytes();
    }
    parameters.push(("Action", action.to_owned()));
    parameters.push(("Version", "2016-01-20".to_owned()));
    format!("GET /?{} HTTP/1.1\r\nhost: {}\r\n\r\n", query(parameters), plan.address).into_bytes()
}

fn signed(plan: &Plan, action: &str, query: &str) -> String {
    let (nonce, date, host) = (nonce(), time(), &plan.address);
    let canonical = format!(
        "POST\n/\n{query}\nhost:{host}\nx-acs-action:{action}\nx-acs-content-sha256:{EMPTY}\nx-acs-date:{date}\n\
         x-acs-signature-nonce:{nonce}\nx-acs-version:2016-01-20\n\n\
         host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n{EMPTY}"
    );
    let text = format!("ACS3-HMAC-SHA256\n{}", const_hex::encode(Sha256::digest(canonical.as_bytes())));
    let signature = Hmac::<Sha256>::new_from_slice(plan.key_secret.as_bytes()).map(|mut mac| {
        mac.update(text.as_bytes());
        const_hex::encode(mac.finalize().into_bytes())
    });
    // HMAC takes a key of any length.
    let signature = signature.unwrap_or_default();
    format!(
        "POST /?{query} HTTP/1.1\r\nhost: {host}\r\nx-acs-action: {action}\r\nx-acs-content-sha256: {EMPTY}\r\n\
         x-acs-date: {date}\r\nx-acs-signature-nonce: {nonce}\r\nx-acs-version: 2016-01-20\r\n\
         Authorization: ACS3-HMAC-SHA256 Credential={},SignedHeaders=host;x-acs-action;x-acs-content-sha256;\
         x-acs-date;x-acs-signature-nonce;x-acs-version,Signature={signature}\r\ncontent-length: 0\r\n\r\n",
        plan.key
    )
}
