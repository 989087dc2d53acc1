//! Remembered totals and page ends of the listing of secrets.
//!
//! Counting the secrets of a scope, and skipping the rows before a page, takes time in proportion to their number. Both
//! results are remembered until they may have changed. This works only where no other process writes to the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Scope, SecretName, Timestamp};

/// The remembered listings.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Incremented by every change that may alter a listing.
    changes: u64,
    known: HashMap<Scope, Known>,
}

#[derive(Debug)]
struct Known {
    total: Total,
    /// The last secret of each page that was read, by its position in the listing, counted from 1.
    ends: BTreeMap<u64, End>,
}

/// The most page ends of one scope. With names of ordinary length they take about 200 KB.
const ENDS: usize = 1_000;

/// The most scopes. Callers choose which scopes they ask for, so there must be a bound.
const SCOPES: usize = 1_000;

/// A total. It is valid from the instant of the count until the next recovery window ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    pub(super) secrets: u64,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// A secret's position in the order of listings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) created: Timestamp,
    pub(super) name: SecretName,
}

impl State {
    /// What is remembered of a scope and valid at an instant.
    fn at(&mut self, scope: &Scope, now: Timestamp) -> Option<&mut Known> {
        let is_valid = |total: Total| total.from <= now && total.until.is_none_or(|until| now < until);
        self.known.get_mut(scope).filter(|known| is_valid(known.total))
    }
}

impl Listings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The total at an instant, if it is remembered.
    pub(super) fn total(&self, scope: &Scope, now: Timestamp) -> Option<u64> {
        self.state().at(scope, now).map(|known| known.total.secrets)
    }

    /// The last remembered page end that is not after a position, with its own position.
    pub(super) fn end_before(&self, scope: &Scope, now: Timestamp, position: u64) -> Option<(u64, End)> {
        let mut state = self.state();
        let (at, end) = state.at(scope, now)?.ends.range(..=position).next_back()?;
        Some((*at, end.clone()))
    }

    /// The number of changes so far. Take it before reading, and pass it to [`Listings::cache_total`] and
    /// [`Listings::cache_page_end`].
    pub(super) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Remembers a total, unless something changed since the count began.
    pub(super) fn cache_total(&self, scope: &Scope, total: Total, changes: u64) {
        let mut state = self.state();
        // A valid total that was learnt meanwhile stays, with its page ends.
        if state.changes == changes && state.at(scope, total.from).is_none() {
            if state.known.len() >= SCOPES {
                state.known.clear();
            }
            state.known.insert(scope.clone(), Known { total, ends: BTreeMap::new() });
        }
    }

    /// Remembers the last secret of a page and its position, unless something changed since the reading began.
    pub(super) fn cache_page_end(
        &self,
        scope: &Scope,
        now: Timestamp,
        position: u64,
        end: End,
        changes: u64,
    ) {
        let mut state = self.state();
        if state.changes != changes {
            return;
        }
        let Some(known) = state.at(scope, now) else { return };
        if known.ends.len() >= ENDS {
            known.ends.clear();
        }
        known.ends.insert(position, end);
    }

    /// Forgets everything. Call it after a change is visible to readers and before it is acknowledged.
    pub(super) fn invalidate(&self) {
        let mut state = self.state();
        state.changes += 1;
        state.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() }
    }

    fn ms(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Three secrets from 10 to 20.
    fn total() -> Total {
        Total { secrets: 3, from: ms(10), until: Some(ms(20)) }
    }

    #[test]
    fn a_total_stands_until_a_change_or_a_deletion() {
        let listings = Listings::default();
        listings.cache_total(&scope(), total(), listings.changes());
        let seen: Vec<_> = [9, 10, 19, 20].iter().map(|now| listings.total(&scope(), ms(*now))).collect();
        assert_eq!(seen, [None, Some(3), Some(3), None]);
        let before = listings.changes();
        listings.invalidate();
        assert_eq!(listings.total(&scope(), ms(10)), None);
        listings.cache_total(&scope(), total(), before);
        assert_eq!(listings.total(&scope(), ms(10)), None, "counted before the change");
    }

    #[test]
    fn any_number_of_scopes_leaves_a_bounded_number_of_totals() {
        let listings = Listings::default();
        for n in 0..100_000 {
            let scope = Scope { region: format!("r-{n}").parse().unwrap(), ..scope() };
            listings.cache_total(&scope, total(), listings.changes());
            assert_eq!(listings.total(&scope, ms(10)), Some(3), "the newest is known");
        }
        assert!(listings.state().known.len() <= SCOPES);
    }

    #[test]
    fn an_end_stands_as_long_as_its_total() {
        let listings = Listings::default();
        let end = |name: &str| End { created: ms(1), name: name.parse().unwrap() };
        let learn =
            |count, name, changes| listings.cache_page_end(&scope(), ms(10), count, end(name), changes);
        let before = |now, place| listings.end_before(&scope(), ms(now), place);
        learn(1, "a", listings.changes());
        assert_eq!(before(10, 1), None, "of no total");
        listings.cache_total(&scope(), total(), listings.changes());
        learn(1, "a", listings.changes());
        learn(3, "c", listings.changes());
        assert_eq!(
            [before(10, 0), before(10, 1), before(10, 2)],
            [None, Some((1, end("a"))), Some((1, end("a")))]
        );
        assert_eq!([before(19, 9), before(20, 9)], [Some((3, end("c"))), None]);
        let earlier = listings.changes();
        listings.invalidate();
        listings.cache_total(&scope(), total(), listings.changes());
        learn(1, "a", earlier);
        assert_eq!(before(10, 9), None, "read before the change");
        (0..5_000).for_each(|count| learn(count, "a", listings.changes()));
        assert!(listings.state().at(&scope(), ms(10)).unwrap().ends.len() <= ENDS);
    }
}
