//! Request lines that are longer than hyper takes.
//!
//! hyper answers 414 when a request target is over 65,534 bytes ([`http::Uri`] counts in `u16`), and no
//! setting changes that. Clients that put a 30,720-byte secret into the query send up to 95 KB. [`LongLine`]
//! stands between the accepted stream and hyper and follows the boundaries of the messages that come in. When
//! a target is over 60,000 bytes, its query is moved out of the request line into a header
//! ([`InternalHeader`]), where hyper has no such limit; a target over [`MAX_TARGET`], or one that is long but
//! for its query, becomes `/` with a mark in that header, for the server to answer 414. Every other byte is
//! handed on as it came, and short requests without a copy.
//!
//! # Two parsers, one connection
//!
//! A proxy and a server that disagree about where a request ends let a client smuggle one request inside
//! another. Here it would take a rewritten line that hyper regards as part of a body or of a header, and that
//! cannot happen:
//!
//! - Only a line at a place where a request begins is rewritten: the first of the connection, or the one
//!   after a message that was followed to its end without any doubt.
//! - Any doubt ends the rewriting for the rest of the connection; from there on all bytes pass (see `Blind`).
//!   Doubts are: a method of other than 1 to 32 token characters, `CONNECT`, a version other than `HTTP/1.0`
//!   and `HTTP/1.1`, a long target that does not begin with `/` or has a fragment, a byte beyond ASCII or one
//!   that [`http::Uri`] refuses, a control character in a header (a bare CR also), folded header lines, a
//!   header without a proper name, `Content-Length` that is not a number or not the same number each time,
//!   `Transfer-Encoding` that is not exactly one `chunked` or is with HTTP/1.0 or beside `Content-Length`,
//!   `Upgrade`, headers over 64 KiB, and chunks that are not to the letter of what hyper decodes.
//! - What is without doubt here, hyper either reads with the same result or refuses (too many headers, too
//!   long trailers, a bad path), and then it reads no further request from that connection.
//! - What a rewritten line puts before hyper is one request line and one header; the moved bytes are visible
//!   ASCII and can end neither. The line was one line to hyper also: both end it at the first LF.
//!
//! The builder's `ignore_invalid_headers` must stay off and upgrades unserved, as by default. The name of the
//! header is secret, yet nothing rests on that: who knew it could only send a query, which he can anyway.
//!
//! # Memory
//!
//! None while the heads of requests come whole in one read and are short; otherwise what is held of one
//! request line (a little over [`MAX_TARGET`] at most) and its rewritten form, and what one read brings. Of a
//! longer line the rest is dropped as it comes.

mod machine;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::machine::{Limits, Machine, TOO_LONG};

/// The longest request target that is taken, in bytes (256 KiB).
pub(in crate::server) const MAX_TARGET: usize = 256 * 1024;
/// The least `max_buf_size` of hyper's builder, in bytes, with which a target of [`MAX_TARGET`] and 64 KiB of
/// headers get through: the two, and room for the moved query's header name.
pub(in crate::server) const MIN_BUFFER: usize = MAX_TARGET + machine::MAX_HEADERS + 4096;
/// Reads in one poll that may give hyper nothing, before other tasks (and its header timeout) get their turn.
const READS_PER_POLL: usize = 32;

/// The request target was over [`MAX_TARGET`] bytes, or over 60,000 bytes before its query. To be answered
/// with 414 and the end of the connection: no later request on it will be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct TooLong;

/// The header that carries a moved query from [`LongLine`] to the request handler. To be made once per
/// process.
#[derive(Clone)]
pub(in crate::server) struct InternalHeader(HeaderName);

impl InternalHeader {
    /// A header named `x-query-` and the hexadecimal digits of `random`.
    pub(in crate::server) fn new(random: [u8; 16]) -> Self {
        let name = format!("x-query-{}", const_hex::encode(random));
        #[expect(clippy::expect_used, reason = "lower-case letters, digits and dashes are a header name")]
        Self(HeaderName::from_bytes(name.as_bytes()).expect("a header name"))
    }

    /// The name.
    #[cfg(test)]
    fn header(&self) -> &HeaderName {
        &self.0
    }

    /// The query that was moved out of the request line, without its `?`; `None` when the request line came
    /// through as it was.
    ///
    /// The bytes are those of [`http::uri::PathAndQuery::query`]: visible ASCII, still percent-encoded.
    ///
    /// # Errors
    /// [`TooLong`] instead of the query when the request line was longer than the server takes; its path is
    /// then `/`, whatever it was.
    pub(in crate::server) fn query_of<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> Option<Result<&'a [u8], TooLong>> {
        let value = headers.get(&self.0)?.as_bytes();
        Some(if value == TOO_LONG { Err(TooLong) } else { Ok(value) })
    }
}

impl fmt::Debug for InternalHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalHeader(..)")
    }
}

/// A stream whose reads have the queries of long request lines moved into a header; writes go straight
/// through.
///
/// What comes in must be HTTP/1 requests, from the first byte on.
pub(in crate::server) struct LongLine<S> {
    stream: S,
    machine: Machine,
    /// Bytes for the reader that could not be left where they were read, and how many of them were given.
    ready: Vec<u8>,
    given: usize,
}

impl<S> LongLine<S> {
    /// Wraps a stream from which nothing has been read yet.
    pub(in crate::server) fn new(stream: S, header: InternalHeader) -> Self {
        Self { stream, machine: Machine::new(header, Limits::SERVER), ready: Vec::new(), given: 0 }
    }

    /// Gives the reader what is ready for it; false when that is nothing.
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
    /// Without the bytes: they are a client's secrets.
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
