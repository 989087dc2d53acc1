//! Connections: from the socket to a request that `rpc` or `admin` answers.

mod activity;
mod bodies;
mod bounds;
mod connections;
mod counts;
mod deadline_clock;
mod dropped;
mod group;
mod listen;
pub(super) mod long_line;
mod outliving;
mod peer;
pub(super) mod read_body;
mod transport;
mod write_timeout;

pub use self::bounds::Bounds;
pub(super) use self::connections::Connections;
pub(super) use self::counts::Counts;
pub(super) use self::dropped::Dropped;
pub(super) use self::listen::accept;
pub(super) use self::outliving::Gone;
pub(super) use self::peer::Peer;
