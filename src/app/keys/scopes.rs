//! The scopes whose keys are in memory. Callers choose which scopes they ask for, so the number of scopes and keys is
//! bounded. A dropped scope is read from the store again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::scope_keys::ScopeKeys;
use crate::domain::Scope;

/// The most scopes in memory.
pub(super) const SCOPES: usize = 1_000;
/// The number of scopes that are dropped at once when there are too many. Dropping several makes the search for the
/// oldest rare.
const DROPPED: usize = SCOPES / 8;
/// The most keys, versions and aliases in memory, which take about 300 MB. A single scope may exceed it.
const MAX_ITEMS: usize = 400_000;

/// The scopes in memory.
#[derive(Debug, Default)]
pub(super) struct Scopes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    scopes: BTreeMap<Scope, Entry>,
    /// The sum of all sizes.
    items: usize,
    /// Incremented by each use.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    keys: Arc<ScopeKeys>,
    size: usize,
    /// The number of changes of keys that the store had when these keys were last compared with it.
    compared: u64,
    last_use: u64,
}

impl Scopes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of a scope, if they are in memory, with the number of changes at their last comparison.
    pub(super) fn get(&self, scope: &Scope) -> Option<(Arc<ScopeKeys>, u64)> {
        let mut state = self.state();
        state.uses += 1;
        let now = state.uses;
        let entry = state.scopes.get_mut(scope)?;
        entry.last_use = now;
        Some((Arc::clone(&entry.keys), entry.compared))
    }

    /// Adds the keys of a scope. Drops the least recently used scopes if there are too many.
    pub(super) fn put(&self, scope: Scope, keys: Arc<ScopeKeys>, compared: u64) {
        let size = keys.size();
        let mut state = self.state();
        state.remove(&scope);
        state.uses += 1;
        state.items += size;
        let entry = Entry { keys, size, compared, last_use: state.uses };
        state.scopes.insert(scope, entry);
        if state.scopes.len() > SCOPES {
            state.drop_oldest(DROPPED);
        }
        while state.items > MAX_ITEMS && state.scopes.len() > 1 {
            state.drop_oldest(1);
        }
    }

    /// Records that these keys, if they are still in memory, were compared with the store.
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

    /// Drops all scopes.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.scopes.clear();
        state.items = 0;
    }

    /// The number of scopes, and of keys, versions and aliases in them.
    pub(super) fn held(&self) -> (usize, usize) {
        let state = self.state();
        (state.scopes.len(), state.items)
    }
}

impl State {
    fn remove(&mut self, scope: &Scope) {
        if let Some(entry) = self.scopes.remove(scope) {
            self.items -= entry.size;
        }
    }

    /// Drops the `count` least recently used scopes.
    fn drop_oldest(&mut self, count: usize) {
        let mut uses: Vec<u64> = self.scopes.values().map(|entry| entry.last_use).collect();
        uses.sort_unstable();
        let Some(last) = uses.get(count.saturating_sub(1)) else { return };
        self.scopes.retain(|_, entry| entry.last_use > *last);
        self.items = self.scopes.values().map(|entry| entry.size).sum();
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
        (0..10).for_each(|n| scopes.put(scope(n), of_size(MAX_ITEMS / 4), 0));
        assert_eq!(scopes.held(), (4, MAX_ITEMS));
        scopes.put(scope(10), of_size(MAX_ITEMS + 1), 0);
        assert_eq!(scopes.held(), (1, MAX_ITEMS + 1), "the largest stays, alone");
        assert!(scopes.get(&scope(10)).is_some());
    }
}
