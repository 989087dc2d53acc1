//! The header that carries a query past hyper.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// The longest request target that is taken, in bytes (256 KiB).
pub(in crate::server) const MAX_TARGET: usize = 256 * 1024;
/// The least `max_buf_size` of hyper's builder, in bytes, with which a target of [`MAX_TARGET`] and 64 KiB of
/// headers get through: the two, and room for the moved query's header name.
pub(in crate::server) const MIN_BUFFER: usize = MAX_TARGET + MAX_HEADERS + 4096;
/// How many bytes of headers are followed; with more, the rest of the connection passes untouched.
pub(super) const MAX_HEADERS: usize = 64 * 1024;
/// The value that stands for a target that is too long. A query has no space, so it is none.
pub(super) const TOO_LONG: &[u8] = b"too long";

/// The request target was over [`MAX_TARGET`] bytes, or over 60,000 bytes before its query. To be answered
/// with 414 and the end of the connection: no later request on it will be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct TooLong;

/// The header that carries a moved query from [`LongLine`] to the request handler. To be made once per
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

    /// The name.
    #[cfg(test)]
    pub(super) fn header(&self) -> &HeaderName {
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
