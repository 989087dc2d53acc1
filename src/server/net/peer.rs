//! The client of a connection.

use std::net::IpAddr;

/// The client of a connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Peer {
    /// The client's address.
    pub(in crate::server) address: IpAddr,
    /// Whether the connection uses TLS.
    pub(in crate::server) secure: bool,
    /// Whether the connection has a spare slot because all others are taken. API requests are then refused.
    pub(in crate::server) spare: bool,
}
