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
        let is_done = rotate(&app).await & clean(&app).await;
        let pause = if is_done { LONGEST_MS } else { AFTER_FAILURE_MS };
        let longest = app.clock().now().plus_millis(pause);
        let next = app.next_due().await.ok().flatten().filter(|_| is_done);
        let until = next.map_or(longest, |at| at.min(longest));
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = app.woken() => {}
            () = app.clock().sleep_until(until) => {}
        }
    }
}

/// Rotates the secrets that are due; false when the database failed.
async fn rotate(app: &Arc<App>) -> bool {
    match app.rotate_due().await {
        Ok(RotationCounts { done: 0, failed: 0, running: 0, .. }) => true,
        Ok(RotationCounts { done, failed, running, .. }) => {
            tracing::info!(done, failed, running, "rotated secrets that were due");
            true
        }
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "could not rotate all secrets that were due");
            false
        }
    }
}

/// Does everything else that is due; false when the database failed.
async fn clean(app: &App) -> bool {
    match app.do_due().await {
        Ok(0) => true,
        Ok(purged) => {
            tracing::info!(purged, "removed secrets whose recovery window is over");
            true
        }
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "could not finish the work that is due");
            false
        }
    }
}
