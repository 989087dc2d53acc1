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

mod chunk;
mod header;
mod lexer;
mod machine;
mod stream;
#[cfg(test)]
mod tests;

pub(in crate::server) use self::header::{InternalHeader, MAX_TARGET, MIN_BUFFER};
pub(in crate::server) use self::stream::LongLine;
