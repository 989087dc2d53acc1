//! The header that carries a moved query past hyper.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// The longest accepted request target, in bytes (256 KiB).
pub(in crate::server) const MAX_TARGET: usize = 256 * 1024;
/// The smallest `max_buf_size` of hyper's builder, in bytes, that lets a target of [`MAX_TARGET`] and 64 KiB of headers
/// through: the sum of both, plus room for the name of the header with the moved query.
pub(in crate::server) const MIN_BUFFER: usize = MAX_TARGET + MAX_HEADERS + 4096;
/// The longest headers that are tracked, in bytes. With more, the rest of the connection passes unchanged.
pub(super) const MAX_HEADERS: usize = 64 * 1024;
/// The header's value when the target was too long. No query equals it, because a query contains no space.
pub(super) const TOO_LONG: &[u8] = b"too long";

/// The request target was over [`MAX_TARGET`] bytes, or its path was over 60,000 bytes. The server must answer 414 and close
/// the connection, because later requests on it are not rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct TooLong;

/// The header that carries a moved query from [`LongLine`](super::LongLine) to the request handler. Create it once per
/// process.
#[derive(Clone)]
pub(in crate::server) struct InternalHeader(pub(super) HeaderName);

impl InternalHeader {
    /// A header named `x-query-` and the hexadecimal digits of `random`.
    pub(in crate::server) fn new(random: [u8; 16]) -> Self {
        let name = format!("x-query-{}", const_hex::encode(random));
        #[expect(clippy::expect_used, reason = "lower-case letters, digits and dashes are a header name")]
        Self(HeaderName::from_bytes(name.as_bytes()).expect("a header name"))
    }

    /// The header's name.
    #[cfg(test)]
    pub(super) fn header(&self) -> &HeaderName {
        &self.0
    }

    /// The query that was moved out of the request line, without its `?`; `None` when the request line passed
    /// unchanged. The bytes have the form of [`http::uri::PathAndQuery::query`]: visible ASCII, still
    /// percent-encoded.
    ///
    /// # Errors
    /// [`TooLong`] when the request line was too long. The request's path is then `/`, whatever the client sent.
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
