//! What one connection is doing. Its own task writes this; other tasks read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::deadline_clock;

/// Set in a stage when the head of a request has arrived and its body has not. The upper 62 bits of a stage are the time, in
/// milliseconds, since which the server waits for the client. An idle stage ends in `00`, a receiving one in `01`.
const RECEIVING: u64 = 1;
/// The bits of a stage that tell its kind.
const KIND: u64 = 3;
/// The stage while a complete request runs or its answer is sent.
const ANSWERING: u64 = u64::MAX - 1;
/// The stage of a connection that was told to close. No further request begins.
const CLOSING: u64 = u64::MAX;
/// The value of `unread_since` while the client reads what is sent.
const READ: u64 = u64::MAX;

/// What a connection is doing. Its own task begins and ends requests. Other tasks may read it, and may tell the connection to
/// close while it is idle.
///
/// A connection is idle while no head of a request has arrived since the last answer. This includes the handshake and a new
/// connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// All times are counted from here.
    start: Instant,
    /// [`ANSWERING`], [`CLOSING`], or the time since which the server waits for the client, with or without [`RECEIVING`].
    stage: AtomicU64,
    /// The time since which the client reads nothing of an answer, in milliseconds from `start`, or [`READ`].
    unread_since: AtomicU64,
    close: Notify,
    /// Counts connections that were closed because their client read nothing.
    unread: Counter,
}

/// A request on a connection, from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Running(Arc<Activity>);

impl Activity {
    /// Starts idle.
    pub(super) fn new(start: Instant, unread: Counter) -> Self {
        let activity = Self {
            start,
            stage: AtomicU64::new(0),
            unread_since: AtomicU64::new(READ),
            close: Notify::new(),
            unread,
        };
        activity.stage.store(activity.now() << 2, Relaxed);
        activity
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or_default()
    }

    /// Notes that the head of a request has arrived. `None` when the connection was told to close; the request must not begin.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Running> {
        let begun = self.stage.fetch_or(RECEIVING, Relaxed) != CLOSING;
        begun.then(|| Running(Arc::clone(self)))
    }

    /// Notes that the body has arrived, or that nobody will read the rest of it.
    pub(super) fn received(&self) {
        let stage = self.stage.load(Relaxed);
        if stage & KIND == RECEIVING {
            // Not a plain store: the connection may have been told to close in the meantime.
            let _ = self.stage.compare_exchange(stage, ANSWERING, Relaxed, Relaxed);
        }
    }

    /// Whether a complete request runs or is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.stage.load(Relaxed) == ANSWERING || self.unread_since.load(Relaxed) != READ
    }

    /// The stage if the connection is idle. The lower it is, the longer the connection has been idle. A connection whose client
    /// does not read the last answer is not idle.
    pub(super) fn idle(&self) -> Option<u64> {
        self.stage_if(0)
    }

    /// The stage if the body of a request is incomplete. The lower it is, the longer the server has waited.
    pub(super) fn receiving(&self) -> Option<u64> {
        self.stage_if(RECEIVING)
    }

    fn stage_if(&self, kind: u64) -> Option<u64> {
        let stage = self.stage.load(Relaxed);
        (stage & KIND == kind && self.unread_since.load(Relaxed) == READ).then_some(stage)
    }

    /// Tells the connection to close if it is still in this idle or receiving stage.
    pub(super) fn close_if_still(&self, stage: u64) -> bool {
        let closes = self.unread_since.load(Relaxed) == READ
            && self.stage.compare_exchange(stage, CLOSING, Relaxed, Relaxed).is_ok();
        if closes {
            self.close.notify_one();
        }
        closes
    }

    /// Waits until the connection is told to close.
    pub(super) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    /// Notes that the client has stopped reading.
    pub(super) fn stalls(&self) {
        self.unread_since.store(self.now(), Relaxed);
    }

    /// Notes that the client reads again.
    pub(super) fn reads_again(&self) {
        self.unread_since.store(READ, Relaxed);
    }

    /// Counts the connection as closed because its client read nothing for too long.
    pub(super) fn given_up(&self) {
        self.unread.inc();
    }

    /// Waits until the client has read nothing for this long, and counts that.
    pub(super) async fn unread_for(&self, patience: Duration) {
        let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        loop {
            let since = self.unread_since.load(Relaxed);
            let waited = if since == READ { 0 } else { self.now().saturating_sub(since) };
            if since != READ && waited >= patience_ms {
                return self.given_up();
            }
            let left = Duration::from_millis(patience_ms - waited);
            tokio::time::sleep_until(deadline_clock::now() + left).await;
        }
    }

    #[cfg(test)]
    pub(super) fn is_told_to_close(&self) -> bool {
        self.stage.load(Relaxed) == CLOSING
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A connection that was told to close stays so.
        let idle = self.0.now() << 2;
        let _ = self.0.stage.fetch_update(Relaxed, Relaxed, |stage| (stage != CLOSING).then_some(idle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(deadline_clock::now(), Counter::default()))
    }

    #[test]
    fn a_request_is_received_answered_and_over() {
        let activity = activity();
        let idle = activity.idle();
        assert!(idle.is_some() && activity.receiving().is_none() && !activity.is_answering());
        let request = activity.begin().unwrap();
        assert!(activity.idle().is_none() && activity.receiving().is_some() && !activity.is_answering());
        activity.received();
        assert!(activity.idle().is_none() && activity.receiving().is_none() && activity.is_answering());
        drop(request);
        // A body that nobody reads may be dropped late.
        activity.received();
        assert!(activity.idle() >= idle && !activity.is_answering());
    }

    #[test]
    fn no_request_begins_on_a_connection_that_was_told_to_close() {
        let activity = activity();
        let idle = activity.idle().unwrap();
        let request = activity.begin().unwrap();
        assert!(!activity.close_if_still(idle));
        activity.received();
        drop(request);
        assert!(activity.close_if_still(activity.idle().unwrap()));
        assert!(activity.begin().is_none() && activity.is_told_to_close() && activity.idle().is_none());
    }

    #[test]
    fn a_connection_that_is_waited_for_may_be_told_to_close_until_its_request_is_whole() {
        let slow = activity();
        let request = slow.begin().unwrap();
        assert!(slow.close_if_still(slow.receiving().unwrap()));
        // Bytes that arrive later and the end of the request do not undo it.
        slow.received();
        drop(request);
        assert!(slow.is_told_to_close() && slow.begin().is_none());
        let whole = activity();
        let _request = whole.begin().unwrap();
        let receiving = whole.receiving().unwrap();
        whole.received();
        assert!(!whole.close_if_still(receiving) && whole.is_answering());
    }

    #[test]
    fn a_connection_whose_client_does_not_read_is_not_idle() {
        let activity = activity();
        let idle = activity.idle().unwrap();
        activity.stalls();
        assert!(activity.idle().is_none() && activity.is_answering() && !activity.close_if_still(idle));
        activity.reads_again();
        assert!(activity.close_if_still(idle));
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let activity = activity();
        activity.stalls();
        let given_up = activity.unread_for(Duration::from_millis(20));
        tokio::time::timeout(Duration::from_secs(10), given_up).await.unwrap();
        assert_eq!(activity.unread.get(), 1);
        activity.reads_again();
        let reading = activity.unread_for(Duration::from_millis(1));
        assert!(tokio::time::timeout(Duration::from_millis(20), reading).await.is_err());
    }
}
