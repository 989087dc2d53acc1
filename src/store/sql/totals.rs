//! How many secrets a scope has. Counting takes time in proportion to their number, and each page of a listing tells it.
//! So it is remembered until it may be another one. Only where nobody else writes to the database.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Scope, Timestamp};

/// The totals that are known.
#[derive(Debug, Default)]
pub(super) struct Totals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts up with every change that may make a total another one.
    changes: u64,
    known: HashMap<Scope, Total>,
}

/// A total, which stands from one instant until, at another one, a secret falls due for its deletion.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    pub(super) secrets: u64,
    pub(super) from: Timestamp,
    pub(super) until: Option<Timestamp>,
}

impl Totals {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The total at an instant, if it is known.
    pub(super) fn at(&self, scope: &Scope, now: Timestamp) -> Option<u64> {
        let total = self.state().known.get(scope).copied()?;
        let stands = total.from <= now && total.until.is_none_or(|until| now < until);
        stands.then_some(total.secrets)
    }

    /// To be asked before counting, for [`Totals::learn`].
    pub(super) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Remembers a total, unless something changed since it was begun to be counted.
    pub(super) fn learn(&self, scope: &Scope, total: Total, changes: u64) {
        let mut state = self.state();
        if state.changes == changes {
            state.known.insert(scope.clone(), total);
        }
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

    #[test]
    fn a_total_stands_until_a_change_or_a_deletion() {
        let totals = Totals::default();
        let scope = Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() };
        let ms = Timestamp::from_millis;
        let total = Total { secrets: 3, from: ms(10), until: Some(ms(20)) };
        totals.learn(&scope, total, totals.changes());
        let seen: Vec<_> = [9, 10, 19, 20].iter().map(|now| totals.at(&scope, ms(*now))).collect();
        assert_eq!(seen, [None, Some(3), Some(3), None]);
        let before = totals.changes();
        totals.forget();
        assert_eq!(totals.at(&scope, ms(10)), None);
        totals.learn(&scope, total, before);
        assert_eq!(totals.at(&scope, ms(10)), None, "counted before the change");
    }
}
