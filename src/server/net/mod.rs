//! Connections: from the socket to a request that the router can answer.

mod dropped;
mod listen;
pub(super) mod long_line;
mod peer;
mod transport;

pub(super) use self::dropped::Dropped;
pub(super) use self::listen::accept;
pub(super) use self::peer::Peer;
