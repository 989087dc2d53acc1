//! The latest entries of a log, kept in memory, numbered, and followed as they come.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::domain::Timestamp;

/// How many entries a follower may lag behind before it misses some.
const BEHIND: usize = 1_000;

/// An entry of a log.
pub trait Entry: Send + Sync + 'static {
    /// Its number, which [`Ring::push`] gave to it.
    fn number(&self) -> u64;
    /// The service's time of it.
    fn time(&self) -> Timestamp;
    /// The account that it belongs to, if that is known.
    fn account(&self) -> Option<&str>;
}

/// Entries that came when too many were kept, since the log was last emptied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// The highest number among them; 0 without any.
    pub last: u64,
    /// The latest time among them.
    pub latest: Option<Timestamp>,
}

/// What a log holds at one instant.
#[derive(Debug)]
pub struct Contents<T> {
    /// The entries, newest first.
    pub newest_first: Vec<Arc<T>>,
    /// The number of the newest entry that ever came; 0 before the first.
    pub last: u64,
    /// What was dropped.
    pub dropped: Dropped,
}

/// The latest entries of a log. When it is full, the oldest entry is dropped for a new one.
#[derive(Debug)]
pub struct Ring<T> {
    most: usize,
    kept: Mutex<Kept<T>>,
    news: broadcast::Sender<Arc<T>>,
}

#[derive(Debug)]
struct Kept<T> {
    /// Oldest first.
    entries: VecDeque<Arc<T>>,
    last: u64,
    dropped: Dropped,
}

impl<T: Entry> Ring<T> {
    /// A log of at most `most` entries.
    pub fn new(most: usize) -> Self {
        let kept = Kept { entries: VecDeque::new(), last: 0, dropped: Dropped::default() };
        Self { most, kept: Mutex::new(kept), news: broadcast::Sender::new(BEHIND) }
    }

    fn locked(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the entry that `make` returns for its number, and returns this number. Numbers start at 1 and never come again.
    pub fn push(&self, make: impl FnOnce(u64) -> T) -> u64 {
        let mut kept = self.locked();
        let number = kept.last + 1;
        let entry = Arc::new(make(number));
        kept.last = number;
        let oldest = if kept.entries.len() >= self.most { kept.entries.pop_front() } else { None };
        if let Some(oldest) = &oldest {
            kept.dropped.count += 1;
            kept.dropped.last = oldest.number();
            kept.dropped.latest = kept.dropped.latest.max(Some(oldest.time()));
        }
        // Under the lock, so that followers get the entries in the order of their numbers.
        if self.news.receiver_count() > 0 {
            // Fails when the last follower has just gone away. That is fine.
            drop(self.news.send(Arc::clone(&entry)));
        }
        kept.entries.push_back(entry);
        // Memory is freed after the lock is released.
        drop(kept);
        drop(oldest);
        number
    }

    /// Changes the entry of this number, if it is still kept. Followers are not told.
    pub fn change(&self, number: u64, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        let mut kept = self.locked();
        if let Some(entry) = kept.entries.iter_mut().rev().find(|entry| entry.number() == number) {
            change(Arc::make_mut(entry));
        }
    }

    /// Forgets all entries, and that some were dropped.
    pub fn clear(&self) {
        let mut kept = self.locked();
        let old = std::mem::take(&mut kept.entries);
        kept.dropped = Dropped::default();
        drop(kept);
        drop(old);
    }

    /// Forgets the entries of an account.
    pub fn clear_account(&self, account: &str) {
        self.locked().entries.retain(|entry| entry.account() != Some(account));
    }

    /// What the log holds now.
    pub fn contents(&self) -> Contents<T> {
        let kept = self.locked();
        Contents {
            newest_first: kept.entries.iter().rev().map(Arc::clone).collect(),
            last: kept.last,
            dropped: kept.dropped,
        }
    }

    /// A receiver of all entries to come.
    pub fn follow(&self) -> broadcast::Receiver<Arc<T>> {
        self.news.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone)]
    struct One(u64, i64, &'static str);

    impl Entry for One {
        fn number(&self) -> u64 {
            self.0
        }

        fn time(&self) -> Timestamp {
            Timestamp::from_millis(self.1)
        }

        fn account(&self) -> Option<&str> {
            Some(self.2)
        }
    }

    fn numbers(ring: &Ring<One>) -> Vec<u64> {
        ring.contents().newest_first.iter().map(|one| one.0).collect()
    }

    #[test]
    fn the_oldest_entries_are_dropped_and_counted_with_their_latest_time() {
        let ring = Ring::new(2);
        // The clock goes back after the second entry.
        for (time, account) in [(10, "a"), (90, "b"), (20, "a"), (30, "b")] {
            ring.push(|number| One(number, time, account));
        }
        assert_eq!(numbers(&ring), [4, 3]);
        let dropped = Dropped { count: 2, last: 2, latest: Some(Timestamp::from_millis(90)) };
        assert_eq!((ring.contents().last, ring.contents().dropped), (4, dropped));
        ring.clear_account("b");
        assert_eq!((numbers(&ring), ring.contents().dropped), (vec![3], dropped));
        ring.clear();
        assert_eq!((numbers(&ring), ring.contents().dropped), (Vec::new(), Dropped::default()));
        assert_eq!(ring.push(|number| One(number, 0, "a")), 5, "numbers do not come again");
    }

    #[test]
    fn an_entry_is_changed_while_somebody_holds_it_and_followers_get_all_in_order() {
        let ring = Ring::new(8);
        let mut news = ring.follow();
        ring.push(|number| One(number, 1, "a"));
        let held = ring.contents().newest_first;
        ring.change(1, |one| one.1 = 7);
        ring.change(9, |one| one.1 = 8);
        ring.push(|number| One(number, 2, "a"));
        let times: Vec<i64> = ring.contents().newest_first.iter().map(|one| one.1).collect();
        assert_eq!((times, held.first().unwrap().1), (vec![2, 7], 1));
        assert_eq!([news.try_recv().unwrap().0, news.try_recv().unwrap().0], [1, 2]);
    }
}
