//! The limit of open files, which bounds the number of connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::startup::DataLocation;
use crate::config::Config;
use crate::server::Bounds;

/// The start warns when there can be fewer connections than this.
const FEW: usize = 256;

/// Raises the limit of open files as far as possible without privileges, and derives the bounds on connections from it.
pub(super) fn bounds(config: &Config, location: &DataLocation) -> Bounds {
    let descriptors = raise();
    let database = match location {
        DataLocation::Server { connections, .. } => u64::from(*connections),
        DataLocation::Memory | DataLocation::Files { .. } => 0,
    };
    let bounds = Bounds::within(descriptors, database, config.connections, config.connections_per_address);
    let Bounds { connections, per_address, .. } = bounds;
    tracing::debug!(descriptors, connections, per_address, "bounds on connections");
    if connections < config.connections.unwrap_or(FEW) {
        tracing::warn!(
            "at most {connections} connections at once, because the process may have only {descriptors} files open \
             (raise the hard limit, for example with ulimit -n 8192, or LimitNOFILE=8192 in a unit of systemd)"
        );
    }
    bounds
}

/// Raises the soft limit of open files to the hard one. Returns the limit that is then in force.
fn raise() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` means unlimited.
    let [soft, hard] = [current, maximum].map(|limit| limit.unwrap_or(u64::MAX));
    if soft >= hard {
        return soft;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => hard,
        Err(error) => {
            tracing::warn!(%error, soft, hard, "cannot raise the limit of open files");
            soft
        }
    }
}
