//! Request lines that are longer than hyper accepts.
//!
//! hyper answers 414 when a request target is over 65,534 bytes ([`http::Uri`] counts in `u16`), and no
//! setting changes that. Clients that put a 30,720-byte secret into the query send up to 95 KB. [`LongLine`]
//! sits between the accepted stream and hyper and tracks where messages begin and end. When a target is over
//! 60,000 bytes, [`LongLine`] moves its query from the request line into a header ([`InternalHeader`]), where
//! hyper has no such limit. A target over [`MAX_TARGET`], or one whose path alone is too long, becomes `/`
//! with a mark in that header, and the server answers 414. All other bytes pass unchanged; short requests are
//! not copied.
//!
//! # Two parsers, one connection
//!
//! If a proxy and a server disagree about where a request ends, a client can smuggle one request inside
//! another. Here that would need a rewritten line that hyper reads as part of a body or a header. It cannot
//! happen:
//!
//! - A line is rewritten only where a request begins: at the start of the connection, or after a message that
//!   was tracked to its end without any doubt.
//! - Any doubt ends the rewriting for the rest of the connection, and all further bytes pass (see `Blind`).
//!   These are doubts: a method that is not 1 to 32 token characters, `CONNECT`, a version other than
//!   `HTTP/1.0` and `HTTP/1.1`, a long target that does not start with `/` or has a fragment, a byte that is
//!   not ASCII or that [`http::Uri`] refuses, a control character in a header (a bare CR too), a folded header
//!   line, a header without a valid name, a `Content-Length` that is not a number or that differs from an
//!   earlier one, a `Transfer-Encoding` that is not exactly one `chunked`, that comes with HTTP/1.0 or together
//!   with `Content-Length`, `Upgrade`, headers over 64 KiB, and chunks that differ in any byte from what hyper
//!   decodes.
//! - Where there is no doubt, hyper either reads the same message or refuses it (too many headers, too long
//!   trailers, a bad path). After a refusal it reads no further request from that connection.
//! - A rewritten line gives hyper one request line and one header. The moved bytes are visible ASCII and
//!   cannot end either of them. hyper would have read the original as one line too: both end it at the first LF.
//!
//! hyper's `ignore_invalid_headers` must stay off and upgrades must stay unserved, which is the default. The
//! name of the header is random, but the safety does not depend on that: a client that knew it could only send
//! a query, which it can do anyway.
//!
//! # Memory
//!
//! No memory is used while each head is short and arrives in one read. Otherwise this holds one request line (at
//! most a little over [`MAX_TARGET`]), its rewritten form, and the bytes of one read. The rest of a longer line
//! is dropped as it arrives.

mod chunk;
mod header;
mod lexer;
mod machine;
mod stream;
#[cfg(test)]
mod tests;

pub(in crate::server) use self::header::{InternalHeader, MAX_TARGET, MIN_BUFFER};
pub(in crate::server) use self::stream::LongLine;
