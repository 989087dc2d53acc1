//! A server inside a program: what `sesame::embedded` promises to tests in Rust.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use sesame::embedded::Server;

/// Asks for a secret without a signature; the answer's head and body.
fn ask(address: SocketAddr, query: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /?Version=2016-01-20&{query} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

const SEED: &str =
    "version: 1\nsecrets:\n  - name: db\n    versions: [{id: v1, value: hunter2, stages: [ACSCurrent]}]\n";

#[test]
fn a_program_without_a_runtime_starts_a_server_with_a_seed_and_stops_it() {
    let server = Server::builder().seed(SEED).start().unwrap();
    let address = server.address();
    assert_eq!(server.url(), format!("http://{address}"));
    assert!(address.ip().is_loopback());
    assert!(ask(address, "Action=GetSecretValue&SecretName=db").contains("\"SecretData\":\"hunter2\""));
    server.stop();
    TcpStream::connect(address).unwrap_err();
}

#[tokio::test]
async fn a_test_on_one_thread_may_ask_it_with_a_client_that_blocks() {
    let server = Server::builder().seed(SEED).start().unwrap();
    assert!(ask(server.address(), "Action=GetSecretValue&SecretName=db").contains("hunter2"));
}

#[test]
fn two_servers_in_one_process_share_nothing() {
    let [filled, empty] = [SEED, ""].map(|seed| Server::builder().seed(seed).start().unwrap());
    assert_ne!(filled.address(), empty.address());
    assert!(ask(filled.address(), "Action=DescribeSecret&SecretName=db").contains(" 200 "));
    assert!(
        ask(empty.address(), "Action=DescribeSecret&SecretName=db").contains("Forbidden.ResourceNotFound")
    );
}

#[test]
fn a_reset_goes_back_to_the_seed() {
    let server = Server::builder().seed(SEED).start().unwrap();
    let address = server.address();
    let deleted = ask(address, "Action=DeleteSecret&SecretName=db&ForceDeleteWithoutRecovery=true");
    assert!(deleted.contains(" 200 "), "{deleted}");
    let mut connection = TcpStream::connect(address).unwrap();
    let (path, body) = ("/_sesame/reset", r#"{"to":"seed"}"#);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    );
    write!(connection, "{head}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    assert!(ask(address, "Action=GetSecretValue&SecretName=db").contains("hunter2"));
}

#[test]
fn region_and_account_are_in_the_arn() {
    let server = Server::builder().region("cn-shanghai").account("42").seed(SEED).start().unwrap();
    let described = ask(server.address(), "Action=DescribeSecret&SecretName=db");
    assert!(described.contains("acs:kms:cn-shanghai:42:secret/db"), "{described}");
}

#[test]
fn a_signed_server_refuses_what_is_not_signed() {
    let server = Server::builder().signed().start().unwrap();
    let answer = ask(server.address(), "Action=ListSecrets");
    assert!(answer.contains(" 400 ") && answer.contains("MissingAccessKeyId"), "{answer}");
}

#[test]
fn a_wrong_setting_is_refused_with_an_example() {
    let said = |builder: sesame::embedded::Builder| builder.start().unwrap_err().to_string();
    let region = said(Server::builder().region("Mars"));
    assert!(region.contains("Mars") && region.contains("cn-hangzhou"), "{region}");
    let account = said(Server::builder().account("me"));
    assert!(account.contains("\"me\"") && account.contains("1000000000000001"), "{account}");
    let seed = said(Server::builder().seed("version: 1\nsecrets:\n  - name: db\n    colour: red\n"));
    assert!(seed.starts_with("seed: line ") && seed.contains("colour"), "{seed}");
}
