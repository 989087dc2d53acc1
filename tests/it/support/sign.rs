//! Signatures as clients make them, written from the protocol without the server's own code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Answer, NOW, Server};

/// Every character except letters, digits and `-_.~` (protocol P48).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The parameters in canonical form: sorted, encoded, joined (protocol P47 to P49).
fn canonical(parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let pair = |(name, value): &(&str, &str)| format!("{}={}", encode(name), encode(value));
    sorted.iter().map(pair).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The string to sign of RPC v1 (protocol P50).
pub fn rpc_string_to_sign(method: &str, parameters: &[(&str, &str)]) -> String {
    format!("{method}&%2F&{}", encode(&canonical(parameters)))
}

/// The signature of RPC v1, HMAC-SHA1 (protocol P51).
pub fn rpc_signature(method: &str, secret: &str, parameters: &[(&str, &str)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).unwrap();
    mac.update(rpc_string_to_sign(method, parameters).as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The system parameters of RPC v1 except `Signature`, with the time of a test server.
pub fn rpc_system<'a>(action: &'a str, access_key_id: &'a str, time: &'a str) -> Vec<(&'a str, &'a str)> {
    rpc_system_of("2016-01-20", action, access_key_id, time)
}

/// The same for another version, that of another product.
pub fn rpc_system_of<'a>(
    version: &'a str,
    action: &'a str,
    access_key_id: &'a str,
    time: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Action", action),
        ("Version", version),
        ("AccessKeyId", access_key_id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", time),
    ]
}

/// A request with an ACS3 or ACS4 signature (section F). A test can choose every part of it.
#[derive(Clone)]
pub struct Acs<'a> {
    pub key: (&'a str, &'a str),
    /// The region of an ACS4 scope. `None` for ACS3.
    pub acs4_region: Option<&'a str>,
    pub method: &'a str,
    pub host: &'a str,
    pub action: &'a str,
    pub version: &'a str,
    pub query: Vec<(&'a str, &'a str)>,
    pub time: String,
    pub nonce: Option<&'a str>,
    pub content_type: &'a str,
    pub body: String,
    /// Signed headers besides the usual ones, in lower case.
    pub headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Acs<'a> {
    /// A call of an action by POST with everything in the query, signed with ACS3 by the key `testid`, at [`NOW`].
    pub fn new(action: &'a str, nonce: &'a str, query: &[(&'a str, &'a str)]) -> Self {
        Self {
            key: ("testid", "testsecret"),
            acs4_region: None,
            method: "POST",
            host: "127.0.0.1",
            action,
            version: "2016-01-20",
            query: query.to_vec(),
            time: NOW.to_string(),
            nonce: Some(nonce),
            content_type: "application/x-www-form-urlencoded",
            body: String::new(),
            headers: Vec::new(),
        }
    }

    fn algorithm(&self) -> &'static str {
        if self.acs4_region.is_some() { "ACS4-HMAC-SHA256" } else { "ACS3-HMAC-SHA256" }
    }

    /// The signed headers, ascending by name (protocol P57, P61).
    fn signed(&self) -> Vec<(&'a str, String)> {
        let mut headers = vec![
            ("content-type", self.content_type.to_owned()),
            ("host", self.host.to_owned()),
            ("x-acs-action", self.action.to_owned()),
            ("x-acs-content-sha256", const_hex::encode(Sha256::digest(self.body.as_bytes()))),
            ("x-acs-date", self.time.clone()),
            ("x-acs-version", self.version.to_owned()),
        ];
        headers.extend(self.nonce.map(|nonce| ("x-acs-signature-nonce", nonce.to_owned())));
        headers.extend(self.headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        headers.sort_unstable();
        headers
    }

    fn signed_names(&self) -> String {
        self.signed().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
    }

    /// Protocol P62.
    pub fn canonical_request(&self) -> String {
        let headers: Vec<_> = self.signed().iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let headers = headers.concat();
        let hash = const_hex::encode(Sha256::digest(self.body.as_bytes()));
        let (method, query, names) = (self.method, canonical(&self.query), self.signed_names());
        format!("{method}\n/\n{query}\n{headers}\n{names}\n{hash}")
    }

    /// Protocol P63.
    pub fn string_to_sign(&self) -> String {
        let hash = const_hex::encode(Sha256::digest(self.canonical_request().as_bytes()));
        format!("{}\n{hash}", self.algorithm())
    }

    /// Protocol P58, P64, P66.
    pub fn authorization(&self) -> String {
        let (id, secret) = self.key;
        let (credential, key) = match self.acs4_region {
            None => (id.to_owned(), secret.as_bytes().to_vec()),
            Some(region) => {
                let day = self.time.split('T').next().unwrap().replace('-', "");
                let scope = [day.as_str(), region, "Kms", "aliyun_v4_request"];
                let first = format!("aliyun_v4{secret}").into_bytes();
                let key = scope.iter().fold(first, |key, piece| hmac(&key, piece));
                (format!("{id}/{}", scope.join("/")), key)
            }
        };
        let signature = const_hex::encode(hmac(&key, &self.string_to_sign()));
        let (algorithm, names) = (self.algorithm(), self.signed_names());
        format!("{algorithm} Credential={credential},SignedHeaders={names},Signature={signature}")
    }

    /// Signs the request and sends it.
    pub async fn send(&self, server: &Server) -> Answer {
        self.send_with(server, &self.authorization()).await
    }

    /// Sends it with the `Authorization` of another request.
    pub async fn send_with(&self, server: &Server, authorization: &str) -> Answer {
        self.send_all(server, authorization, &self.body).await
    }

    /// Signs it and sends another body.
    pub async fn send_body(&self, server: &Server, body: &str) -> Answer {
        self.send_all(server, &self.authorization(), body).await
    }

    async fn send_all(&self, server: &Server, authorization: &str, body: &str) -> Answer {
        let signed = self.signed();
        let mut headers: Vec<(&str, &str)> = signed.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.push(("Authorization", authorization));
        let target = format!("/?{}", canonical(&self.query));
        server.send(self.method, &target, &headers, body.as_bytes()).await
    }
}

fn hmac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
