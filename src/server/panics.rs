//! A handler that panics answers, instead of taking its connection down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// Mark of a future that panicked. What it panicked with is not kept: it may hold a value. The panic itself, with its place,
/// is on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the handler panicked, which is a defect of Sesame; the lines on standard error just before this one say where"
)]
pub(super) struct Panicked;

/// The outcome of a future, or that it panicked. What the future shares with others must bear that it stops anywhere: locks
/// here are never poisoned, and what is committed is committed in tasks of its own. The future is taken pinned, so that
/// there is room for it once.
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
