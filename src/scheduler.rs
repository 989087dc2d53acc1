//! Scheduled work: removes secrets whose recovery window is over, rotates and deletes keys, rotates managed secrets.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::app::{App, RotationCounts};
use crate::domain::with_causes;

/// The longest sleep, in milliseconds. A deletion that is scheduled during the sleep is due in a week at the earliest.
const LONGEST_MS: i64 = 60 * 60 * 1000;
/// The pause after a failure, in milliseconds.
const AFTER_FAILURE_MS: i64 = 30 * 1000;

/// Does what is due, again and again, until shutdown.
pub async fn run(app: Arc<App>, shutdown: CancellationToken) {
    loop {
        let rotated = app.rotate_due().await;
        let pause = match app.do_due().await {
            Ok(0) => LONGEST_MS,
            Ok(purged) => {
                tracing::info!(purged, "removed secrets whose recovery window is over");
                LONGEST_MS
            }
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "could not finish the work that is due");
                AFTER_FAILURE_MS
            }
        };
        let pause = match rotated {
            Ok(counts) if counts.done + counts.failed + counts.running > 0 => {
                let RotationCounts { done, failed, running } = counts;
                tracing::info!(done, failed, running, "rotated secrets that were due");
                pause
            }
            Ok(_) => pause,
            Err(error) => {
                tracing::error!(%error, "could not rotate all secrets that were due");
                AFTER_FAILURE_MS
            }
        };
        let longest = app.clock().now().plus_millis(pause);
        let next = app.next_due().await.ok().flatten().filter(|_| pause == LONGEST_MS);
        let until = next.map_or(longest, |at| at.min(longest));
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = app.woken() => {}
            () = app.clock().sleep_until(until) => {}
        }
    }
}
