//! Bounds on the number of connections and on the time that clients may take.

use std::time::Duration;

/// How many connections are accepted beyond [`Bounds::connections`], so that `/_sesame/health` is answered even when all others
/// are busy.
pub(super) const SPARE: usize = 32;
/// File descriptors that are reserved for the log, the runtime and other files.
const OTHER_FILES: u64 = 64;
/// The default maximum of connections. It bounds memory: a connection uses about 15 KiB once it has had a request.
const MOST: usize = 4096;
/// Minimum number of connections, even when the process may open fewer files.
const FEWEST: usize = 16;

/// Bounds on connections: how many at once, and how long a client may take for each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum number of connections.
    pub connections: usize,
    /// Maximum number of connections from one address. An IPv6 /64 network counts as one address.
    pub per_address: usize,
    /// How long a client may take to send what begins a request: its TLS handshake, and the head of each request. An
    /// idle connection is closed after this time.
    pub head: Duration,
    /// Time for the body of an API request.
    pub body: Duration,
    /// Time for the body of a request below `/_sesame`, which may be a large file.
    pub file: Duration,
    /// Time between two reads of such a body.
    pub file_pause: Duration,
    /// Time for the client to read the next bytes of an answer.
    pub unread: Duration,
    /// The same while the server stops.
    pub unread_at_stop: Duration,
    /// Time to finish complete requests while the server stops.
    pub grace: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: MOST,
            per_address: quarter(MOST),
            head: Duration::from_mins(1),
            body: Duration::from_secs(30),
            file: Duration::from_mins(10),
            file_pause: Duration::from_secs(30),
            unread: Duration::from_secs(30),
            unread_at_stop: Duration::from_secs(2),
            grace: Duration::from_secs(10),
        }
    }
}

impl Bounds {
    /// The bounds of a process that may open `descriptors` files, of which its database may use `database`. `connections` and
    /// `per_address` are the configured values. By default there are as many connections as the files allow, but at most
    /// 4,096, and a quarter of them per address.
    pub fn within(
        descriptors: u64,
        database: u64,
        connections: Option<usize>,
        per_address: Option<usize>,
    ) -> Self {
        let left = descriptors.saturating_sub(OTHER_FILES + SPARE as u64).saturating_sub(database);
        let left = usize::try_from(left).unwrap_or(usize::MAX).max(FEWEST);
        let connections = connections.unwrap_or(MOST).min(left);
        let per_address = per_address.unwrap_or_else(|| quarter(connections)).min(connections);
        Self { connections, per_address, ..Self::default() }
    }

    /// From this number of connections on, each new one closes the longest idle one.
    pub(super) const fn crowded(&self) -> usize {
        self.connections - self.connections / 10
    }
}

const fn quarter(connections: usize) -> usize {
    connections.div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for (descriptors, database, wanted, want) in [
            (1024, 0, None, (928, 232)),
            (1024, 500, None, (428, 107)),
            (256, 0, None, (160, 40)),
            (1_048_576, 0, None, (4096, 1024)),
            (u64::MAX, 0, Some(20_000), (20_000, 5000)),
            (1024, 0, Some(20_000), (928, 232)),
            (1024, 0, Some(100), (100, 25)),
            (20, 10, None, (16, 4)),
        ] {
            let bounds = Bounds::within(descriptors, database, wanted, None);
            assert_eq!((bounds.connections, bounds.per_address), want, "{descriptors} {database} {wanted:?}");
        }
        assert_eq!(Bounds::within(1024, 0, None, Some(900)).per_address, 900);
        assert_eq!(Bounds::within(1024, 0, Some(50), Some(900)).per_address, 50);
    }
}
