//! The stream between the socket and hyper.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::header::InternalHeader;
use super::machine::{Limits, Machine};

/// How many reads in one poll may yield nothing for hyper before other tasks, and hyper's header timeout, get a turn.
const READS_PER_POLL: usize = 32;

/// A stream that moves the queries of long request lines into a header when it is read. Writes pass through.
///
/// The bytes must be HTTP/1 requests from the first byte on.
pub(in crate::server) struct LongLine<S> {
    pub(super) stream: S,
    pub(super) machine: Machine,
    /// Rewritten bytes that the reader has not got yet.
    pub(super) ready: Vec<u8>,
    /// How many bytes of `ready` the reader has got.
    pub(super) given: usize,
}

impl<S> LongLine<S> {
    /// Wraps a stream from which nothing has been read.
    pub(in crate::server) fn new(stream: S, header: InternalHeader) -> Self {
        Self { stream, machine: Machine::new(header, Limits::SERVER), ready: Vec::new(), given: 0 }
    }

    /// Gives the reader rewritten bytes; false when there are none.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let left = self.ready.get(self.given..).unwrap_or_default();
        let count = left.len().min(buf.remaining());
        buf.put_slice(left.get(..count).unwrap_or_default());
        self.given += count;
        if self.given == self.ready.len() {
            self.ready = Vec::new();
            self.given = 0;
        }
        count > 0
    }
}

impl<S> fmt::Debug for LongLine<S> {
    /// Without the bytes, which contain secrets of the client.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, ready) = (self.machine.held(), self.ready.len() - self.given);
        f.debug_struct("LongLine").field("held", &held).field("ready", &ready).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LongLine<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        for _ in 0..READS_PER_POLL {
            if this.give(buf) || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let start = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            let read = buf.filled().get(start..).unwrap_or_default();
            if read.is_empty() {
                this.ready = this.machine.finish();
                this.give(buf);
                return Poll::Ready(Ok(()));
            }
            let passed = this.machine.pass(read);
            if let Some(rest) = read.get(passed..).filter(|rest| !rest.is_empty()) {
                this.machine.feed(rest, &mut this.ready);
            }
            buf.set_filled(start + passed);
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LongLine<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
