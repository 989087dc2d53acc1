//! The server: connections (`net`), the API (`rpc`), administration (`admin`), and the protection against web pages
//! (`site`).

mod admin;
mod net;
mod panics;
mod rpc;
mod settings;
mod shared;
mod site;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::net::Bounds;
pub use self::settings::{AuthMode, Settings};
use self::shared::{Metrics, RequestLog, Shared, Snapshots};
pub use self::site::AllowedHosts;

/// Serves until `shutdown` is cancelled. Then it finishes requests that have arrived completely, closes all other connections,
/// and closes the database.
pub async fn serve(settings: Settings, listener: TcpListener, shutdown: CancellationToken) {
    let app = Arc::clone(&settings.app);
    let mut random = [0; 16];
    app.entropy().rng().fill_bytes(&mut random);
    let started = app.clock().now();
    let long_query = net::long_line::InternalHeader::new(random);
    let metrics = Metrics::new(&app);
    let loopback_is_exempt = settings.mode == AuthMode::Open;
    let connections = net::Connections::new(&settings.bounds, loopback_is_exempt, metrics.connections());
    let grace = settings.bounds.grace;
    let shared = Arc::new(Shared {
        request_log: RequestLog::new(settings.request_log),
        settings,
        connections: Arc::new(connections),
        metrics,
        snapshots: Snapshots::default(),
        shutdown: shutdown.clone(),
        long_query,
        started,
    });
    let tasks = TaskTracker::new();
    tasks.spawn(crate::scheduler::run(Arc::clone(&app), shutdown.clone()));
    net::accept(listener, admin::router(&shared), &shared, &tasks).await;
    shutdown.cancel();
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!("requests did not finish within {grace:?} and are aborted");
    }
    app.close().await;
}

/// The address for people. The port serves both HTTP and HTTPS.
pub fn url_of(address: SocketAddr) -> String {
    format!("http://{address} and https://{address}")
}
