//! `/_sesame/events`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{advance, both, create_rds, ended, every, rotate};
use crate::state::done;
use crate::support::{Server, text};

async fn events(server: &Server) -> Vec<Value> {
    let told = done(server, "GET", "/_sesame/events", "").await;
    // Oldest first, as they happened.
    told["events"].as_array().unwrap().iter().rev().cloned().collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(&event["data"]["name"])).collect()
}

#[tokio::test]
async fn rule_13_1_and_13_2_success_and_failure_are_told_as_the_cloud_does() {
    let server = Server::start().await;
    create_rds(&server, "s", &every("6h")).await;
    rotate(&server, "s", "v2").await;
    let faults = json!([{"action": "RotateSecret", "code": "Kms:AccountNotFound"}]).to_string();
    done(&server, "PUT", "/_sesame/faults", &faults).await;
    advance(&server, 6 * 3600).await;
    ended(&server).await;
    let all = events(&server).await;
    assert_eq!(names(&all), ["Secret:RotateSecret:Success", "Secret:RotateSecret:Failure"]);
    assert_eq!(all[0]["type"], "kms:CloudMonitor:Secret[RotateSecret:Success]");
    assert_eq!(all[0]["data"]["content"]["rotationStatus"], "Enabled");
    let failure = &all[1]["data"];
    assert_eq!((text(&failure["level"]), text(&failure["status"])), ("CRITICAL", "Failed"));
    assert_eq!(failure["content"]["failureInfo"]["errorCode"], "Kms:AccountNotFound");
    assert_eq!(failure["content"]["rotationStatus"], "Invalid");
    let (current, previous) = both(&server, "s").await;
    for pair in [current, previous] {
        let password = pair.split('/').next_back().unwrap();
        assert!(!json!(all).to_string().contains(password), "no value in an event");
    }
}

#[tokio::test]
async fn rule_r7_7_and_13_4_planned_and_done_deletions_are_told() {
    let server = Server::start().await;
    server.create("s").await;
    server.ok("DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await;
    advance(&server, 8 * 24 * 3600).await;
    server.create("s").await;
    server.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")]).await;
    let (planned, gone) = ("Secret:ScheduleSecretDeletion:Success", "Secret:DeleteSecret:Success");
    assert_eq!(names(&events(&server).await), [planned, gone, gone]);
    let some = done(&server, "GET", "/_sesame/events?name=Secret:DeleteSecret:Success&limit=1", "").await;
    assert_eq!(some["events"].as_array().unwrap().len(), 1);
    done(&server, "POST", "/_sesame/reset", "").await;
    assert_eq!(events(&server).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_as_lines_or_as_server_sent_events() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    let mut readers = Vec::new();
    for accept in ["application/x-ndjson", "text/event-stream"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!(
            "GET /_sesame/events?follow HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\nAuthorization: Bearer admin-token\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        while !line.trim().is_empty() || line.is_empty() {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        readers.push(reader);
    }
    rotate(&server, "s", "v2").await;
    let mut found = Vec::new();
    for mut reader in readers {
        let mut line = String::new();
        while !line.contains('{') {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        found.push(line);
    }
    assert!(found[0].starts_with('{') && found[0].contains("Secret:RotateSecret:Success"), "{}", found[0]);
    assert!(found[1].starts_with("data: {"), "{}", found[1]);
}

#[tokio::test]
async fn rule_r7_7_planned_and_done_deletions_of_keys_are_told() {
    let server = Server::start().await;
    server.create("s").await;
    let key = server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let schedule = [("KeyId", &*key), ("PendingWindowInDays", "7")];
    server.ok("ScheduleKeyDeletion", &schedule).await;
    server.ok("CancelKeyDeletion", &[("KeyId", &key)]).await;
    server.ok("UpdateKeyDescription", &[("KeyId", &key), ("Description", "text")]).await;
    server.ok("ScheduleKeyDeletion", &schedule).await;
    assert_eq!(server.refused("ScheduleKeyDeletion", &schedule).await.0, 409);
    advance(&server, 8 * 24 * 3600).await;
    let all = events(&server).await;
    let planned = "Key:ScheduleKeyDeletion:Success";
    assert_eq!(names(&all), [planned, planned, "Key:DeleteKey:Success"]);
    for event in &all {
        assert_eq!(
            (&event["data"]["level"], &event["data"]["content"]["keyId"]),
            (&json!("WARN"), &json!(key))
        );
    }
    assert_eq!(all[2]["type"], "kms:CloudMonitor:Key[DeleteKey:Success]");
    let of_secrets = done(&server, "GET", "/_sesame/events?secret=*", "").await;
    assert_eq!(of_secrets["events"], json!([]));
}
