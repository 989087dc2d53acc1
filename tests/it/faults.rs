//! `/_sesame/faults`: injecting faults into calls.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use sesame::testing::domain::FaultRule;
use sesame::testing::server::{AuthMode, Bounds};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::state::{admin, done};
use crate::support::program::{Program, run};
use crate::support::{Options, Server, form, invalid, missing, refusal};

const PATH: &str = "/_sesame/faults";
const THROTTLED: (u16, &str, &str) = (429, "Rejected.Throttling", "QPS Limit Exceeded");

/// Sets rules, which must be accepted.
async fn put(server: &Server, rules: &Value) {
    done(server, "PUT", PATH, &rules.to_string()).await;
}

/// How often each rule fired, and how many calls it matched.
async fn counts(server: &Server) -> Vec<(u64, u64)> {
    let shown = done(server, "GET", PATH, "").await;
    let count = |rule: &Value| (rule["fired"].as_u64().unwrap(), rule["matched"].as_u64().unwrap());
    shown["faults"].as_array().unwrap().iter().map(count).collect()
}

/// The statuses of `times` reads of a secret.
async fn reads(server: &Server, name: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(server.call("GetSecretValue", &[("SecretName", name)]).await.status);
    }
    statuses
}

/// The bytes received, to the end of the connection, for one call that asks to keep it open.
async fn bytes_of(server: &Server, action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
    let form = form(&[&[("Action", action), ("Version", "2016-01-20")], parameters].concat());
    let head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{form}", form.len());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

/// The newest entry of the request log.
async fn newest(server: &Server) -> Value {
    done(server, "GET", "/_sesame/requests?limit=1", "").await["requests"][0].clone()
}

#[tokio::test]
async fn a_code_is_answered_as_the_service_does_and_nothing_is_carried_out() {
    let server = Server::start().await;
    server.create("s").await;
    let put_v2 = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    for (code, want) in [
        ("Rejected.Throttling", THROTTLED),
        (
            "ServiceUnavailableTemporary",
            (503, "ServiceUnavailableTemporary", "Service Unavailable Temporary."),
        ),
        ("InternalFailure", (500, "InternalFailure", "Internal Failure")),
        ("Throttling.User", (400, "Throttling.User", "Request was denied due to user flow control.")),
        ("Forbidden.ResourceNotFound", (404, "Forbidden.ResourceNotFound", "Resource not found.")),
        (
            "Forbidden.NoPermission",
            (
                403,
                "Forbidden.NoPermission",
                "This operation for acs:kms:cn-hangzhou:1000000000000001:secret/s is forbidden by permission system.",
            ),
        ),
    ] {
        put(&server, &json!([{ "action": "PutSecretValue", "code": code }])).await;
        let answer = server.call("PutSecretValue", &put_v2).await;
        assert_eq!(answer.refused(), refusal(want.0, want.1, want.2));
        assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"));
        assert_eq!(answer.header("x-acs-retry-after"), None, "{code}");
        let entry = newest(&server).await;
        assert_eq!((&entry["code"], &entry["status"]), (&json!(code), &json!(want.0)));
        assert_eq!(entry["injected"], json!({ "rule": 1, "code": code }));
        assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
        assert!(newest(&server).await["injected"].is_null());
    }
    for (code, want) in
        [("InvalidParameter", invalid("SecretName")), ("MissingParameter", missing("SecretName"))]
    {
        put(&server, &json!([{ "action": "*", "code": code }])).await;
        assert_eq!(server.refused("PutSecretValue", &put_v2).await, want);
    }
    put(&server, &json!([{ "action": "*", "code": "Rejected.Throttling" }])).await;
    let answer = server.call("ListSecrets", &[("Format", "XML")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (429, Some("text/xml;charset=utf-8")));
    assert!(answer.body.contains("<Code>Rejected.Throttling</Code>"), "{}", answer.body);
    let id = answer.header("x-acs-request-id").unwrap();
    assert!(answer.body.contains(&format!("<RequestId>{id}</RequestId>")), "{}", answer.body);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_asks_the_client_to_wait_only_where_a_rule_says_so() {
    let server = Server::start().await;
    for (code, status) in
        [("Rejected.Throttling", 429), ("ServiceUnavailableTemporary", 503), ("InternalFailure", 500)]
    {
        for wait in [0, 700, 86_400_000] {
            let rule = json!({ "action": "ListSecrets", "code": code, "retry_after_ms": wait, "times": 1 });
            put(&server, &json!([rule])).await;
            let answer = server.call("ListSecrets", &[]).await;
            assert_eq!(
                (answer.status, answer.header("x-acs-retry-after")),
                (status, Some(&*wait.to_string()))
            );
            assert_eq!(
                newest(&server).await["injected"],
                json!({ "rule": 1, "code": code, "retry_after_ms": wait })
            );
            assert_eq!(server.call("ListSecrets", &[]).await.header("x-acs-retry-after"), None);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn rules_are_about_actions_and_secrets() {
    let server = Server::start().await;
    for name in ["a", "app/b"] {
        server.create(name).await;
    }
    put(&server, &json!([{ "action": "GetSecretValue", "secret": "app/*", "code": "InternalFailure" }]))
        .await;
    assert_eq!((reads(&server, "a", 1).await, reads(&server, "app/b", 2).await), (vec![200], vec![500, 500]));
    let arn = "acs:kms:cn-hangzhou:1000000000000001:secret/app/b";
    assert_eq!(reads(&server, arn, 1).await, [500]);
    server.ok("DescribeSecret", &[("SecretName", "app/b")]).await;
    assert_eq!(counts(&server).await, [(3, 3)]);
    put(&server, &json!([{ "action": "*", "secret": "a", "code": "InternalFailure" }])).await;
    let batch = [("SecretsList", r#"[{"SecretName":"app/b"},{"SecretName":"a"}]"#)];
    assert_eq!(server.call("BatchGetSecretValue", &batch).await.status, 500);
    let tags = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "a")];
    assert_eq!(server.call("ListTagResources", &tags).await.status, 500);
    server.ok("ListSecrets", &[]).await;
    assert_eq!(reads(&server, "app/b", 1).await, [200]);
    server.stop().await;
}

#[tokio::test]
async fn rules_fire_for_each_nth_call_or_with_a_probability_up_to_their_limit() {
    let server = Server::start().await;
    server.create("s").await;
    let rule = json!({ "action": "GetSecretValue", "code": "Rejected.Throttling" });
    let with = |more: Value| {
        let mut rule = rule.clone();
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([rule])
    };
    put(&server, &with(json!({ "times": 2 }))).await;
    assert_eq!(reads(&server, "s", 4).await, [429, 429, 200, 200]);
    assert_eq!(counts(&server).await, [(2, 4)]);
    put(&server, &with(json!({ "every": 3 }))).await;
    assert_eq!(reads(&server, "s", 7).await, [200, 200, 429, 200, 200, 429, 200]);
    put(&server, &with(json!({ "probability": 0 }))).await;
    assert_eq!(reads(&server, "s", 5).await, [200; 5]);
    let probable = with(json!({ "probability": 0.5 }));
    put(&server, &probable).await;
    let first = reads(&server, "s", 40).await;
    let fired = first.iter().filter(|&&status| status == 429).count();
    assert!((8..32).contains(&fired), "{first:?}");
    assert_eq!(counts(&server).await, [(fired as u64, 40)]);
    server.stop().await;
    // The same seed, asked in the same order, fires for the same calls.
    let again = async || {
        let server = Server::start().await;
        server.create("s").await;
        put(&server, &probable).await;
        let seen = reads(&server, "s", 40).await;
        server.stop().await;
        seen
    };
    assert_eq!(again().await, again().await);
}

#[tokio::test]
async fn the_first_rule_that_fires_wins() {
    let server = Server::start().await;
    server.create("s").await;
    let rules = json!([
        { "action": "GetSecretValue", "every": 2, "code": "InternalFailure" },
        { "action": "*", "times": 2, "code": "Rejected.Throttling" },
    ]);
    put(&server, &rules).await;
    assert_eq!(reads(&server, "s", 5).await, [429, 500, 429, 500, 200]);
    assert_eq!(counts(&server).await, [(2, 5), (2, 3)]);
    server.stop().await;
}

#[tokio::test]
async fn times_is_exact_however_many_call_at_once() {
    let server = Server::start().await;
    put(&server, &json!([{ "action": "*", "times": 7, "code": "InternalFailure" }])).await;
    let target = "/?Action=ListSecrets&Version=2016-01-20";
    let (mut calls, address) = (tokio::task::JoinSet::new(), server.address);
    for _ in 0..40 {
        calls.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer.starts_with("HTTP/1.1 500 ")
        });
    }
    let fired = calls.join_all().await.into_iter().filter(|fired| *fired).count();
    assert_eq!((fired, counts(&server).await), (7, vec![(7, 40)]));
    server.stop().await;
}

#[tokio::test]
async fn a_delay_comes_first_and_the_call_is_carried_out() {
    let server = Server::start().await;
    server.create("s").await;
    let rules = json!([
        { "action": "GetSecretValue", "delay_ms": 80 },
        { "action": "ListSecrets", "delay_ms": 80, "code": "Rejected.Throttling" },
    ]);
    put(&server, &rules).await;
    assert_eq!(server.value("s", &[]).await, "one");
    let entry = newest(&server).await;
    assert_eq!(entry["injected"], json!({ "rule": 1, "delay_ms": 80 }));
    assert_eq!(server.refused("ListSecrets", &[]).await.0, 429);
    // While a call is delayed it has changed nothing.
    put(&server, &json!([{ "action": "PutSecretValue", "delay_ms": 60_000 }])).await;
    let form = "Action=PutSecretValue&Version=2016-01-20&SecretName=s&VersionId=v2&SecretData=two";
    let changing = tokio::spawn(sent_to(server.address, form));
    while counts(&server).await != [(1, 1)] {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.value("s", &[]).await, "one");
    // A stop ends the delay, and the call is carried out: after the grace period its client would get no answer.
    assert!(Bounds::default().grace < Duration::from_mins(1));
    server.stop().await;
    assert!(changing.await.unwrap().starts_with("HTTP/1.1 200 "));
}

/// Sends a call by GET and returns the whole answer.
async fn sent_to(address: SocketAddr, query: &'static str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_connection_is_dropped_before_or_after_the_call_is_carried_out() {
    let server = Server::start().await;
    server.create("s").await;
    let put_of = |version: &'static str| [("SecretName", "s"), ("VersionId", version), ("SecretData", "x")];
    put(&server, &json!([{ "action": "PutSecretValue", "drop": "before", "times": 1 }])).await;
    assert_eq!(bytes_of(&server, "PutSecretValue", &put_of("v2")).await, b"");
    let entry = newest(&server).await;
    assert_eq!((&entry["status"], &entry["injected"]), (&json!(0), &json!({ "rule": 1, "drop": "before" })));
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
    put(&server, &json!([{ "action": "PutSecretValue", "drop": "after", "times": 1, "delay_ms": 5 }])).await;
    assert_eq!(bytes_of(&server, "PutSecretValue", &put_of("v2")).await, b"");
    let entry = newest(&server).await;
    let injected = json!({ "rule": 1, "delay_ms": 5, "drop": "after" });
    assert_eq!((&entry["status"], &entry["injected"]), (&json!(200), &injected));
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]", "it was carried out");
    let metrics = admin(&server, "GET", "/_sesame/metrics", "").await.body;
    assert!(!metrics.contains("PutSecretValue"), "what got no answer counts as none: {metrics}");
    assert!(metrics.contains("sesame_requests_in_flight 0"), "{metrics}");
    // The client tries again, as after any lost answer: it is the same version with the same value.
    server.ok("PutSecretValue", &put_of("v2")).await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
    server.stop().await;
}

#[tokio::test]
async fn only_the_connection_of_the_call_is_dropped() {
    let server = Server::start().await;
    put(&server, &json!([{ "action": "ListKeys", "drop": "before" }])).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let get = |action: &str| format!("GET /?Action={action}&Version=2016-01-20 HTTP/1.1\r\nHost: h\r\n\r\n");
    stream.write_all((get("ListSecrets") + &get("ListKeys") + &get("ListSecrets")).as_bytes()).await.unwrap();
    let mut answers = Vec::new();
    // Unread bytes may turn its end into a reset.
    drop(stream.read_to_end(&mut answers).await);
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 1, "{answers}");
    server.ok("ListSecrets", &[]).await;
    server.stop().await;
}

#[tokio::test]
async fn bad_rules_are_refused_by_name_and_change_nothing() {
    let server = Server::start().await;
    let before = json!([{ "action": "ListSecrets", "code": "Rejected.Throttling" }]);
    put(&server, &before).await;
    assert_eq!(server.refused("ListSecrets", &[]).await.0, 429);
    let shown = done(&server, "GET", PATH, "").await;
    let many = json!(vec![json!({ "action": "*", "delay_ms": 1 }); 101]).to_string();
    for (body, words) in [
        ("", "line 1 column 0"),
        ("{}", "missing field `faults` at line 1"),
        ("7", "invalid type: integer `7`"),
        (
            "[\n{\"action\":\"*\",\"delay_ms\":1},\n{\"action\":\"*\",\"evry\":2}]",
            "unknown field `evry`, expected",
        ),
        ("[\n{\"action\":\"*\",\"delay_ms\":1},\n{\"action\":\"*\",\"evry\":2}]", "at line 3 column"),
        (r#"[{"delay_ms":1}]"#, "missing field `action`"),
        (r#"[{"action":"*","every":-1,"delay_ms":1}]"#, "`-1`, expected u64 at line 1"),
        (r#"[{"action":"*","drop":true}]"#, "at line 1"),
        (r#"[{"action":"*","drop":"later"}]"#, "unknown variant `later`, expected `before` or `after`"),
        (
            r#"[{"action":"*","delay_ms":1},{"action":"getSecretValue","delay_ms":1}]"#,
            "rule 2: action: there is no action \"getSecretValue\"",
        ),
        (
            r#"[{"action":"*","code":"Rejected.Throttled"}]"#,
            "rule 1: code: \"Rejected.Throttled\" is not a code of the service",
        ),
        (r#"[{"action":"*","code":"Missing"}]"#, "rule 1: code: "),
        (r#"[{"action":"*"}]"#, "rule 1: code: missing; a rule needs code, delay_ms or drop"),
        (
            r#"[{"action":"*","code":"InternalFailure","drop":"after"}]"#,
            "rule 1: drop: cannot be combined with code",
        ),
        (r#"[{"action":"*","delay_ms":60001}]"#, "rule 1: delay_ms: must be from 1 to 60000"),
        (
            r#"[{"action":"*","code":"InternalFailure","retry_after_ms":86400001}]"#,
            "rule 1: retry_after_ms: must be from 0 to 86400000",
        ),
        (
            r#"[{"action":"*","drop":"after","retry_after_ms":5}]"#,
            "rule 1: retry_after_ms: only allowed together with code",
        ),
        (r#"[{"action":"*","delay_ms":1,"probability":1.5}]"#, "rule 1: probability: must be from 0 to 1"),
        (
            r#"[{"action":"*","delay_ms":1,"probability":0.5,"every":2}]"#,
            "rule 1: every: cannot be combined with probability",
        ),
        (r#"[{"action":"*","delay_ms":1,"every":0}]"#, "rule 1: every: must be at least 1"),
        (r#"[{"action":"*","delay_ms":1,"times":0}]"#, "rule 1: times: must be at least 1"),
        (
            r#"[{"action":"*","delay_ms":1,"secret":"a b"}]"#,
            "rule 1: secret: \"a b\" is neither a secret name nor",
        ),
        (&many, "there are more than 100 rules"),
    ] {
        let answer = admin(&server, "PUT", PATH, body).await;
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        let said = said["error"].as_str().unwrap();
        assert!(answer.status == 400 && said.contains(words), "{body}: {} {said}", answer.status);
    }
    assert_eq!(done(&server, "GET", PATH, "").await, shown);
    assert_eq!(server.refused("ListSecrets", &[]).await.0, 429);
    server.stop().await;
}

fn declared() -> Vec<FaultRule> {
    let rules = json!([{ "action": "ListSecrets", "code": "Rejected.Throttling", "times": 1 }]);
    serde_json::from_value(rules).unwrap()
}

#[tokio::test]
async fn a_reset_goes_back_to_the_configuration_file() {
    let server = Server::with(Options { faults: declared(), ..Options::default() }).await;
    for _ in 0..2 {
        assert_eq!(server.refused("ListSecrets", &[]).await.0, 429);
        server.ok("ListSecrets", &[]).await;
        put(&server, &json!([{ "action": "*", "code": "InternalFailure" }])).await;
        assert_eq!(server.refused("DescribeRegions", &[]).await.0, 500);
        done(&server, "POST", "/_sesame/reset", "").await;
        assert_eq!(counts(&server).await, [(0, 0)]);
    }
    assert_eq!(admin(&server, "DELETE", PATH, "").await.status, 204);
    assert_eq!(done(&server, "GET", PATH, "").await, json!({ "faults": [] }));
    server.ok("ListSecrets", &[]).await;
    server.stop().await;
    let server = Server::start().await;
    put(&server, &json!([{ "action": "*", "code": "InternalFailure" }])).await;
    done(&server, "POST", "/_sesame/reset", "").await;
    server.ok("ListSecrets", &[]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_missing_permission_is_reported_before_a_fault_and_only_administrators_set_rules() {
    let accounts = r#"
        [[accounts]]
        id = "1000000000000001"
        [[accounts.users]]
        name = "alice"
        access_keys = [{ id = "alice", secret = "alice-secret" }]
    "#;
    for mode in [AuthMode::Signed, AuthMode::Enforced] {
        let server = Server::with(Options { mode, accounts, ..Options::default() }).await;
        let rules = json!([{ "action": "*", "code": "Rejected.Throttling" }]).to_string();
        for (method, body) in [("GET", ""), ("PUT", rules.as_str()), ("DELETE", "")] {
            assert_eq!(server.send(method, PATH, &[], body.as_bytes()).await.status, 401, "{method}");
        }
        assert_eq!(done(&server, "GET", PATH, "").await, json!({ "faults": [] }));
        done(&server, "PUT", PATH, &rules).await;
        let refused = async |key, secret| {
            server.call_as((key, secret), "GetSecretValue", &[("SecretName", "s")]).await.refused().1
        };
        assert_eq!(refused("test", "test").await, THROTTLED.1);
        assert_eq!(refused("test", "wrong").await, "SignatureDoesNotMatch");
        assert_eq!(refused("nobody", "x").await, "InvalidAccessKeyId.NotFound");
        let alice = refused("alice", "alice-secret").await;
        let want = if mode == AuthMode::Enforced { "Forbidden.NoPermission" } else { THROTTLED.1 };
        assert_eq!(alice, want);
        server.stop().await;
    }
}

#[test]
fn the_configuration_file_has_the_same_form() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sesame.toml");
    let file_name = file.to_str().unwrap();
    let good = "[[faults]]\naction = \"ListSecrets\"\ncode = \"Rejected.Throttling\"\ntimes = 1\n\
                [[faults]]\naction = \"*\"\nprobability = 0\ndelay_ms = 5\n";
    std::fs::write(&file, good).unwrap();
    let server = Program::serve(&["--in-memory", "--config", file_name], &[]);
    assert!(server.call("ListSecrets", &[]).contains("Rejected.Throttling"));
    assert!(server.call("ListSecrets", &[]).contains("TotalCount"));
    for (wrong, words) in [
        (
            "[[faults]]\naction = \"ListSecret\"\ndelay_ms = 1\n",
            "rule 1: action: there is no action \"ListSecret\"",
        ),
        ("[[faults]]\naction = \"*\"\n\nwhen = 1\n", "line 4: unknown field `when`"),
    ] {
        std::fs::write(&file, wrong).unwrap();
        let output = run(&["serve", "--in-memory", "--listen", "127.0.0.1:0", "--config", file_name], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.trim_end().lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
}
