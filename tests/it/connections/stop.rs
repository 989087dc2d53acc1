//! SIGTERM while clients are connected.

use tokio::io::AsyncWriteExt;

use super::{
    HALF_CALL, HALF_FILE, HALF_HEAD, HALF_HELLO, ask, big, deaf, get, read_one, rest, sent, soon, until,
};
use crate::support::form;
use crate::support::program::Program;

/// The log line of a stop that waited for the maximum time.
const ABORTED: &str = "are aborted";

#[tokio::test]
async fn clients_that_do_nothing_do_not_hold_up_a_stop() {
    let server = Program::serve(&["--in-memory"], &[]);
    let value = "x".repeat(30_000);
    assert!(server.call("CreateSecret", &big(&value)).starts_with("HTTP/1.1 200"));
    let mut clients = Vec::new();
    for bytes in [&b""[..], HALF_HEAD, HALF_HELLO, HALF_CALL, HALF_FILE] {
        for _ in 0..10 {
            clients.push(sent(server.address, bytes).await);
        }
    }
    for _ in 0..5 {
        clients.push(deaf(server.address).await);
    }
    let mut kept = sent(server.address, b"").await;
    assert_eq!(ask(&mut kept, "/_sesame/health").await.status, 200);
    clients.push(kept);
    until(server.address, "connections_open", |open| open == 57).await;
    let (code, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(ABORTED), "{log}");
    drop(clients);
}

#[tokio::test]
async fn a_complete_request_is_finished_before_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let data = ["--data-dir", dir.path().to_str().unwrap()];
    let server = Program::serve(&data, &[]);
    // It waits for a minute, or until the server stops.
    let rule = r#"[{"action":"CreateSecret","delay_ms":60000}]"#;
    let put =
        format!("PUT /_sesame/faults HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{rule}", rule.len());
    assert_eq!(read_one(&mut sent(server.address, put.as_bytes()).await).await.status, 200);
    let query = form(&[&[("Action", "CreateSecret"), ("Version", "2016-01-20")], &big("one")[..]].concat());
    let mut waiting = sent(server.address, b"").await;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    );
    soon(waiting.write_all(request.as_bytes())).await.unwrap();
    soon(async {
        while !get(server.address, "/_sesame/faults").await.body.contains("\"fired\":1") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (code, log) = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(ABORTED), "{log}");
    // The answer fits into the socket's buffer, so it is there after the server has ended.
    read_one(&mut waiting).await.ok();
    assert_eq!(rest(&mut waiting).await, b"");
    let server = Program::serve(&data, &[]);
    assert!(server.call("GetSecretValue", &[("SecretName", "big")]).contains("\"one\""));
}
