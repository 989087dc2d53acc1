//! Slow clients, and clients that only wait.

use std::time::Duration;

use sesame::testing::server::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    HALF_CALL, HALF_FILE, HALF_HEAD, HALF_HELLO, ask, big, deaf, follow, metric, read_one, rest, sent, soon,
    until,
};
use crate::support::{Answer, Options, Server};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_hours(1);

/// Bounds that never expire in a test, except those that the test sets.
fn endless() -> Bounds {
    Bounds {
        head: LONG,
        body: LONG,
        file: LONG,
        file_pause: LONG,
        unread: LONG,
        unread_at_stop: LONG,
        grace: LONG,
        ..Bounds::default()
    }
}

pub(super) async fn server(bounds: Bounds) -> Server {
    Server::with(Options { bounds, ..Options::default() }).await
}

#[tokio::test]
async fn a_client_that_never_reads_loses_its_connection() {
    let server = server(Bounds { unread: SHORT, ..endless() }).await;
    server.ok("CreateSecret", &big(&"x".repeat(30_000))).await;
    let clients = [deaf(server.address).await, deaf(server.address).await];
    // Only the connection that asks is left.
    until(server.address, "connections_open", |open| open == 1).await;
    assert_eq!(metric(server.address, "connections_unread_total").await, 2);
    drop(clients);
}

#[tokio::test]
async fn a_client_that_reads_late_gets_everything() {
    let server = server(endless()).await;
    server.ok("CreateSecret", &big(&"x".repeat(30_000))).await;
    let mut client = deaf(server.address).await;
    for _ in 0..50 {
        assert_eq!(read_one(&mut client).await.status, 200);
    }
    assert_eq!(metric(server.address, "connections_unread_total").await, 0);
}

#[tokio::test]
async fn a_follower_is_kept_while_nothing_happens() {
    let bounds =
        Bounds { head: SHORT, body: SHORT, file: SHORT, file_pause: SHORT, unread: SHORT, ..endless() };
    let server = server(bounds).await;
    let mut follower = follow(server.address).await;
    // Meanwhile other idle connections come and go.
    for _ in 0..3 {
        assert_eq!(rest(&mut sent(server.address, b"").await).await, b"");
    }
    server.call("ListSecrets", &[]).await.ok();
    let mut line = Vec::new();
    while !line.ends_with(b"\n") || line == b"\r\n" {
        line.push(soon(follower.read_u8()).await.unwrap());
        if line.ends_with(b"\r\n") && !line.starts_with(b"{") {
            // The length of the chunk.
            line.clear();
        }
    }
    assert!(String::from_utf8(line).unwrap().contains("ListSecrets"));
}

#[tokio::test]
async fn a_client_that_sends_no_whole_head_loses_its_connection() {
    let server = server(Bounds { head: SHORT, ..endless() }).await;
    for bytes in [&b""[..], HALF_HEAD, HALF_HELLO] {
        assert_eq!(rest(&mut sent(server.address, bytes).await).await, b"", "{bytes:?}");
    }
    let mut kept = sent(server.address, b"").await;
    assert_eq!(ask(&mut kept, "/_sesame/health").await.status, 200);
    assert_eq!(rest(&mut kept).await, b"");
}

#[tokio::test]
async fn a_client_that_sends_no_whole_body_gets_a_refusal() {
    let server = server(Bounds { body: SHORT, file_pause: SHORT, ..endless() }).await;
    let mut stream = sent(server.address, HALF_CALL).await;
    let (status, code, _) = read_one(&mut stream).await.refused();
    assert_eq!((status, &*code), (400, "ParseRequestParameterException"));
    assert_eq!(rest(&mut stream).await, b"");
    let mut stream = sent(server.address, HALF_FILE).await;
    assert_too_slow(&read_one(&mut stream).await);
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up() {
    let server = server(Bounds { body: SHORT, file: SHORT, ..endless() }).await;
    for (half, status) in [(HALF_CALL, 400), (HALF_FILE, 408)] {
        let half = String::from_utf8(half.to_vec()).unwrap().replace("Length: 100", "Length: 100000");
        let mut stream = sent(server.address, half.as_bytes()).await;
        let (mut reading, mut writing) = stream.split();
        let trickle = async {
            while writing.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut answer = vec![0; 12];
        tokio::select! {
            read = soon(reading.read_exact(&mut answer)) => assert_eq!(read.unwrap(), 12),
            () = trickle => panic!("closed without an answer"),
        }
        assert_eq!(answer, format!("HTTP/1.1 {status}").as_bytes());
    }
}

/// The refusal of a body below `/_sesame` that does not arrive.
fn assert_too_slow(answer: &Answer) {
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")), "{}", answer.body);
    assert!(answer.body.contains("the body did not arrive in time"), "{}", answer.body);
}

#[tokio::test]
async fn a_large_file_in_small_pieces_is_taken() {
    let server = server(Bounds::default()).await;
    let file = format!("{{\"version\": 1{}}}", " ".repeat(3_000_000));
    let head =
        format!("POST /_sesame/seed HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", file.len());
    let mut stream = sent(server.address, head.as_bytes()).await;
    for piece in file.as_bytes().chunks(100_000) {
        soon(stream.write_all(piece)).await.unwrap();
        soon(stream.flush()).await.unwrap();
    }
    let answer = read_one(&mut stream).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Sends a request that asks to keep the connection, and returns the answer, after which the connection must be closed.
async fn last_answer(server: &Server, request: &str) -> Answer {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may close before it has read everything.
    drop(stream.write_all(request.as_bytes()).await);
    let answer = read_one(&mut stream).await;
    rest(&mut stream).await;
    answer
}

#[tokio::test]
async fn what_is_too_long_ends_the_connection() {
    let server = server(endless()).await;
    let body = "a".repeat(256 * 1024 + 1);
    for (request, status) in [
        (format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()), 413),
        (format!("GET /?a={body} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 414),
        (
            "PUT /_sesame/state HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 536870913\r\n\r\n".to_owned(),
            413,
        ),
    ] {
        let answer = last_answer(&server, &request).await;
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_stop_gives_up_clients_that_do_not_read() {
    let server = server(Bounds { unread_at_stop: SHORT, ..endless() }).await;
    server.ok("CreateSecret", &big(&"x".repeat(30_000))).await;
    let client = deaf(server.address).await;
    soon(server.stop()).await;
    drop(client);
}

#[tokio::test]
async fn a_stop_waits_for_nothing_longer_than_its_grace() {
    let server = server(Bounds { grace: SHORT, ..endless() }).await;
    server.ok("CreateSecret", &big(&"x".repeat(30_000))).await;
    let client = deaf(server.address).await;
    soon(server.stop()).await;
    drop(client);
}

#[tokio::test]
async fn a_stop_closes_what_is_no_complete_request_at_once() {
    let server = server(endless()).await;
    let mut clients = Vec::new();
    for bytes in [&b""[..], HALF_HEAD, HALF_HELLO, HALF_CALL, HALF_FILE] {
        clients.push(sent(server.address, bytes).await);
    }
    let mut kept = sent(server.address, b"").await;
    assert_eq!(ask(&mut kept, "/_sesame/health").await.status, 200);
    until(server.address, "connections_open", |open| open == 7).await;
    let follower = follow(server.address).await;
    soon(server.stop()).await;
    drop((clients, kept, follower));
}
