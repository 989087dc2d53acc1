//! The server: listening, the RPC endpoint, administration.

mod admin;
mod net;
mod panics;
mod rpc;
mod settings;
mod shared;
mod site;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::net::Bounds;
pub use self::settings::{AuthMode, Settings};
use self::shared::{Metrics, RequestLog, Shared, Snapshots};
pub use self::site::AllowedHosts;

/// Serves until `shutdown` is cancelled. Then complete requests are finished, all other connections are closed, and the
/// database is closed.
pub async fn serve(settings: Settings, listener: TcpListener, shutdown: CancellationToken) {
    let app = Arc::clone(&settings.app);
    let mut random = [0; 16];
    app.entropy().rng().fill_bytes(&mut random);
    let started = app.clock().now();
    let long_query = net::long_line::InternalHeader::new(random);
    let metrics = Metrics::new(&app);
    let loopback_is_free = settings.mode == AuthMode::Open;
    let connections = net::Connections::new(&settings.bounds, loopback_is_free, metrics.connections());
    let grace = settings.bounds.grace;
    let shared = Arc::new(Shared {
        settings,
        connections: Arc::new(connections),
        request_log: RequestLog::default(),
        metrics,
        snapshots: Snapshots::default(),
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
