//! A real PostgreSQL for the tests, started once. It ends with the test process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sesame::testing::store::sql::SqlStore;
use sesame::testing::store::sql::postgres::PostgresDialect;
use sqlx::migrate::MigrateDatabase;

/// A cluster for one test. Its process ends when its standard input does, which this struct holds.
pub struct Cluster {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Cluster {
    /// Starts a cluster that can be stopped and started.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a cluster with additional options of the script.
    pub fn with(options: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres/cluster");
        let mut command = Command::new(script);
        command.arg("--commands").args(options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        output.read_line(&mut url).unwrap();
        assert!(url.starts_with("postgres://"), "no PostgreSQL; the output of {script} above says why");
        Self { input: child.stdin.take(), child, output, url: url.trim().to_owned() }
    }

    /// The URL of a new, empty database.
    pub async fn database(&self) -> String {
        let number = DATABASES.fetch_add(1, Ordering::SeqCst);
        let (address, parameters) = self.url.split_once("/postgres").unwrap();
        let url = format!("{address}/test{number}{parameters}");
        sqlx::Postgres::create_database(&url).await.unwrap();
        url
    }

    /// Crashes it (`stop`) or starts it again (`start`).
    pub fn tell(&mut self, command: &str) {
        writeln!(self.input.as_mut().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.child.wait());
    }
}

/// The cluster that the tests share. It is never dropped, but its standard input ends with this process.
static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
pub async fn database() -> String {
    CLUSTER.get_or_init(Cluster::start).database().await
}

/// A store in a database.
pub async fn store(url: &str) -> SqlStore<PostgresDialect> {
    store_of(url, 5).await
}

/// A store in a database, with at most this many connections.
pub async fn store_of(url: &str, connections: u32) -> SqlStore<PostgresDialect> {
    SqlStore::connect(&url.parse().unwrap(), connections).await.unwrap()
}
