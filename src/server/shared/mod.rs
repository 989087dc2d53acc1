//! The state that all requests share.

mod metrics;
mod request_log;
mod snapshots;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub(super) use self::metrics::Metrics;
pub(super) use self::request_log::{Asked, LoggedRequest, RequestLog};
pub(super) use self::snapshots::{KeptSnapshot, MAX_SNAPSHOTS, Snapshots};
use crate::domain::Timestamp;
use crate::server::net::Connections;
use crate::server::net::long_line::InternalHeader;
use crate::server::settings::Settings;

/// Settings, counters, logs and snapshots of one server.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) connections: Arc<Connections>,
    pub(super) request_log: RequestLog,
    pub(super) metrics: Metrics,
    pub(super) snapshots: Snapshots,
    /// Cancelled when the server stops.
    pub(super) shutdown: CancellationToken,
    /// The header that carries a long query past hyper.
    pub(super) long_query: InternalHeader,
    pub(super) started: Timestamp,
}
