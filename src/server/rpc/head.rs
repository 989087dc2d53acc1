//! What is known of a request before its body is read.

use http::request::Parts;

use crate::server::net::Peer;
use crate::server::site::RequestHost;

/// The head of a request and the client that sent it.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// Method, target and headers.
    pub(super) parts: &'a Parts,
    /// The Host header.
    pub(super) host: RequestHost<'a>,
    /// The client.
    pub(super) peer: Peer,
}
