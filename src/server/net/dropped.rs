//! Closing a connection without an answer.

use std::fmt;

use axum::body::Body;
use axum::response::Response;

/// Marks a response that must not be sent. As an error it closes the connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for Dropped {}

impl Dropped {
    /// A response that must not be sent.
    pub(in crate::server) fn response() -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Self);
        response
    }

    /// The response, unless it must not be sent.
    ///
    /// # Errors
    /// [`Dropped`] then, which closes the connection.
    pub(in crate::server) fn unless<B>(response: http::Response<B>) -> Result<http::Response<B>, Self> {
        response.extensions().get::<Self>().copied().map_or(Ok(response), Err)
    }
}
