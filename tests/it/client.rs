//! The commands that talk to a server, run as a user runs them: HTTP, HTTPS, and servers that do not behave.

use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use sesame::testing::ports::ServerClock;
use sesame::testing::tls::Tls;
use tokio::io::AsyncReadExt;

use crate::support::program::{Program, printed, run, succeed};

const TOKEN: &str = "token-that-must-not-leak";

/// Runs a command that must fail, with one line that contains all of these.
fn fail(arguments: &[&str], environment: &[(&str, &str)], wanted: &[&str]) {
    let output = run(arguments, environment);
    let said = printed(&output);
    assert_ne!(output.status.code(), Some(0), "{arguments:?}: {said}");
    for wanted in wanted {
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    assert!(!said.contains(TOKEN), "{said}");
}

/// The certificate of a server's authority, in a file.
fn ca(server: &Program, dir: &Path) -> String {
    let answer = server.send(b"GET /_sesame/ca.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let file = dir.join(format!("{}.pem", server.address.port()));
    std::fs::write(&file, answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    file.display().to_string()
}

fn https(address: SocketAddr) -> String {
    format!("https://{address}")
}

fn seed(dir: &Path) -> String {
    let file = dir.join("seed.yaml");
    std::fs::write(&file, "secrets: [{ name: a, versions: [{ id: v1, value: one }] }]\n").unwrap();
    file.display().to_string()
}

#[test]
fn every_command_speaks_https_to_a_server_whose_ca_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::serve(&["--in-memory", "--auth", "signed", "--admin-token", TOKEN], &[]);
    let (url, ca, seed) = (https(server.address), ca(&server, dir.path()), seed(dir.path()));
    let file = dir.path().join("all.yaml").display().to_string();
    let with = ["--url", &url, "--ca", &ca, "--admin-token", TOKEN];
    assert_eq!(succeed(&[&["seed", &seed], &with[..]].concat(), &[]), "1 created, 0 changed, 0 unchanged\n");
    succeed(&[&["export", &file, "--plaintext"], &with[..]].concat(), &[]);
    assert!(std::fs::read_to_string(&file).unwrap().contains("value: one"));
    assert_eq!(
        succeed(&[&["import", &file, "--replace"], &with[..]].concat(), &[]),
        "1 keys, 1 secrets imported\n"
    );
    succeed(&["healthcheck", "--url", &url, "--ca", &ca], &[]);
    // The same through the environment.
    let settings = [("SESAME_URL", url.as_str()), ("SESAME_CA", &ca), ("SESAME_ADMIN_TOKEN", TOKEN)];
    assert_eq!(succeed(&["seed", &seed], &settings), "0 created, 0 changed, 1 unchanged\n");
    succeed(&["healthcheck"], &settings);
    fail(&["seed", &seed, "--url", &url, "--ca", &ca], &[], &["no admin token was sent"]);
}

#[test]
fn the_ca_of_the_data_directory_and_the_systems_roots_are_trusted_without_a_flag() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let server = Program::serve(&["--data-dir", &data], &[]);
    let url = https(server.address);
    let none = dir.path().join("none").display().to_string();
    fail(&["healthcheck", "--url", &url, "--data-dir", &none], &[], &["is not trusted", "--ca FILE"]);
    succeed(&["healthcheck", "--url", &url, "--data-dir", &data], &[]);
    succeed(&["seed", &seed(dir.path()), "--url", &url], &[("SESAME_DATA_DIR", &data)]);
    succeed(&["export", "--url", &url, "--data-dir", &data], &[]);
    let system = dir.path().join("data/tls/ca.pem").display().to_string();
    succeed(&["healthcheck", "--url", &url, "--data-dir", &none], &[("SSL_CERT_FILE", &system)]);
    // A file that is named is the only one trusted.
    let other = Program::serve(&["--in-memory"], &[]);
    let foreign = ca(&other, dir.path());
    fail(
        &["healthcheck", "--url", &url, "--data-dir", &data, "--ca", &foreign],
        &[("SSL_CERT_FILE", &system)],
        &["is not trusted"],
    );
    // A damaged one is not ignored.
    std::fs::write(&system, "damaged").unwrap();
    fail(&["healthcheck", "--url", &url, "--data-dir", &data], &[], &["ca.pem contains no certificate"]);
    fail(&["healthcheck", "--url", &url, "--ca", &none], &[], &["--ca (SESAME_CA)", "cannot read", &none]);
}

/// A server with a certificate of another authority. Returns what a client sent after the handshake.
async fn impostor(listener: tokio::net::TcpListener) -> Vec<u8> {
    let address = listener.local_addr().unwrap();
    let tls = Tls::signed(None, Vec::new(), address.ip(), Arc::new(ServerClock::default())).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut sent = Vec::new();
    if let Ok(mut stream) = tls.accept(stream, address.ip()).await {
        drop(stream.read_to_end(&mut sent).await);
    }
    sent
}

#[tokio::test]
async fn the_token_never_goes_to_a_server_whose_certificate_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Program::serve(&["--in-memory"], &[]);
    let (ca, seed) = (ca(&server, dir.path()), seed(dir.path()));
    for command in [&["seed", &seed][..], &["export"], &["import", &seed, "--replace"]] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = https(listener.local_addr().unwrap());
        let received = tokio::spawn(impostor(listener));
        let arguments: Vec<String> = [command, &["--url", &url, "--ca", &ca, "--admin-token", TOKEN]]
            .concat()
            .iter()
            .map(|a| (*a).to_owned())
            .collect();
        let refused = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            fail(
                &arguments,
                &[],
                &["is not trusted", "not signed by an authority", "--ca FILE (SESAME_CA)", "--in-memory"],
            );
        });
        refused.await.unwrap();
        assert_eq!(String::from_utf8_lossy(&received.await.unwrap()), "");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused_with_the_flag_that_adds_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["other.example.com".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let (certificate, secret) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let pem = |label: &str, der: &[u8]| {
        use base64::Engine;
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    std::fs::write(&certificate, pem("CERTIFICATE", own.der())).unwrap();
    std::fs::write(&secret, pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    let (certificate, secret) = (certificate.display().to_string(), secret.display().to_string());
    let server = Program::serve(&["--in-memory", "--tls-cert", &certificate, "--tls-key", &secret], &[]);
    let url = https(server.address);
    fail(
        &["healthcheck", "--url", &url, "--ca", &certificate],
        &[],
        &["not for the name 127.0.0.1", "--tls-name 127.0.0.1"],
    );
}

/// Answers one connection with some bytes once its request begins, and returns what it received.
fn stranger(answer: &'static [u8]) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).unwrap();
        let mut all = piece[..read].to_vec();
        stream.write_all(answer).unwrap();
        if answer.is_empty() {
            // It keeps the connection open and says nothing until the client gives up.
            drop(stream.read_to_end(&mut all));
        }
        String::from_utf8_lossy(&all).into_owned()
    });
    (address, seen)
}

#[test]
fn an_answer_that_is_not_http_is_reported() {
    for (answer, words) in [
        (&b"SSH-2.0-OpenSSH_9.2p1\r\n"[..], "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "cut short"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnginx", "answers 404 Not Found"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
            "answers 302 Found",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
            "the server is not Sesame, or of another version",
        ),
    ] {
        let (address, seen) = stranger(answer);
        fail(&["export", "--url", &format!("http://{address}")], &[], &[words]);
        assert!(seen.join().unwrap().starts_with("GET /_sesame/state?"));
    }
    let (address, seen) = stranger(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    fail(
        &["export", "--url", &https(address), "--admin-token", TOKEN],
        &[],
        &["is not trusted", "speak HTTPS?"],
    );
    assert!(!seen.join().unwrap().contains(TOKEN));
}

#[test]
fn a_server_that_says_nothing_does_not_hold_a_command() {
    for scheme in ["http", "https"] {
        let (address, seen) = stranger(b"");
        fail(&["healthcheck", "--url", &format!("{scheme}://{address}")], &[], &[scheme]);
        seen.join().unwrap();
    }
    // The TLS handshake never finishes. The connect timeout applies, not the longer timeout of the whole command.
    let (address, seen) = stranger(b"");
    fail(&["export", "--url", &https(address)], &[], &["connecting takes too long"]);
    seen.join().unwrap();
}

#[test]
fn an_unreachable_server_is_reported_with_its_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for url in [format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}")] {
        fail(&["export", "--url", &url], &[], &[&format!("no server answers at {url}")]);
    }
    fail(
        &["export", "--url", "http://no.such.host.invalid"],
        &[],
        &["no server answers at http://no.such.host.invalid"],
    );
}

#[test]
fn addresses_are_understood_or_refused_with_an_example() {
    let server = Program::serve(&["--in-memory"], &[]);
    let port = server.address.port();
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("HTTP://localhost:{port}"),
        format!(" http://127.0.0.1:{port}"),
    ] {
        succeed(&["healthcheck", "--url", &url], &[]);
    }
    let server = Program::serve(&["--in-memory", "--listen", "[::1]:0"], &[]);
    assert_eq!(server.address.ip(), Ipv6Addr::LOCALHOST);
    let dir = tempfile::tempdir().unwrap();
    succeed(&["healthcheck", "--url", &format!("http://{}/", server.address)], &[]);
    succeed(&["healthcheck", "--url", &https(server.address), "--ca", &ca(&server, dir.path())], &[]);
    for (url, words) in [
        ("127.0.0.1:7070", "the scheme is missing"),
        ("ftp://sesame", "ftp:// is not supported"),
        ("http://user:pass@sesame", "must not hold a user"),
    ] {
        fail(&["healthcheck", "--url", url], &[], &[words, "http://127.0.0.1:7070"]);
    }
    // A proxy may need a prefix before all paths.
    let (address, seen) = stranger(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    succeed(&["healthcheck", "--url", &format!("http://{address}/kms/")], &[]);
    let seen = seen.join().unwrap().to_lowercase();
    assert!(seen.starts_with("get /kms/_sesame/ready http/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: {address}\r\n")), "{seen}");
}

#[test]
fn a_health_check_asks_where_the_server_of_this_machine_listens() {
    let server = Program::serve(&["--in-memory", "--listen", "0.0.0.0:0"], &[]);
    let port = server.address.port();
    let own = Program::serve(&["--in-memory"], &[]).address.port();
    for listen in [format!("0.0.0.0:{port}"), format!("{port}"), format!("127.0.0.1:{port}")] {
        succeed(&["healthcheck"], &[("SESAME_LISTEN", &listen)]);
    }
    // --url takes precedence.
    let gone = format!("0.0.0.0:{own}");
    fail(&["healthcheck"], &[("SESAME_LISTEN", &gone)], &["no server answers at http://127.0.0.1:"]);
    succeed(
        &["healthcheck"],
        &[("SESAME_LISTEN", &gone), ("SESAME_URL", &format!("http://127.0.0.1:{port}"))],
    );
    fail(&["healthcheck"], &[("SESAME_LISTEN", "127.0.0.1:0")], &["--url"]);
    let server = Program::serve(&["--in-memory", "--listen", "[::]:0"], &[]);
    succeed(&["healthcheck"], &[("SESAME_LISTEN", &server.address.to_string())]);
}

#[test]
fn the_ca_command_says_where_a_server_in_memory_shows_its_ca() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let shown = data.display().to_string();
    let first = run(&["ca", "--data-dir", &shown], &[]);
    let (out, note) = (String::from_utf8(first.stdout).unwrap(), String::from_utf8(first.stderr).unwrap());
    assert!(
        out.starts_with("-----BEGIN CERTIFICATE-----") && out.ends_with("-----END CERTIFICATE-----\n"),
        "{out}"
    );
    assert!(note.contains("made a new CA") && note.contains("/_sesame/ca.pem"), "{note}");
    let second = run(&["ca", "--data-dir", &shown], &[]);
    assert_eq!((String::from_utf8(second.stdout).unwrap(), second.stderr.len()), (out, 0));
    // Where the server's setting is known, nothing is created.
    let other = dir.path().join("other");
    let environment = [("SESAME_IN_MEMORY", "true"), ("SESAME_DATA_DIR", other.to_str().unwrap())];
    fail(&["ca"], &environment, &["--in-memory", "curl http://127.0.0.1:7070/_sesame/ca.pem"]);
    assert!(!other.exists());
}
