//! The server: listening, the RPC endpoint, administration.

mod admin;
mod net;
mod panics;
mod rpc;
mod shared;
mod site;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::net::Bounds;
use self::shared::{metrics, request_log};
pub use self::site::AllowedHosts;
use crate::app::App;
use crate::domain::{AccountId, Region, Timestamp};
use crate::ports::ServerClock;
use crate::state::file::StateFile;
use crate::tls::Tls;

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Unsigned requests act as the root of the default account; signatures of known keys are verified.
    Open,
    /// Every request carries a valid signature of a known, active access key.
    Signed,
    /// The same, and policies decide.
    Enforced,
}

impl AuthMode {
    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signed => "signed",
            Self::Enforced => "enforced",
        }
    }
}

/// What a server needs.
#[derive(Debug)]
pub struct Settings {
    /// The application.
    pub app: Arc<App>,
    /// The clock that `/_sesame/clock` moves; the application's own.
    pub clock: Arc<ServerClock>,
    /// Who is let in.
    pub mode: AuthMode,
    /// The account of unsigned requests.
    pub default_account: AccountId,
    /// The region of requests whose address names none.
    pub default_region: Region,
    /// What the server was started with, and goes back to.
    pub seed: Option<StateFile>,
    /// What `/_sesame` wants, but for health, ready and ca.pem; without one it is open in `open` mode and closed in the
    /// others.
    pub admin_token: Option<SecretString>,
    /// The hosts that requests without a valid signature or the admin token may name.
    pub allowed_hosts: AllowedHosts,
    /// What HTTPS is answered with.
    pub tls: Arc<Tls>,
    /// Bounds on connections.
    pub bounds: Bounds,
}

/// What the handlers share.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    connections: Arc<net::Connections>,
    request_log: request_log::RequestLog,
    metrics: metrics::Metrics,
    snapshots: admin::state::Snapshots,
    /// Cancelled when the server stops.
    shutdown: CancellationToken,
    /// The header that carries a long query past hyper.
    long_query: net::long_line::InternalHeader,
    started: Timestamp,
}

/// Serves until `shutdown` is cancelled. Then complete requests are finished, all other connections are closed, and the
/// database is closed.
pub async fn serve(settings: Settings, listener: TcpListener, shutdown: CancellationToken) {
    let app = Arc::clone(&settings.app);
    let mut random = [0; 16];
    app.entropy().rng().fill_bytes(&mut random);
    let started = app.clock().now();
    let long_query = net::long_line::InternalHeader::new(random);
    let metrics = metrics::Metrics::new(&app);
    let loopback_is_free = settings.mode == AuthMode::Open;
    let connections = net::Connections::new(&settings.bounds, loopback_is_free, metrics.connections());
    let grace = settings.bounds.grace;
    let shared = Arc::new(Shared {
        settings,
        connections: Arc::new(connections),
        request_log: request_log::RequestLog::default(),
        metrics,
        snapshots: admin::state::Snapshots::default(),
        shutdown: shutdown.clone(),
        long_query,
        started,
    });
    let tasks = TaskTracker::new();
    tasks.spawn(crate::scheduler::run(Arc::clone(&app), shutdown.clone()));
    net::accept(listener, router(&shared), &shared, &tasks).await;
    shutdown.cancel();
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!("requests were still under way after {grace:?} and are cut off");
    }
    app.close().await;
}

fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .nest("/_sesame", admin::router(shared))
        .fallback(rpc::elsewhere)
        .with_state(Arc::clone(shared))
}

/// The address in a form for people: the port speaks both.
pub fn url_of(address: SocketAddr) -> String {
    format!("http://{address} and https://{address}")
}
