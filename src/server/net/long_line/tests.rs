//! Tests of the state machine with whole and split inputs, and with hyper behind it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::header::TooLong;
use super::machine::{Limits, Machine, State};
use super::*;

const NAME: &str = "x-query-07070707070707070707070707070707";
/// Small limits, so that the tests can split the input at every position.
const SMALL: Limits = Limits { long: 20, target: 60, headers: 150 };
const Q19: &str = "aaaaaaaaaaaaaaaaaaa";

fn header() -> InternalHeader {
    InternalHeader::new([7; 16])
}

/// Feeds the pieces, without the end of the input. Returns what the reader gets, and the machine.
fn run(limits: Limits, pieces: &[&[u8]]) -> (Vec<u8>, Machine) {
    let mut machine = Machine::new(header(), limits);
    let mut out = Vec::new();
    for piece in pieces {
        // As `LongLine` does it.
        let passed = machine.pass(piece);
        out.extend_from_slice(&piece[..passed]);
        machine.feed(&piece[passed..], &mut out);
    }
    (out, machine)
}

fn all(limits: Limits, pieces: &[&[u8]]) -> (Vec<u8>, State) {
    let (mut out, mut machine) = run(limits, pieces);
    out.extend(machine.finish());
    (out, machine.state)
}

/// Checks the input as a whole, split at every position, and byte by byte.
fn assert_seen(limits: Limits, input: &str, expected: &str, state: State) {
    let bytes = input.as_bytes();
    let whole = all(limits, &[bytes]);
    assert_eq!(String::from_utf8_lossy(&whole.0), expected, "{input:?}");
    assert_eq!(whole.1, state, "{input:?}");
    for at in 0..=bytes.len() {
        let (one, other) = bytes.split_at(at);
        assert_eq!(all(limits, &[one, other]), whole, "{input:?} split at {at}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(all(limits, &single), whole, "{input:?} byte for byte");
}

fn assert_same(input: &str, state: State) {
    assert_seen(SMALL, input, input, state);
}

/// A long request and its rewritten form.
fn long() -> (String, String) {
    let query = "Action=CreateSecret&SecretData=x";
    let given = format!("GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n");
    let seen = format!("GET / HTTP/1.1\r\n{NAME}: {query}\r\nHost: a\r\n\r\n");
    (given, seen)
}

const FOLLOWED: [&str; 18] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /?a=b HTTP/1.0\r\n\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "\nGET / HTTP/1.1\nHost: a\n\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\ncontent-length:5\t\r\nX-Empty:\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 03\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "PUT / HTTP/1.1\r\ntransfer-encoding:\tCHUNKED \r\n\r\nA;x=\"y\";z\r\n0123456789\r\n00 \t;e\r\n\r\n",
    "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 47\r\n\r\nGET /?aaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2f\r\n\
     GET /?aaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGET /?aaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nx-query-07070707070707070707070707070706: a\r\nx-query: b\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Latin: \u{e9}\r\n\r\n",
    "GET /aaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n",
];

/// Puts a body after each head, or a long line that the machine must or must not rewrite.
const DOUBTFUL: [&str; 39] = [
    "CONNECT a:80 HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /\r\n\r\n",
    "GET / http/1.1\r\n\r\n",
    "GET / HTTP/1.1 \r\n\r\n",
    "GET / HTTP/1.1\r\r\n\r\n",
    " GET / HTTP/1.1\r\n\r\n",
    "\rGET / HTTP/1.1\r\n\r\n",
    "\r\r\nGET / HTTP/1.1\r\n\r\n",
    "G\0T / HTTP/1.1\r\n\r\n",
    "AMETHODOFMORETHANTHIRTYTWOLETTERSINALL / HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03",
    "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\n\tA: b\r\n\r\n",
    "GET / HTTP/1.1\r\nA : b\r\n\r\n",
    "GET / HTTP/1.1\r\n: b\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nnocolon\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\r\n\r\n",
    "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n\r\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: 18446744073709551614\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
     aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
    "GET /?aaaaaaaaaaaaaaaaaaaaaaa\" HTTP/1.1\r\n\r\n",
];

const BAD_CHUNKS: [&str; 16] = [
    "\r\n",
    "g\r\n",
    " 1\r\na\r\n0\r\n\r\n",
    "1 1\r\n",
    "-1\r\n",
    "0x1\r\na\r\n",
    "1\na\r\n",
    "1\r\r\n",
    "1;x\ny\r\n",
    "1;x\ry\r\n",
    "1\r\nab\r\n",
    "1\r\na\n",
    "1\r\na\r\r",
    "10000000000000000\r\n",
    "0\r\nX: y\n\r\n",
    "0\r\n\rX",
];

#[test]
fn followed_messages_pass_as_they_are() {
    for message in FOLLOWED {
        assert_same(message, State::Line);
    }
    assert_same(&FOLLOWED.concat(), State::Line);
}

#[test]
fn a_long_line_between_any_others_is_rewritten() {
    let (given, seen) = long();
    assert_seen(SMALL, &given, &seen, State::Line);
    for message in FOLLOWED {
        let (given, seen) = (format!("{given}{message}{given}"), format!("{seen}{message}{seen}"));
        assert_seen(SMALL, &given, &seen, State::Line);
    }
}

#[test]
fn after_a_doubt_nothing_is_rewritten() {
    let (given, seen) = long();
    for message in DOUBTFUL {
        assert_same(&format!("{message}{given}"), State::Blind);
        let (given, seen) = (format!("{given}{message}{given}"), format!("{seen}{message}{given}"));
        assert_seen(SMALL, &given, &seen, State::Blind);
    }
    for chunks in BAD_CHUNKS {
        let message = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{given}");
        assert_same(&message, State::Blind);
    }
}

#[test]
fn long_lines_keep_everything_but_the_query() {
    let query = format!("a=%20&{Q19}?/@:;'(){{}}|^`[]\\~!*");
    let rest = "Host: a\r\n\r\n";
    for (method, path, version, end) in [
        ("GET", "/", "HTTP/1.1", "\r\n"),
        ("POST", "/a/b", "HTTP/1.0", "\r\n"),
        ("X-Y", "//", "HTTP/1.1", "\n"),
        ("DELETE", "/%00", "HTTP/1.1", "\r\n"),
    ] {
        let given = format!("{method} {path}?{query} {version}{end}{rest}");
        let seen = format!("{method} {path} {version}\r\n{NAME}: {query}\r\n{rest}");
        assert_seen(SMALL, &given, &seen, State::Line);
    }
    let (given, seen) = long();
    let body = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let given = given.replace("Host: a", "content-length: 5") + "hello" + body;
    let seen = seen.replace("Host: a", "content-length: 5") + "hello" + body;
    assert_seen(SMALL, &given, &seen, State::Line);
}

#[test]
fn long_targets_of_a_wrong_form_pass_as_they_are() {
    for target in [
        format!("/?{Q19}\"aaa"),
        format!("/?{Q19}#aaa"),
        format!("/?{Q19}<aaa"),
        format!("/?{Q19} aaa"),
        format!("/?{Q19}\taaa"),
        format!("/?{Q19}\raaa"),
        format!("/?{Q19}\u{e9}aaa"),
        format!("?{Q19}aaa"),
        format!("*?{Q19}aaa"),
        format!("http://a/?{Q19}aaa"),
        format!("a:443?{Q19}aaa"),
    ] {
        let given = format!("GET {target} HTTP/1.1\r\n\r\n");
        let (whole, _) = all(SMALL, &[given.as_bytes()]);
        assert_eq!(String::from_utf8_lossy(&whole), given);
        for at in 0..given.len() {
            let (one, other) = given.as_bytes().split_at(at);
            assert_eq!(all(SMALL, &[one, other]).0, whole, "{given:?} split at {at}");
        }
    }
}

#[test]
fn too_long_lines_are_marked_and_dropped() {
    let (long, _) = long();
    let seen = |method| format!("{method} / HTTP/1.1\r\n{NAME}: too long\r\nHost: a\r\n\r\n{long}");
    for target in [
        format!("/?{}", "a".repeat(59)),
        format!("/?{}", "a".repeat(200)),
        format!("/{}", "a".repeat(20)),
        format!("/{}?a", "a".repeat(20)),
        format!("/?{} HTTP/1.1 {}\r \"#", "a".repeat(70), "a".repeat(70)),
    ] {
        for (method, end) in [("GET", "\r\n"), ("POST", "\n")] {
            let given = format!("{method} {target} HTTP/1.1{end}Host: a\r\n\r\n{long}");
            assert_seen(SMALL, &given, &seen(method), State::Blind);
        }
    }
}

#[test]
fn the_edges_are_where_they_are_said_to_be() {
    let rest = "Host: a\r\n\r\n";
    for end in ["\r\n", "\n"] {
        for (length, expected) in [
            (60_000, None),
            (60_001, Some(true)),
            (262_144, Some(true)),
            (262_145, Some(false)),
            (1 << 20, Some(false)),
        ] {
            let query = "a".repeat(length - 2);
            let given = format!("GET /?{query} HTTP/1.1{end}{rest}{rest}");
            let seen = match expected {
                None => given.clone(),
                Some(true) => format!("GET / HTTP/1.1\r\n{NAME}: {query}\r\n{rest}{rest}"),
                Some(false) => format!("GET / HTTP/1.1\r\n{NAME}: too long\r\n{rest}{rest}"),
            };
            for size in [1_000_000_000, 8192, 65_536, 1, 4093] {
                let pieces: Vec<&[u8]> = given.as_bytes().chunks(size).collect();
                let (out, _) = all(Limits::SERVER, &pieces);
                assert!(out == seen.as_bytes(), "{length} bytes, reads of {size}");
            }
        }
    }
    let path = "a".repeat(60_000);
    let given = format!("GET /{path} HTTP/1.1\r\n{rest}");
    let seen = format!("GET / HTTP/1.1\r\n{NAME}: too long\r\n{rest}");
    assert!(all(Limits::SERVER, &[given.as_bytes()]).0 == seen.as_bytes());
    let given = format!("GET /{}?{path} HTTP/1.1\r\n{rest}", &path[1..]);
    let seen = format!("GET /{} HTTP/1.1\r\n{NAME}: {path}\r\n{rest}", &path[1..]);
    assert!(all(Limits::SERVER, &[given.as_bytes()]).0 == seen.as_bytes());
}

#[test]
fn what_is_held_stays_bounded() {
    for piece in [b"a".repeat(8192), b"\x80".repeat(8192)] {
        let mut machine = Machine::new(header(), Limits::SERVER);
        let mut out = Vec::new();
        machine.feed(b"GET /?", &mut out);
        let mut most = 0;
        for _ in 0..1000 {
            machine.feed(&piece, &mut out);
            most = most.max(machine.held());
        }
        assert!(most > 200_000 && most <= MAX_TARGET + 64 + piece.len(), "{most}");
        assert_eq!(machine.held(), 0);
        assert_eq!(out, format!("GET / HTTP/1.1\r\n{NAME}: too long\r\n").into_bytes());
    }
    // A header line that never ends, and a method that never ends.
    for start in ["GET / HTTP/1.1\r\nA: ", ""] {
        let (out, machine) = run(Limits::SERVER, &[start.as_bytes(), &b"a".repeat(100_000)]);
        assert_eq!((machine.state, machine.held(), out.len()), (State::Blind, 0, start.len() + 100_000));
    }
}

#[test]
fn the_header_tells_what_was_moved() {
    let ours = header();
    assert_eq!(ours.header().as_str(), NAME);
    assert_eq!(format!("{ours:?}"), "InternalHeader(..)");
    assert_ne!(InternalHeader::new([8; 16]).header(), ours.header());
    let mut headers = HeaderMap::new();
    assert_eq!(ours.query_of(&headers), None);
    headers.insert("x-query-07070707070707070707070707070706", "a=b".parse().unwrap());
    assert_eq!(ours.query_of(&headers), None);
    headers.append(ours.header(), "a=b".parse().unwrap());
    headers.append(ours.header(), "too long".parse().unwrap());
    assert_eq!(ours.query_of(&headers), Some(Ok(&b"a=b"[..])));
    headers.insert(ours.header(), "too long".parse().unwrap());
    assert_eq!(ours.query_of(&headers), Some(Err(TooLong)));
}

#[test]
fn debug_shows_no_bytes() {
    let stream = LongLine::new((), header());
    assert_eq!(format!("{stream:?}"), "LongLine { held: 0, ready: 0, .. }");
}

/// Pieces of the given sizes, repeated.
fn cut<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while !bytes.is_empty() {
        let size = sizes.next().copied().unwrap_or(usize::MAX).clamp(1, bytes.len());
        let (piece, rest) = bytes.split_at(size);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

fn lines() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => Just("Host: a\r\n"),
        4 => Just("Content-Length: 5\r\n"),
        2 => Just("content-length: 0\n"),
        1 => Just("Content-Length: 05\r\n"),
        1 => Just("Content-Length: 6\r\n"),
        1 => Just("Content-Length: x\r\n"),
        4 => Just("Transfer-Encoding: chunked\r\n"),
        1 => Just("Transfer-Encoding: x, chunked\r\n"),
        2 => Just("Expect: 100-continue\r\n"),
        2 => Just("Connection: keep-alive\r\n"),
        1 => Just("Connection: close\r\n"),
        1 => Just("Upgrade: x\r\n"),
        1 => Just(" folded\r\n"),
        1 => Just("A : b\r\n"),
        1 => Just("A\rB: c\r\n"),
        1 => Just("A: b\rc\r\n"),
    ]
}

fn request_lines() -> impl Strategy<Value = String> {
    let method = prop_oneof![
        10 => Just("GET"),
        10 => Just("POST"),
        1 => Just("CONNECT"),
        1 => Just("G T"),
        1 => Just("\r\nPUT"),
    ];
    let target = prop_oneof![
        4 => Just("/".to_owned()),
        6 => (1_usize..80).prop_map(|length| format!("/?{}", "q".repeat(length))),
        6 => (1_usize..80).prop_map(|length| format!("/p?{}", "a=%2F&".repeat(length))),
        1 => (1_usize..40).prop_map(|length| format!("/?{}#f", "q".repeat(length))),
        1 => (1_usize..40).prop_map(|length| format!("http://h/?{}", "q".repeat(length))),
        1 => (1_usize..40).prop_map(|length| format!("h:80?{}", "q".repeat(length))),
        1 => (1_usize..40).prop_map(|length| format!("/p{}", "p".repeat(length))),
    ];
    let end = prop_oneof![
        16 => Just(" HTTP/1.1\r\n"),
        2 => Just(" HTTP/1.1\n"),
        2 => Just(" HTTP/1.0\r\n"),
        1 => Just(" HTTP/1.2\r\n"),
    ];
    (method, target, end).prop_map(|(method, target, end)| format!("{method} {target}{end}"))
}

fn messages() -> impl Strategy<Value = String> {
    let body = prop_oneof![
        4 => Just(String::new()),
        4 => Just("hello".to_owned()),
        2 => Just("5\r\nhello\r\n0\r\n\r\n".to_owned()),
        2 => Just("5 ;x=y\r\nhello\r\n000\r\nT: u\r\n\r\n".to_owned()),
        2 => request_lines().prop_map(|line| format!("{:x}\r\n{line}\r\n0\r\n\r\n", line.len())),
        1 => request_lines().prop_map(|line| format!("0\r\n{line}\r\n")),
        1 => Just("5\nhello\n0\n\n".to_owned()),
    ];
    let wild = (request_lines(), proptest::collection::vec(lines(), 0..4), body)
        .prop_map(|(line, headers, body)| format!("{line}{}\r\n{body}", headers.concat()));
    let sized = (request_lines(), request_lines()).prop_map(|(line, body)| {
        format!("{line}Content-Length: {}\r\nConnection: keep-alive\r\n\r\n{body}", body.len())
    });
    let coded = (request_lines(), request_lines(), ".{0,9}").prop_map(|(line, body, text)| {
        let chunk = format!("{:X};{}\r\n{body}\r\n", body.len(), text.replace(['\r', '\n'], "."));
        format!("{line}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n")
    });
    let plain = request_lines().prop_map(|line| format!("{line}Host: a\r\n\r\n"));
    prop_oneof![wild, sized, coded, plain]
}

/// Several requests, sometimes with one byte changed.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let change =
        proptest::option::weighted(0.4, (any::<prop::sample::Index>(), "[\r\n \0-~\u{80}-\u{ff}]|\r\n"));
    (proptest::collection::vec(messages(), 1..6), change, any::<bool>()).prop_map(|(parts, change, keep)| {
        let mut bytes = parts.concat().into_bytes();
        if let Some((at, text)) = change {
            let at = at.index(bytes.len());
            bytes.splice(at..at + usize::from(!keep), text.bytes());
        }
        bytes
    })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![1_usize..6, 1_usize..200], 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn without_long_lines_nothing_changes(
        bytes in prop_oneof![proptest::collection::vec(any::<u8>(), 0..2000), streams()],
        sizes in sizes(),
    ) {
        let (out, _) = all(Limits::SERVER, &cut(&bytes, &sizes));
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn splits_make_no_difference(bytes in streams(), sizes in sizes(), random in any::<[u8; 40]>()) {
        for bytes in [bytes.clone(), [&bytes[..], &random[..]].concat()] {
            prop_assert_eq!(all(SMALL, &cut(&bytes, &sizes)), all(SMALL, &[&bytes]));
        }
    }

    /// hyper gets the same requests and gives the same answers with and without the machine in front of it.
    #[test]
    fn hyper_sees_the_same(bytes in streams(), sizes in sizes()) {
        let limits = Limits { target: 1 << 20, ..SMALL };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (direct, answers) = runtime.block_on(seen_by_hyper(&bytes, &sizes, None));
        let (behind, behind_answers) = runtime.block_on(seen_by_hyper(&bytes, &sizes, Some(limits)));
        if let Some(at) = behind.iter().position(|seen| seen.uri == "too long") {
            // Whatever hyper alone does with this request, the service refuses it and closes the connection.
            prop_assert!(direct.get(at).is_none_or(|seen| seen.uri.len() > limits.long));
            prop_assert_eq!(&behind[..at], &direct[..at]);
            return Ok(());
        }
        prop_assert_eq!(direct, behind);
        prop_assert_eq!(taken(&answers), taken(&behind_answers));
    }
}

/// The answers before hyper itself refuses a request. Whether hyper refuses a line, or waits for the rest of it until the
/// stream ends, depends on the bytes of one read.
fn taken(answers: &[u8]) -> String {
    let text = String::from_utf8_lossy(answers);
    let refusals = ["HTTP/1.1 4", "HTTP/1.0 4"].into_iter().filter_map(|status| text.find(status));
    text[..refusals.min().unwrap_or(text.len())].to_owned()
}

/// A request as the service receives it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    method: String,
    uri: String,
    version: Version,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<(Bytes, Option<HeaderMap>)>,
}

async fn look(request: Request<Incoming>) -> Seen {
    let (parts, body) = request.into_parts();
    let uri = match header().query_of(&parts.headers) {
        None => parts.uri.to_string(),
        Some(Ok(query)) => format!("{}?{}", parts.uri, str::from_utf8(query).unwrap()),
        Some(Err(TooLong)) => "too long".to_owned(),
    };
    let headers = parts.headers.iter().filter(|(name, _)| *name != header().header());
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let body = body.collect().await.ok().map(|body| (body.trailers().cloned(), body.to_bytes()));
    let body = body.map(|(trailers, bytes)| (bytes, trailers));
    Seen { method: parts.method.to_string(), uri, version: parts.version, headers, body }
}

/// A stream that yields its pieces one by one, then ends. It keeps what is written.
#[derive(Clone)]
struct Canned {
    pieces: VecDeque<Vec<u8>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Canned {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(piece) = self.pieces.front_mut() else { return Poll::Ready(Ok(())) };
        if piece.is_empty() {
            self.pieces.pop_front();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = piece.len().min(buf.remaining());
        buf.put_slice(&piece[..count]);
        piece.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Canned {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written.lock().unwrap().extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

async fn seen_by_hyper(bytes: &[u8], sizes: &[usize], limits: Option<Limits>) -> (Vec<Seen>, Vec<u8>) {
    let written = Arc::new(Mutex::new(Vec::new()));
    let pieces = cut(bytes, sizes).into_iter().map(<[u8]>::to_vec).collect();
    let canned = Canned { pieces, written: Arc::clone(&written) };
    let seen = Mutex::new(Vec::new());
    let service = service_fn(async |request| {
        let request = look(request).await;
        seen.lock().unwrap().push(request);
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
    });
    let mut builder = http1::Builder::new();
    builder.auto_date_header(false).half_close(true);
    let served = match limits {
        None => builder.serve_connection(TokioIo::new(canned), service).await,
        Some(limits) => {
            let machine = Machine::new(header(), limits);
            let stream = LongLine { stream: canned, machine, ready: Vec::new(), given: 0 };
            builder.serve_connection(TokioIo::new(stream), service).await
        }
    };
    drop(served);
    let written = std::mem::take(&mut *written.lock().unwrap());
    (seen.into_inner().unwrap(), written)
}

/// Answers with the method, the length of path and query, and the length of the body.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let seen = look(request).await;
    let body = seen.body.map_or(0, |(body, _)| body.len());
    let mut response = Response::new(Full::new(format!("{} {} {body};", seen.method, seen.uri.len()).into()));
    if seen.uri == "too long" {
        *response.status_mut() = StatusCode::URI_TOO_LONG;
        response.headers_mut().insert("connection", "close".parse().unwrap());
    }
    Ok(response)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> hyper::Result<()> {
    let stream = TokioIo::new(LongLine::new(stream, header()));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(300))
        .max_buf_size(MIN_BUFFER)
        .serve_connection(stream, service_fn(answer))
        .await
}

/// Reads answers until one whose body has this end.
async fn expect_answer<S: AsyncRead + Unpin>(client: &mut S, status: &str, body: &str) {
    let mut got = Vec::new();
    while !got.ends_with(body.as_bytes()) {
        let count = client.read_buf(&mut got).await.unwrap();
        assert!(count > 0, "the end instead of {body}, after {:?}", String::from_utf8_lossy(&got));
    }
    assert!(got.starts_with(status.as_bytes()), "{:?}", String::from_utf8_lossy(&got));
}

/// The two ends of a TCP connection over loopback.
async fn connect() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, accepted) = tokio::join!(client, listener.accept());
    (client.unwrap(), accepted.unwrap().0)
}

fn get(target: usize) -> String {
    let headers = "X-Fill: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(98);
    format!("GET /?{} HTTP/1.1\r\nHost: a\r\n{headers}\r\n", "a".repeat(target - 2))
}

#[tokio::test]
async fn hyper_takes_long_lines_over_tcp() {
    let (mut client, server) = connect().await;
    let talk = async {
        for target in [95_000, 60_001, 262_144, 100, 60_000] {
            client.write_all(get(target).as_bytes()).await.unwrap();
            expect_answer(&mut client, "HTTP/1.1 200", &format!("GET {target} 0;")).await;
        }
        let chunk = format!("2800\r\n{}\r\n", "b".repeat(0x2800));
        let chunked = format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(3));
        client.write_all(format!("POST / HTTP/1.1\r\n{chunked}").as_bytes()).await.unwrap();
        expect_answer(&mut client, "HTTP/1.1 200", "POST 1 30720;").await;
        // A long line and a body; several requests in one write.
        let long = format!("PUT /?{} HTTP/1.1\r\n{chunked}", "c".repeat(94_998));
        let all = [&get(95_000), &get(90), &long[..], &get(262_144), &get(9)].map(str::to_owned).concat();
        client.write_all(all.as_bytes()).await.unwrap();
        expect_answer(&mut client, "HTTP/1.1 200", "GET 9 0;").await;
        // Over the limit: an answer, then the connection ends.
        client.write_all(get(300_000).as_bytes()).await.unwrap();
        expect_answer(&mut client, "HTTP/1.1 414", "GET 8 0;").await;
        assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
    };
    let (ended, ()) = tokio::join!(serve(server), talk);
    ended.unwrap();
}

#[tokio::test]
async fn answers_to_pipelined_requests_come_in_order() {
    let (mut client, server) = connect().await;
    let sizes = [95_000, 90, 70_000, 61_000, 9, 262_144];
    let talk = async {
        let all = sizes.map(get).concat();
        let (mut reader, mut writer) = client.split();
        let read = async {
            let mut got = String::new();
            reader.read_to_string(&mut got).await.unwrap();
            got
        };
        let write = async {
            for piece in all.as_bytes().chunks(1460) {
                writer.write_all(piece).await.unwrap();
            }
            writer.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
        };
        tokio::join!(read, write).0
    };
    let (ended, got) = tokio::join!(serve(server), talk);
    ended.unwrap();
    let bodies: Vec<&str> = got.split("\r\n\r\n").filter_map(|part| Some(part.split_once(';')?.0)).collect();
    let expected: Vec<String> = sizes.iter().map(|size| format!("GET {size} 0")).collect();
    assert_eq!(bodies[..6], expected);
    assert_eq!(bodies[6], "GET 1 0");
}

#[tokio::test]
async fn a_line_that_does_not_end_runs_into_the_header_timeout() {
    // The client stops while bytes are held back.
    let (mut client, server) = connect().await;
    client.write_all(format!("GET /?{}", "a".repeat(95_000)).as_bytes()).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), serve(server)).await.unwrap();
    assert!(ended.unwrap_err().is_timeout());
    drop(client);
    // An endless line is dropped as fast as it arrives.
    let ended = tokio::time::timeout(Duration::from_secs(20), serve(Endless(b"GET /?"))).await.unwrap();
    assert!(ended.unwrap_err().is_timeout());
}

/// A stream of some first bytes and then the letter a without end.
struct Endless(&'static [u8]);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(self.0);
        self.0 = b"";
        buf.initialize_unfilled().fill(b'a');
        buf.set_filled(buf.capacity());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn short_heads_are_not_held_back_and_long_ones_end_with_the_stream() {
    let (mut client, server): (DuplexStream, DuplexStream) = tokio::io::duplex(1 << 20);
    let mut stream = LongLine::new(server, header());
    let mut buffer = [0; 4096];
    for (given, seen) in [
        ("GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
        ("Content-", "Content-"),
        ("Length: 3\r\n\r\nab", "Length: 3\r\n\r\nab"),
        ("cGET /", "c"),
        ("a HTTP/1.1\r\nA", "GET /a HTTP/1.1\r\nA"),
        (": b\r\n\r\nGET /?", ": b\r\n\r\n"),
    ] {
        client.write_all(given.as_bytes()).await.unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        assert_eq!(str::from_utf8(&buffer[..count]).unwrap(), seen);
    }
    client.write_all(&b"a".repeat(70_000)).await.unwrap();
    drop(client);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest == [&b"GET /?"[..], &b"a".repeat(70_000)].concat());
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
}

#[tokio::test]
async fn the_largest_head_fits_into_the_buffer_that_is_asked_for() {
    let (mut client, server) = connect().await;
    let talk = async {
        let fill = format!("X-Fill: {}\r\n", "b".repeat(65_500 - "X-Fill: \r\n\r\n".len()));
        let path = "p".repeat(59_000);
        let query = "q".repeat(MAX_TARGET - path.len() - 2);
        let request = format!("GET /{path}?{query} HTTP/1.1\r\n{fill}\r\n");
        for _ in 0..2 {
            client.write_all(request.as_bytes()).await.unwrap();
            expect_answer(&mut client, "HTTP/1.1 200", "GET 262144 0;").await;
        }
        // hyper refuses more headers than that.
        let fill = format!("X-Fill: {}\r\n", "b".repeat(2 * MIN_BUFFER));
        drop(client.write_all(format!("GET / HTTP/1.1\r\n{fill}\r\n").as_bytes()).await);
        expect_answer(&mut client, "HTTP/1.1 431", "\r\n\r\n").await;
    };
    let (ended, ()) = tokio::join!(serve(server), talk);
    assert!(ended.unwrap_err().is_parse_too_large());
}
