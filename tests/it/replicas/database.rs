//! How the database affects a server: how it is reached, and what happens while it is unavailable.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use serde_json::Value;
use sesame::testing::store::Store;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::beside;
use crate::support::program::{Program, run};
use crate::support::{Options, Server, postgres, scope};

/// Runs `serve` on a database, which must fail with one line that contains one of these words.
fn refused(url: &str, words: &[&str]) {
    let key = "1".repeat(64);
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--database", url], &[("SESAME_ROOT_KEY", &key)]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.trim_end().lines().count()), (Some(1), 1), "{said}");
    assert!(words.iter().any(|word| said.contains(word)), "none of {words:?} is in {said:?}");
}

/// A server that starts and answers.
fn served(url: &str) {
    let key = "1".repeat(64);
    let server = Program::serve(&["--database", url], &[("SESAME_ROOT_KEY", &key)]);
    let answer = server.call("ListSecrets", &[]);
    assert!(answer.contains("200 OK"), "{answer}");
}

#[test]
fn tls_to_the_database_is_what_its_url_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cluster = postgres::Cluster::with(&["--tls"]);
    let url = runtime.block_on(cluster.database());
    assert!(url.contains("sslmode=verify-full&sslrootcert="), "{url}");
    served(&url);
    let (bare, parameters) = url.split_once('?').unwrap();
    let authority = parameters.split_once("sslrootcert=").unwrap().1;
    served(&format!("{bare}?sslmode=require"));
    // A certificate for another name, a certificate of another authority, no TLS at all.
    let by_name = bare.replace("127.0.0.1", "localhost");
    served(&format!("{by_name}?sslmode=verify-ca&sslrootcert={authority}"));
    refused(&format!("{by_name}?sslmode=verify-full&sslrootcert={authority}"), &["not valid for name"]);
    let dir = tempfile::tempdir().unwrap();
    let other = run(&["ca", "--data-dir", dir.path().to_str().unwrap()], &[]).stdout;
    let stranger = dir.path().join("stranger.pem");
    std::fs::write(&stranger, other).unwrap();
    refused(&format!("{bare}?sslmode=verify-full&sslrootcert={}", stranger.display()), &["UnknownIssuer"]);
    refused(&format!("{bare}?sslmode=verify-full"), &["UnknownIssuer"]);
    refused(
        &format!("{bare}?sslmode=verify-full&sslrootcert=/nonexistent"),
        &["nonexistent", "No such file"],
    );
    refused(&format!("{bare}?sslmode=disable"), &["no encryption"]);
}

#[test]
fn a_role_that_cannot_migrate_is_refused_with_a_reason_and_can_serve_a_migrated_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres::database());
    let poor = url.replace("sesame@", "poor@");
    let make = [
        "DO $$ BEGIN CREATE ROLE poor LOGIN; EXCEPTION WHEN duplicate_object THEN END $$",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ];
    runtime.block_on(beside(&url, &make));
    refused(&poor, &["permission denied for schema public"]);
    let key = "1".repeat(64);
    let migrated = run(&["migrate", "--database", &url], &[("SESAME_ROOT_KEY", &key)]);
    assert_eq!(migrated.status.code(), Some(0));
    refused(&poor, &["permission denied for table"]);
    let grant = [
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO poor",
        "REVOKE INSERT, UPDATE, DELETE ON _sqlx_migrations FROM poor",
    ];
    runtime.block_on(beside(&url, &grant));
    served(&poor);
    let server = Program::serve(&["--database", &poor], &[("SESAME_ROOT_KEY", &key)]);
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    assert!(server.post("/_sesame/reset", "application/json", "").contains("200 OK"));
}

/// Sends a request until the answer is not 503.
async fn until_answered(server: &Server, action: &str, given: &[(&str, &str)]) -> Value {
    for _ in 0..200 {
        let answer = server.call(action, given).await;
        if answer.status != 503 {
            return answer.ok();
        }
    }
    panic!("{action} is still answered with 503");
}

#[tokio::test]
async fn while_all_connections_are_busy_clients_are_asked_to_retry() {
    let url = postgres::database().await;
    let server = Server::over(Arc::new(postgres::store_of(&url, 1).await), Options::default()).await;
    server.create("s").await;
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for statement in ["BEGIN", "LOCK TABLE secrets IN ACCESS EXCLUSIVE MODE"] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    // The first one holds the only connection and waits for the lock; the others wait for the connection.
    let get = [("SecretName", "s")];
    let put = [get[0], ("VersionId", "v2"), ("SecretData", "two")];
    let (first, second, third, ready) = tokio::join!(
        server.call("GetSecretValue", &get),
        server.call("GetSecretValue", &get),
        server.call("PutSecretValue", &put),
        server.send("GET", "/_sesame/ready", &[], b""),
    );
    for answer in [&first, &second, &third] {
        let told = answer.refused();
        assert_eq!((told.0, told.1.as_str()), (503, "ServiceUnavailableTemporary"));
    }
    assert_eq!(ready.status, 503);
    sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
    until_answered(&server, "PutSecretValue", &[get[0], ("VersionId", "v3"), ("SecretData", "three")]).await;
    assert_eq!(server.value("s", &[]).await, "three");
    assert_eq!(server.send("GET", "/_sesame/ready", &[], b"").await.status, 200);
    server.stop().await;
}

/// A connection to the database that can be cut and delayed.
struct Line {
    address: SocketAddr,
    /// Ends the existing connections.
    cut: Arc<std::sync::Mutex<CancellationToken>>,
    /// Whether new connections are allowed.
    closed: Arc<AtomicBool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Line {
    /// A proxy for this address.
    async fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut: Arc<std::sync::Mutex<CancellationToken>> = Arc::default();
        let closed = Arc::new(AtomicBool::new(false));
        let (current, shut) = (Arc::clone(&cut), Arc::clone(&closed));
        let serving = tokio::spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                if shut.load(Ordering::SeqCst) {
                    continue;
                }
                let token = current.lock().unwrap().clone();
                lines.spawn(async move {
                    let mut far = TcpStream::connect(database).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = token.cancelled() => {}
                    }
                });
            }
        });
        Self { address, cut, closed, serving }
    }

    /// Cuts the connection.
    fn cut(&self) {
        self.closed.store(true, Ordering::SeqCst);
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    /// Restores the connection.
    fn mend(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn the_server_recovers_from_a_cut_connection() {
    let direct = postgres::database().await;
    let host = direct.split_once('@').unwrap().1.split_once('/').unwrap().0;
    let line = Line::to(host.parse().unwrap()).await;
    let url = direct.replace(host, &line.address.to_string());
    let server = Server::over(Arc::new(postgres::store(&url).await), Options::default()).await;
    server.create("s").await;
    let get = [("SecretName", "s")];
    for round in 0..3 {
        line.cut();
        assert_eq!(server.refused("GetSecretValue", &get).await.0, 503);
        let (version, data) = (format!("r{round}"), format!("data {round}"));
        let put = [get[0], ("VersionId", version.as_str()), ("SecretData", data.as_str())];
        assert_eq!(server.refused("PutSecretValue", &put).await.0, 503);
        assert_eq!(server.send("GET", "/_sesame/ready", &[], b"").await.status, 503);
        assert_eq!(server.send("GET", "/_sesame/health", &[], b"").await.status, 200);
        line.mend();
        until_answered(&server, "GetSecretValue", &get).await;
        until_answered(&server, "PutSecretValue", &put).await;
        assert_eq!(server.value("s", &[]).await, data);
        assert_eq!(server.send("GET", "/_sesame/ready", &[], b"").await.status, 200);
    }
    server.stop().await;
    line.serving.abort();
}

#[test]
fn a_server_whose_database_went_away_says_so_in_its_log_and_comes_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut cluster = postgres::Cluster::start();
    let url = runtime.block_on(cluster.database());
    let key = "1".repeat(64);
    let server = Program::serve(&["--database", &url], &[("SESAME_ROOT_KEY", &key)]);
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    assert!(server.call("CreateSecret", &create).contains("200 OK"));
    let ready = || server.send(b"GET /_sesame/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    cluster.tell("stop");
    let get = [("SecretName", "s")];
    let answer = server.call("GetSecretValue", &get);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("ServiceUnavailableTemporary"), "{answer}");
    assert!(ready().starts_with("HTTP/1.1 503"));
    let output = run(&["serve", "--listen", "127.0.0.1:0", "--database", &url], &[("SESAME_ROOT_KEY", &key)]);
    assert_eq!(output.status.code(), Some(1), "a start while the database is away");
    cluster.tell("start");
    let mut answer = server.call("GetSecretValue", &get);
    for _ in 0..200 {
        if answer.contains("200 OK") {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        answer = server.call("GetSecretValue", &get);
    }
    assert!(answer.contains(r#""SecretData":"one""#), "{answer}");
    assert!(ready().starts_with("HTTP/1.1 200"));
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0));
    let warned = log.lines().find(|line| line.contains("not ready")).unwrap_or_default();
    assert!(warned.contains("WARN") && warned.contains("database unavailable"), "{log}");
    let refused: Vec<&str> = log.lines().filter(|line| line.contains("GetSecretValue")).collect();
    assert!(refused.iter().any(|line| line.contains("database unavailable")), "{log}");
}

/// Begins an operation and drops it after this many polls, as when a client disconnects in the middle.
async fn given_up<T>(work: impl Future<Output = T>, polls: u32) {
    let (mut work, mut left) = (Box::pin(work), polls);
    poll_fn(|context| {
        left = left.saturating_sub(1);
        let done = work.as_mut().poll(context).is_ready();
        if done || left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Waits until no connection to the database is in a transaction. This is soon, because there is no other work.
async fn none_in_a_transaction(url: &str) {
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND state LIKE 'idle in transaction%'";
    for _ in 0..100 {
        let open: i64 = sqlx::query_scalar(open).fetch_one(&mut connection).await.unwrap();
        if open == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction stays open");
}

#[tokio::test]
async fn an_abandoned_operation_leaves_no_open_transaction() {
    let url = postgres::database().await;
    // One connection: anything left on it affects the next user.
    let store = Arc::new(postgres::store_of(&url, 1).await);
    let server = Server::over(Arc::clone(&store) as Arc<dyn Store>, Options::default()).await;
    let other = Server::over(Arc::new(postgres::store(&url).await), Options::default()).await;
    other.create("s").await;
    let name = "s".parse().unwrap();
    for polls in 1..12 {
        for what in 0..4 {
            match what {
                0 => given_up(store.load_secret(&scope(), &name), polls).await,
                1 => given_up(store.snapshot(None), polls).await,
                2 => given_up(store.load_keys(&scope()), polls).await,
                // Decided on another revision: it is never committed.
                _ => given_up(store.set_account("77".parse().unwrap(), None, 99), polls).await,
            }
            none_in_a_transaction(&url).await;
            let (version, data) = (format!("v{polls}-{what}"), format!("{polls} {what}"));
            assert_eq!(server.versions("s").await, other.versions("s").await, "{polls} {what}");
            other.put("s", &version, &data).await;
            assert_eq!(server.value("s", &[]).await, data, "a look that is not the newest: {polls} {what}");
            server.put("s", &format!("{version}-too"), "x").await;
            assert_eq!(other.value("s", &[]).await, "x", "a write that was not committed: {polls} {what}");
        }
    }
    server.stop().await;
    other.stop().await;
}
