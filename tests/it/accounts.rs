//! `/_sesame/accounts` and `/_sesame/requests`: identities, and the request log.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::{ACCOUNT, Answer, OTHER_ACCOUNT, Options, Server};

const TOKEN: (&str, &str) = ("Authorization", "Bearer admin-token");
const NEW: &str = "1000000000000009";

async fn admin(server: &Server, method: &str, path: &str, body: &str) -> Answer {
    server.send(method, path, &[TOKEN], body.as_bytes()).await
}

fn alice(policies: &Value) -> String {
    json!({
        "policies": [{
            "name": "read-a",
            "document": {"Version": "1", "Statement": [
                {"Sid": "a", "Effect": "Allow", "Action": "kms:GetSecretValue", "Resource": "acs:kms:*:*:secret/a"},
            ]},
        }],
        "access_keys": [{"id": "root-of-nine", "secret": "nine-secret"}],
        "users": [{"name": "alice", "policies": policies, "access_keys": [{"id": "alice", "secret": "alice-secret"}]}],
    })
    .to_string()
}

async fn enforced() -> Server {
    Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await
}

#[tokio::test]
async fn an_account_is_put_changed_and_removed_at_run_time() {
    let server = enforced().await;
    let path = format!("/_sesame/accounts/{NEW}");
    let get = [("SecretName", "a")];
    let alice_key = ("alice", "alice-secret");
    assert_eq!(
        server.call_as(alice_key, "GetSecretValue", &get).await.refused().1,
        "InvalidAccessKeyId.NotFound"
    );
    let put = admin(&server, "PUT", &path, &alice(&json!([]))).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert!(!put.body.contains("secret\":") && !put.body.contains("-secret"), "{}", put.body);
    let root = ("root-of-nine", "nine-secret");
    let create = [("SecretName", "a"), ("VersionId", "v1"), ("SecretData", "one")];
    server.call_as(root, "CreateSecret", &create).await.ok();
    assert_eq!(server.call_as(alice_key, "GetSecretValue", &get).await.refused().1, "Forbidden.NoPermission");

    // Read, changed, written back: the keys keep their secrets, which were never shown.
    let mut shown: Value = serde_json::from_str(&admin(&server, "GET", &path, "").await.body).unwrap();
    shown["users"][0]["policies"] = json!(["read-a"]);
    let put = admin(&server, "PUT", &path, &shown.to_string()).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let value = server.call_as(alice_key, "GetSecretValue", &get).await.ok();
    assert_eq!(value["SecretData"], "one");

    let all: Value =
        serde_json::from_str(&admin(&server, "GET", "/_sesame/accounts", "").await.body).unwrap();
    let ids: Vec<&str> =
        all["accounts"].as_array().unwrap().iter().map(|a| a["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [ACCOUNT, OTHER_ACCOUNT, NEW]);

    assert_eq!(admin(&server, "DELETE", &path, "").await.status, 204);
    assert_eq!(admin(&server, "DELETE", &path, "").await.status, 404);
    assert_eq!(admin(&server, "GET", &path, "").await.status, 404);
    assert_eq!(
        server.call_as(alice_key, "GetSecretValue", &get).await.refused().1,
        "InvalidAccessKeyId.NotFound"
    );
}

#[tokio::test]
async fn an_invalid_account_is_refused_with_the_reason_and_changes_nothing() {
    let server = enforced().await;
    let path = format!("/_sesame/accounts/{NEW}");
    let unknown = "account 1000000000000009 user \"alice\": there is no policy \"nope\"";
    for (body, status, error) in [
        ("{", 400, "EOF while parsing"),
        ("[]", 400, "an account is a JSON object"),
        (r#"{"id":"1"}"#, 400, "id differs from the id in the path"),
        (r#"{"user":[]}"#, 400, "unknown field `user`"),
        (&alice(&json!(["nope"])), 400, unknown),
        (r#"{"access_keys":[{"id":"test","secret":"x"}]}"#, 400, "access key id \"test\" is given twice"),
        (r#"{"access_keys":[{"id":"mine"}]}"#, 400, "access key \"mine\" needs either secret or public_key"),
    ] {
        let answer = admin(&server, "PUT", &path, body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.body.contains(&error.replace('"', "\\\"")), "{body}: {}", answer.body);
    }
    assert_eq!(admin(&server, "GET", &path, "").await.status, 404);
    let declared = admin(&server, "PUT", &format!("/_sesame/accounts/{OTHER_ACCOUNT}"), "{}").await;
    assert_eq!(declared.status, 409, "{}", declared.body);
    for path in ["/_sesame/accounts", "/_sesame/requests"] {
        assert_eq!(server.send("GET", path, &[], b"").await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn an_account_outlives_a_restart_and_goes_with_a_reset() {
    let dir = tempfile::tempdir().unwrap();
    let on_disk = || Options { mode: AuthMode::Enforced, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(on_disk()).await;
    let path = format!("/_sesame/accounts/{NEW}");
    assert_eq!(admin(&server, "PUT", &path, &alice(&json!(["read-a"]))).await.status, 200);
    server.stop().await;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"alice-secret"), "sealed at rest");
    }

    let server = Server::with(on_disk()).await;
    let me = server.call_as(("root-of-nine", "nine-secret"), "ListSecrets", &[]).await.ok();
    assert_eq!(me["TotalCount"], 0);
    let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
    assert!(damages.is_empty(), "{damages:?}");
    assert_eq!(admin(&server, "POST", "/_sesame/reset", "").await.status, 200);
    assert_eq!(admin(&server, "GET", &path, "").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn the_request_log_has_caller_action_and_reason_of_the_last_requests() {
    let server = enforced().await;
    let path = format!("/_sesame/accounts/{NEW}");
    admin(&server, "PUT", &path, &alice(&json!(["read-a", "AliyunKMSReadOnlyAccess"]))).await;
    let root = ("root-of-nine", "nine-secret");
    for name in ["a", "b"] {
        let create = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "hush-hush")];
        server.call_as(root, "CreateSecret", &create).await.ok();
    }
    let alice_key = ("alice", "alice-secret");
    server.call_as(alice_key, "GetSecretValue", &[("SecretName", "a")]).await.ok();
    server.call_as(alice_key, "GetSecretValue", &[("SecretName", "b")]).await.refused();

    let answer = admin(&server, "GET", "/_sesame/requests", "").await;
    assert!(!answer.body.contains("hush") && !answer.body.contains("-secret"), "{}", answer.body);
    let all: Value = serde_json::from_str(&answer.body).unwrap();
    let requests = all["requests"].as_array().unwrap();
    let seen: Vec<_> =
        requests.iter().map(|r| (r["action"].as_str().unwrap(), r["status"].as_u64().unwrap())).collect();
    assert_eq!(
        seen,
        [("GetSecretValue", 403), ("GetSecretValue", 200), ("CreateSecret", 200), ("CreateSecret", 200)]
    );
    let refused = &requests[0];
    assert_eq!(refused["caller"], format!("acs:ram::{NEW}:user/alice"));
    assert_eq!(
        (&refused["access_key"], &refused["code"]),
        (&json!("alice"), &json!("Forbidden.NoPermission"))
    );
    let denied = &refused["denied"];
    assert_eq!(denied["action"], "kms:GetSecretValue");
    assert_eq!(denied["resource"], format!("acs:kms:cn-hangzhou:{NEW}:secret/b"));
    let looked = denied["statements"].as_array().unwrap();
    let mine = looked.iter().find(|s| s["policy"] == "policy read-a").unwrap();
    assert_eq!(
        (&mine["sid"], &mine["applies"], &mine["mismatch"]),
        (&json!("a"), &json!(false), &json!("Resource"))
    );
    assert!(looked.iter().any(|s| s["policy"] == "system policy AliyunKMSReadOnlyAccess"));

    let some = admin(&server, "GET", "/_sesame/requests?action=CreateSecret&limit=1", "").await;
    let some: Value = serde_json::from_str(&some.body).unwrap();
    assert_eq!(some["requests"].as_array().unwrap().len(), 1);
    assert_eq!(some["requests"][0]["action"], "CreateSecret");
    assert_eq!(admin(&server, "GET", "/_sesame/requests?nope=1", "").await.status, 400);
}

#[tokio::test]
async fn requests_to_come_are_followed() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "GET /_sesame/requests?follow&action=CreateSecret HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    // The head of the answer: from here on the server reports every request.
    while !lines.next_line().await.unwrap().unwrap().is_empty() {}
    server.ok("ListSecrets", &[]).await;
    server.create("a").await;
    let line = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.starts_with('{') {
            break line;
        }
    };
    let entry: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&entry["action"], &entry["status"]), (&json!("CreateSecret"), &json!(200)));
    // A follower does not prevent the server from stopping.
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_could_not_be_used_is_refused_when_it_is_put() {
    let server = Server::start().await;
    for key in [
        r#"{"id":"k","secret":""}"#,
        r#"{"id":"k","secret":"  "}"#,
        r#"{"id":"k","public_key":"no PEM"}"#,
        r#"{"id":"k","public_key":""}"#,
    ] {
        let body = format!(r#"{{"access_keys":[{key}]}}"#);
        let answer = server.send("PUT", "/_sesame/accounts/77", &[], body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.body);
        assert!(answer.body.contains("access key"), "{}", answer.body);
    }
    assert_eq!(server.send("GET", "/_sesame/accounts/77", &[], b"").await.status, 404);
}
