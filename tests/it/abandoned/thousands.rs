//! Two thousand clients for each database that disconnect at any moment. Afterwards the database, the memory and a new
//! process agree, everything acknowledged is stored, and the server uses no more resources than before.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rand::seq::IndexedRandom as _;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value;
use sesame::testing::actions::ACTIONS;

use super::routes::plausible;
use crate::support::program::Program;
use crate::support::{Answer, form, postgres};

/// Abandoned requests of each half: first those that delete nothing, then all kinds.
const HALF: u64 = 1_000;
const CLIENTS: u64 = 4;
/// Secrets that exist from the start.
const KEPT: usize = 20;
/// The names that clients create; few, so that requests conflict.
const NAMES: usize = 40;
/// Accounts that clients put and remove.
const ACCOUNTS: usize = 10;

const SEED: &str =
    r#"{"version":1,"secrets":[{"name":"seeded","versions":[{"id":"v1","value":"from the seed"}]}]}"#;

/// A request: method, target, body.
struct Asked(&'static str, String, String);

fn admin(method: &'static str, path: &str, body: &str) -> Asked {
    Asked(method, format!("/_sesame{path}"), body.to_owned())
}

fn api(action: &str, parameters: &[(&str, &str)]) -> Asked {
    let system = [("Action", action), ("Version", "2016-01-20")];
    Asked("POST", "/".to_owned(), form(&[&system, parameters].concat()))
}

/// A request that deletes nothing.
fn harmless(rng: &mut impl Rng) -> Asked {
    let kept = format!("kept/{}", rng.random_range(0..KEPT));
    let made = format!("made/{}", rng.random_range(0..NAMES));
    let version = format!("v{}", rng.random_range(2..1_000_000));
    let account = format!("/accounts/70{}", rng.random_range(0..ACCOUNTS));
    match rng.random_range(0..24) {
        0 => admin("GET", "/ready", ""),
        1 => api("ListSecrets", &[("PageSize", "10")]),
        2 => api("GetSecretValue", &[("SecretName", "unknown")]),
        3 => api("GetSecretValue", &[("SecretName", &made)]),
        4 | 5 => api("CreateSecret", &[("SecretName", &made), ("VersionId", "v1"), ("SecretData", "made")]),
        6 | 7 => {
            api("PutSecretValue", &[("SecretName", &made), ("VersionId", &version), ("SecretData", "put")])
        }
        8 => api(
            "PutSecretValue",
            &[
                ("SecretName", &kept),
                ("VersionId", "side"),
                ("SecretData", "side"),
                ("VersionStages", "[\"Side\"]"),
            ],
        ),
        9 => api(
            "UpdateSecretVersionStage",
            &[("SecretName", &made), ("VersionStage", "ACSCurrent"), ("MoveToVersion", "v1")],
        ),
        10 => api("UpdateSecret", &[("SecretName", &made), ("Description", &version)]),
        11 => api("DescribeSecret", &[("SecretName", &kept), ("FetchTags", "true")]),
        12 => {
            let tags = format!(r#"[{{"TagKey":"k","TagValue":"{version}"}}]"#);
            api("TagResource", &[("SecretName", &made), ("Tags", &tags)])
        }
        13 => api("CreateKey", &[]),
        14 => api("ListKeys", &[]),
        15 | 16 => {
            let key = account.replace("/accounts/", "key");
            admin("PUT", &account, &format!(r#"{{"access_keys":[{{"id":"{key}","secret":"s"}}]}}"#))
        }
        17 | 18 => admin("DELETE", &account, ""),
        19 => admin("GET", "/state?plaintext", ""),
        20 => admin("POST", "/seed", SEED),
        21 => admin("POST", "/snapshots/s", ""),
        22 => admin("PUT", "/faults", r#"[{"action":"GetRandomPassword","delay_ms":1}]"#),
        _ => admin("DELETE", "/faults", ""),
    }
}

/// A call of any action, on a secret that may exist.
fn of_any_action(secret: &str, rng: &mut impl Rng) -> Asked {
    let action = ACTIONS.choose(rng).unwrap();
    let value = |name| if name == "SecretName" { secret } else { plausible(name) };
    let given = action.parameters().iter().map(|parameter| (parameter.name, value(parameter.name)));
    let given: Vec<_> = given.filter(|(_, value)| !value.is_empty()).collect();
    api(action.name(), &given)
}

/// A request of any kind.
fn any(rng: &mut impl Rng) -> Asked {
    let made = format!("made/{}", rng.random_range(0..NAMES));
    match rng.random_range(0..10) {
        0 => admin("POST", "/reset", ""),
        1 => admin("POST", "/snapshots/s/restore", ""),
        2 => admin("PUT", "/state", SEED),
        3 => admin("POST", "/clock", r#"{"advance_seconds":1}"#),
        4 => api("DeleteSecret", &[("SecretName", &made), ("ForceDeleteWithoutRecovery", "true")]),
        5..=7 => of_any_action(&made, rng),
        _ => harmless(rng),
    }
}

fn bytes(Asked(method, target, body): &Asked) -> Vec<u8> {
    let kind = "application/x-www-form-urlencoded";
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Connects, sends a request or a part of it, and disconnects after 0 to 12 steps of 100 µs.
fn abandon(address: SocketAddr, request: &Asked, rng: &mut impl Rng) {
    let bytes = bytes(request);
    let length = if rng.random_range(0..8) == 0 { rng.random_range(0..bytes.len()) } else { bytes.len() };
    let Ok(mut stream) = TcpStream::connect(address) else { panic!("the server does not accept") };
    stream.write_all(&bytes[..length]).unwrap();
    thread::sleep(Duration::from_micros(100) * rng.random_range(0..=12));
}

fn abandon_many(address: SocketAddr, first_seed: u64, choose: fn(&mut ChaCha20Rng) -> Asked) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let mut rng = ChaCha20Rng::seed_from_u64(first_seed + client);
                for _ in 0..HALF / CLIENTS {
                    let request = choose(&mut rng);
                    abandon(address, &request, &mut rng);
                }
            });
        }
    });
}

fn ask(program: &Program, asked: &Asked) -> Answer {
    Answer::parse(program.send(&bytes(asked)).as_bytes())
}

fn state(program: &Program) -> Value {
    let answer = ask(program, &admin("GET", "/state?plaintext", ""));
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn members<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Waits until every earlier connection and its request has ended.
fn settle(program: &Program) {
    for _ in 0..6_000 {
        let metrics = ask(program, &admin("GET", "/metrics", "")).body;
        // The connection that asks.
        if metrics.contains("\nsesame_connections_open 1\n") {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("requests do not complete");
}

/// Checks that what the server answers from memory is what its database contains.
fn memory_agrees_with_the_database(program: &Program) -> Value {
    let state = state(program);
    let mut names = BTreeSet::new();
    for secret in members(&state, "secrets") {
        let name = secret["name"].as_str().unwrap();
        names.insert(name.to_owned());
        for version in members(secret, "versions") {
            let id = version["id"].as_str().unwrap();
            let parameters = [("SecretName", name), ("VersionId", id)];
            let answer = ask(program, &api("GetSecretValue", &parameters)).ok();
            assert_eq!(answer["SecretData"], version["value"], "{name} {id}");
            let stored: BTreeSet<_> = members(version, "stages").iter().filter_map(Value::as_str).collect();
            let shown = members(&answer["VersionStages"], "VersionStage");
            assert_eq!(
                shown.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(),
                stored,
                "{name} {id}"
            );
        }
    }
    for n in 0..NAMES {
        let name = format!("made/{n}");
        let answer = ask(program, &api("GetSecretValue", &[("SecretName", &name)]));
        assert_eq!(answer.status == 200, names.contains(&name), "{name}: {}", answer.body);
    }
    let listed = ask(program, &api("ListSecrets", &[])).ok();
    assert_eq!(listed["TotalCount"].as_u64(), Some(names.len() as u64));
    let stored: BTreeSet<_> =
        members(&state, "accounts").iter().filter_map(|account| account["id"].as_str()).collect();
    for n in 0..ACCOUNTS {
        let (id, key) = (format!("70{n}"), format!("key70{n}"));
        assert_eq!(is_known(program, &key), stored.contains(&*id), "the access key of account {id}");
    }
    state
}

/// Whether the server knows an access key: only for a known key does it check the signature.
fn is_known(program: &Program, key: &str) -> bool {
    let time = "2026-11-30T00:00:00Z";
    let signed = [
        ("AccessKeyId", key),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", time),
        ("Signature", "wrong"),
    ];
    let answer = ask(program, &api("GetRandomPassword", &signed));
    match answer.status {
        200 => false,
        // An old time is reported before a wrong signature, and both only for a known key.
        400 => true,
        _ => panic!("{}", answer.body),
    }
}

/// The number of descriptors that the process has open.
fn descriptors(program: &Program) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap().count()
}

/// Connection pools may have grown to their limit; nothing else may have grown.
const POOLS: usize = 16;

fn abandoned(program: &Program) -> Value {
    for n in 0..KEPT {
        let name = format!("kept/{n}");
        ask(
            program,
            &api("CreateSecret", &[("SecretName", &name), ("VersionId", "v1"), ("SecretData", &name)]),
        )
        .ok();
    }
    let before = descriptors(program);
    abandon_many(program.address, 1, harmless);
    settle(program);
    for n in 0..KEPT {
        let name = format!("kept/{n}");
        let answer = ask(program, &api("GetSecretValue", &[("SecretName", &name)])).ok();
        assert_eq!(answer["SecretData"], name, "an abandoned request deleted it");
    }
    memory_agrees_with_the_database(program);
    abandon_many(program.address, 1 + CLIENTS, any);
    settle(program);
    // All locks are free: every secret and key can be changed.
    for n in 0..NAMES {
        let name = format!("made/{n}");
        let answer = ask(program, &api("UpdateSecret", &[("SecretName", &name), ("Description", "free")]));
        assert!(matches!(answer.status, 200 | 404 | 409), "{name}: {}", answer.body);
    }
    ask(program, &api("CreateKey", &[])).ok();
    let state = memory_agrees_with_the_database(program);
    let after = descriptors(program);
    assert!(after <= before + POOLS, "{before} descriptors were open before, {after} are afterwards");
    state
}

#[test]
fn two_thousand_abandoned_requests_leave_a_database_in_memory_whole() {
    let program = Program::serve(&["--in-memory"], &[]);
    abandoned(&program);
    let (code, log) = program.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("no such table"), "{log}");
}

#[test]
fn two_thousand_abandoned_requests_leave_a_file_whole() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["--data-dir", dir.path().to_str().unwrap()];
    let program = Program::serve(&flags, &[]);
    let before = abandoned(&program);
    program.kill();
    let fresh = Program::serve(&flags, &[]);
    assert_eq!(memory_agrees_with_the_database(&fresh), before, "a new process has other data");
}

#[tokio::test]
async fn two_thousand_abandoned_requests_leave_postgresql_whole() {
    let url = postgres::database().await;
    let key = "0123456789abcdef".repeat(4);
    let start = move || Program::serve(&["--database", &url], &[("SESAME_ROOT_KEY", &key)]);
    tokio::task::spawn_blocking(move || {
        let program = start();
        let before = abandoned(&program);
        let fresh = start();
        assert_eq!(memory_agrees_with_the_database(&fresh), before, "a new process has other data");
        assert_eq!(memory_agrees_with_the_database(&program), before, "memory and database do not agree");
    })
    .await
    .unwrap();
}
