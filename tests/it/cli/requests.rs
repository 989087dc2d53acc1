//! What the commands send has the form of what official clients were recorded to send.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::User;
use crate::support::sign::rpc_signature;

/// A request as it came: target, headers with lower-case names, body.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// Reads a request with its body.
fn read(stream: &mut impl Read) -> Sent {
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let end = text.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(text[..end].to_vec()).unwrap();
            let mut lines = head.lines();
            let mut first = lines.next().unwrap().split(' ');
            let headers: BTreeMap<String, String> = lines
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if text.len() >= end + 4 + length {
                let body = String::from_utf8(text[end + 4..].to_vec()).unwrap();
                let mut word = || first.next().unwrap().to_owned();
                return Sent { method: word(), target: word(), headers, body };
            }
        }
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the request is cut short");
        text.extend_from_slice(&piece[..read]);
    }
}

/// A server that records requests and answers each with the same members.
fn recorder() -> (String, mpsc::Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (all, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let sent = read(&mut stream);
            let body = r#"{"RequestId":"r","SecretName":"a","SecretData":"x","SecretDataType":"text","VersionId":"v1",
                "TotalCount":2,"SecretList":{"Secret":[{"SecretName":"a"},{"SecretName":"b"}]},
                "VersionIds":{"VersionId":[{"VersionId":"v1","VersionStages":{"VersionStage":["ACSCurrent"]}},
                {"VersionId":"v0","VersionStages":{"VersionStage":["ACSPrevious"]}}]},
                "KeyMetadata":{"KeyId":"k"}}"#;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
            if all.send(sent).is_err() {
                return;
            }
        }
    });
    (url, received)
}

/// The parameters of a query or a form, in their order.
fn parameters(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

impl Sent {
    /// A recorded request of an official client; `None` when there is no record.
    fn recorded(client: &str, action: &str) -> Option<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/captures");
        let text = std::fs::read_to_string(dir.join(format!("{client}-{action}.json"))).ok()?;
        let record: Value = serde_json::from_str(&text).unwrap();
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        let header =
            |pair: &Value| (pair[0].as_str().unwrap().to_lowercase(), pair[1].as_str().unwrap().to_owned());
        let headers = record["headers"].as_array().unwrap().iter().map(header).collect();
        Some(Self { method: text("method"), target: text("target"), headers, body: text("body") })
    }

    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The names of all parameters.
    fn names(&self) -> BTreeSet<String> {
        let all = [parameters(self.query()), parameters(&self.body)].concat();
        all.into_iter().map(|(name, _)| name).collect()
    }

    fn parameter(&self, name: &str) -> String {
        let all = [parameters(self.query()), parameters(&self.body)].concat();
        all.into_iter().find(|(given, _)| given == name).unwrap_or_default().1
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The headers that `Authorization` says are signed.
    fn signed_headers(&self) -> Vec<&str> {
        let all = self.header("authorization").split("SignedHeaders=").nth(1).unwrap();
        all.split(',').next().unwrap().split(';').collect()
    }
}

/// Commands, and the action that each must end with.
const COMMANDS: [(&[&str], &str); 13] = [
    (&["get", "a", "--stage", "ACSCurrent"], "GetSecretValue"),
    (&["create", "a", "--file", "value", "--version", "v1", "--tag", "b=c"], "CreateSecret"),
    (&["put", "a", "--file", "value", "--stage", "Next"], "PutSecretValue"),
    (&["describe", "a"], "DescribeSecret"),
    (&["ls"], "ListSecrets"),
    (&["versions", "a"], "ListSecretVersionIds"),
    (&["promote", "a", "v9"], "UpdateSecretVersionStage"),
    (&["rollback", "a"], "UpdateSecretVersionStage"),
    (&["rm", "a", "--force"], "DeleteSecret"),
    (&["undelete", "a"], "RestoreSecret"),
    (&["tag", "a", "b=c"], "TagResource"),
    (&["untag", "a", "b"], "UntagResource"),
    (&["keys", "create"], "CreateKey"),
];

/// Runs every command against the recorder and gives the request of its action.
fn all_sent(scheme: &str) -> Vec<(&'static str, Sent)> {
    let (url, received) = recorder();
    let user = User::new(&[]).with("SESAME_URL", &url).with("SESAME_SIGNATURE", scheme);
    user.file("value", "p@ss\"w0rd+/=*~ \u{4e2d}");
    let ran = COMMANDS.iter().map(|(arguments, action)| {
        let keys = ["--access-key-id", "testid", "--access-key-secret", "testsecret"];
        let output = user.run(&[*arguments, &keys].concat());
        assert!(output.status.success(), "{arguments:?}: {}", crate::support::program::printed(&output));
        let mut all: Vec<Sent> = received.try_iter().collect();
        (*action, all.pop().unwrap())
    });
    ran.collect()
}

fn is_time(text: &str) -> bool {
    text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}

#[test]
fn requests_signed_in_a_header_have_the_form_of_recorded_ones() {
    for (action, sent) in all_sent("acs3") {
        let recorded =
            Sent::recorded("go-tea-acs3", action).or_else(|| Sent::recorded("go-tea-acs3", "GetSecretValue"));
        let recorded = recorded.unwrap();
        assert_eq!((&sent.method, sent.target.split('?').next()), (&recorded.method, Some("/")), "{action}");
        let mut query = parameters(sent.query());
        let given = query.clone();
        query.sort();
        assert_eq!(query, given, "the parameters of {action} are sorted");
        let scheme =
            |sent: &Sent| sent.header("authorization").split("Signature=").next().unwrap().to_owned();
        let start = "ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=";
        assert!(
            scheme(&sent).starts_with(start) && scheme(&recorded).starts_with(start),
            "{action}: {sent:?}"
        );
        assert_eq!(sent.header("x-acs-action"), action);
        assert_eq!(sent.header("x-acs-version"), recorded.header("x-acs-version"));
        assert!(is_time(sent.header("x-acs-date")) && is_time(recorded.header("x-acs-date")));
        let hash = const_hex::encode(Sha256::digest(sent.body.as_bytes()));
        assert_eq!(sent.header("x-acs-content-sha256"), hash, "{action}");
        // All that a recorded request signs, besides the name of the SDK's way to find its credentials.
        let wanted: BTreeSet<&str> = recorded
            .signed_headers()
            .into_iter()
            .filter(|name| *name != "x-acs-credentials-provider")
            .collect();
        let signed = sent.signed_headers();
        assert!(wanted.is_subset(&signed.iter().copied().collect()), "{action}: {signed:?}");
        assert!(signed.is_sorted() && signed.iter().all(|name| sent.headers.contains_key(*name)), "{action}");
        let unsigned =
            sent.headers.keys().filter(|name| name.starts_with("x-acs-") && !signed.contains(&name.as_str()));
        assert_eq!(unsigned.count(), 0, "{action}");
        // Values are in the body, which no proxy and no server writes to its log.
        assert!(!sent.target.contains("SecretData="), "{}", sent.target);
    }
}

#[test]
fn requests_signed_in_parameters_have_the_form_of_recorded_ones() {
    for (action, sent) in all_sent("rpc") {
        let recorded = Sent::recorded("go-cli-core-post", action);
        let recorded = recorded.or_else(|| Sent::recorded("go-cli-core-post", "GetSecretValue")).unwrap();
        assert_eq!(sent.method, recorded.method);
        assert_eq!(sent.header("content-type"), recorded.header("content-type"), "{action}");
        for name in ["SignatureMethod", "SignatureVersion", "Version", "Format", "AccessKeyId"] {
            assert_eq!(sent.parameter(name), recorded.parameter(name), "{action}: {name}");
        }
        assert_eq!(sent.parameter("Action"), action);
        assert!(is_time(&sent.parameter("Timestamp")) && sent.parameter("SignatureNonce").len() >= 32);
        let all = parameters(&sent.body);
        let signed = all.iter().filter(|(name, _)| name != "Signature");
        let signed: Vec<(&str, &str)> = signed.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(sent.parameter("Signature"), rpc_signature("POST", "testsecret", &signed), "{action}");
        // The system parameters of a recorded request, besides those that are optional.
        let system = [
            "AccessKeyId",
            "Action",
            "Format",
            "Signature",
            "SignatureMethod",
            "SignatureNonce",
            "SignatureVersion",
            "Timestamp",
            "Version",
        ];
        for name in system {
            assert!(recorded.names().contains(name) && sent.names().contains(name), "{action}: {name}");
        }
        assert_eq!(sent.target, "/", "everything is in the body");
    }
}

#[test]
fn a_repeated_request_is_signed_anew() {
    for scheme in ["acs3", "rpc"] {
        let user = User::new(&["--auth", "signed", "--admin-token", "token-1"]);
        let user = user.with("SESAME_ADMIN_TOKEN", "token-1").with("SESAME_SIGNATURE", scheme);
        user.ok_fed("x", &["create", "app/db", "--version", "v1"]);
        // The first attempt uses its nonce up, and its answer is lost.
        user.ok(&["fault", "add", "lose", "GetSecretValue", "1"]);
        assert_eq!(user.ok(&["get", "app/db"]), "x");
    }
}
