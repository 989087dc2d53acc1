//! The keys of scopes in memory. Callers choose which scopes they ask for, so the number of scopes and keys held is
//! bounded. A scope that was dropped is read from the store again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::scope_keys::ScopeKeys;
use crate::domain::Scope;

/// The most scopes in memory.
pub(super) const SCOPES: usize = 1_000;
/// How many of them are dropped at once when there are too many, so that looking for the oldest is cheap.
const DROPPED: usize = SCOPES / 8;
/// The most keys, versions and aliases in memory; together they take about 300 MB. A single scope may exceed it.
const THINGS: usize = 400_000;

/// The scopes in memory.
#[derive(Debug, Default)]
pub(super) struct Scopes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    scopes: BTreeMap<Scope, Entry>,
    /// The sum of all sizes.
    things: usize,
    /// Counts up with each use.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    keys: Arc<ScopeKeys>,
    size: usize,
    /// How many changes of keys the store was known to have had when these were compared with it.
    compared: u64,
    last_use: u64,
}

impl Scopes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of a scope, if they are here, and the number of changes that they were compared at.
    pub(super) fn get(&self, scope: &Scope) -> Option<(Arc<ScopeKeys>, u64)> {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        let entry = state.scopes.get_mut(scope)?;
        entry.last_use = now;
        Some((Arc::clone(&entry.keys), entry.compared))
    }

    /// Puts the keys of a scope here, and drops those that were unused longest while there are too many.
    pub(super) fn put(&self, scope: Scope, keys: Arc<ScopeKeys>, compared: u64) {
        let size = keys.size();
        let mut state = self.state();
        state.remove(&scope);
        state.uses += 1;
        state.things += size;
        let entry = Entry { keys, size, compared, last_use: state.uses };
        state.scopes.insert(scope, entry);
        if state.scopes.len() > SCOPES {
            state.drop_oldest(DROPPED);
        }
        while state.things > THINGS && state.scopes.len() > 1 {
            state.drop_oldest(1);
        }
    }

    /// Notes that these keys, if they are still here, were compared with the store.
    pub(super) fn compared(&self, scope: &Scope, keys: &Arc<ScopeKeys>, at: u64) {
        let mut state = self.state();
        if let Some(entry) = state.scopes.get_mut(scope).filter(|entry| Arc::ptr_eq(&entry.keys, keys)) {
            entry.compared = at;
        }
    }

    /// Drops the keys of a scope.
    pub(super) fn remove(&self, scope: &Scope) {
        self.state().remove(scope);
    }

    /// Drops all.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.scopes.clear();
        state.things = 0;
    }

    /// How many scopes are here, and how many keys, versions and aliases in them.
    pub(super) fn held(&self) -> (usize, usize) {
        let state = self.state();
        (state.scopes.len(), state.things)
    }
}

impl State {
    fn remove(&mut self, scope: &Scope) {
        if let Some(entry) = self.scopes.remove(scope) {
            self.things -= entry.size;
        }
    }

    /// Drops `count` entries that were unused longest.
    fn drop_oldest(&mut self, count: usize) {
        let mut uses: Vec<u64> = self.scopes.values().map(|entry| entry.last_use).collect();
        uses.sort_unstable();
        let Some(last) = uses.get(count.saturating_sub(1)) else { return };
        self.scopes.retain(|_, entry| entry.last_use > *last);
        self.things = self.scopes.values().map(|entry| entry.size).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::keys::Alias;

    fn scope(n: usize) -> Scope {
        Scope { account: "1".parse().unwrap(), region: format!("r-{n}").parse().unwrap() }
    }

    /// A scope with this number of aliases.
    fn of_size(aliases: usize) -> Arc<ScopeKeys> {
        let alias =
            Alias { name: "alias/a".parse().unwrap(), key: "key-abcdefghijklmnopqrst".parse().unwrap() };
        Arc::new(ScopeKeys::new(BTreeMap::new(), vec![alias; aliases], 0))
    }

    #[test]
    fn the_scope_that_was_unused_longest_is_dropped_first() {
        let scopes = Scopes::default();
        (0..SCOPES).for_each(|n| scopes.put(scope(n), of_size(1), 0));
        assert!(scopes.get(&scope(0)).is_some());
        scopes.put(scope(SCOPES), of_size(1), 0);
        let here = |n| scopes.get(&scope(n)).is_some();
        let seen = [here(0), here(1), here(DROPPED), here(DROPPED + 1), here(SCOPES)];
        assert_eq!(seen, [true, false, false, true, true]);
        let left = SCOPES + 1 - DROPPED;
        assert_eq!(scopes.held(), (left, left));
        // Putting the same one again does not add a second.
        scopes.put(scope(0), of_size(3), 7);
        assert_eq!((scopes.held(), scopes.get(&scope(0)).unwrap().1), ((left, left + 2), 7));
        scopes.remove(&scope(0));
        assert_eq!(scopes.held(), (left - 1, left - 1));
        scopes.clear();
        assert_eq!(scopes.held(), (0, 0));
    }

    #[test]
    fn a_hundred_thousand_scopes_leave_a_thousand() {
        let scopes = Scopes::default();
        for n in 0..100_000 {
            scopes.put(scope(n), of_size(0), 0);
            assert!(scopes.held().0 <= SCOPES);
        }
        assert!(scopes.held().0 >= SCOPES - DROPPED);
    }

    #[test]
    fn many_keys_push_out_other_scopes_but_never_the_one_in_use() {
        let scopes = Scopes::default();
        (0..10).for_each(|n| scopes.put(scope(n), of_size(THINGS / 4), 0));
        assert_eq!(scopes.held(), (4, THINGS));
        scopes.put(scope(10), of_size(THINGS + 1), 0);
        assert_eq!(scopes.held(), (1, THINGS + 1), "the largest stays, alone");
        assert!(scopes.get(&scope(10)).is_some());
    }
}
