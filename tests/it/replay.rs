//! Requests captured from real client libraries, sent byte for byte to a server in `signed` mode.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame::testing::domain::Timestamp;
use sesame::testing::identities::file::KeyFile;
use sesame::testing::server::AuthMode;
use sesame::testing::wire::params::Pairs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, NOW, Options, Server, key_file, text};

/// What verifies a capture's signature.
#[derive(Clone)]
enum Material {
    Secret(String),
    PublicKey(String),
}

/// A captured request, and the key that the server must know.
#[derive(Clone)]
struct Capture {
    file: String,
    client: String,
    action: String,
    kind: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    key: Option<(String, Material)>,
    valid: bool,
}

fn captures(folder: &str) -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Capture::read(file)).collect()
}

impl Capture {
    fn read(file: &Path) -> Self {
        let json: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (body, signing) = (text(&json["body"]), &json["signing"]);
        let key_id = signing["accessKeyId"].as_str().or_else(|| signing["keyId"].as_str());
        let material = match (&signing["accessKeySecret"], &signing["publicKeyPem"]) {
            (Value::String(secret), _) => Some(Material::Secret(secret.clone())),
            (_, Value::String(pem)) => Some(Material::PublicKey(pem.clone())),
            _ => None,
        };
        Self {
            file: file.file_name().unwrap().to_str().unwrap().to_owned(),
            client: format!("{} {}", text(&json["client"]), text(&json["variant"])),
            action: text(&json["action"]).to_owned(),
            kind: text(&json["signature_kind"]).to_owned(),
            method: text(&json["method"]).to_owned(),
            target: text(&json["target"]).to_owned(),
            headers: serde_json::from_value(json["headers"].clone()).unwrap(),
            body: match text(&json["body_encoding"]) {
                "base64" => STANDARD.decode(body).unwrap(),
                _ => body.as_bytes().to_vec(),
            },
            key: key_id.map(str::to_owned).zip(material),
            valid: json["expect"]["signature_valid"].as_bool().unwrap(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter of query or form body.
    fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let form = std::str::from_utf8(&self.body).unwrap_or_default();
        [query, form].iter().find_map(|raw| Pairs::parse(raw).unwrap().get(name).map(str::to_owned))
    }

    /// The requested API version.
    fn version(&self) -> String {
        let by_header = || self.header("x-kms-apiversion").or_else(|| self.header("x-acs-version"));
        self.parameter("Version").or_else(|| by_header().map(str::to_owned)).unwrap()
    }

    /// When it was signed.
    fn time(&self) -> Timestamp {
        let instant = |text: &str| {
            // An alteration may have damaged the last character, so it is ignored.
            text.get(..19).and_then(|text| format!("{text}Z").parse::<jiff::Timestamp>().ok())
        };
        let date = |text: &str| {
            let format = "%a, %d %b %Y %H:%M:%S";
            let time = jiff::civil::DateTime::strptime(format, text.get(..25)?).ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(time).ok()
        };
        let time = match self.kind.split('-').next() {
            Some("dkms") => self.header("date").and_then(date),
            Some("acs3" | "acs4") => self.header("x-acs-date").and_then(instant),
            _ => {
                self.parameter("Timestamp").as_deref().or_else(|| self.header("x-acs-date")).and_then(instant)
            }
        };
        Timestamp::from_millis(time.unwrap_or_else(|| panic!("{}: no time", self.file)).as_millisecond())
    }

    /// The request as it was on the wire, except for chunk sizes.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            // An altered body has another length than the captured one.
            let length = self.body.len().to_string();
            let value = if name.eq_ignore_ascii_case("content-length") { &length } else { value };
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        if self.header("transfer-encoding").is_none() {
            bytes.extend_from_slice(&self.body);
            return bytes;
        }
        for (chunk, size) in self.body.chunks(1000).map(|chunk| (chunk, chunk.len())) {
            bytes.extend_from_slice(format!("{size:x}\r\n").as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

/// A server in `signed` mode that knows the keys of these captures.
async fn server_for(captures: &[Capture]) -> Server {
    let known = |(id, material): (String, Material)| {
        let key = key_file(&id, "");
        let key = match material {
            Material::Secret(secret) => KeyFile { secret: Some(secret.as_str().into()), ..key },
            Material::PublicKey(pem) => KeyFile { secret: None, public_key: Some(pem), ..key },
        };
        (id, key)
    };
    let keys: BTreeMap<String, KeyFile> =
        captures.iter().filter_map(|capture| capture.key.clone()).map(known).collect();
    let keys = keys.into_values().collect();
    Server::with(Options { mode: AuthMode::Signed, keys, ..Options::default() }).await
}

/// Sends a capture at the time at which it was signed and reads one answer, whose connection may stay open.
async fn send(server: &Server, capture: &Capture) -> Answer {
    server.clock.set(capture.time());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&capture.bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !is_whole(&answer) {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert!(read > 0, "{}: cut off: {:?}", capture.file, String::from_utf8_lossy(&answer));
    }
    Answer::parse(&answer)
}

/// Whether an answer has all the bytes that its `Content-Length` announces.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let parsed = Answer::parse(answer.get(..head + 4).unwrap());
    let length: usize = parsed.header("content-length").unwrap().parse().unwrap();
    answer.len() == head + 4 + length
}

/// The code of an error in JSON or XML. `None` for a success.
fn code(answer: &Answer) -> Option<String> {
    if answer.status == 200 {
        return None;
    }
    if answer.header("content-type") == Some("text/xml;charset=utf-8") {
        let (_, rest) = answer.body.split_once("<Code>").unwrap();
        return Some(rest.split_once("</Code>").unwrap().0.to_owned());
    }
    Some(answer.refused().1)
}

/// Whether a code says that the caller was not authenticated.
fn is_of_authentication(code: &str) -> bool {
    let codes =
        ["SignatureDoesNotMatch", "IncompleteSignature", "SignatureNonceUsed", "InvalidSignatureMethod"];
    let families = ["InvalidAccessKeyId.", "InvalidTimeStamp.", "InvalidSecurityToken."];
    codes.contains(&code)
        || families.iter().any(|family| code.starts_with(family))
        || code.starts_with("Missing") && code != "MissingParameter"
}

/// What an action answers on an empty server: `None` for success, otherwise status and code.
fn on_an_empty_server(capture: &Capture) -> Option<(u16, &'static str)> {
    let incomplete = capture.parameter("ResourceId.1").is_none();
    let space_excluded = capture.parameter("ExcludeCharacters").is_some_and(|text| text.contains(' '));
    // Captured with characters that the documentation does not allow.
    let unlawful = |name: &str| capture.parameter(name).is_some_and(|text| text.contains([' ', '*']));
    match capture.action.as_str() {
        _ if sesame::testing::actions::of_version(&capture.version()).is_none() => {
            Some((400, "InvalidVersion"))
        }
        // Captured with a name that the documentation does not allow.
        "AssumeRole" if capture.parameter("RoleSessionName").is_some_and(|name| name.contains('+')) => {
            Some((400, "InvalidParameter.RoleSessionName"))
        }
        "AssumeRole" if !capture.valid => Some((400, "SignatureDoesNotMatch")),
        "AssumeRole" => Some((404, "EntityNotExist.Role")),
        "AssumeRoleWithOIDC" => Some((401, "AuthenticationFail.OIDCToken.Invalid")),
        _ if capture.kind == "bearer" => Some((400, "InvalidSignatureMethod")),
        "CreateSecret" | "TagResource" if unlawful("Tags") => Some((400, "InvalidParameter")),
        "UntagResource" if unlawful("TagKeys") => Some((400, "InvalidParameter")),
        "CreateKey" | "CreateSecret" | "ListSecrets" => None,
        "Encrypt" | "GenerateDataKey" => Some((404, "Forbidden.AliasNotFound")),
        "Decrypt" => Some((400, "InvalidParameter")),
        "GetRandomPassword" if space_excluded => Some((400, "InvalidParameter")),
        "TagResources" if incomplete => Some((400, "MissingParameter")),
        "TagResources" if unlawful("Tag.1.Key") => Some((400, "InvalidParameter.TagKey")),
        "TagResources" => Some((404, "InvalidResourceId.NotFound")),
        _ => Some((404, "Forbidden.ResourceNotFound")),
    }
}

#[tokio::test]
async fn every_captured_request_is_accepted_or_refused_as_recorded() {
    let captures = captures("captures");
    let (mut let_in, mut created, mut kinds) = (0, 0, BTreeMap::<&str, u32>::new());
    for capture in &captures {
        let server = server_for(std::slice::from_ref(capture)).await;
        let answer = send(&server, capture).await;
        let code = code(&answer);
        let got = code.as_deref().map(|code| (answer.status, code));
        assert_eq!(got, on_an_empty_server(capture), "{}: {}", capture.file, answer.body);
        if capture.version() == sesame::testing::actions::VERSION && capture.kind != "bearer" {
            assert!(capture.valid, "{}", capture.file);
            assert!(!code.is_some_and(|code| is_of_authentication(&code)), "{}", capture.file);
            let_in += 1;
            created += u32::from(capture.action == "CreateSecret" && answer.status == 200);
        }
        *kinds.entry(&capture.kind).or_default() += 1;
        server.stop().await;
    }
    let counted: Vec<_> = kinds.into_iter().collect();
    let expected = [
        ("acs3-hmac-sha256", 106),
        ("acs3-hmac-sm3", 1),
        ("acs3-rsa-sha256", 1),
        ("acs4-hmac-sha256", 3),
        ("anonymous", 1),
        ("bearer", 2),
        ("dkms-client-key", 22),
        ("rpc-v1-hmac-sha1", 196),
        ("rpc-v1-rsa-sha256", 1),
    ];
    assert_eq!(counted, expected);
    assert_eq!((captures.len(), let_in, created), (333, 305, 17));
}

#[tokio::test]
async fn every_altered_capture_is_refused() {
    let captures = captures("captures_tampered");
    let (mut codes, mut bare) = (BTreeMap::<String, u32>::new(), Vec::new());
    for capture in &captures {
        assert!(!capture.valid, "{}", capture.file);
        let server = server_for(std::slice::from_ref(capture)).await;
        let answer = send(&server, capture).await;
        assert!((400..500).contains(&answer.status), "{}: {}", capture.file, answer.body);
        if answer.body.is_empty() {
            // A control character in a header: no HTTP server accepts it.
            bare.push(capture.file.as_str());
        } else {
            *codes.entry(code(&answer).unwrap()).or_default() += 1;
        }
        assert_eq!(server.stored_count().await, 0, "{}", capture.file);
        server.stop().await;
    }
    assert_eq!(bare, ["python-tea-acs3-sts-GetSecretValue--header-x-acs-security-token.json"]);
    // Action and version are looked up before the signature is checked, and so is the time.
    let expected = [
        ("InvalidAction.NotFound", 3),
        ("InvalidTimeStamp.Format", 3),
        ("InvalidVersion", 7),
        ("SignatureDoesNotMatch", 36),
    ];
    let counted: Vec<_> = codes.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    assert_eq!(counted, expected);
    assert_eq!(captures.len(), 50);
}

/// The order in which the captures of one client are sent: writes before the reads that depend on them.
fn turn(capture: &Capture) -> Option<usize> {
    let ours = capture.version() == sesame::testing::actions::VERSION && capture.kind != "bearer";
    let order = ["CreateSecret", "PutSecretValue", "GetSecretValue"];
    order.iter().position(|action| ours && *action == capture.action)
}

#[tokio::test]
async fn what_a_client_wrote_is_read_back() {
    let mut clients: BTreeMap<String, Vec<Capture>> = BTreeMap::new();
    for capture in captures("captures").into_iter().filter(|capture| turn(capture).is_some()) {
        clients.entry(capture.client.clone()).or_default().push(capture);
    }
    let (mut written, mut read, mut refused) = (0, 0, 0);
    for (client, mut captures) in clients {
        captures.sort_by_key(|capture| (turn(capture), capture.parameter("VersionId")));
        let server = server_for(&captures).await;
        // The current value of each secret.
        let mut current = written_before(&server, &captures).await;
        for capture in &captures {
            let name = capture.parameter("SecretName").unwrap();
            if capture.action == "GetSecretValue" {
                let answer = send(&server, capture).await;
                assert_eq!(answer.status, 200, "{}: {}", capture.file, answer.body);
                assert_eq!(value_in(&answer), current[&name], "{}", capture.file);
                read += 1;
                continue;
            }
            let answer = send(&server, capture).await;
            let value = match capture.parameter("SecretType").as_deref() {
                // What is read is the one account (rule DY1.9).
                Some("Rds") => r#"{"AccountName":"u","AccountPassword":"p+/="}"#.to_owned(),
                _ => capture.parameter("SecretData").unwrap(),
            };
            if on_an_empty_server(capture) == Some((400, "InvalidParameter")) {
                // For its tags. The later puts and reads find what it would have created.
                assert_eq!(code(&answer).as_deref(), Some("InvalidParameter"), "{}", capture.file);
                let version = capture.parameter("VersionId").unwrap();
                let creation =
                    [("SecretName", name.as_str()), ("VersionId", &version), ("SecretData", &value)];
                server.clock.set(NOW);
                server.call_as(("test", "test"), "CreateSecret", &creation).await.ok();
                current.insert(name, value);
                refused += 1;
                continue;
            }
            assert_eq!(answer.status, 200, "{}: {}", capture.file, answer.body);
            assert_eq!(read_version(&server, capture).await, value, "{client}: {}", capture.file);
            current.insert(name, value);
            written += 1;
        }
        server.stop().await;
    }
    assert_eq!(
        (written, read, refused),
        (60, 49, 23),
        "17 created, 43 put, 23 with tags of other characters; all GetSecretValue captures but those of the gateway"
    );
}

/// Creates the secrets of clients for which only reads were captured: value by name.
async fn written_before(server: &Server, captures: &[Capture]) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if captures.iter().all(|capture| capture.action == "GetSecretValue") {
        let value = "a<b>&c\r\n\"中\"";
        server.clock.set(NOW);
        for name in captures.iter().filter_map(|capture| capture.parameter("SecretName")) {
            let parameters = [("SecretName", name.as_str()), ("VersionId", "v1"), ("SecretData", value)];
            if values.insert(name.clone(), value.to_owned()).is_none() {
                server.call_as(("test", "test"), "CreateSecret", &parameters).await.ok();
            }
        }
    }
    values
}

/// The value of the version that a capture wrote.
async fn read_version(server: &Server, capture: &Capture) -> String {
    server.clock.set(NOW);
    let (name, version) = (capture.parameter("SecretName").unwrap(), capture.parameter("VersionId").unwrap());
    let parameters = [("SecretName", name.as_str()), ("VersionId", &version)];
    let answer = server.call_as(("test", "test"), "GetSecretValue", &parameters).await.ok();
    let data_type = capture.parameter("SecretDataType").unwrap_or_else(|| "text".to_owned());
    assert_eq!(text(&answer["SecretDataType"]), data_type, "{}", capture.file);
    text(&answer["SecretData"]).to_owned()
}

/// `SecretData` of an answer in JSON or XML.
fn value_in(answer: &Answer) -> String {
    if answer.header("content-type") != Some("text/xml;charset=utf-8") {
        return text(&answer.ok()["SecretData"]).to_owned();
    }
    let (_, rest) = answer.body.split_once("<SecretData>").unwrap();
    let raw = rest.split_once("</SecretData>").unwrap().0;
    quick_xml::escape::unescape(raw).unwrap().into_owned()
}
