//! PostgreSQL: one database for several processes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres};

use super::dialect::{Cell, Dialect, Param, Session, bound, cells};
use super::error::{failed, not_migrated};
use super::sql_store::SqlStore;
use super::statements::per_dialect;
use crate::store::{Probe, StoreError};

/// The PostgreSQL dialect.
#[derive(Debug)]
pub struct PostgresDialect;

/// Reads parameter n, a JSON array of strings, as rows.
macro_rules! postgres_each {
    ($n:literal) => {
        concat!("(SELECT jsonb_array_elements_text(CAST($", $n, " AS jsonb)))")
    };
}

impl Dialect for PostgresDialect {
    type Db = Postgres;
    const INTEGER: &'static str = "INT8";
    const BYTES: &'static str = "BYTEA";

    const SHARED: bool = true;
    // Longer than the server's own statement_timeout, whose error says more.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(12));
    // Each statement sees what was committed before it, so a compare-and-set that waited for a lock compares with the
    // newest row.
    const BEGIN: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";
    const BEGIN_READ: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    // Every writing transaction begins with one of these tables, so none is under way once all of them are locked.
    const LOCK_ALL: &'static [&'static str] =
        &["LOCK TABLE secrets, key_scopes, accounts IN SHARE ROW EXCLUSIVE MODE"];
    per_dialect!(postgres_each);
    // PostgreSQL has no such statement; its tool is pg_amcheck.
    const INTEGRITY: &'static str = "SELECT 'ok'";
    const REFERENCES: Option<&'static str> = None;
    const SCRUB: &'static [&'static str] = &[];

    async fn query(
        connection: &mut PgConnection,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Cell>>, StoreError> {
        let rows = bound::<Postgres>(sql, params).fetch_all(&mut *connection).await.map_err(failed)?;
        rows.iter().map(cells::<Self>).collect()
    }
}

impl Session for PgConnection {
    type Dialect = PostgresDialect;

    async fn execute(&mut self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let done = bound::<Postgres>(sql, params).execute(&mut *self).await.map_err(failed)?;
        Ok(done.rows_affected())
    }
}

/// The address of a database. `Display` and `Debug` do not show the password.
#[derive(Clone)]
pub struct Address(PgConnectOptions);

/// Settings of each connection, unless the URL has others: the time limits of a statement, of waiting for a lock and of
/// an idle transaction, and the least severity of messages that the server sends.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("client_min_messages", "warning"),
];

impl FromStr for Address {
    type Err = String;

    /// A URL: `postgres://user:password@host:port/database?sslmode=verify-full`. No message quotes a value of it.
    fn from_str(url: &str) -> Result<Self, String> {
        check_parameters(url)?;
        let options = PgConnectOptions::from_str(url).map_err(|e| e.to_string())?;
        let given = options.get_options().unwrap_or_default().to_owned();
        let missing = SETTINGS.into_iter().filter(|(name, _)| !given.contains(name));
        let options = options.options(missing);
        let named = options.get_application_name().is_some();
        Ok(Self(if named { options } else { options.application_name("sesame") }))
    }
}

/// The parameters that sqlx reads, besides `options[NAME]`.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Refuses parameters that sqlx would ignore and log with their values, and a value that its error would quote.
fn check_parameters(url: &str) -> Result<(), String> {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    let without_fragment = url.split_once('#').map_or(url, |(before, _)| before);
    let Some((_, query)) = without_fragment.split_once('?') else { return Ok(()) };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let is_option = name.starts_with("options[") && name.ends_with(']');
        if !is_option && !PARAMETERS.contains(&&*name) {
            // A password with a question mark would look like a parameter.
            let is_name = pair.contains('=') && !query.contains('@');
            let is_name = is_name && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
            let shown = if is_name { format!(" \"{name}\"") } else { String::new() };
            return Err(format!(
                "the URL has the unknown parameter{shown}; known ones are sslmode, sslrootcert, application_name and \
                 options[NAME], for example (a ? in a password is written as %3F)"
            ));
        }
        let is_mode = MODES.iter().any(|mode| value.eq_ignore_ascii_case(mode));
        if ["sslmode", "ssl-mode"].contains(&&*name) && !is_mode {
            return Err(format!("sslmode must be one of {}", MODES.join(", ")));
        }
    }
    Ok(())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        match options.get_socket() {
            Some(socket) => write!(f, "postgres {database} at {}", socket.display()),
            None => write!(f, "postgres {database} at {}:{}", options.get_host(), options.get_port()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How long a request waits for a connection before it fails. Meanwhile the pool retries to connect, with growing pauses.
const ACQUIRE: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is tested before it is used. The same is the time limit of that test.
const IDLE: Duration = Duration::from_secs(1);

/// The time limit of [`probe`].
const START: Duration = Duration::from_secs(10);

impl SqlStore<PostgresDialect> {
    /// Opens and migrates a database, with at most `connections` connections.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the server's own words when it does not answer or cannot be migrated.
    pub async fn connect(address: &Address, connections: u32) -> Result<Self, StoreError> {
        let silent = Arc::new(AtomicBool::new(false));
        let suspicious = Arc::clone(&silent);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            // A test costs a round trip, so a connection that was just in use is not tested.
            .test_before_acquire(false)
            .before_acquire(|connection, lately| {
                Box::pin(async move {
                    if lately.idle_for > IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_release(move |connection, _lately| {
                let suspicious = suspicious.load(Ordering::Relaxed);
                Box::pin(async move {
                    // After the server once did not answer, each connection must prove that it works, or is closed.
                    if suspicious && tokio::time::timeout(IDLE, connection.ping()).await.is_err() {
                        return Err(sqlx::Error::PoolTimedOut);
                    }
                    Ok(true)
                })
            })
            .connect_with(address.0.clone())
            .await
            .map_err(failed)?;
        if !is_migrated(&pool).await? {
            // Replicas that start at the same time wait for each other here.
            MIGRATIONS.run(&pool).await.map_err(not_migrated)?;
        }
        Ok(Self::start_shared(pool, silent))
    }
}

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Whether the schema is that of this program. This only reads, so that a role without the right to migrate can serve.
async fn is_migrated(pool: &PgPool) -> Result<bool, StoreError> {
    let read = async {
        let there: bool =
            sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(pool).await?;
        if !there {
            return Ok(Vec::new());
        }
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(pool)
            .await
    };
    let applied: Vec<(i64, Vec<u8>, bool)> = read.await.map_err(failed)?;
    if let Some((newer, ..)) = applied.iter().find(|(version, ..)| !MIGRATIONS.version_exists(*version)) {
        return Err(not_migrated(MigrateError::VersionMissing(*newer)));
    }
    let ours = MIGRATIONS.iter().map(|migration| (migration.version, migration.checksum.to_vec(), true));
    Ok(applied.into_iter().eq(ours))
}

/// Reads what the start needs to know of a database, without changing it.
///
/// # Errors
/// [`StoreError::Unavailable`] with the server's own words when it does not answer.
pub async fn probe(address: &Address) -> Result<Probe, StoreError> {
    let look = async {
        let mut connection = address.0.connect().await?;
        let found = probe_on(&mut connection).await?;
        connection.close().await.map(|()| found)
    };
    let looked = tokio::time::timeout(START, look).await;
    let silent = |_late| StoreError::unavailable(format!("the server did not answer within {START:?}"));
    looked.map_err(silent)?.map_err(failed)
}

async fn probe_on(connection: &mut PgConnection) -> Result<Probe, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('meta') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !there {
        return Ok(Probe::default());
    }
    let mut fact = async |name: &str| -> Result<Option<Vec<u8>>, sqlx::Error> {
        let query = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name.to_owned());
        query.fetch_optional(&mut *connection).await
    };
    Ok(Probe { marker: fact("root-key-marker").await?, salt: fact("root-key-salt").await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let address: Address = "postgres://me:hidden@db.example:6432/secrets".parse().unwrap();
        assert_eq!(address.to_string(), "postgres secrets at db.example:6432");
        assert!(!format!("{address:?}").contains("hidden"));
        assert!(Address::from_str("postgres://[").is_err());
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name_and_no_value_is_quoted() {
        let refused = |query: &str| Address::from_str(&format!("postgres://u@h/d{query}")).unwrap_err();
        for query in ["?pasword=hidden", "?sslmode=require&pasword=hidden", "?pas%77ord=hidden&port=1"] {
            let said = refused(query);
            assert!(said.contains("\"pasword\"") && !said.contains("hidden"), "{query}: {said}");
        }
        // These may be passwords with a question mark.
        for query in ["?hidden", "?hidden=x@host/db", "?hid%20den=x", "?options[hidden=x", "?sslmode=hidden"]
        {
            let said = refused(query);
            assert!(!said.contains("hid"), "{query}: {said}");
        }
        for name in PARAMETERS {
            let value = match name {
                "sslmode" | "ssl-mode" => "Verify-Full",
                "hostaddr" => "127.0.0.1",
                _ => "1",
            };
            assert!(Address::from_str(&format!("postgres://u@h/d?{name}={value}")).is_ok(), "{name}");
        }
        for query in ["", "?", "?options[lock_timeout]=1s", "?options%5Block_timeout%5D=1s", "?user=a@b#x=y"]
        {
            assert!(Address::from_str(&format!("postgres://u@h/d{query}")).is_ok(), "{query}");
        }
    }
}
