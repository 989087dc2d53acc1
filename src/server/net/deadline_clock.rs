//! The clock for connection deadlines: monotonic, never moved by hand.

use tokio::time::Instant;

/// Now, by the runtime's clock. The service's own clock can be moved by hand, and a deadline must not move with it.
#[expect(clippy::disallowed_methods, reason = "the one place where a connection's deadlines take the time")]
pub(super) fn now() -> Instant {
    Instant::now()
}
