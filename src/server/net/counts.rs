//! Counters of connections, for the metrics.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

/// Counters of connections.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Counts {
    /// Open connections.
    pub(in crate::server) open: Gauge,
    /// Idle connections that were closed to make room.
    pub(in crate::server) idle_closed: Counter,
    /// New connections that were closed because their address had too many connections.
    pub(in crate::server) refused: Counter,
    /// Connections that were closed because their client did not read an answer.
    pub(in crate::server) unread: Counter,
}
