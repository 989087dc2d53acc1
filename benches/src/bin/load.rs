//! The load client of the benchmarks: keep-alive connections to one server on loopback, each of which sends the next
//! request when the last was answered. Every request is signed anew, as an SDK does it. Prints one JSON object.
//!
//! `load ADDRESS KIND CONNECTIONS SECONDS [NAME=VALUE ...]`; KIND is one of
//!
//! - `get`: GetSecretValue of `secret` (default `bench`), signed by ACS3; `secrets=N` spreads over `secret/0` and so on;
//! - `put`: PutSecretValue of a fresh version, signed by ACS3; each connection has a secret of its own, or all share
//!   `shared=NAME`;
//! - `mixed`: one put for every nine gets of that secret;
//! - `open`: `get` unsigned; `list`: ListSecrets of `page`;
//! - `moto`, `floor`: the same read as its server wants it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is asked for.
#[derive(Clone)]
struct Plan {
    address: String,
    kind: String,
    options: BTreeMap<String, String>,
    /// The hash of an empty body, which most requests have.
    empty: String,
}

impl Plan {
    fn option(&self, name: &str, default: &str) -> String {
        self.options.get(name).cloned().unwrap_or_else(|| default.to_owned())
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.options.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

static NONCE: AtomicU64 = AtomicU64::new(0);

/// `yyyy-MM-ddTHH:mm:ssZ` of now.
fn time() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default().to_string()
}

/// A request signed by ACS3-HMAC-SHA256; `query` is encoded and sorted already.
fn signed(plan: &Plan, action: &str, query: &str) -> Vec<u8> {
    let key = plan.option("key", "testid");
    let secret = plan.option("key_secret", "testsecret");
    let nonce = format!("{:016x}{:016x}", std::process::id(), NONCE.fetch_add(1, Ordering::Relaxed));
    let (date, host, hash) = (time(), &plan.address, &plan.empty);
    let canonical = format!(
        "POST\n/\n{query}\nhost:{host}\nx-acs-action:{action}\nx-acs-content-sha256:{hash}\nx-acs-date:{date}\n\
         x-acs-signature-nonce:{nonce}\nx-acs-version:2016-01-20\n\n\
         host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n{hash}"
    );
    let text = format!("ACS3-HMAC-SHA256\n{}", const_hex::encode(Sha256::digest(canonical.as_bytes())));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| std::process::exit(2));
    mac.update(text.as_bytes());
    let signature = const_hex::encode(mac.finalize().into_bytes());
    format!(
        "POST /?{query} HTTP/1.1\r\nhost: {host}\r\nx-acs-action: {action}\r\nx-acs-content-sha256: {hash}\r\n\
         x-acs-date: {date}\r\nx-acs-signature-nonce: {nonce}\r\nx-acs-version: 2016-01-20\r\n\
         Authorization: ACS3-HMAC-SHA256 Credential={key},SignedHeaders=host;x-acs-action;x-acs-content-sha256;\
         x-acs-date;x-acs-signature-nonce;x-acs-version,Signature={signature}\r\ncontent-length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// The next request of a connection.
fn request(plan: &Plan, connection: u64, turn: u64) -> Vec<u8> {
    let own = || plan.options.get("shared").cloned().unwrap_or_else(|| format!("bench-put-{connection}"));
    let put = |name: &str| {
        let version = format!("{connection}-{turn}-{}", plan.option("run", "0"));
        let query = format!("SecretData=value-{version}&SecretName={name}&VersionId={version}");
        signed(plan, "PutSecretValue", &query)
    };
    match plan.kind.as_str() {
        "put" => put(&own()),
        "mixed" if turn % 10 == 9 => put(&own()),
        "mixed" => signed(plan, "GetSecretValue", &format!("SecretName={}", own())),
        "get" => {
            let name = plan.option("secret", "bench");
            let name = match plan.number("secrets", 0) {
                0 => name,
                // Spread without order: what is near is not read together.
                n => format!("{name}%2F{}", (connection * 7_919 + turn * 104_729) % n),
            };
            signed(plan, "GetSecretValue", &format!("SecretName={name}{}", plan.option("more", "")))
        }
        "open" => {
            let name = plan.option("secret", "bench");
            let query = format!("Action=GetSecretValue&SecretName={name}&Version=2016-01-20");
            format!("GET /?{query} HTTP/1.1\r\nhost: {}\r\n\r\n", plan.address).into_bytes()
        }
        "list" => {
            let query = format!("PageNumber={}&PageSize=10", plan.number("page", 1));
            signed(plan, "ListSecrets", &query)
        }
        "moto" => {
            let (action, body) = match plan.option("action", "get").as_str() {
                "put" => (
                    "PutSecretValue",
                    format!("{{\"SecretId\":\"bench\",\"SecretString\":\"value-{turn}\"}}"),
                ),
                _ => ("GetSecretValue", "{\"SecretId\":\"bench\"}".to_owned()),
            };
            format!(
                "POST / HTTP/1.1\r\nhost: {}\r\nx-amz-target: secretsmanager.{action}\r\n\
                 content-type: application/x-amz-json-1.1\r\nauthorization: AWS4-HMAC-SHA256 \
                 Credential=a/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0\r\n\
                 content-length: {}\r\n\r\n{body}",
                plan.address,
                body.len()
            )
            .into_bytes()
        }
        "floor" => signed(plan, "GetSecretValue", "SecretName=bench"),
        other => {
            eprintln!("no kind of load: {other}");
            std::process::exit(2)
        }
    }
}

/// Reads one answer; its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<u16> {
    buffer.clear();
    let gone = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(gone());
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        let Ok(httparse::Status::Complete(begin)) = head.parse(buffer) else { continue };
        let status = head.code.unwrap_or_default();
        let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        let length: usize = length
            .and_then(|header| std::str::from_utf8(header.value).ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        while buffer.len() < begin + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(gone());
            }
        }
        return Ok(status);
    }
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    micros: Vec<u32>,
    errors: u64,
}

async fn connection(plan: Plan, number: u64, until: Instant, limit: u64) -> Seen {
    let mut seen = Seen::default();
    let Ok(mut stream) = TcpStream::connect(&plan.address).await else {
        seen.errors += 1;
        return seen;
    };
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut turn = 0;
    while Instant::now() < until && turn < limit {
        let bytes = request(&plan, number, turn);
        let begun = Instant::now();
        let status = match stream.write_all(&bytes).await {
            Ok(()) => answer(&mut stream, &mut buffer).await,
            Err(error) => Err(error),
        };
        match status {
            Ok(200) => seen.micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)),
            Ok(_) => {
                if seen.errors == 0 {
                    eprintln!("{}", String::from_utf8_lossy(&buffer));
                }
                seen.errors += 1;
            }
            // One server closes a connection after so many requests; a new one is part of its cost.
            Err(_) => match TcpStream::connect(&plan.address).await {
                Ok(again) => {
                    stream = again;
                    seen.errors += u64::from(plan.kind != "moto");
                }
                Err(_) => {
                    seen.errors += 1;
                    return seen;
                }
            },
        }
        turn += 1;
    }
    seen
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, kind, connections, seconds, more @ ..] = arguments.as_slice() else {
        eprintln!("load ADDRESS KIND CONNECTIONS SECONDS [NAME=VALUE ...]");
        std::process::exit(2);
    };
    let options =
        more.iter().filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned()));
    let plan = Plan {
        address: address.clone(),
        kind: kind.clone(),
        options: options.collect(),
        empty: const_hex::encode(Sha256::digest(b"")),
    };
    let connections: u64 = connections.parse().unwrap_or(1);
    let seconds: f64 = seconds.parse().unwrap_or(1.0);
    let limit = plan.number("requests", u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { std::process::exit(2) };
    let all = Arc::new(Mutex::new(Seen::default()));
    let begun = Instant::now();
    let until = begun + Duration::from_secs_f64(seconds);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|number| tokio::spawn(connection(plan.clone(), number, until, limit)))
            .collect();
        for task in tasks {
            let Ok(seen) = task.await else { continue };
            let Ok(mut all) = all.lock() else { continue };
            all.micros.extend(seen.micros);
            all.errors += seen.errors;
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let Ok(mut all) = all.lock() else { std::process::exit(2) };
    all.micros.sort_unstable();
    let at = |share: f64| {
        let index = (all.micros.len() as f64 * share) as usize;
        all.micros.get(index.min(all.micros.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let rate = all.micros.len() as f64 / took;
    println!(
        "{{\"requests\":{},\"errors\":{},\"seconds\":{took:.3},\"rate\":{rate:.1},\"p50_us\":{},\"p99_us\":{}}}",
        all.micros.len(),
        all.errors,
        at(0.5),
        at(0.99)
    );
}
