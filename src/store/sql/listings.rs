//! What is known of the listing of a scope's secrets: how many there are, and where its pages end. Counting them, or the rows
//! before a page, takes time in proportion to their number. So it is remembered until it may be another one. Only where nobody
//! else writes to the database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Scope, SecretName, Timestamp};

/// The listings that are known.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts up with every change that may make a listing another one.
    changes: u64,
    known: HashMap<Scope, Known>,
}

#[derive(Debug)]
struct Known {
    total: Total,
    /// The last secret of each page that was read, by how many there are up to it.
    ends: BTreeMap<u64, End>,
}

/// How many ends of pages are remembered of a scope: not more than some 200 KB, for names of ordinary length.
const ENDS: usize = 1_000;

/// How many scopes are remembered. Callers choose which scopes they ask for.
const SCOPES: usize = 1_000;

/// A total, which stands from one instant until, at another one, a secret falls due for its deletion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    pub(super) secrets: u64,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// A secret, by what listings are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) created: Timestamp,
    pub(super) name: SecretName,
}

impl State {
    /// What is known of a scope and stands at an instant.
    fn at(&mut self, scope: &Scope, now: Timestamp) -> Option<&mut Known> {
        let stands = |total: Total| total.from <= now && total.until.is_none_or(|until| now < until);
        self.known.get_mut(scope).filter(|known| stands(known.total))
    }
}

impl Listings {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The total at an instant, if it is known.
    pub(super) fn total(&self, scope: &Scope, now: Timestamp) -> Option<u64> {
        self.state().at(scope, now).map(|known| known.total.secrets)
    }

    /// The last end of a page that is not behind a place, and how many secrets there are up to it, if one is known.
    pub(super) fn end_before(&self, scope: &Scope, now: Timestamp, place: u64) -> Option<(u64, End)> {
        let mut state = self.state();
        let (count, end) = state.at(scope, now)?.ends.range(..=place).next_back()?;
        Some((*count, end.clone()))
    }

    /// To be asked before reading, for [`Listings::learn_total`] and [`Listings::learn_end`].
    pub(super) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Remembers a total, unless something changed since it was begun to be counted.
    pub(super) fn learn_total(&self, scope: &Scope, total: Total, changes: u64) {
        let mut state = self.state();
        // One that stands was learnt meanwhile, and ends with it.
        if state.changes == changes && state.at(scope, total.from).is_none() {
            if state.known.len() >= SCOPES {
                state.known.clear();
            }
            state.known.insert(scope.clone(), Known { total, ends: BTreeMap::new() });
        }
    }

    /// Remembers the last secret of a page, and how many there are up to it, unless something changed since it was begun to
    /// be read.
    pub(super) fn learn_end(&self, scope: &Scope, now: Timestamp, count: u64, end: End, changes: u64) {
        let mut state = self.state();
        if state.changes != changes {
            return;
        }
        let Some(known) = state.at(scope, now) else { return };
        if known.ends.len() >= ENDS {
            known.ends.clear();
        }
        known.ends.insert(count, end);
    }

    /// Forgets all. To be called when a change is there for readers, and before anybody is told of it.
    pub(super) fn forget(&self) {
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
        listings.learn_total(&scope(), total(), listings.changes());
        let seen: Vec<_> = [9, 10, 19, 20].iter().map(|now| listings.total(&scope(), ms(*now))).collect();
        assert_eq!(seen, [None, Some(3), Some(3), None]);
        let before = listings.changes();
        listings.forget();
        assert_eq!(listings.total(&scope(), ms(10)), None);
        listings.learn_total(&scope(), total(), before);
        assert_eq!(listings.total(&scope(), ms(10)), None, "counted before the change");
    }

    #[test]
    fn any_number_of_scopes_leaves_a_bounded_number_of_totals() {
        let listings = Listings::default();
        for n in 0..100_000 {
            let scope = Scope { region: format!("r-{n}").parse().unwrap(), ..scope() };
            listings.learn_total(&scope, total(), listings.changes());
            assert_eq!(listings.total(&scope, ms(10)), Some(3), "the newest is known");
        }
        assert!(listings.state().known.len() <= SCOPES);
    }

    #[test]
    fn an_end_stands_as_long_as_its_total() {
        let listings = Listings::default();
        let end = |name: &str| End { created: ms(1), name: name.parse().unwrap() };
        let learn = |count, name, changes| listings.learn_end(&scope(), ms(10), count, end(name), changes);
        let before = |now, place| listings.end_before(&scope(), ms(now), place);
        learn(1, "a", listings.changes());
        assert_eq!(before(10, 1), None, "of no total");
        listings.learn_total(&scope(), total(), listings.changes());
        learn(1, "a", listings.changes());
        learn(3, "c", listings.changes());
        assert_eq!(
            [before(10, 0), before(10, 1), before(10, 2)],
            [None, Some((1, end("a"))), Some((1, end("a")))]
        );
        assert_eq!([before(19, 9), before(20, 9)], [Some((3, end("c"))), None]);
        let earlier = listings.changes();
        listings.forget();
        listings.learn_total(&scope(), total(), listings.changes());
        learn(1, "a", earlier);
        assert_eq!(before(10, 9), None, "read before the change");
        (0..5_000).for_each(|count| learn(count, "a", listings.changes()));
        assert!(listings.state().at(&scope(), ms(10)).unwrap().ends.len() <= ENDS);
    }
}
