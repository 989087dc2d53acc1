//! Clients that occupy connections: idle ones, slow ones, ones that do not read, many of one address; and how the server
//! stops while they are connected.

mod crowded;
mod slow;
mod stop;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sesame::testing::server::Bounds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Answer, form};

/// How long a test waits for an expected event.
const DEADLINE: Duration = Duration::from_mins(1);

/// The first half of a request head.
const HALF_HEAD: &[u8] = b"GET /_sesame/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half";
/// The first bytes of a TLS handshake.
const HALF_HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
/// Half a body, for the API and for the administration endpoints.
const HALF_CALL: &[u8] =
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nAction=ListSecrets";
const HALF_FILE: &[u8] = b"PUT /_sesame/state HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{";

/// Waits for an event that must happen soon.
async fn soon<T>(happening: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, happening).await.unwrap_or_else(|_| panic!("the event does not happen"))
}

/// A connection from another address of this machine.
async fn connect_from(source: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(source), 0).into()).unwrap();
    soon(socket.connect(server)).await.unwrap()
}

/// A connection on which these bytes have been sent.
async fn sent(server: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = soon(TcpStream::connect(server)).await.unwrap();
    soon(stream.write_all(bytes)).await.unwrap();
    stream
}

/// Reads one answer of a connection that stays open: its head and the body that the head announces.
async fn read_one(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let byte = soon(stream.read_u8()).await.unwrap_or_else(|e| panic!("{e} after {bytes:?}"));
        bytes.push(byte);
    }
    let length = Answer::parse(&bytes).header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    soon(stream.read_exact(&mut body)).await.unwrap();
    Answer::parse(&[bytes, body].concat())
}

/// Requests a path on a connection that stays open.
async fn ask(stream: &mut TcpStream, path: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer admin-token\r\n\r\n");
    soon(stream.write_all(head.as_bytes())).await.unwrap();
    read_one(stream).await
}

/// Requests a path on a connection of its own.
async fn get(server: SocketAddr, path: &str) -> Answer {
    ask(&mut sent(server, b"").await, path).await
}

/// Calls an action unsigned on a connection of its own.
async fn call(server: SocketAddr, action: &str) -> Answer {
    let query = form(&[("Action", action), ("Version", "2016-01-20")]);
    get(server, &format!("/?{query}")).await
}

/// A connection that follows the request log, and whose answer has begun.
async fn follow(server: SocketAddr) -> TcpStream {
    let mut stream = sent(server, b"").await;
    assert_eq!(ask(&mut stream, "/_sesame/requests?follow=true").await.status, 200);
    stream
}

/// Everything that arrives until the server closes the connection, in whichever way.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is one way to close.
    drop(soon(stream.read_to_end(&mut bytes)).await);
    bytes
}

/// The value of a series of the metrics.
async fn metric(server: SocketAddr, name: &str) -> u64 {
    let scraped = get(server, "/_sesame/metrics").await;
    assert_eq!(scraped.status, 200, "{}", scraped.body);
    let value = scraped.body.lines().find_map(|line| line.strip_prefix(&format!("sesame_{name} ")));
    value.unwrap_or_else(|| panic!("no {name} in {}", scraped.body)).parse().unwrap()
}

/// Waits until a series has a value.
async fn until(server: SocketAddr, name: &str, reached: impl Fn(u64) -> bool) {
    soon(async {
        while !reached(metric(server, name).await) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// A client that requests more than all buffers on the way can hold, and reads nothing. The server is waiting for it
/// when this returns. The secret `big` must exist.
async fn deaf(server: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = soon(socket.connect(server)).await.unwrap();
    let query = form(&[("Action", "GetSecretValue"), ("Version", "2016-01-20"), ("SecretName", "big")]);
    let request = format!("GET /?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").repeat(800);
    let before = answered(server).await;
    soon(stream.write_all(request.as_bytes())).await.unwrap();
    let mut last = before;
    soon(async {
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = answered(server).await;
            if now > before && now == last {
                break;
            }
            last = now;
        }
    })
    .await;
    assert!(last < before + 800, "the buffers hold everything");
    stream
}

/// How often a value was read.
async fn answered(server: SocketAddr) -> u64 {
    let scraped = get(server, "/_sesame/metrics").await.body;
    let series = "sesame_request_duration_seconds_count{action=\"GetSecretValue\"} ";
    scraped.lines().find_map(|line| line.strip_prefix(series)).map_or(0, |count| count.parse().unwrap())
}

/// The parameters that create the secret for [`deaf`].
fn big(value: &str) -> [(&str, &str); 3] {
    [("SecretName", "big"), ("VersionId", "v1"), ("SecretData", value)]
}

#[test]
fn the_bounds_are_those_that_the_page_on_operations_says() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let bounds = Bounds::default();
    let seconds = |bound: Duration| format!("{} s", bound.as_secs());
    for (what, bound) in [
        ("a TLS handshake", seconds(bounds.head)),
        ("the head of a request", seconds(bounds.head)),
        ("the next request on an open connection", seconds(bounds.head)),
        ("the body of a call", seconds(bounds.body)),
        ("a body below `/_sesame`, as a whole", seconds(bounds.file)),
        ("the next bytes of such a body", seconds(bounds.file_pause)),
        ("taking the next bytes of an answer", seconds(bounds.unread)),
        ("the same once the server stops", seconds(bounds.unread_at_stop)),
        ("all complete requests once the server stops", seconds(bounds.grace)),
    ] {
        let row = format!("| {what} | {bound} |");
        assert!(page.contains(&row), "docs/operations.md lacks the row {row}");
    }
}
