//! For each route and each action the client disconnects while the store is busy with the request. The call of the
//! store must still complete.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sesame::testing::actions::{ACTIONS, Support};
use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::handed_on::{Intercepted, Interceptor};
use crate::support::{Options, Server, form, postgres};

/// A store whose calls wait at a gate while it is closed, and are counted.
#[derive(Debug)]
struct Gated {
    store: Arc<dyn Store>,
    open: watch::Receiver<bool>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// Calls that were dropped before they completed.
    dropped: AtomicUsize,
}

struct Call(Arc<Counts>, bool);

impl Drop for Call {
    fn drop(&mut self) {
        let count = if self.1 { &self.0.ended } else { &self.0.dropped };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Interceptor for Gated {
    type Call = Call;

    async fn begin(&self, _method: &'static str) -> Call {
        let call = Call(Arc::clone(&self.counts), false);
        self.counts.begun.fetch_add(1, Ordering::SeqCst);
        self.open.clone().wait_for(|open| *open).await.unwrap();
        call
    }

    fn end(&self, mut call: Call) {
        call.1 = true;
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }
}

/// Every route below `/_sesame` that may use the store: method, path, body. `ca.pem` and the lists in memory do not use it.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/ready", ""),
    ("GET", "/state", ""),
    ("PUT", "/state", r#"{"version":1,"secrets":[{"name":"new","versions":[{"id":"v1","value":"x"}]}]}"#),
    ("POST", "/seed", r#"{"version":1,"secrets":[{"name":"seeded","versions":[{"id":"v1","value":"x"}]}]}"#),
    ("GET", "/secrets", ""),
    ("POST", "/snapshots/s", ""),
    ("POST", "/snapshots/s/restore", ""),
    ("PUT", "/accounts/77", r#"{"access_keys":[{"id":"k77","secret":"s"}]}"#),
    ("DELETE", "/accounts/77", ""),
    ("POST", "/clock", r#"{"advance_seconds":1}"#),
    ("POST", "/rotations", r#"{"secrets":"*"}"#),
    ("POST", "/reset", ""),
];

/// Routes that are answered from memory when one process owns the database.
const FROM_MEMORY: &[&str] = &[
    "/health",
    "/ca.pem",
    "/clock",
    "/accounts",
    "/accounts/{id}",
    "/faults",
    "/faults/{id}",
    "/requests",
    "/requests/verify",
    "/metrics",
    "/policy/test",
    "/snapshots",
    "/events",
    "/rotators",
    "/rotators/{name}/check",
];

/// The paths in the router's source.
fn paths() -> BTreeSet<String> {
    let source = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/admin/mod.rs"));
    source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_walk_knows_every_route() {
    let known: BTreeSet<String> = ROUTES
        .iter()
        .map(|(_, path, _)| path.replace("/s/", "/{name}/").replace("/77", "/{id}"))
        .map(|path| if path == "/snapshots/s" { "/snapshots/{name}".to_owned() } else { path })
        .chain(FROM_MEMORY.iter().map(|path| (*path).to_owned()))
        .collect();
    assert_eq!(paths(), known, "a new route must be added to this walk");
}

struct Walk {
    server: Server,
    gate: watch::Sender<bool>,
    counts: Arc<Counts>,
    /// Requests that called the store and were abandoned while the call waited.
    abandoned: BTreeSet<String>,
}

impl Walk {
    async fn over(store: Arc<dyn Store>) -> Self {
        let (gate, open) = watch::channel(true);
        let counts = Arc::<Counts>::default();
        let gated = Intercepted(Gated { store, open, counts: Arc::clone(&counts) });
        let server = Server::over(Arc::new(gated), Options::default()).await;
        Self { server, gate, counts, abandoned: BTreeSet::new() }
    }

    /// Sends a request, disconnects while its call of the store waits, and lets the call continue. It must complete.
    async fn abandon(&mut self, what: &str, request: &str) {
        let begun = self.counts.begun.load(Ordering::SeqCst);
        self.gate.send_replace(false);
        let mut stream = TcpStream::connect(self.server.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Until it waits at the gate, or is answered without the store.
        tokio::select! {
            () = eventually(|| self.counts.begun.load(Ordering::SeqCst) > begun) => {
                self.abandoned.insert(what.to_owned());
            }
            readable = stream.readable() => readable.unwrap(),
        }
        drop(stream);
        // The server must notice the disconnect. If it drops the request, it does so at once.
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.gate.send_replace(true);
        let counts = &self.counts;
        let settled = || {
            let ended = counts.ended.load(Ordering::SeqCst) + counts.dropped.load(Ordering::SeqCst);
            ended == counts.begun.load(Ordering::SeqCst)
        };
        eventually(settled).await;
        assert_eq!(counts.dropped.load(Ordering::SeqCst), 0, "{what} was cut off with its client");
    }

    async fn all(&mut self) {
        for (method, path, body) in ROUTES {
            let length = body.len();
            let head =
                format!("{method} /_sesame{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}");
            self.abandon(path, &format!("{head}\r\n\r\n{body}")).await;
        }
        for action in ACTIONS.iter().filter(|action| action.support() == Support::Implemented) {
            let mut system = vec![("Action", action.name()), ("Version", "2016-01-20")];
            let given =
                action.parameters().iter().map(|parameter| (parameter.name, plausible(parameter.name)));
            system.extend(given.filter(|(_, value)| !value.is_empty()));
            let body = form(&system);
            let head =
                "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
            let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            self.abandon(action.name(), &request).await;
        }
    }
}

/// A value that most actions accept. Empty for a parameter that is not needed.
pub(super) fn plausible(parameter: &str) -> &'static str {
    match parameter {
        "SecretName" | "ResourceId.N" | "ResourceId" => "unknown",
        "VersionId" | "MoveToVersion" => "v1",
        "SecretData" | "Description" => "x",
        "KeyId" => "key-unknown",
        "AliasName" => "alias/unknown",
        "VersionStage" => "Mine",
        "SecretsList" => "[{\"SecretName\":\"unknown\"}]",
        "TagKeys" => "[\"a\"]",
        "Tags" => "[{\"TagKey\":\"a\",\"TagValue\":\"b\"}]",
        "ResourceType" => "secret",
        "Plaintext" => "QUJD",
        _ => "",
    }
}

async fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the request does not complete");
}

#[tokio::test]
async fn no_client_ends_a_call_of_the_store_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(SqlStore::in_memory().await.unwrap()),
        Arc::new(SqlStore::open(&dir.path().join("sesame.db")).await.unwrap()),
    ];
    for store in stores {
        let mut walk = Walk::over(store).await;
        walk.all().await;
        let routes = ROUTES.iter().map(|(_, path, _)| *path);
        for what in routes.chain(["CreateSecret", "CreateKey", "DeleteSecret", "ListSecrets", "UpdateSecret"])
        {
            assert!(walk.abandoned.contains(what), "{what} did not reach the store");
        }
        walk.server.stop().await;
    }
}

#[tokio::test]
async fn no_client_ends_a_call_of_the_store_on_postgresql() {
    let url = postgres::database().await;
    let mut walk = Walk::over(Arc::new(postgres::store(&url).await)).await;
    walk.all().await;
    assert!(walk.abandoned.len() > ROUTES.len() + 30, "{:?}", walk.abandoned);
    walk.server.stop().await;
}

#[tokio::test]
async fn a_shutdown_waits_for_an_abandoned_request() {
    let (gate, open) = watch::channel(true);
    let counts = Arc::<Counts>::default();
    let store: Arc<dyn Store> = Arc::new(SqlStore::in_memory().await.unwrap());
    let gated = Intercepted(Gated { store, open, counts: Arc::clone(&counts) });
    let server = Server::over(Arc::new(gated), Options::default()).await;
    let begun = counts.begun.load(Ordering::SeqCst);
    gate.send_replace(false);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = "POST /_sesame/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    eventually(|| counts.begun.load(Ordering::SeqCst) > begun).await;
    drop(stream);
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!stopping.is_finished(), "the reset still waits for the store");
    gate.send_replace(true);
    stopping.await.unwrap();
    assert_eq!(counts.dropped.load(Ordering::SeqCst), 0, "the reset was cut off");
}
