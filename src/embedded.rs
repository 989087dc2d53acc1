//! A server inside a Rust program, for its tests.
//!
//! It keeps everything in memory, listens on a free port of 127.0.0.1 and runs on threads of its own, so that blocking
//! and asynchronous clients can use it alike. Several may run in one process; they share nothing.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! let seed = "version: 1\nsecrets:\n  - name: db\n    versions: [{id: v1, value: hunter2, stages: [ACSCurrent]}]\n";
//! let sesame = sesame::embedded::Server::builder().region("cn-shanghai").seed(seed).start()?;
//!
//! let mut connection = std::net::TcpStream::connect(sesame.address())?;
//! write!(
//!     connection,
//!     "GET /?Action=GetSecretValue&Version=2016-01-20&SecretName=db HTTP/1.1\r\n\
//!      Host: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
//!     sesame.address()
//! )?;
//! let mut answer = String::new();
//! connection.read_to_string(&mut answer)?;
//! assert!(answer.contains("\"SecretData\":\"hunter2\""));
//!
//! sesame.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use secrecy::SecretString;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app::{App, NoProgress, NonceSettings, Parts};
use crate::crypto::{RootKey, SymmetricKey};
use crate::domain::limits::DEFAULT_REQUEST_LOG;
use crate::domain::rotation::RotationSettings;
use crate::domain::{AccountId, Limits, Region, Scope};
use crate::ports::{Entropy, OsEntropy, ServerClock};
use crate::server::{self, AllowedHosts, AuthMode, Bounds, Settings};
use crate::state::file::StateFile;
use crate::state::parse::parse;
use crate::state::read::Reader;
use crate::state::seed;
use crate::store::sql::SqlStore;
use crate::tls::Tls;

/// The most memory for cached secrets, in bytes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// Why a server did not start. The text names the setting and what is wrong with it.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting or the seed is not valid.
    #[error("{0}")]
    Invalid(String),
    /// The server could not be made.
    #[error("cannot start: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StartError {
    fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

/// The settings of a server to be started; [`Server::builder`] gives the defaults.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    region: String,
    account: String,
    seed: String,
    signed: bool,
}

impl Builder {
    /// The region of requests whose address names none; `cn-hangzhou` by default.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// The account of unsigned requests and of the access key `test` / `test`, 1 to 32 digits; `1000000000000001` by
    /// default.
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// What the server holds at first: a seed as YAML, without `value_from.env` and `value_from.file`. A reset goes back
    /// to it.
    pub fn seed(mut self, yaml: impl Into<String>) -> Self {
        self.seed = yaml.into();
        self
    }

    /// Refuses requests without a valid signature, as `--auth signed` does. Unsigned ones are answered by default. No
    /// one can use `/_sesame` then but for health, because there is no admin token.
    pub fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// Starts the server, and returns when it answers.
    ///
    /// # Errors
    /// A setting or the seed is not valid, or there is no port, thread or memory for the server.
    pub fn start(self) -> Result<Server, StartError> {
        let (report, started) = mpsc::sync_channel(1);
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        // Not on its caller's threads, which a test may block while it waits for an answer.
        let thread = std::thread::Builder::new()
            .name("sesame".to_owned())
            .spawn(move || self.run(&report, stopped))
            .map_err(StartError::failed)?;
        // The thread reports exactly once, unless it panics.
        let address = started.recv().map_err(|_gone| StartError::failed("its thread ended"))??;
        Ok(Server { address, shutdown: shutdown.drop_guard(), thread })
    }

    fn run(self, report: &SyncSender<Result<SocketAddr, StartError>>, shutdown: CancellationToken) {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(StartError::failed(error)))),
        };
        runtime.block_on(async {
            match self.settings().await {
                Ok((settings, listener, address)) => {
                    drop(report.send(Ok(address)));
                    server::serve(settings, listener, shutdown).await;
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    }

    async fn settings(&self) -> Result<(Settings, TcpListener, SocketAddr), StartError> {
        let invalid = |what: &str, value: &str, form: &str| {
            StartError::Invalid(format!("the {what} \"{value}\" is not valid; expected {form}"))
        };
        let region: Region = self.region.parse().map_err(|_refused| {
            let form = "1 to 32 lower-case letters, digits and hyphens, such as cn-hangzhou";
            invalid("region", &self.region, form)
        })?;
        let account: AccountId = self.account.parse().map_err(|_refused| {
            invalid("account", &self.account, "1 to 32 digits, such as 1000000000000001")
        })?;
        let seed = match self.seed.as_str() {
            "" => None,
            text => Some(parse(text).map_err(|problem| StartError::Invalid(format!("seed: {problem}")))?),
        };
        let clock = Arc::new(ServerClock::default());
        let app = self.app(&account, &clock).await?;
        if let Some(file) = &seed {
            fill(&app, file, Scope { account: account.clone(), region: region.clone() }).await?;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StartError::failed)?;
        let address = listener.local_addr().map_err(StartError::failed)?;
        let tls = Tls::signed(None, Vec::new(), address.ip(), Arc::clone(&clock) as _);
        let settings = Settings {
            app,
            clock,
            mode: if self.signed { AuthMode::Signed } else { AuthMode::Open },
            default_account: account,
            default_region: region,
            seed,
            admin_token: None::<SecretString>,
            allowed_hosts: AllowedHosts::new(Vec::new()),
            tls: Arc::new(tls.map_err(StartError::failed)?),
            bounds: Bounds::default(),
            request_log: DEFAULT_REQUEST_LOG,
        };
        Ok((settings, listener, address))
    }

    async fn app(&self, account: &AccountId, clock: &Arc<ServerClock>) -> Result<Arc<App>, StartError> {
        let root = SymmetricKey::generate(&mut *OsEntropy.rng());
        let parts = Parts {
            store: Arc::new(SqlStore::in_memory().await.map_err(StartError::failed)?),
            clock: Arc::clone(clock) as _,
            entropy: Arc::new(OsEntropy),
            limits: Limits::default(),
            cache_bytes: CACHE_BYTES,
            accounts: Vec::new(),
            default_account: account.clone(),
            // Nobody but this machine reaches the server.
            well_known_key: true,
            resource_policies: true,
            faults: Vec::new(),
            nonces: NonceSettings::default(),
            rotation: RotationSettings { makes_users: true, ..RotationSettings::default() },
        };
        let root = RootKey::from_key(&root).map_err(StartError::failed)?;
        App::open(parts, root).await.map_err(StartError::failed)
    }
}

async fn fill(app: &Arc<App>, file: &StateFile, scope: Scope) -> Result<(), StartError> {
    let now = app.clock().now();
    let reader = Reader { app, scope, now, source: None, beside: true, progress: &NoProgress };
    let applied = seed::apply(&reader, file).await;
    applied.map(drop).map_err(|problem| StartError::Invalid(format!("seed: {problem}")))
}

/// Two threads: one answers while the other computes.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shutdown: DropGuard,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts a server with the defaults: `open` mode, region `cn-hangzhou`, empty.
    ///
    /// # Errors
    /// There is no port, thread or memory for the server.
    pub fn start() -> Result<Self, StartError> {
        Self::builder().start()
    }

    /// The settings of a server, to be changed before it starts.
    pub fn builder() -> Builder {
        let [region, account] = ["cn-hangzhou", "1000000000000001"].map(str::to_owned);
        Builder { region, account, seed: String::new(), signed: false }
    }

    /// Where the server listens, for HTTP and HTTPS alike.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint of clients, such as `http://127.0.0.1:49152`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops the server, and returns when it has ended: complete requests are finished, for at most 10 seconds.
    pub fn stop(self) {
        let Self { shutdown, thread, .. } = self;
        drop(shutdown);
        // A panic of the server has been printed by its thread.
        drop(thread.join());
    }
}
