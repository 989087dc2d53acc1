//! Who is at the other end of a connection.

use std::net::IpAddr;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Peer {
    /// The client's address.
    pub(in crate::server) address: IpAddr,
    /// Whether it came by TLS.
    pub(in crate::server) secure: bool,
    /// Whether it has a spare place, because all others are taken: calls of the API are refused.
    pub(in crate::server) spare: bool,
}
