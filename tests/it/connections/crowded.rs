//! More connections than the server allows.

use std::io::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{
    HALF_CALL, HALF_FILE, HALF_HEAD, HALF_HELLO, ask, call, connect_from, follow, get, metric, read_one,
    rest, sent, soon, until,
};
use crate::support::program::Program;

/// 256 files allow 160 connections, 40 of them for one address, and 32 spare ones.
const FILES: &str = "-n 256";
const PLACES: usize = 160;
const SHARE: usize = 40;
const SPARE: usize = 32;

fn open_server() -> Program {
    Program::serve_under(FILES, &["--in-memory"])
}

#[tokio::test]
async fn idle_connections_keep_nobody_out() {
    let server = open_server();
    let mut idle = Vec::new();
    for kind in 0..4 * PLACES {
        let stream = match kind % 4 {
            0 => sent(server.address, b"").await,
            1 => sent(server.address, HALF_HEAD).await,
            2 => sent(server.address, HALF_HELLO).await,
            _ => {
                let mut stream = sent(server.address, b"").await;
                assert_eq!(ask(&mut stream, "/_sesame/health").await.status, 200);
                stream
            }
        };
        idle.push(stream);
    }
    for _ in 0..50 {
        assert_eq!(get(server.address, "/_sesame/health").await.status, 200);
        assert_eq!(call(server.address, "ListSecrets").await.status, 200);
    }
    assert!(metric(server.address, "connections_open").await <= (PLACES + SPARE) as u64);
    assert!(metric(server.address, "connections_idle_closed_total").await >= 3 * PLACES as u64);
    // The longest idle ones were closed first.
    assert_eq!(rest(&mut idle[0]).await, b"");
    let last = idle.last_mut().unwrap();
    assert_eq!(ask(last, "/_sesame/health").await.status, 200);
}

#[tokio::test]
async fn slow_bodies_keep_nobody_out() {
    let server = open_server();
    let mut slow = Vec::new();
    for kind in 0..2 * PLACES {
        slow.push(sent(server.address, if kind % 2 == 0 { HALF_CALL } else { HALF_FILE }).await);
    }
    for _ in 0..50 {
        assert_eq!(call(server.address, "ListSecrets").await.status, 200);
    }
    assert!(metric(server.address, "connections_idle_closed_total").await >= PLACES as u64);
    drop(slow);
}

#[tokio::test]
async fn a_connection_in_use_is_not_closed_for_newcomers() {
    let server = open_server();
    let mut follower = follow(server.address).await;
    let mut used = sent(server.address, b"").await;
    let mut idle = Vec::new();
    for _ in 0..4 * PLACES {
        idle.push(sent(server.address, b"").await);
        if idle.len() % 20 == 0 {
            assert_eq!(ask(&mut used, "/_sesame/health").await.status, 200);
        }
    }
    assert_eq!(call(server.address, "ListSecrets").await.status, 200);
    let mut first = [0; 1];
    soon(follower.read_exact(&mut first)).await.unwrap();
}

#[tokio::test]
async fn health_is_answered_when_all_places_are_taken_by_busy_connections() {
    let server = open_server();
    let mut busy = Vec::new();
    for _ in 0..PLACES {
        busy.push(follow(server.address).await);
    }
    // Clients that send nothing do not hold the spare connections.
    let mut silent = Vec::new();
    for _ in 0..2 * SPARE {
        silent.push(sent(server.address, b"").await);
    }
    for _ in 0..2 * SPARE {
        for path in ["/_sesame/health", "/_sesame/ready", "/_sesame/metrics"] {
            let answer = get(server.address, path).await;
            assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{path}");
        }
        let mut stream = sent(server.address, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
        let (status, code, _) = read_one(&mut stream).await.refused();
        assert_eq!((status, &*code), (503, "ServiceUnavailableTemporary"));
        assert_eq!(rest(&mut stream).await, b"");
        assert_eq!(get(server.address, "/_sesame/state").await.status, 503);
    }
    // No other connection was closed, and a place that becomes free is used again.
    busy.truncate(PLACES / 2);
    until(server.address, "connections_open", |open| open < PLACES as u64).await;
    assert_eq!(call(server.address, "ListSecrets").await.status, 200);
    for stream in &mut busy {
        soon(stream.read_exact(&mut [0])).await.unwrap();
    }
}

/// A server on which one address may have [`SHARE`] connections.
fn shared_out() -> Program {
    Program::serve_under(FILES, &["--in-memory", "--auth", "signed", "--admin-token", "admin-token"])
}

#[tokio::test]
async fn one_address_cannot_take_all_places() {
    let server = shared_out();
    let greedy = [127, 0, 0, 2];
    let mut taken = Vec::new();
    for _ in 0..SHARE {
        let mut stream = connect_from(greedy, server.address).await;
        // An answer that does not end keeps the connection busy.
        let follow = "GET /_sesame/requests?follow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin-token\r\n\r\n";
        stream.write_all(follow.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        taken.push(stream);
    }
    for _ in 0..10 {
        let mut refused = connect_from(greedy, server.address).await;
        // It may be closed before these bytes are sent.
        drop(refused.write_all(HALF_HEAD).await);
        assert_eq!(rest(&mut refused).await, b"");
    }
    let mut other = connect_from([127, 0, 0, 3], server.address).await;
    assert_eq!(ask(&mut other, "/_sesame/health").await.status, 200);
    assert_eq!(metric(server.address, "connections_refused_total").await, 10);
    assert_eq!(metric(server.address, "connections_idle_closed_total").await, 0);
    taken.pop();
    // Itself, the other one, and what is left.
    until(server.address, "connections_open", |open| open == 1 + 1 + SHARE as u64 - 1).await;
    let mut again = connect_from(greedy, server.address).await;
    assert_eq!(ask(&mut again, "/_sesame/health").await.status, 200);
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("its address has 40 open")).count();
    assert_eq!(lines, 1, "{log}");
}

#[tokio::test]
async fn idle_connections_keep_nobody_of_the_same_address_out() {
    let server = shared_out();
    let address = [127, 0, 0, 2];
    let mut idle = Vec::new();
    for _ in 0..SHARE {
        idle.push(connect_from(address, server.address).await);
    }
    // Itself, and the idle ones.
    until(server.address, "connections_open", |open| open == 1 + SHARE as u64).await;
    for _ in 0..10 {
        let mut next = connect_from(address, server.address).await;
        assert_eq!(ask(&mut next, "/_sesame/health").await.status, 200);
    }
    assert_eq!(metric(server.address, "connections_refused_total").await, 0);
    assert_eq!(rest(&mut idle[0]).await, b"");
}

#[tokio::test]
async fn the_soft_limit_of_files_is_raised() {
    let server = Program::serve_under("-S -n 64", &["--in-memory"]);
    let mut all: Vec<TcpStream> = Vec::new();
    for _ in 0..200 {
        let mut stream = sent(server.address, b"").await;
        assert_eq!(ask(&mut stream, "/_sesame/health").await.status, 200);
        all.push(stream);
    }
    for stream in &mut all {
        assert_eq!(ask(stream, "/_sesame/health").await.status, 200);
    }
    let log = server.kill();
    assert!(!log.contains("connections at once"), "{log}");
}

#[tokio::test]
async fn a_low_limit_of_files_is_logged_and_respected() {
    let server = Program::serve_under("-n 100", &["--in-memory"]);
    // All at once, so that connections that are being closed still exist when the next ones arrive.
    let begun: Vec<_> = (0..400).map(|_| tokio::spawn(TcpStream::connect(server.address))).collect();
    let mut idle = Vec::new();
    for connecting in begun {
        idle.push(soon(connecting).await.unwrap().unwrap());
    }
    assert_eq!(call(server.address, "ListSecrets").await.status, 200);
    let log = server.kill();
    assert!(log.contains("at most 16 connections at once") && log.contains("only 100 files open"), "{log}");
    assert!(!log.contains("cannot accept"), "{log}");
}

#[tokio::test]
async fn the_configuration_file_bounds_connections() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "[limits]\nconnections = 20\nconnections_per_address = 3").unwrap();
    let config = file.path().to_str().unwrap();
    let server = Program::serve(
        &["--in-memory", "--config", config, "--auth", "signed", "--admin-token", "admin-token"],
        &[],
    );
    let mut greedy = Vec::new();
    for _ in 0..3 {
        greedy.push(connect_from([127, 0, 0, 2], server.address).await);
    }
    // The longest idle connection of the address makes room for its next one.
    let mut next = connect_from([127, 0, 0, 2], server.address).await;
    assert_eq!(ask(&mut next, "/_sesame/health").await.status, 200);
    assert_eq!(rest(&mut greedy.remove(0)).await, b"");
    let mut many = Vec::new();
    for last in 3..40 {
        let mut stream = connect_from([127, 0, 0, last], server.address).await;
        assert_eq!(ask(&mut stream, "/_sesame/health").await.status, 200);
        many.push(stream);
    }
    // Nine tenths of 20, and those that are being closed.
    assert!(metric(server.address, "connections_idle_closed_total").await >= 1 + 3 + 37 - 18);
    let log = server.kill();
    assert!(!log.contains("connections at once"), "{log}");
}
