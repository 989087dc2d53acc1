//! Registry of open connections: totals, counts per address, idle time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::bounds::{Bounds, SPARE};
use super::counts::Counts;
use super::group::Group;
use super::line::Line;
use super::stopwatch;

/// All connections.
///
/// From nine tenths of the places on, each new connection closes the longest idle one. When busy connections hold all
/// places, a new connection gets one of [`SPARE`] spare places, which serve health only. There, too, the longest idle one
/// makes room, so a client that asks at once is answered.
#[derive(Debug)]
pub(in crate::server) struct Connections {
    bounds: Bounds,
    /// Start of all times.
    start: Instant,
    /// Whether the bound per address leaves out clients on this machine.
    loopback_is_free: bool,
    table: Mutex<Table>,
    /// Notified when a place is given back.
    freed: Notify,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Table {
    /// The id of the next connection.
    next: u64,
    /// Places in use, including connections that were told to close and have not done so yet.
    taken: usize,
    by_address: HashMap<IpAddr, usize>,
    ordinary: Group,
    spare: Group,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    address: IpAddr,
    pub(super) line: Arc<Line>,
    /// Whether it is one of the spare places.
    pub(super) spare: bool,
}

impl Connections {
    /// No connections yet. With `loopback_is_free`, the bound on those of one address does not hold for this machine.
    pub(in crate::server) fn new(bounds: &Bounds, loopback_is_free: bool, counts: Counts) -> Self {
        Self {
            bounds: bounds.clone(),
            start: stopwatch::now(),
            loopback_is_free,
            table: Mutex::default(),
            freed: Notify::new(),
            counts,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection a place; `None` when its address has too many.
    pub(super) fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let address = counted_as(client);
        let mut table = self.locked();
        let of_address = table.by_address.get(&address).copied().unwrap_or_default();
        let free = self.loopback_is_free && address.is_loopback();
        if of_address >= self.bounds.per_address && !free {
            self.counts.refused.inc();
            return None;
        }
        let (id, line) = (table.next, Arc::new(Line::new(self.start, self.counts.unread.clone())));
        if table.ordinary.lines.len() >= self.bounds.crowded() {
            self.close_longest_idle(&mut table.ordinary);
        }
        let spare = table.ordinary.lines.len() >= self.bounds.connections;
        if spare {
            // Half of them, so that there are places while those that were told to close do so.
            if table.spare.lines.len() >= SPARE / 2 {
                self.close_longest_idle(&mut table.spare);
            }
            table.spare.lines.insert(id, Arc::clone(&line));
        } else {
            table.ordinary.lines.insert(id, Arc::clone(&line));
        }
        table.next += 1;
        table.taken += 1;
        table.by_address.insert(address, of_address + 1);
        self.counts.open.inc();
        Some(Place { connections: Arc::clone(self), id, address, line, spare })
    }

    /// Waits for a place, spare ones included. Closes an idle connection when nothing else makes room.
    pub(super) async fn room(&self) {
        loop {
            {
                let mut table = self.locked();
                if table.taken < self.bounds.connections + SPARE {
                    return;
                }
                if table.taken == table.ordinary.lines.len() + table.spare.lines.len() {
                    self.make_room_in(&mut table);
                }
            }
            // A place that was given back before this line is not missed: the notice is kept.
            self.freed.notified().await;
        }
    }

    /// Closes an idle connection when descriptors run out.
    pub(super) fn make_room(&self) {
        self.make_room_in(&mut self.locked());
    }

    fn make_room_in(&self, table: &mut Table) {
        if !self.close_longest_idle(&mut table.ordinary) {
            self.close_longest_idle(&mut table.spare);
        }
    }

    fn close_longest_idle(&self, group: &mut Group) -> bool {
        let closed = group.close_longest_idle();
        if closed {
            self.counts.idle_closed.inc();
        }
        closed
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.connections.locked();
        table.ordinary.lines.remove(&self.id);
        table.spare.lines.remove(&self.id);
        table.taken -= 1;
        if let Some(count) = table.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                table.by_address.remove(&self.address);
            }
        }
        drop(table);
        self.connections.counts.open.dec();
        self.connections.freed.notify_one();
    }
}

/// The address that a client counts as. An IPv6 client may use any address of its /64 network.
fn counted_as(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn bounds(connections: usize, per_address: usize) -> Bounds {
        Bounds { connections, per_address, ..Bounds::default() }
    }

    fn registry(connections: usize) -> Arc<Connections> {
        Arc::new(Connections::new(&bounds(connections, 1000), false, Counts::default()))
    }

    fn client(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    /// Lets so much time pass that "idle since" differs.
    fn later() {
        std::thread::sleep(Duration::from_millis(3));
    }

    fn told(place: &Place) -> bool {
        place.line.is_told_to_close()
    }

    #[test]
    fn the_longest_idle_connection_is_closed_when_places_run_short() {
        let all = registry(10);
        let mut places: Vec<Place> = Vec::new();
        for last in 0..9 {
            places.push(all.admit(client(last)).unwrap());
            later();
        }
        assert!(places.iter().all(|place| !told(place)));
        // The first two are not the longest idle any more: one is busy, one was.
        let busy = places[0].line.begin().unwrap();
        drop(places[1].line.begin().unwrap());
        places.push(all.admit(client(9)).unwrap());
        let closed: Vec<usize> = (0..10).filter(|index| told(&places[*index])).collect();
        assert_eq!((closed, all.counts.idle_closed.get()), (vec![2], 1));
        places.push(all.admit(client(10)).unwrap());
        assert!(told(&places[3]) && !told(&places[4]));
        drop(busy);
        assert_eq!(all.counts.open.get(), 11);
        drop(places);
        assert_eq!((all.counts.open.get(), all.locked().by_address.len()), (0, 0));
    }

    fn whole_request(place: &Place) -> impl Sized + use<> {
        let request = place.line.begin().unwrap();
        place.line.received();
        request
    }

    #[test]
    fn a_request_that_is_incomplete_for_the_longest_time_makes_room_when_none_is_idle() {
        let all = registry(10);
        let (mut places, mut requests) = (Vec::new(), Vec::new());
        for last in 0..9 {
            let place = all.admit(client(last)).unwrap();
            requests.push(place.line.begin().unwrap());
            places.push(place);
            later();
        }
        places[0].line.received();
        places.push(all.admit(client(9)).unwrap());
        let closed: Vec<usize> = (0..10).filter(|index| told(&places[*index])).collect();
        assert_eq!(closed, [1], "the first one is complete, and the newcomer is idle for the shortest time");
    }

    #[test]
    fn busy_connections_are_not_closed_and_newcomers_get_spare_places() {
        let all = registry(10);
        let (mut places, mut busy) = (Vec::new(), Vec::new());
        for last in 0..10 {
            let place = all.admit(client(last)).unwrap();
            busy.push(whole_request(&place));
            places.push(place);
        }
        assert!(places.iter().all(|place| !place.spare));
        let mut spare: Vec<Place> = (0..SPARE / 2).map(|_| all.admit(client(10)).unwrap()).collect();
        assert!(spare.iter().all(|place| place.spare && !told(place)));
        // The longest silent one makes room for the next one.
        spare.push(all.admit(client(11)).unwrap());
        assert!(told(&spare[0]) && spare.iter().skip(1).all(|place| place.spare && !told(place)));
        assert!(places.iter().all(|place| !told(place)));
        // As soon as a request is over, there is an ordinary place for whoever comes.
        busy.pop();
        assert!(!all.admit(client(12)).unwrap().spare && told(&places[9]));
    }

    #[tokio::test]
    async fn no_more_connections_are_accepted_than_there_are_places() {
        let all = registry(10);
        let mut busy = Vec::new();
        for last in 0..10 + SPARE {
            timeout(Duration::from_secs(10), all.room()).await.unwrap();
            let place = all.admit(client(u8::try_from(last).unwrap())).unwrap();
            let request = whole_request(&place);
            busy.push((place, request));
        }
        let mut room = std::pin::pin!(all.room());
        assert!(timeout(Duration::ZERO, room.as_mut()).await.is_err());
        // One that has become idle makes room, once its task is gone.
        let (place, request) = busy.remove(3);
        drop(request);
        assert!(timeout(Duration::ZERO, all.room()).await.is_err());
        assert!(told(&place) && busy.iter().all(|(place, _)| !told(place)));
        drop(place);
        timeout(Duration::from_secs(10), room).await.unwrap();
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let all = Arc::new(Connections::new(&bounds(100, 2), false, Counts::default()));
        let mut places = vec![all.admit(client(1)).unwrap(), all.admit(client(1)).unwrap()];
        assert!(all.admit(client(1)).is_none() && all.admit([127, 0, 0, 1].into()).is_some());
        assert_eq!(all.counts.refused.get(), 1);
        // The same address, written as one of IPv6.
        assert!(all.admit("::ffff:10.0.0.1".parse().unwrap()).is_none());
        let network = ["2001:db8::1", "2001:db8::2:3"].map(|text| all.admit(text.parse().unwrap()).unwrap());
        assert!(all.admit("2001:db8::ffff:4".parse().unwrap()).is_none());
        assert!(all.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
        drop(network);
        places.pop();
        assert!(all.admit(client(1)).is_some());
    }

    #[test]
    fn this_machine_may_have_any_number_where_that_is_wanted() {
        let all = Arc::new(Connections::new(&bounds(100, 2), true, Counts::default()));
        for address in ["127.0.0.1", "::1", "127.1.2.3", "::ffff:127.0.0.1"] {
            let places: Vec<_> = (0..5).map(|_| all.admit(address.parse().unwrap())).collect();
            assert!(places.iter().all(Option::is_some), "{address}");
        }
        let others: Vec<_> = (0..5).map(|_| all.admit(client(1))).collect();
        assert_eq!(others.iter().flatten().count(), 2);
    }
}
