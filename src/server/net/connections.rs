//! The registry of open connections. It bounds their number and makes room for new ones.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::activity::Activity;
use super::bounds::{Bounds, SPARE};
use super::counts::Counts;
use super::deadline_clock;
use super::group::Group;

/// The registry of open connections.
///
/// When nine tenths of the slots are taken, each new connection closes the longest idle one. When busy connections hold all
/// slots, a new connection gets one of [`SPARE`] spare slots, which serve only health endpoints. Among the spare ones, too, the
/// longest idle connection is closed for a new one, so a client that sends its request at once gets an answer.
#[derive(Debug)]
pub(in crate::server) struct Connections {
    bounds: Bounds,
    /// All times are counted from here.
    start: Instant,
    /// Whether clients on this machine are exempt from the bound per address.
    loopback_is_exempt: bool,
    table: Mutex<Table>,
    /// Notified when a slot is released.
    freed: Notify,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Table {
    /// The id of the next connection.
    next: u64,
    /// Slots in use, including connections that were told to close and have not done so yet.
    taken: usize,
    by_address: HashMap<IpAddr, usize>,
    ordinary: Group,
    spare: Group,
}

/// The slot of a connection. It is released on drop.
#[derive(Debug)]
pub(super) struct Slot {
    connections: Arc<Connections>,
    id: u64,
    address: IpAddr,
    pub(super) activity: Arc<Activity>,
    /// Whether it is one of the spare slots.
    pub(super) spare: bool,
}

impl Connections {
    /// An empty registry. With `loopback_is_exempt`, clients on this machine are exempt from the bound per address.
    pub(in crate::server) fn new(bounds: &Bounds, loopback_is_exempt: bool, counts: Counts) -> Self {
        Self {
            bounds: bounds.clone(),
            start: deadline_clock::now(),
            loopback_is_exempt,
            table: Mutex::default(),
            freed: Notify::new(),
            counts,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a new connection a slot; `None` when its address has too many connections.
    pub(super) fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Slot> {
        let address = counted_as(client);
        let mut table = self.locked();
        let of_address = table.by_address.get(&address).copied().unwrap_or_default();
        let is_exempt = self.loopback_is_exempt && address.is_loopback();
        if of_address >= self.bounds.per_address && !is_exempt {
            self.counts.refused.inc();
            return None;
        }
        let (id, activity) = (table.next, Arc::new(Activity::new(self.start, self.counts.unread.clone())));
        if table.ordinary.activities.len() >= self.bounds.crowded() {
            self.close_longest_idle(&mut table.ordinary);
        }
        let spare = table.ordinary.activities.len() >= self.bounds.connections;
        if spare {
            // At most half of them, so that some are free while connections that were told to close still hold a slot.
            if table.spare.activities.len() >= SPARE / 2 {
                self.close_longest_idle(&mut table.spare);
            }
            table.spare.activities.insert(id, Arc::clone(&activity));
        } else {
            table.ordinary.activities.insert(id, Arc::clone(&activity));
        }
        table.next += 1;
        table.taken += 1;
        table.by_address.insert(address, of_address + 1);
        self.counts.open.inc();
        Some(Slot { connections: Arc::clone(self), id, address, activity, spare })
    }

    /// Waits for a free slot, including the spare ones. Closes an idle connection if no other is closing already.
    pub(super) async fn room(&self) {
        loop {
            {
                let mut table = self.locked();
                if table.taken < self.bounds.connections + SPARE {
                    return;
                }
                if table.taken == table.ordinary.activities.len() + table.spare.activities.len() {
                    self.make_room_in(&mut table);
                }
            }
            // `Notify` keeps one notice, so a slot that was released before this line is not missed.
            self.freed.notified().await;
        }
    }

    /// Closes an idle connection. For when descriptors run out.
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

impl Drop for Slot {
    fn drop(&mut self) {
        let mut table = self.connections.locked();
        table.ordinary.activities.remove(&self.id);
        table.spare.activities.remove(&self.id);
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

/// The address under which a client is counted. An IPv6 client may use any address of its /64 network.
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

    /// Waits until the times of two connections differ.
    fn later() {
        std::thread::sleep(Duration::from_millis(3));
    }

    fn told(slot: &Slot) -> bool {
        slot.activity.is_told_to_close()
    }

    #[test]
    fn the_longest_idle_connection_is_closed_when_slots_run_short() {
        let all = registry(10);
        let mut slots: Vec<Slot> = Vec::new();
        for last in 0..9 {
            slots.push(all.admit(client(last)).unwrap());
            later();
        }
        assert!(slots.iter().all(|slot| !told(slot)));
        // The first two are no longer the longest idle ones: one is busy, the other was.
        let busy = slots[0].activity.begin().unwrap();
        drop(slots[1].activity.begin().unwrap());
        slots.push(all.admit(client(9)).unwrap());
        let closed: Vec<usize> = (0..10).filter(|index| told(&slots[*index])).collect();
        assert_eq!((closed, all.counts.idle_closed.get()), (vec![2], 1));
        slots.push(all.admit(client(10)).unwrap());
        assert!(told(&slots[3]) && !told(&slots[4]));
        drop(busy);
        assert_eq!(all.counts.open.get(), 11);
        drop(slots);
        assert_eq!((all.counts.open.get(), all.locked().by_address.len()), (0, 0));
    }

    fn whole_request(slot: &Slot) -> impl Sized + use<> {
        let request = slot.activity.begin().unwrap();
        slot.activity.received();
        request
    }

    #[test]
    fn a_request_that_is_incomplete_for_the_longest_time_makes_room_when_none_is_idle() {
        let all = registry(10);
        let (mut slots, mut requests) = (Vec::new(), Vec::new());
        for last in 0..9 {
            let slot = all.admit(client(last)).unwrap();
            requests.push(slot.activity.begin().unwrap());
            slots.push(slot);
            later();
        }
        slots[0].activity.received();
        slots.push(all.admit(client(9)).unwrap());
        let closed: Vec<usize> = (0..10).filter(|index| told(&slots[*index])).collect();
        assert_eq!(
            closed,
            [1],
            "the first request is complete, and the newest connection is idle for the shortest time"
        );
    }

    #[test]
    fn busy_connections_are_not_closed_and_new_ones_get_spare_slots() {
        let all = registry(10);
        let (mut slots, mut busy) = (Vec::new(), Vec::new());
        for last in 0..10 {
            let slot = all.admit(client(last)).unwrap();
            busy.push(whole_request(&slot));
            slots.push(slot);
        }
        assert!(slots.iter().all(|slot| !slot.spare));
        let mut spare: Vec<Slot> = (0..SPARE / 2).map(|_| all.admit(client(10)).unwrap()).collect();
        assert!(spare.iter().all(|slot| slot.spare && !told(slot)));
        // The longest idle one makes room for the next one.
        spare.push(all.admit(client(11)).unwrap());
        assert!(told(&spare[0]) && spare.iter().skip(1).all(|slot| slot.spare && !told(slot)));
        assert!(slots.iter().all(|slot| !told(slot)));
        // As soon as a request is over, a new connection gets an ordinary slot.
        busy.pop();
        assert!(!all.admit(client(12)).unwrap().spare && told(&slots[9]));
    }

    #[tokio::test]
    async fn no_more_connections_are_accepted_than_there_are_slots() {
        let all = registry(10);
        let mut busy = Vec::new();
        for last in 0..10 + SPARE {
            timeout(Duration::from_secs(10), all.room()).await.unwrap();
            let slot = all.admit(client(u8::try_from(last).unwrap())).unwrap();
            let request = whole_request(&slot);
            busy.push((slot, request));
        }
        let mut room = std::pin::pin!(all.room());
        assert!(timeout(Duration::ZERO, room.as_mut()).await.is_err());
        // One that has become idle makes room once its task has ended.
        let (slot, request) = busy.remove(3);
        drop(request);
        assert!(timeout(Duration::ZERO, all.room()).await.is_err());
        assert!(told(&slot) && busy.iter().all(|(slot, _)| !told(slot)));
        drop(slot);
        timeout(Duration::from_secs(10), room).await.unwrap();
    }

    #[test]
    fn connections_of_one_address_are_bounded() {
        let all = Arc::new(Connections::new(&bounds(100, 2), false, Counts::default()));
        let mut slots = vec![all.admit(client(1)).unwrap(), all.admit(client(1)).unwrap()];
        assert!(all.admit(client(1)).is_none() && all.admit([127, 0, 0, 1].into()).is_some());
        assert_eq!(all.counts.refused.get(), 1);
        // The same address, mapped to IPv6.
        assert!(all.admit("::ffff:10.0.0.1".parse().unwrap()).is_none());
        let network = ["2001:db8::1", "2001:db8::2:3"].map(|text| all.admit(text.parse().unwrap()).unwrap());
        assert!(all.admit("2001:db8::ffff:4".parse().unwrap()).is_none());
        assert!(all.admit("2001:db8:0:1::1".parse().unwrap()).is_some());
        drop(network);
        slots.pop();
        assert!(all.admit(client(1)).is_some());
    }

    #[test]
    fn loopback_clients_can_be_exempt_from_the_bound_per_address() {
        let all = Arc::new(Connections::new(&bounds(100, 2), true, Counts::default()));
        for address in ["127.0.0.1", "::1", "127.1.2.3", "::ffff:127.0.0.1"] {
            let slots: Vec<_> = (0..5).map(|_| all.admit(address.parse().unwrap())).collect();
            assert!(slots.iter().all(Option::is_some), "{address}");
        }
        let others: Vec<_> = (0..5).map(|_| all.admit(client(1))).collect();
        assert_eq!(others.iter().flatten().count(), 2);
    }
}
