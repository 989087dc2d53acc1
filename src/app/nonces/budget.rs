//! How many nonces are remembered for each principal.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::span::Generation;
use crate::domain::NonceLimits;

/// Why no further nonce is remembered for a principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// It has reached the limit of one principal.
    Own {
        /// The limit.
        limit: u64,
    },
    /// All principals together have reached the total limit, and this one has its share.
    Total {
        /// The limit.
        limit: u64,
        /// The limit divided by the number of principals that have nonces.
        share: u64,
    },
}

/// The nonces of one principal.
#[derive(Debug, Default)]
struct Held {
    all: u64,
    of: Vec<(Generation, u64)>,
}

/// The number of maps. More maps make principals wait less for each other.
const MAPS: usize = 16;

/// Counts nonces by principal and generation.
#[derive(Debug)]
pub(super) struct Budget {
    limits: NonceLimits,
    all: AtomicU64,
    principals: AtomicU64,
    held: [Mutex<BTreeMap<u32, Held>>; MAPS],
}

impl Budget {
    pub(super) fn new(limits: NonceLimits) -> Self {
        let held = std::array::from_fn(|_| Mutex::default());
        Self { limits, all: AtomicU64::new(0), principals: AtomicU64::new(0), held }
    }

    /// Counts a nonce, if the limits allow another one.
    pub(super) fn take(&self, principal: u32, generation: Generation) -> Result<(), Full> {
        let mut map = self.map(principal);
        let own = map.get(&principal).map_or(0, |held| held.all);
        let NonceLimits { per_principal, total } = self.limits;
        if own >= per_principal {
            return Err(Full::Own { limit: per_principal });
        }
        if self.all.load(Ordering::Relaxed) >= total {
            let principals = self.principals.load(Ordering::Relaxed) + u64::from(own == 0);
            let share = (total / principals.max(1)).max(1);
            if own >= share {
                return Err(Full::Total { limit: total, share });
            }
        }
        self.count(&mut map, principal, generation);
        Ok(())
    }

    /// Counts a nonce without looking at the limits.
    pub(super) fn add(&self, principal: u32, generation: Generation) {
        self.count(&mut self.map(principal), principal, generation);
    }

    /// Removes one nonce that was counted and then not remembered.
    pub(super) fn give_back(&self, principal: u32, generation: Generation) {
        let mut map = self.map(principal);
        let Some(held) = map.get_mut(&principal) else { return };
        let Some((_, count)) = held.of.iter_mut().find(|(of, _)| *of == generation) else { return };
        *count -= 1;
        held.all -= 1;
        self.all.fetch_sub(1, Ordering::Relaxed);
        if held.all == 0 {
            map.remove(&principal);
            self.principals.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Removes all nonces of these generations.
    pub(super) fn forget(&self, gone: &[Generation]) {
        for map in &self.held {
            let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
            map.retain(|_, held| {
                let lost = held.of.extract_if(.., |(generation, _)| gone.contains(generation));
                let lost: u64 = lost.map(|(_, count)| count).sum();
                held.all -= lost;
                self.all.fetch_sub(lost, Ordering::Relaxed);
                if held.all == 0 {
                    self.principals.fetch_sub(1, Ordering::Relaxed);
                }
                held.all > 0
            });
        }
    }

    /// How many nonces are remembered.
    pub(super) fn all(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    fn count(&self, map: &mut BTreeMap<u32, Held>, principal: u32, generation: Generation) {
        let held = map.entry(principal).or_default();
        if held.all == 0 {
            self.principals.fetch_add(1, Ordering::Relaxed);
        }
        held.all += 1;
        self.all.fetch_add(1, Ordering::Relaxed);
        match held.of.iter_mut().find(|(of, _)| *of == generation) {
            Some((_, count)) => *count += 1,
            None => held.of.push((generation, 1)),
        }
    }

    fn map(&self, principal: u32) -> MutexGuard<'_, BTreeMap<u32, Held>> {
        let map = &self.held[principal as usize % MAPS];
        map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: Generation = Generation(7);

    fn taken(budget: &Budget, principal: u32, wanted: usize) -> (usize, Option<Full>) {
        for n in 0..wanted {
            if let Err(full) = budget.take(principal, G) {
                return (n, Some(full));
            }
        }
        (wanted, None)
    }

    #[test]
    fn a_principal_has_so_many_and_gets_room_when_they_are_forgotten() {
        let budget = Budget::new(NonceLimits { per_principal: 10, total: 1000 });
        assert_eq!(taken(&budget, 1, 11), (10, Some(Full::Own { limit: 10 })));
        budget.give_back(1, G);
        assert_eq!(taken(&budget, 1, 2).0, 1);
        // Another principal is not affected, even one in the same map.
        assert_eq!(taken(&budget, 17, 10), (10, None));
        budget.forget(&[Generation(8)]);
        assert_eq!(budget.all(), 20);
        budget.forget(&[G]);
        assert_eq!((budget.all(), taken(&budget, 1, 10)), (0, (10, None)));
    }

    #[test]
    fn when_all_is_full_whoever_has_less_than_a_share_is_let_in() {
        let budget = Budget::new(NonceLimits { per_principal: 100, total: 100 });
        assert_eq!(taken(&budget, 1, 100), (100, None));
        let full = |share| Some(Full::Total { limit: 100, share });
        assert_eq!(taken(&budget, 2, 100), (50, full(50)));
        assert_eq!(taken(&budget, 3, 100), (33, full(33)));
        assert_eq!(taken(&budget, 2, 1), (0, full(33)));
        // However many principals there are, the share of each is at least one.
        let tiny = Budget::new(NonceLimits { per_principal: 1, total: 1 });
        assert_eq!((0..50).map(|one| taken(&tiny, one, 1).0).sum::<usize>(), 50);
        assert_eq!(tiny.principals.load(Ordering::Relaxed), 50);
        (0..50).for_each(|one| tiny.give_back(one, G));
        assert_eq!((tiny.all(), tiny.principals.load(Ordering::Relaxed)), (0, 0));
    }
}
