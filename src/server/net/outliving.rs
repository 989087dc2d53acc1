//! Requests that outlive their clients.
//!
//! When a client goes away, hyper drops the future of its request, wherever that future waits. A change that reached the database
//! would then never reach the cache, and a database connection would be closed in the middle of a statement. So a request that
//! hyper drops continues in a task of the server until it is done. Nobody reads its answer.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Whether the client of a request has gone away. It is an extension of requests below `/_sesame`, whose work may then stop.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Gone(pub(in crate::server) CancellationToken);

/// The future of a request. When it is dropped before its end, it continues as a task of `tasks`, which shutdown waits for.
pub(super) struct Outliving<'t, F, H>
where
    F: Future<Output: Send> + Send + 'static,
    H: Send + 'static,
{
    /// The request and its connection's slot; `None` once it is done. An abandoned request keeps the slot, so clients that
    /// disconnect cannot start more requests than there may be connections.
    running: Option<(Pin<Box<F>>, H)>,
    tasks: &'t TaskTracker,
    /// Cancelled when the client goes away.
    gone: Option<CancellationToken>,
}

impl<'t, F, H> Outliving<'t, F, H>
where
    F: Future<Output: Send> + Send + 'static,
    H: Send + 'static,
{
    /// Takes the future in a box, so that the large future itself is never moved.
    pub(super) fn new(request: Pin<Box<F>>, slot: H, tasks: &'t TaskTracker) -> Self {
        Self { running: Some((request, slot)), tasks, gone: None }
    }

    /// Tells the request by this token when its client goes away.
    pub(super) fn telling(mut self, gone: Option<CancellationToken>) -> Self {
        self.gone = gone;
        self
    }
}

impl<F, H> Future for Outliving<'_, F, H>
where
    F: Future<Output: Send> + Send + 'static,
    H: Send + Unpin + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // It is taken out while it is polled, so that a request that panics does not continue.
        let Some((mut request, slot)) = self.running.take() else { return Poll::Pending };
        let polled = request.as_mut().poll(context);
        if polled.is_pending() {
            self.running = Some((request, slot));
        }
        polled
    }
}

impl<F, H> Drop for Outliving<'_, F, H>
where
    F: Future<Output: Send> + Send + 'static,
    H: Send + 'static,
{
    fn drop(&mut self) {
        if let Some((request, slot)) = self.running.take() {
            self.gone.iter().for_each(CancellationToken::cancel);
            self.tasks.spawn(async move {
                request.await;
                drop(slot);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_dropped_request_continues_and_keeps_its_slot() {
        let tasks = TaskTracker::new();
        let (go, wait) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let slot = std::sync::Arc::new(());
        let request = async move {
            wait.await.unwrap();
            done.send(()).unwrap();
        };
        let gone = CancellationToken::new();
        let outliving = Outliving::new(Box::pin(request), std::sync::Arc::clone(&slot), &tasks);
        let mut outliving = Box::pin(outliving.telling(Some(gone.clone())));
        assert!(
            std::future::poll_fn(|context| Poll::Ready(outliving.as_mut().poll(context))).await.is_pending()
        );
        assert!(!gone.is_cancelled());
        drop(outliving);
        assert!(gone.is_cancelled(), "the request learns that its client went away");
        assert_eq!(std::sync::Arc::strong_count(&slot), 2, "an abandoned request still holds its slot");
        go.send(()).unwrap();
        finished.await.unwrap();
        tasks.close();
        tasks.wait().await;
        assert_eq!(std::sync::Arc::strong_count(&slot), 1);
    }

    #[tokio::test]
    async fn a_request_that_is_done_leaves_no_task() {
        let tasks = TaskTracker::new();
        assert_eq!(Outliving::new(Box::pin(async { 7 }), (), &tasks).await, 7);
        assert!(tasks.is_empty());
    }
}
