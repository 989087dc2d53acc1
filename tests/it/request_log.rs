//! `/_sesame/requests`: what is kept of a request, filters, verification, and the part of one account.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::state::{admin, done};
use crate::support::{ACCOUNT, Options, Server, form, text};

const PATH: &str = "/_sesame/requests";

/// The actions of a list, newest first.
async fn actions(server: &Server, query: &str) -> Vec<String> {
    let all = done(server, "GET", &format!("{PATH}?{query}"), "").await;
    let rows = all["requests"].as_array().unwrap();
    assert_eq!(all["count"], rows.len(), "{query}");
    rows.iter().map(|row| text(&row["action"]).to_owned()).collect()
}

async fn verified(server: &Server, query: &str, body: &Value) -> Value {
    done(server, "POST", &format!("{PATH}/verify?{query}"), &body.to_string()).await
}

async fn read(server: &Server, parameters: &[(&str, &str)]) {
    server.call("GetSecretValue", parameters).await;
}

#[tokio::test]
async fn an_entry_names_what_was_asked_for_and_what_was_answered_and_no_value() {
    let server = Server::start().await;
    server.create("app/db").await;
    server.put("app/db", "v2", "hush-hush").await;
    let query = form(&[
        ("Action", "GetSecretValue"),
        ("Version", "2016-01-20"),
        ("SecretName", "app/db"),
        ("VersionStage", "ACSCurrent"),
    ]);
    let answer = server.send("GET", &format!("/?{query}"), &[("User-Agent", "my-service/1.2")], b"").await;
    assert_eq!(answer.status, 200);
    let all = done(&server, "GET", &format!("{PATH}?limit=1"), "").await;
    assert_eq!((&all["count"], &all["dropped"], &all["last"]), (&json!(3), &json!(0), &json!(3)));
    let mut entry = all["requests"][0].clone();
    let members = entry.as_object_mut().unwrap();
    for name in ["time", "request_id", "duration_ms"] {
        assert!(!members.remove(name).unwrap().is_null(), "{name}");
    }
    assert_eq!(
        entry,
        json!({
            "number": 3,
            "action": "GetSecretValue",
            "secret": "app/db",
            "key": null,
            "version": null,
            "label": "ACSCurrent",
            "answered_version": "v2",
            "answered_labels": ["ACSCurrent"],
            "account": ACCOUNT,
            "region": "cn-hangzhou",
            "caller": format!("acs:ram::{ACCOUNT}:root"),
            "access_key": null,
            "source": "127.0.0.1",
            "user_agent": "my-service/1.2",
            "scheme": null,
            "status": 200,
            "code": null,
        })
    );
    let batch = r#"[{"SecretName":"app/db"},{"SecretName":"app/other"}]"#;
    server.call("BatchGetSecretValue", &[("SecretsList", batch)]).await;
    let all = done(&server, "GET", &format!("{PATH}?secret=*/other"), "").await;
    assert_eq!(all["requests"][0]["secrets"], json!(["app/db", "app/other"]));
    assert!(!done(&server, "GET", PATH, "").await.to_string().contains("hush"));
    server.stop().await;
}

#[tokio::test]
async fn requests_are_found_by_each_member_by_number_and_by_time() {
    let server = Server::start().await;
    server.create("app/db").await;
    read(&server, &[("SecretName", "app/db"), ("VersionId", "v1")]).await;
    read(&server, &[("SecretName", "app/none"), ("VersionStage", "Mine")]).await;
    server.call("DescribeKey", &[("KeyId", "alias/none")]).await;
    server.call("GetSecretValu", &[("SecretName", "app/db")]).await;
    let (get, create) = ("GetSecretValue", "CreateSecret");
    for (query, want) in [
        ("action=Get*", vec!["GetSecretValu", get, get]),
        ("secret=app/db", vec!["GetSecretValu", get, create]),
        ("secret=app/n?ne", vec![get]),
        ("version=v1&action=GetSecretValue", vec![get]),
        ("label=Mine", vec![get]),
        ("label=ACSCurrent", vec![get]),
        ("key=alias/*", vec!["DescribeKey"]),
        ("status=200", vec![get, create]),
        ("code=Forbidden.*&status=404&secret=*", vec![get]),
        ("code=*&limit=100000", vec!["GetSecretValu", "DescribeKey", get]),
        ("caller=*:root&secret=app/none", vec![get]),
        ("source=127.0.0.1&action=Create*", vec![create]),
        ("source=10.*", vec![]),
        ("injected=true", vec![]),
        ("access_key=*", vec![]),
        ("after=3", vec!["GetSecretValu", "DescribeKey"]),
        ("until=2001-01-01T00:00:00Z", vec![]),
        ("since=2001-01-01T00:00:00Z&action=Create*", vec![create]),
    ] {
        assert_eq!(actions(&server, query).await, want, "{query}");
    }
    let count = done(&server, "GET", &format!("{PATH}?limit=0&action=Get*"), "").await;
    assert_eq!((&count["count"], &count["requests"]), (&json!(3), &json!([])));
    for wrong in
        ["since=yesterday", "after=x", "limit=100001", "limit=x", "secrt=a", "injected=true&injected=true"]
    {
        assert_eq!(admin(&server, "GET", &format!("{PATH}?{wrong}"), "").await.status, 400, "{wrong}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_full_log_drops_the_oldest_says_so_and_verification_then_fails() {
    let server = Server::with(Options { request_log: 3, ..Options::default() }).await;
    for _ in 0..5 {
        server.call("ListSecrets", &[]).await;
    }
    let all = done(&server, "GET", PATH, "").await;
    assert_eq!((&all["count"], &all["dropped"], &all["last"]), (&json!(3), &json!(2), &json!(5)));
    let never = json!({"expectations":[{"action":"GetSecretValue","times":0}]});
    let answer = verified(&server, "", &never).await;
    assert_eq!((&answer["holds"], &answer["expectations"][0]["incomplete"]), (&json!(false), &json!(true)));
    // What was dropped lies before this window, or cannot change the outcome.
    assert_eq!(verified(&server, "after=2", &never).await["holds"], true);
    assert_eq!(verified(&server, "after=1", &never).await["holds"], false);
    assert_eq!(verified(&server, "since=9999-01-01T00:00:00Z", &never).await["holds"], true);
    let some = json!({"expectations":[{"action":"ListSecrets","at_least":3}]});
    assert_eq!(verified(&server, "", &some).await["holds"], true);
    let few = json!({"expectations":[{"action":"ListSecrets","at_most":2}]});
    let answer = verified(&server, "", &few).await;
    assert_eq!((&answer["holds"], &answer["expectations"][0]["incomplete"]), (&json!(false), &Value::Null));
    done(&server, "POST", "/_sesame/reset", "").await;
    assert_eq!(done(&server, "GET", PATH, "").await, json!({"requests":[],"count":0,"dropped":0,"last":5}));
    server.stop().await;
}

#[tokio::test]
async fn expectations_are_counted_and_the_nearest_misses_are_shown() {
    let server = Server::start().await;
    server.create("app/db").await;
    read(&server, &[("SecretName", "app/db")]).await;
    read(&server, &[("SecretName", "app/db")]).await;
    read(&server, &[("SecretName", "app/dbs")]).await;
    let of = |expectation: Value| json!({ "expectations": [expectation] });
    for (expectation, holds, expected, found) in [
        (json!({"action":"GetSecretValue","secret":"app/db","times":2}), true, "exactly 2", 2),
        (json!({"action":"GetSecretValue","secret":"app/*","at_least":2,"at_most":3}), true, "2 to 3", 3),
        (json!({"action":"GetSecretValue","secret":"app/*"}), true, "at least 1", 3),
        (json!({"action":"GetSecretValue","secret":"app/admin","times":0}), true, "exactly 0", 0),
        (json!({"action":"GetSecretValue","status":404}), true, "at least 1", 1),
        (json!({"action":"GetSecretValue","code":"*","at_most":1}), true, "at most 1", 1),
        (json!({"action":"GetSecretValue","secret":"app/db","times":1}), false, "exactly 1", 2),
        (json!({"action":"GetSecretValue","secret":"app/admin"}), false, "at least 1", 0),
    ] {
        let answer = verified(&server, "", &of(expectation.clone())).await;
        let row = &answer["expectations"][0];
        assert_eq!(answer["holds"], holds, "{expectation}: {answer}");
        assert_eq!((&row["expected"], &row["found"]), (&json!(expected), &json!(found)), "{expectation}");
    }
    let too_many = verified(&server, "", &of(json!({"secret":"app/db","times":0}))).await;
    assert_eq!(too_many["expectations"][0]["requests"].as_array().unwrap().len(), 3);
    let miss = verified(&server, "", &of(json!({"action":"GetSecretValue","secret":"app/dbx"}))).await;
    let nearest = &miss["expectations"][0]["nearest"];
    assert_eq!(nearest[0]["request"]["secret"], "app/dbs");
    assert_eq!(nearest[0]["differences"], json!({"secret":{"expected":"app/dbx","found":["app/dbs"]}}));
    // The creation differs in two members, so it comes last.
    assert_eq!(nearest[3]["request"]["action"], "CreateSecret");
    server.stop().await;
}

#[tokio::test]
async fn an_order_holds_when_the_requests_follow_each_other_with_others_between_them() {
    let server = Server::start().await;
    server.create("a").await;
    server.call("ListSecrets", &[]).await;
    read(&server, &[("SecretName", "a")]).await;
    server.put("a", "v2", "x").await;
    read(&server, &[("SecretName", "a")]).await;
    let (create, get, put) = (
        json!({"action":"CreateSecret"}),
        json!({"action":"GetSecretValue"}),
        json!({"action":"PutSecretValue"}),
    );
    let twice = json!({"action":"GetSecretValue","times":2});
    for (expectations, holds) in [
        (json!([create, put, get]), true),
        (json!([create, get, put]), true),
        (json!([put, create]), false),
        (json!([twice]), true),
        (json!([twice, put]), false),
        (json!([get, put, get]), true),
        (json!([get, put, get, get]), false),
    ] {
        let answer = verified(&server, "", &json!({"expectations": expectations, "in_order": true})).await;
        assert_eq!(answer["holds"], holds, "{expectations}: {answer}");
        let broken =
            answer["expectations"].as_array().unwrap().iter().filter(|row| row["out_of_order"] == true);
        assert_eq!(broken.count(), usize::from(!holds), "{expectations}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_expectation_is_refused_by_its_number_and_member() {
    let server = Server::start().await;
    for (body, words) in [
        ("", "the body is not valid"),
        ("[]", "the body is a list"),
        ("{}", "missing field `expectations`"),
        (r#"{"expectations":[]}"#, "expectations must have 1 to 100 entries"),
        (r#"{"expectations":[{}],"inorder":true}"#, "unknown field `inorder`"),
        (
            r#"{"expectations":[{},{"acton":"X"}]}"#,
            "expectation 2: unknown member acton; did you mean action?",
        ),
        (r#"{"expectations":[{"times":-1}]}"#, "expectation 1: times must be a whole number"),
        (r#"{"expectations":[{"times":1,"at_least":1}]}"#, "expectation 1: times cannot be combined"),
        (r#"{"expectations":[{"at_least":2,"at_most":1}]}"#, "at_least is greater than at_most"),
        (r#"{"expectations":[{"action":null}]}"#, "expectation 1: action must be a text"),
    ] {
        let answer = admin(&server, "POST", &format!("{PATH}/verify"), body).await;
        assert!(answer.status == 400 && answer.body.contains(words), "{body}: {}", answer.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_account_sees_counts_and_resets_only_its_own_requests() {
    let server = Server::start().await;
    let (a, b) = ("2000000000000001", "2000000000000002");
    for (account, key) in [(a, "ka"), (b, "kb")] {
        let body = json!({ "access_keys": [{ "id": key, "secret": "s" }] }).to_string();
        done(&server, "PUT", &format!("/_sesame/accounts/{account}"), &body).await;
    }
    let create = [("SecretName", "x"), ("VersionId", "v1"), ("SecretData", "d")];
    server.call_as(("ka", "s"), "CreateSecret", &create).await.ok();
    server.call_as(("kb", "s"), "CreateSecret", &create).await.ok();
    server
        .call_as(("kb", "s"), "DeleteSecret", &[("SecretName", "x"), ("RecoveryWindowInDays", "7")])
        .await
        .ok();
    // A wrong signature names a key of the account.
    server.call_as(("ka", "wrong"), "ListSecrets", &[]).await.refused();
    server.call("ListSecrets", &[]).await;
    let [of_a, of_b] = [a, b].map(|account| format!("account={account}"));
    assert_eq!(actions(&server, &of_a).await, ["ListSecrets", "CreateSecret"]);
    assert_eq!(actions(&server, &of_b).await, ["DeleteSecret", "CreateSecret"]);
    let once = json!({"expectations":[{"action":"CreateSecret","times":1}]});
    assert_eq!(verified(&server, &of_a, &once).await["holds"], true);
    assert_eq!(verified(&server, "", &once).await["holds"], false);
    let events = async |query: &str| {
        done(&server, "GET", &format!("/_sesame/events?{query}"), "").await["count"].as_u64().unwrap()
    };
    assert_eq!((events(&of_a).await, events(&of_b).await), (0, 1));
    let fault = r#"{"action":"*","code":"InternalFailure"}"#;
    done(&server, "POST", &format!("/_sesame/faults?{of_b}"), fault).await;
    done(&server, "POST", &format!("/_sesame/reset?{of_a}"), "").await;
    assert_eq!(actions(&server, &of_a).await, [""; 0]);
    assert_eq!(actions(&server, "").await.len(), 3);
    assert_eq!(done(&server, "GET", "/_sesame/faults", "").await["faults"].as_array().unwrap().len(), 1);
    done(&server, "POST", &format!("/_sesame/reset?{of_b}"), "").await;
    assert_eq!((events(&of_b).await, actions(&server, "").await), (0, vec!["ListSecrets".to_owned()]));
    assert_eq!(done(&server, "GET", "/_sesame/faults", "").await["faults"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn requests_are_followed_as_server_sent_events_with_their_numbers() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET {PATH}?follow&secret=b HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut kind = String::new();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.starts_with("content-type") {
            kind.clone_from(&line);
        }
        if line.is_empty() {
            break;
        }
    }
    assert_eq!(kind, "content-type: text/event-stream");
    for name in ["a", "b"] {
        server.create(name).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.starts_with("id:") || line.starts_with("data:") {
            seen.push(line);
        }
    }
    assert_eq!(seen[0], "id: 2");
    let entry: Value = serde_json::from_str(seen[1].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((&entry["secret"], &entry["number"]), (&json!("b"), &json!(2)));
    server.stop().await;
}
