//! Hundreds of requests that are wrong in every way we could think of. Each gets a well-formed refusal, nothing is stored,
//! and the server keeps running.

use std::time::Duration;

use sesame::testing::actions::ACTIONS;
use sesame::testing::wire::code::TABLE;

use crate::support::{Answer, Server, form};

/// A request that must be refused: what is wrong with it, method, target, headers, body.
struct Bad {
    what: String,
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const GOOD: [(&str, &str); 4] =
    [("SecretName", "there"), ("VersionId", "v9"), ("SecretData", "x"), ("VersionStage", "Mine")];

fn post(what: impl Into<String>, body: impl Into<Vec<u8>>) -> Bad {
    Bad { what: what.into(), method: "POST", target: "/".to_owned(), headers: vec![FORM], body: body.into() }
}

fn get(what: impl Into<String>, query: impl std::fmt::Display) -> Bad {
    let target = format!("/?{query}");
    Bad { what: what.into(), method: "GET", target, headers: Vec::new(), body: Vec::new() }
}

fn head(action: &str) -> String {
    form(&[("Action", action), ("Version", "2016-01-20")])
}

/// Each parameter of each action: missing, empty, undecodable, twice.
fn of_parameters() -> Vec<Bad> {
    let mut all = Vec::new();
    for action in ACTIONS {
        let names: Vec<&str> = action.parameters().iter().map(|p| p.name).collect();
        for parameter in action.parameters() {
            let name = parameter.name.replace(".N", ".1");
            let wanted = |(other, _): &&(&str, &str)| *other != name && names.contains(other);
            let others: Vec<(&str, &str)> = GOOD.iter().filter(wanted).copied().collect();
            let start = format!("{}&{}", head(action.name()), form(&others));
            let place = format!("{} {name}", action.name());
            all.push(post(format!("{place} bad escape"), format!("{start}&{name}=%zz")));
            all.push(post(format!("{place} cut escape"), format!("{start}&{name}=%e")));
            all.push(get(format!("{place} bad UTF-8"), format!("{start}&{name}=%ff%fe")));
            all.push(post(format!("{place} twice"), format!("{start}&{name}=a&{name}=a")));
            if parameter.required {
                all.push(post(format!("{place} missing"), start.clone()));
                if !parameter.may_be_empty {
                    all.push(post(format!("{place} empty"), format!("{start}&{name}=")));
                }
            }
        }
    }
    all
}

/// JSON that no parameter accepts.
fn wrong_json() -> Vec<String> {
    let texts = ["", "{", "nonsense", "1", "\"text\"", "null", "[1]", "[null]", "[{}]", "[[]]", "{\"a\":1}"];
    texts.map(str::to_owned).into_iter().chain(["[".repeat(10_000)]).collect()
}

/// Action, parameter, values of a wrong type or size.
type Wrong<'a> = (&'a str, &'a str, Vec<&'a str>);

/// For actions on values and versions.
fn of_values<'a>(json: &[&'a str], long: &'a Long) -> Vec<Wrong<'a>> {
    let Long { name: long_name, id: long_id, text: long_text, value: long_value } = long;
    vec![
        ("CreateSecret", "SecretName", vec![&long_name, "", "a b", "a\0", "é", "acs/x", "a:b", "a\nb"]),
        ("CreateSecret", "VersionId", vec![&long_id, "", "a b", "é", "a\0b"]),
        ("CreateSecret", "SecretData", vec![&long_value]),
        ("CreateSecret", "SecretDataType", vec!["", "Text", "json", "0"]),
        ("CreateSecret", "SecretType", vec!["", "generic", "Rds", "Nope"]),
        ("CreateSecret", "Description", vec![&long_text]),
        ("CreateSecret", "Tags", json.iter().copied().filter(|j| !j.is_empty()).collect()),
        ("CreateSecret", "EncryptionKeyId", vec!["key-none", "alias/none", "a b", "acs:kms:x"]),
        ("CreateSecret", "DKMSInstanceId", vec!["kst-none"]),
        ("PutSecretValue", "SecretData", vec![&long_value]),
        ("PutSecretValue", "VersionId", vec![&long_id, ""]),
        ("PutSecretValue", "VersionStages", json.to_vec()),
        (
            "PutSecretValue",
            "VersionStages",
            vec!["[]", "[\"\"]", "[\"a b\"]", "{\"VersionStage\":[]}", "[\"ok\",7]"],
        ),
        ("GetSecretValue", "VersionId", vec![&long_id, "", "none"]),
        ("GetSecretValue", "VersionStage", vec![&long_id, "", "None"]),
        ("GetSecretValue", "FetchExtendedConfig", vec!["", "1", "yes"]),
        ("GetSecretValue", "DryRun", vec!["", "2", "maybe", "true"]),
        (
            "GetSecretValue",
            "SecretName",
            vec![&long_name, "none", "acs:kms:", "acs:kms:cn-hangzhou:2:secret/there"],
        ),
        ("BatchGetSecretValue", "SecretsList", json.to_vec()),
    ]
}

/// For all other actions.
fn of_other_values<'a>(json: &[&'a str], long: &'a Long) -> Vec<Wrong<'a>> {
    let Long { id: long_id, text: long_text, value: long_value, .. } = long;
    let deep = "[[[[";
    vec![
        ("ListSecrets", "PageNumber", vec!["0", "-1", "x", "", "1.5", "99999999999", "0x1"]),
        ("ListSecrets", "PageSize", vec!["0", "101", "-5", "x", ""]),
        ("ListSecrets", "Filters", json.iter().copied().filter(|j| *j != "[]").collect()),
        ("ListSecrets", "FetchTags", vec!["", "1"]),
        ("ListSecretVersionIds", "PageSize", vec!["0", "101", "x"]),
        ("ListSecretVersionIds", "IncludeDeprecated", vec!["", "x"]),
        ("DeleteSecret", "RecoveryWindowInDays", vec!["6", "31", "-7", "x", "", "7.0"]),
        ("DeleteSecret", "ForceDeleteWithoutRecovery", vec!["", "force"]),
        ("UpdateSecret", "Description", vec![&long_text]),
        ("UpdateSecretVersionStage", "MoveToVersion", vec!["", &long_id, "none"]),
        ("UpdateSecretVersionStage", "RemoveFromVersion", vec!["", &long_id, "none"]),
        ("GetRandomPassword", "PasswordLength", vec!["7", "129", "-8", "x", ""]),
        ("GetRandomPassword", "ExcludeCharacters", vec![" ", "`", "é"]),
        ("GetRandomPassword", "ExcludeNumbers", vec!["", "1"]),
        ("TagResource", "Tags", json.to_vec()),
        ("UntagResource", "TagKeys", vec!["", "[", "[1]", "[]", "acs:x", "{}", deep]),
        ("TagResources", "ResourceType", vec!["", "Secret", "certificate"]),
        ("TagResources", "ResourceId.0", vec!["x"]),
        ("TagResources", "Tag.x.Key", vec!["x"]),
        ("ListTagResources", "NextToken", vec!["zz", "0", "ff"]),
        ("CreateKey", "KeySpec", vec!["", "AES", "RSA_1024"]),
        ("CreateKey", "KeyUsage", vec!["", "SIGN/VERIFY", "x"]),
        ("CreateKey", "Origin", vec!["", "external"]),
        ("Encrypt", "Plaintext", vec![&long_value]),
        ("Decrypt", "CiphertextBlob", vec!["", "!", "QUFB", "AAAA"]),
        ("Decrypt", "EncryptionContext", json.to_vec()),
    ]
}

/// Texts that exceed their limits.
struct Long {
    name: String,
    id: String,
    text: String,
    value: String,
}

/// Values of a wrong type or size, by parameter.
fn of_tables() -> Vec<Bad> {
    let long =
        Long { name: "n".repeat(193), id: "v".repeat(65), text: "d".repeat(8193), value: "x".repeat(30_721) };
    let json = wrong_json();
    let json: Vec<&str> = json.iter().map(String::as_str).collect();
    let cases = [of_values(&json, &long), of_other_values(&json, &long)].concat();
    let mut all = Vec::new();
    for (action, name, values) in cases {
        // An empty one counts as absent (rule 14.10).
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            let shown: String = value.chars().take(20).collect();
            let others: Vec<(&str, &str)> =
                GOOD.iter().copied().filter(|(other, _)| *other != name).collect();
            let fields =
                [&[("Action", action), ("Version", "2016-01-20")], &others[..], &[(name, value)]].concat();
            all.push(post(format!("{action} {name}={shown}"), form(&fields)));
        }
    }
    all
}

/// Requests that are wrong as a whole.
fn of_shape() -> Vec<Bad> {
    let list = head("ListSecrets");
    let mut all = Vec::new();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        all.push(Bad { method, ..get(format!("method {method}"), &list) });
    }
    for path in ["/x", "/api", "//", "/index.html", "/%2e", "/_sesame2"] {
        all.push(Bad { target: format!("{path}?{list}"), ..get(format!("path {path}"), "") });
    }
    for version in ["", "2016-01-21", "2015-04-01", "x", "dkms-gcs-0.2"] {
        let query = form(&[("Action", "ListSecrets"), ("Version", version)]);
        all.push(get(format!("version {version}"), query));
    }
    for action in ["", "listsecrets", "NoSuchAction", "GetSecretValue ", "../x", "é", &"A".repeat(5000)] {
        all.push(get(format!("action {action:.20}"), form(&[("Action", action), ("Version", "2016-01-20")])));
    }
    let many = "&p=x".repeat(1001);
    all.push(post("1,001 parameters", format!("{list}{many}")));
    all.push(get("a request line of 300 KB", format!("{list}&x={}", "y".repeat(300_000))));
    all.push(post("a body of 10 MB", vec![b'a'; 10_000_000]));
    all.push(post("a garbage body", vec![0xff; 1000]));
    all.push(post("no action", "SecretName=a"));
    all.push(post("nothing at all", ""));
    let deep = format!("{{\"Action\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["", "{", "[]", "1", "null", "\"x\"", "{\"Action\":", "{\"a\":1}", "{}x", &deep] {
        let what = format!("JSON body {body:.20}");
        all.push(Bad { headers: vec![JSON], ..post(what, body) });
    }
    let put = format!("{}&{}", head("PutSecretValue"), form(&GOOD));
    for kind in ["text/plain", "multipart/form-data", "application/xml", "application/x-protobuf"] {
        // The parameters are in a body whose type has none.
        let headers = vec![("Content-Type", kind)];
        all.push(Bad { headers, ..post(format!("content type {kind}"), put.clone()) });
    }
    for region in ["CN", "a b", "x/y", &"r".repeat(40)] {
        // Where the action requires a region.
        let tags = [("RegionId", region), ("ResourceType", "secret")];
        let query = format!("{}&{}", head("ListTagResources"), form(&tags));
        all.push(get(format!("region {region:.9}"), query));
    }
    for (name, value) in [("Signature", "x"), ("AccessKeyId", "x"), ("SignatureMethod", "HMAC-MD5")] {
        all.push(get(format!("only {name}"), format!("{list}&Signature=x&{}", form(&[(name, value)]))));
    }
    for authorization in ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 x", "ACS3-HMAC-MD5 Credential=a", "ACS4-X y"]
    {
        let headers = vec![("Authorization", authorization), ("x-acs-action", "ListSecrets")];
        all.push(Bad { headers, ..get(format!("Authorization {authorization}"), "") });
    }
    all
}

/// Checks the answer to a bad request.
fn assert_refused(bad: &Bad, answer: &Answer) {
    let what = &bad.what;
    assert!((400..500).contains(&answer.status), "{what}: {} {:.300}", answer.status, answer.body);
    let (status, code, message) = answer.refused();
    assert_eq!(status, answer.status, "{what}");
    let known = TABLE.iter().any(|row| row.wire == code && row.status == status);
    assert!(known || code.starts_with("Missing"), "{what}: {code}");
    assert!(!message.is_empty() && !message.contains("<name>"), "{what}: {message}");
}

async fn send(server: &Server, bad: &Bad) -> Answer {
    let sending = server.send(bad.method, &bad.target, &bad.headers, &bad.body);
    tokio::time::timeout(Duration::from_secs(10), sending)
        .await
        .unwrap_or_else(|_| panic!("{}: no answer", bad.what))
}

#[tokio::test]
async fn hundreds_of_malformed_requests_are_refused_and_store_nothing() {
    let server = Server::start().await;
    server.create("there").await;
    let before = server.stored("there").await;
    let all = [of_parameters(), of_tables(), of_shape()].concat_all();
    assert!(all.len() >= 500, "{} requests", all.len());
    for bad in &all {
        assert_refused(bad, &send(&server, bad).await);
    }
    let listed = server.ok("ListSecrets", &[]).await;
    assert_eq!(listed["TotalCount"], 1);
    assert_eq!(server.stored("there").await, before);
    assert_eq!(server.ok("ListKeys", &[]).await["TotalCount"], 0);
    assert_eq!(server.value("there", &[]).await, "one");
}

#[tokio::test]
async fn refusals_come_in_xml_when_it_was_asked_for() {
    let server = Server::start().await;
    for bad in of_tables().iter().filter(|bad| bad.body.len() < 5000) {
        let target = "/?Format=XML".to_owned();
        let bad = Bad {
            what: bad.what.clone(),
            method: "POST",
            target,
            headers: vec![FORM],
            body: bad.body.clone(),
        };
        let answer = send(&server, &bad).await;
        assert!((400..500).contains(&answer.status), "{}", bad.what);
        assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"), "{}", bad.what);
        assert!(
            answer.body.contains("<Error><RequestId>") && answer.body.ends_with("</Error>"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn input_that_is_not_http_is_refused_and_the_connection_closed() {
    let server = Server::start().await;
    for bytes in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let answer = tokio::time::timeout(Duration::from_secs(10), server.raw(bytes)).await.unwrap();
        assert!((400..500).contains(&answer.status), "{bytes:?}: {}", answer.status);
    }
    server.create("after").await;
}

/// Joins lists.
trait ConcatAll<T> {
    fn concat_all(self) -> Vec<T>;
}

impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}
