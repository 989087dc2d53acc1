//! Activity of one connection. Its task writes it, others read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::stopwatch;

/// Set in a stage when the head of a request has arrived and its body has not. The upper 62 bits hold the time, in
/// milliseconds, since when the server waits for the client. So an idle stage ends in `00` and a receiving one in `01`.
const RECEIVING: u64 = 1;
/// Mask of the kind of a stage.
const KIND: u64 = 3;
/// A complete request is running, or its answer is being sent.
const ANSWERING: u64 = u64::MAX - 1;
/// The connection was told to close; no further request begins.
const CLOSING: u64 = u64::MAX;
/// The client reads what is sent.
const READ: u64 = u64::MAX;

/// What a connection is doing. Its own task begins and ends requests; others may look, and may close it while it is idle.
///
/// Idle means that no head of a request has arrived since the last answer. It also means a handshake, and a connection
/// on which nothing was sent.
#[derive(Debug)]
pub(super) struct Line {
    /// Start of all times.
    start: Instant,
    /// [`ANSWERING`], [`CLOSING`], or since when the client is waited for, with [`RECEIVING`].
    stage: AtomicU64,
    /// Since when the client reads nothing of an answer, in milliseconds from `start`, or [`READ`].
    unread_since: AtomicU64,
    close: Notify,
    /// Counts connections that were closed because their client read nothing.
    unread: Counter,
}

/// A request on a connection, from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Running(Arc<Line>);

impl Line {
    /// A connection that is idle from now on.
    pub(super) fn new(start: Instant, unread: Counter) -> Self {
        let line = Self {
            start,
            stage: AtomicU64::new(0),
            unread_since: AtomicU64::new(READ),
            close: Notify::new(),
            unread,
        };
        line.stage.store(line.now() << 2, Relaxed);
        line
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or_default()
    }

    /// The head of a request has arrived. `None` when the connection was told to close: the request must not begin.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Running> {
        let begun = self.stage.fetch_or(RECEIVING, Relaxed) != CLOSING;
        begun.then(|| Running(Arc::clone(self)))
    }

    /// The body has arrived, or nobody will read the rest.
    pub(super) fn received(&self) {
        let stage = self.stage.load(Relaxed);
        if stage & KIND == RECEIVING {
            // Not a store: the connection may have been told to close meanwhile.
            let _ = self.stage.compare_exchange(stage, ANSWERING, Relaxed, Relaxed);
        }
    }

    /// Whether a complete request is running or being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.stage.load(Relaxed) == ANSWERING || self.unread_since.load(Relaxed) != READ
    }

    /// The stage of an idle connection; the lower, the longer it has been idle. A connection whose client does not read the
    /// last answer is not idle.
    pub(super) fn idle(&self) -> Option<u64> {
        self.stage_if(0)
    }

    /// The stage of a connection whose request has no complete body yet; the lower, the longer the server has waited.
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

    /// Returns when the connection was told to close.
    pub(super) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    /// The client reads nothing for now.
    pub(super) fn stalls(&self) {
        self.unread_since.store(self.now(), Relaxed);
    }

    /// The client reads again.
    pub(super) fn reads_again(&self) {
        self.unread_since.store(READ, Relaxed);
    }

    /// Counts the connection as closed because its client read nothing for too long.
    pub(super) fn given_up(&self) {
        self.unread.inc();
    }

    /// Returns when the client has read nothing for that long.
    pub(super) async fn unread_for(&self, patience: Duration) {
        let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        loop {
            let since = self.unread_since.load(Relaxed);
            let waited = if since == READ { 0 } else { self.now().saturating_sub(since) };
            if since != READ && waited >= patience_ms {
                return self.given_up();
            }
            let left = Duration::from_millis(patience_ms - waited);
            tokio::time::sleep_until(stopwatch::now() + left).await;
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

    fn line() -> Arc<Line> {
        Arc::new(Line::new(stopwatch::now(), Counter::default()))
    }

    #[test]
    fn a_request_is_received_answered_and_over() {
        let line = line();
        let idle = line.idle();
        assert!(idle.is_some() && line.receiving().is_none() && !line.is_answering());
        let request = line.begin().unwrap();
        assert!(line.idle().is_none() && line.receiving().is_some() && !line.is_answering());
        line.received();
        assert!(line.idle().is_none() && line.receiving().is_none() && line.is_answering());
        drop(request);
        // The body of a request that nobody read may be dropped late.
        line.received();
        assert!(line.idle() >= idle && !line.is_answering());
    }

    #[test]
    fn no_request_begins_on_a_connection_that_was_told_to_close() {
        let line = line();
        let idle = line.idle().unwrap();
        let request = line.begin().unwrap();
        assert!(!line.close_if_still(idle));
        line.received();
        drop(request);
        assert!(line.close_if_still(line.idle().unwrap()));
        assert!(line.begin().is_none() && line.is_told_to_close() && line.idle().is_none());
    }

    #[test]
    fn a_connection_that_is_waited_for_may_be_told_to_close_until_its_request_is_whole() {
        let slow = line();
        let request = slow.begin().unwrap();
        assert!(slow.close_if_still(slow.receiving().unwrap()));
        // What arrives or ends later does not undo it.
        slow.received();
        drop(request);
        assert!(slow.is_told_to_close() && slow.begin().is_none());
        let whole = line();
        let _request = whole.begin().unwrap();
        let receiving = whole.receiving().unwrap();
        whole.received();
        assert!(!whole.close_if_still(receiving) && whole.is_answering());
    }

    #[test]
    fn a_connection_whose_client_does_not_read_is_not_idle() {
        let line = line();
        let idle = line.idle().unwrap();
        line.stalls();
        assert!(line.idle().is_none() && line.is_answering() && !line.close_if_still(idle));
        line.reads_again();
        assert!(line.close_if_still(idle));
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let line = line();
        line.stalls();
        let given_up = line.unread_for(Duration::from_millis(20));
        tokio::time::timeout(Duration::from_secs(10), given_up).await.unwrap();
        assert_eq!(line.unread.get(), 1);
        line.reads_again();
        let reading = line.unread_for(Duration::from_millis(1));
        assert!(tokio::time::timeout(Duration::from_millis(20), reading).await.is_err());
    }
}
