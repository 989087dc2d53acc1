//! A compact set of 64-bit hashes.

/// A full table grows by its length divided by this.
const GROWTH: usize = 4;
/// The length of the first table.
const FIRST: usize = 8;

/// An open-addressing hash table of hashes that are not zero. The bits after the first eight give the place; collisions
/// take the next free place. At most 85 % of the places are taken, which keeps searches short and needs 10 to 13 bytes
/// for each hash.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: Vec<u64>,
    taken: usize,
}

impl Table {
    /// Whether the set contains a hash.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.find(hash).is_ok()
    }

    /// Adds a hash.
    pub(super) fn insert(&mut self, hash: u64) {
        if (self.taken + 1) * 20 > self.places.len() * 17 {
            let longer = self.places.len() + (self.places.len() / GROWTH).max(FIRST);
            let before = std::mem::replace(&mut self.places, vec![0; longer]);
            self.taken = 0;
            for hash in before.into_iter().filter(|hash| *hash != 0) {
                self.put(hash);
            }
        }
        self.put(hash);
    }

    fn put(&mut self, hash: u64) {
        if let Err(Some(free)) = self.find(hash).map_err(|at| self.places.get_mut(at)) {
            *free = hash;
            self.taken += 1;
        }
    }

    /// Finds a hash, or returns the place where it belongs.
    fn find(&self, hash: u64) -> Result<(), usize> {
        let length = self.places.len();
        // The first eight bits already chose one of 256 tables.
        let place = (u128::from(hash << 8) * length as u128) >> 64;
        let mut at = usize::try_from(place).unwrap_or_default();
        loop {
            match self.places.get(at) {
                Some(0) => return Err(at),
                Some(other) if *other == hash => return Ok(()),
                Some(_) => at += 1,
                None if length == 0 => return Err(0),
                // There is always a free place, so the search ends.
                None => at = 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_holds_what_was_inserted_and_nothing_else(
            hashes in prop::collection::vec(prop_oneof![1..40_u64, any::<u64>().prop_map(|n| n.max(1))], 0..400),
            others in prop::collection::vec(prop_oneof![1..40_u64, any::<u64>().prop_map(|n| n.max(1))], 0..50),
        ) {
            let (mut table, mut set) = (Table::default(), HashSet::new());
            for hash in hashes {
                prop_assert_eq!(table.contains(hash), !set.insert(hash));
                table.insert(hash);
                prop_assert_eq!(table.taken, set.len());
            }
            for hash in set.iter().chain(&others) {
                prop_assert_eq!(table.contains(*hash), set.contains(hash));
            }
        }
    }

    #[test]
    fn hashes_that_want_the_last_place_come_round() {
        let mut table = Table::default();
        let last = |n: u64| u64::MAX - n;
        (0..30).for_each(|n| table.insert(last(n)));
        assert!((0..30).all(|n| table.contains(last(n))) && !table.contains(last(30)));
    }
}
