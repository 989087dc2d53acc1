//! A real PostgreSQL for the tests, started once and gone with the process of the tests.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sesame::store::sql::SqlStore;
use sesame::store::sql::postgres::PostgresDialect;
use sqlx::migrate::MigrateDatabase;

/// The cluster's process ends when its standard input does, which this process holds to its end.
static CLUSTER: OnceLock<(Child, String)> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

fn start() -> (Child, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres/cluster");
    let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("postgres://"), "no PostgreSQL: what {script} printed above tells why");
    (child, url.trim().to_owned())
}

/// The URL of a new, empty database.
pub async fn database() -> String {
    let (_, url) = CLUSTER.get_or_init(start);
    let number = DATABASES.fetch_add(1, Ordering::SeqCst);
    let url = format!("{}/test{number}", url.rsplit_once('/').unwrap().0);
    sqlx::Postgres::create_database(&url).await.unwrap();
    url
}

/// A store in a database.
pub async fn store(url: &str) -> SqlStore<PostgresDialect> {
    SqlStore::connect(&url.parse().unwrap(), 5).await.unwrap()
}
