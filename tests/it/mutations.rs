//! Mutated requests: captured ones with altered bytes, and correctly signed ones with altered parameters, sent to the
//! real program in each mode, in memory and on a file. Each gets an answer below 500, or its connection is closed;
//! nothing hangs, panics or grows.
//!
//! `SESAME_MUTATIONS` is the number of requests for each server. `.ci/run mutations` sends 20,000 to the release binary.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use sesame::testing::actions::PRODUCTS;

use crate::support::program::Program;
use crate::support::{form, sign, text};

/// Requests for each server, unless the environment sets another number.
const REQUESTS: usize = 2_400;
const CLIENTS: usize = 16;
/// The time limit of an answer, or of the end of a connection. A hang takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much the process may grow between the first and the last quarter, in KiB: its table of nonces and its cache fill.
const GROWTH_KIB: u64 = 48 * 1024;

/// The accounts of a server: a root, and a user who can only read.
const CONFIG: &str = r#"
[[accounts]]
id = "1000000000000001"
access_keys = [{ id = "testid", secret = "testsecret" }]
[[accounts.users]]
name = "reader"
policies = ["AliyunKMSReadOnlyAccess"]
access_keys = [{ id = "readerid", secret = "readersecret" }]
"#;

/// Values that have broken programs before.
const ODD: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "1",
    "2147483648",
    "99999999999999999999",
    "1e9",
    "NaN",
    "true",
    "True",
    "null",
    "%",
    "%00",
    "\0",
    "\r\n",
    "é",
    "密钥",
    "\u{202e}",
    "'",
    "\"",
    "<a>",
    "&amp;",
    "{}",
    "[]",
    "[[[[[[[[",
    "{\"a\":",
    "[null]",
    "[\"a\",1]",
    "../../etc/passwd",
    "acs:kms:cn-hangzhou:1000000000000001:secret/kept",
    "acs:kms:::",
    "acs/kms/secretsmanager",
    "alias/acs/kms",
    "alias/",
    "key-",
    "$Auto",
    "ACSCurrent",
    "ACSPrevious",
    "kept",
    "made",
    "v1",
    "7d",
    "AAAA",
    "=",
];

fn captures() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/captures");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let raw = |path: &std::path::PathBuf| {
        let capture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nConnection: close\r\n",
            text(&capture["method"]),
            text(&capture["target"])
        )
        .into_bytes();
        for header in capture["headers"].as_array().unwrap() {
            bytes.extend(format!("{}: {}\r\n", text(&header[0]), text(&header[1])).into_bytes());
        }
        bytes.extend(b"\r\n");
        let body = text(&capture["body"]);
        bytes.extend(match text(&capture["body_encoding"]) {
            "base64" => STANDARD.decode(body).unwrap(),
            _ => body.as_bytes().to_vec(),
        });
        bytes
    };
    // Requests of 30 KB only cost time.
    files.iter().map(raw).filter(|bytes| bytes.len() < 16 * 1024).collect()
}

/// Changes bytes in one to four places.
fn altered(original: &[u8], other: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..40)).min(bytes.len());
        match rng.random_range(0..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let odd = ODD.choose(rng).unwrap().as_bytes().to_vec();
                bytes.splice(at..end, odd);
            }
            4 => {
                let from = rng.random_range(0..=other.len());
                bytes.splice(at.., other[from..].to_vec());
            }
            5 => {
                let long = vec![b'A'; rng.random_range(1..5_000)];
                bytes.splice(at..at, long);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = rng.random();
                }
            }
        }
    }
    bytes
}

/// A value for a parameter: a valid one, or an odd one.
fn value(parameter: &str, rng: &mut impl Rng) -> String {
    if rng.random_range(0..3) == 0 {
        let odd = *ODD.choose(rng).unwrap();
        return if rng.random_range(0..20) == 0 { odd.repeat(3_000) } else { odd.to_owned() };
    }
    let fitting = match parameter {
        "SecretName" => ["kept", "made"].choose(rng).unwrap(),
        "VersionId" | "MoveToVersion" | "RemoveFromVersion" => ["v1", "v2", "v3"].choose(rng).unwrap(),
        "SecretData" | "Description" => "text",
        "VersionStage" => "ACSCurrent",
        "VersionStages" => "[\"ACSCurrent\",\"Mine\"]",
        "KeyId" => "alias/none",
        "AliasName" => "alias/made",
        "Tags" => "[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]",
        "TagKeys" => "[\"a\"]",
        "PageSize" | "PageNumber" | "NumberOfBytes" | "PasswordLength" => "16",
        "Plaintext" => "QUJD",
        _ => ODD.choose(rng).unwrap(),
    };
    fitting.to_owned()
}

/// A request whose parameters were altered before it was signed.
fn signed(rng: &mut impl Rng) -> Vec<u8> {
    let other = rng.random_range(0..20) == 0;
    let product = if other { PRODUCTS[1..].choose(rng).unwrap() } else { PRODUCTS[0] };
    let (version, action) = (product.version, product.actions.choose(rng).unwrap());
    let (id, secret) = *[("testid", "testsecret"), ("readerid", "readersecret")].choose(rng).unwrap();
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let nonce = rng.random::<u64>().to_string();
    let mut given = Vec::new();
    for parameter in action.parameters() {
        for _ in 0..*[1, 1, 1, 1, 1, 1, 0, 2].choose(rng).unwrap() {
            let index = rng.random_range(0..4).to_string();
            let name = parameter.name.replace('N', if parameter.name.contains(".N") { &index } else { "N" });
            // Keys would fill the server, so most of them are not created.
            given.push((name, value(parameter.name, rng)));
        }
    }
    let mut parameters = sign::rpc_system_of(version, action.name(), id, &time);
    parameters.push(("SignatureNonce", &nonce));
    parameters.extend(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let signature = sign::rpc_signature("POST", secret, &parameters);
    parameters.push(("Signature", &signature));
    let body = form(&parameters);
    let kind = "application/x-www-form-urlencoded";
    format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How long the server has to answer before the client ends its side: a mutated request may be incomplete.
const INCOMPLETE: Duration = Duration::from_millis(20);

/// Sends a request and returns what is wrong with the answer, if anything. A `whole` request must be answered.
fn fault_of(address: SocketAddr, request: &[u8], whole: bool) -> Option<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may close before it has read everything.
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    let mut ended = false;
    for patience in if whole { [PATIENCE, PATIENCE] } else { [INCOMPLETE, PATIENCE] } {
        stream.set_read_timeout(Some(patience)).unwrap();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => ended = true,
        }
        if ended {
            break;
        }
        // Not earlier: the server drops the connection of a client that has ended its side.
        drop(stream.shutdown(Shutdown::Write));
    }
    if !ended {
        return Some("no answer, no end".to_owned());
    }
    if whole && !answer.starts_with(b"HTTP/1.1 ") {
        return Some("no answer".to_owned());
    }
    // A spliced request may be several; each gets an answer.
    let text = String::from_utf8_lossy(&answer);
    let wrong =
        text.lines().find(|line| line.starts_with("HTTP/1.") && line.as_bytes().get(9) == Some(&b'5'));
    wrong.map(str::to_owned)
}

/// Sends this many requests of a client and panics at the first wrong answer.
fn send(address: SocketAddr, captures: &[Vec<u8>], seed: u64, count: usize) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    for _ in 0..count {
        let whole = rng.random();
        let request = if whole {
            signed(&mut rng)
        } else {
            altered(captures.choose(&mut rng).unwrap(), captures.choose(&mut rng).unwrap(), &mut rng)
        };
        if let Some(fault) = fault_of(address, &request, whole) {
            panic!("{fault}\n{}", String::from_utf8_lossy(&request));
        }
    }
}

/// The memory of the process, in KiB.
fn resident(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[expect(clippy::disallowed_macros, clippy::print_stdout, reason = "the sizes are what a long run is for")]
fn attack(mode: &str, place: &[&str], config: &Path) {
    let all: usize = std::env::var("SESAME_MUTATIONS").map_or(REQUESTS, |count| count.parse().unwrap());
    let flags = ["--auth", mode, "--admin-token", "token", "--config", config.to_str().unwrap()];
    let program = Program::serve(&[&flags[..], place].concat(), &[]);
    let captures = captures();
    let mut sizes = Vec::new();
    for quarter in 0..4 {
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (address, captures) = (program.address, &captures);
                let seed = (quarter * CLIENTS + client) as u64;
                scope.spawn(move || send(address, captures, seed, all / 4 / CLIENTS));
            }
        });
        let reset = "POST /_sesame/reset HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\n";
        let answer =
            program.send(format!("{reset}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        sizes.push(resident(&program));
    }
    let grown = sizes[3].saturating_sub(sizes[0]);
    assert!(grown < GROWTH_KIB, "{mode}: it grew by {grown} KiB: {sizes:?}");
    println!("{mode} {place:?}: {all} requests; resident after each quarter: {sizes:?} KiB");
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("panicked") && !log.contains("status=5"), "{log}");
}

/// One server after the other, because server and client use two cores.
#[test]
fn mutated_requests_are_refused_in_every_mode_in_memory_and_on_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sesame.toml");
    std::fs::write(&config, CONFIG).unwrap();
    for mode in ["open", "signed", "enforced"] {
        attack(mode, &["--in-memory"], &config);
        let data = dir.path().join(mode);
        attack(mode, &["--data-dir", data.to_str().unwrap()], &config);
    }
}
