//! Closing a connection without an answer.

use std::fmt;

use axum::body::Body;
use axum::response::Response;

/// Mark of a response that is not to be sent, and the error that closes its connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped by a rule of faults")
    }
}

impl std::error::Error for Dropped {}

impl Dropped {
    /// A response that is not to be sent.
    pub(in crate::server) fn response() -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Self);
        response
    }

    /// The response, unless it is not to be sent.
    ///
    /// # Errors
    /// [`Dropped`] then, which closes the connection.
    pub(in crate::server) fn unless<B>(response: http::Response<B>) -> Result<http::Response<B>, Self> {
        response.extensions().get::<Self>().copied().map_or(Ok(response), Err)
    }
}
