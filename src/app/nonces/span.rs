//! Spans of signed time: generations of nonces, and the spans whose nonces were forgotten.

use serde::{Deserialize, Serialize};

/// The allowed difference between the signer's clock and ours, in milliseconds, in both directions (protocol P68).
pub const SKEW_MS: i64 = 15 * 60 * 1000;
/// The span of signed time of one generation, in milliseconds. Generations are forgotten as a whole.
pub(super) const GENERATION_MS: i64 = 5 * 60 * 1000;

/// The two clocks that decide whether a signature is fresh, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clocks {
    /// The machine's clock, which never goes back while the process runs.
    pub(super) machine: i64,
    /// The service's clock, which may be moved to any time.
    pub(super) service: i64,
}

/// The nonces whose signed times are within the same five minutes. A replayed request has the signed time of the
/// original, so it belongs to the same generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Generation(pub(super) i64);

impl Generation {
    /// The generation of a signed time.
    pub(super) fn of(signed: i64) -> Self {
        Self(signed.div_euclid(GENERATION_MS))
    }

    /// Its span of signed time: the first millisecond, and the first one after it.
    pub(super) fn span(self) -> (i64, i64) {
        let from = self.0.saturating_mul(GENERATION_MS);
        (from, from.saturating_add(GENERATION_MS))
    }

    /// The second of the generation that a signed time is in, from 0.
    pub(super) fn second_of(self, signed: i64) -> u32 {
        u32::try_from(signed.saturating_sub(self.span().0) / 1000).unwrap_or_default()
    }

    /// Whether a signature of this generation may be fresh by a clock.
    pub(super) fn is_near(self, clock: i64) -> bool {
        let (from, until) = self.span();
        from <= clock.saturating_add(SKEW_MS) && until > clock.saturating_sub(SKEW_MS)
    }

    /// Whether a signature of this generation may be fresh by one of the clocks.
    pub(super) fn is_live(self, clocks: Clocks) -> bool {
        self.is_near(clocks.machine) || self.is_near(clocks.service)
    }
}

/// The most spans after [`Spans::condense`].
const MOST: usize = 64;

/// Spans of signed time whose nonces were forgotten. No signature of these times is accepted, wherever a clock is
/// moved. The spans are sorted and do not touch. Each has its first millisecond and the first one after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(i64, i64)>", into = "Vec<(i64, i64)>")]
pub(super) struct Spans(Vec<(i64, i64)>);

impl From<Vec<(i64, i64)>> for Spans {
    fn from(spans: Vec<(i64, i64)>) -> Self {
        let mut all = Self::default();
        for (from, until) in spans {
            all.add(from, until);
        }
        all
    }
}

impl From<Spans> for Vec<(i64, i64)> {
    fn from(spans: Spans) -> Self {
        spans.0
    }
}

impl Spans {
    /// Whether an instant lies in one of them.
    pub(super) fn contains(&self, at: i64) -> bool {
        let next = self.0.partition_point(|(from, _)| *from <= at);
        next.checked_sub(1).and_then(|before| self.0.get(before)).is_some_and(|(_, until)| at < *until)
    }

    /// Adds a span, and joins it with those that it overlaps or touches.
    pub(super) fn add(&mut self, from: i64, until: i64) {
        if from >= until {
            return;
        }
        let first = self.0.partition_point(|(_, end)| *end < from);
        let after = self.0.partition_point(|(start, _)| *start <= until);
        let met = self.0.get(first..after).unwrap_or_default();
        let from = met.first().map_or(from, |(start, _)| from.min(*start));
        let until = met.last().map_or(until, |(_, end)| until.max(*end));
        self.0.splice(first..after, [(from, until)]);
    }

    /// Closes the shortest gaps between spans until at most 64 spans are left, so that their number stays bounded
    /// however often clocks are moved. Only gaps before an instant are closed: the machine's clock does not return to
    /// them.
    pub(super) fn condense(&mut self, before: i64) {
        while self.0.len() > MOST {
            let holes = self.0.windows(2).enumerate().filter(|(_, pair)| pair[1].0 <= before);
            let Some((at, _)) = holes.min_by_key(|(_, pair)| pair[1].0.saturating_sub(pair[0].1)) else {
                return;
            };
            let (_, until) = self.0.remove(at + 1);
            if let Some(joined) = self.0.get_mut(at) {
                joined.1 = until;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_generation_is_near_a_clock_as_long_as_one_of_its_signatures_is_fresh() {
        let generation = Generation::of(1_795_491_000_000);
        let (from, until) = generation.span();
        assert_eq!((Generation::of(from), Generation::of(until - 1)), (generation, generation));
        assert_ne!(Generation::of(until), generation);
        for (clock, want) in [
            (from - SKEW_MS - 1, false),
            (from - SKEW_MS, true),
            (until, true),
            (until - 1 + SKEW_MS, true),
            (until + SKEW_MS, false),
        ] {
            assert_eq!(generation.is_near(clock), want, "{clock}");
        }
        assert_eq!(Generation::of(-1).span(), (-GENERATION_MS, 0));
    }

    #[test]
    fn holes_are_filled_from_the_shortest_and_never_ahead_of_the_clock() {
        let mut spans = Spans::default();
        for n in 0..100 {
            spans.add(n * 1000, n * 1000 + 900 - n);
        }
        let future = (1_000_000, 1_000_100);
        spans.add(future.0, future.1);
        spans.condense(500_000);
        assert_eq!(spans.0.len(), MOST);
        assert!(spans.contains(950) && !spans.contains(98_950) && !spans.contains(500_000));
        let mut ahead: Spans = (0..100).map(|n| (n * 10, n * 10 + 1)).collect::<Vec<_>>().into();
        ahead.condense(0);
        assert_eq!(ahead.0.len(), 100);
    }

    proptest! {
        #[test]
        fn spans_hold_what_was_added_and_nothing_else(
            added in prop::collection::vec((-50_i64..50, 0_i64..12), 0..30)
        ) {
            let mut spans = Spans::default();
            for (from, length) in &added {
                spans.add(*from, from + length);
            }
            for at in -60..80 {
                let want = added.iter().any(|(from, length)| (*from..from + length).contains(&at));
                prop_assert_eq!(spans.contains(at), want, "{} in {:?}", at, spans);
            }
            prop_assert!(spans.0.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", spans);
            let json = serde_json::to_string(&spans).unwrap();
            prop_assert_eq!(serde_json::from_str::<Spans>(&json).unwrap(), spans);
        }
    }
}
