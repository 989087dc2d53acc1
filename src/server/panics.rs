//! Catching panics of handlers, so that the client gets an answer instead of a closed connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// The error of a future that panicked. It does not contain the panic's message, which may contain a secret value. The panic hook
/// logs the place of the panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the handler panicked, which is a defect of Sesame; the log line just before this one says where")]
pub(super) struct Panicked;

/// Turns a panic of a future into an error. The state that the future shares with others must survive that the future stops
/// anywhere: locks here ignore poisoning, and commits run in tasks of their own. The future is passed pinned, so that it is not
/// moved.
pub(super) fn caught<F: Future>(
    mut future: Pin<&mut F>,
) -> impl Future<Output = Result<F::Output, Panicked>> {
    std::future::poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(Err(Panicked)), |poll| poll.map(Ok))
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_future_that_panics_at_once_or_later_is_caught() {
        assert_eq!(caught(pin!(async { 7 })).await, Ok(7));
        assert_eq!(caught(pin!(async { panic!("at once") })).await, Err::<(), _>(Panicked));
        let later = async {
            tokio::task::yield_now().await;
            panic!("later")
        };
        assert_eq!(caught(pin!(later)).await, Err::<(), _>(Panicked));
    }
}
