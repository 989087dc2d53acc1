//! A stream with a write timeout.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::activity::Activity;
use super::deadline_clock;

/// A stream with a write timeout. It is below TLS, so it sees the bytes that the network accepts.
#[derive(Debug)]
pub(super) struct WriteTimeout<S> {
    stream: S,
    activity: Arc<Activity>,
    patience: Duration,
    /// The end of the timeout; set while the client reads nothing.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteTimeout<S> {
    /// Wraps a stream. `activity` shows when its client reads nothing.
    pub(super) fn new(stream: S, activity: Arc<Activity>, patience: Duration) -> Self {
        Self { stream, activity, patience, deadline: None }
    }

    /// Handles the result of a write attempt.
    ///
    /// # Errors
    /// `TimedOut` when the client has read nothing for too long.
    fn handle_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.deadline.take().is_some() {
                self.activity.reads_again();
            }
            return written;
        }
        let deadline = self.deadline.get_or_insert_with(|| {
            self.activity.stalls();
            Box::pin(tokio::time::sleep_until(deadline_clock::now() + self.patience))
        });
        ready!(deadline.as_mut().poll(cx));
        self.activity.given_up();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.handle_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.handle_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    /// Waits for something that must happen soon.
    async fn soon<T>(happening: impl Future<Output = T>) -> T {
        let happening = tokio::time::timeout(Duration::from_secs(10), happening);
        happening.await.expect("nothing happens")
    }

    fn write_timeout(patience: Duration) -> (WriteTimeout<DuplexStream>, DuplexStream, Counter) {
        let (stream, client) = tokio::io::duplex(10);
        let counter = Counter::default();
        let activity = Arc::new(Activity::new(deadline_clock::now(), counter.clone()));
        (WriteTimeout::new(stream, activity, patience), client, counter)
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut stream, client, counter) = write_timeout(Duration::from_millis(20));
        let error = soon(stream.write_all(&[0; 100])).await.unwrap_err();
        assert_eq!((error.kind(), counter.get()), (io::ErrorKind::TimedOut, 1));
        drop(client);
    }

    #[tokio::test]
    async fn each_byte_that_is_taken_begins_the_time_anew() {
        let (mut stream, mut client, counter) = write_timeout(Duration::from_hours(1));
        soon(stream.write_all(&[1; 10])).await.unwrap();
        for _ in 0..3 {
            assert!(tokio::time::timeout(Duration::ZERO, stream.write(&[2])).await.is_err());
            assert!(stream.deadline.is_some() && stream.activity.idle().is_none());
            soon(client.read_exact(&mut [0])).await.unwrap();
            assert_eq!(soon(stream.write(&[2])).await.unwrap(), 1);
            assert!(stream.deadline.is_none() && stream.activity.idle().is_some());
        }
        assert_eq!(counter.get(), 0);
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_and_gets_nothing_is_left_alone() {
        let (mut stream, mut client, counter) = write_timeout(Duration::from_millis(1));
        let nothing = stream.read_u8();
        assert!(tokio::time::timeout(Duration::from_millis(20), nothing).await.is_err());
        soon(stream.write_all(&[1; 10])).await.unwrap();
        soon(client.read_exact(&mut [0; 10])).await.unwrap();
        assert_eq!(counter.get(), 0);
    }
}
