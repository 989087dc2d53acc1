//! The metrics, for Prometheus. Labels are names of actions and codes, never of secrets, accounts or callers.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;
use crate::server::net::Counts;

/// The upper bounds of the duration histogram, in seconds.
const SECONDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];

/// The label of requests without a known action.
const NONE: &str = "-";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    action: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
}

/// All metrics.
#[derive(Debug)]
pub(in crate::server) struct Metrics {
    registry: Registry,
    answered: Family<ActionLabels, Histogram, fn() -> Histogram>,
    refused: Family<RefusedLabels, Counter>,
    in_flight: Gauge,
    connections: Counts,
}

/// Metrics that the application counts itself.
#[derive(Debug)]
struct OfApp(Arc<App>);

/// A request that is being answered.
pub(in crate::server) struct InFlight<'m> {
    metrics: &'m Metrics,
    begun: Instant,
}

impl Metrics {
    /// Starts with all counters at 0.
    pub(in crate::server) fn new(app: &Arc<App>) -> Self {
        let mut registry = Registry::with_prefix("sesame");
        let build =
            Info::new(vec![("version", env!("CARGO_PKG_VERSION")), ("commit", env!("SESAME_COMMIT"))]);
        registry.register("build", "The program", build);
        let answered: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        let help = "Requests, from their head to their answer, by action";
        registry.register_with_unit("request_duration", help, Unit::Seconds, answered.clone());
        let refused = Family::default();
        registry.register(
            "requests_refused",
            "Requests that were refused, by action and code",
            refused.clone(),
        );
        let in_flight = Gauge::default();
        registry.register("requests_in_flight", "Requests that are being answered", in_flight.clone());
        let connections = Counts::default();
        let Counts { open, idle_closed, refused: refused_connections, unread } = connections.clone();
        registry.register("connections_open", "Connections that are open", open);
        let help = "Idle connections that were closed to make room for others";
        registry.register("connections_idle_closed", help, idle_closed);
        let help = "New connections that were closed because their address had too many";
        registry.register("connections_refused", help, refused_connections);
        let help = "Connections that were closed because their client did not take an answer";
        registry.register("connections_unread", help, unread);
        let start: Gauge = Gauge::default();
        start.set(app.clock().wall().as_millis() / 1000);
        registry.register_with_unit(
            "start_time",
            "Start time of the process, Unix seconds",
            Unit::Seconds,
            start,
        );
        registry.register_collector(Box::new(OfApp(Arc::clone(app))));
        Self { registry, answered, refused, in_flight, connections }
    }

    /// The counters of connections.
    pub(in crate::server) fn connections(&self) -> Counts {
        self.connections.clone()
    }

    /// All metrics in the OpenMetrics text format.
    ///
    /// # Errors
    /// Those of the encoder.
    pub(in crate::server) fn encoded(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    /// Counts a request as in flight until the returned value is dropped.
    pub(in crate::server) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        #[expect(clippy::disallowed_methods, reason = "only measures a duration: nothing is decided by it")]
        let begun = Instant::now();
        InFlight { metrics: self, begun }
    }
}

impl InFlight<'_> {
    /// Records the duration, and the error code of a refused request.
    pub(in crate::server) fn answered(self, action: Option<&'static str>, refused: Option<&str>) {
        let action = action.unwrap_or(NONE);
        let seconds = self.begun.elapsed().as_secs_f64();
        self.metrics.answered.get_or_create(&ActionLabels { action }).observe(seconds);
        if let Some(code) = refused {
            self.metrics.refused.get_or_create(&RefusedLabels { action, code: code.to_owned() }).inc();
        }
    }
}

/// Also runs when the client goes away before the answer.
impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

impl Collector for OfApp {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let cache = self.0.cache_facts();
        for (name, help, value) in [
            ("cache_hits", "Reads of a secret that was in memory", cache.hits),
            ("cache_misses", "Reads of a secret that was not in the cache", cache.misses),
        ] {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        for (name, help, value) in [
            ("cache_secrets", "Secrets in memory", cache.secrets),
            ("cache_used_bytes", "Memory used by cached secrets, in bytes", cache.bytes),
            ("cache_limit_bytes", "The most memory for cached secrets, in bytes", cache.limit),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}
