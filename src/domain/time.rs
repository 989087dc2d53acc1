//! Instants in the API's notation.

use std::fmt;

/// An instant in UTC, in milliseconds since 1970-01-01.
///
/// Displayed as the API does, `yyyy-MM-ddTHH:mm:ssZ`: seconds, never a fraction (rule 1.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Milliseconds per day.
const DAY_MS: i64 = 86_400_000;

impl Timestamp {
    /// The instant `ms` milliseconds after the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved by whole days. Saturates at the ends of the range.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY_MS)))
    }

    /// This instant moved by milliseconds. Saturates at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The absolute difference to `other`, in milliseconds.
    pub const fn distance_ms(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

/// How the service's clock differs from the machine's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockSetting {
    /// How far it is ahead, in milliseconds. Negative when it is behind.
    pub ahead_ms: i64,
    /// The instant at which it is stopped, if it is.
    pub stands: Option<Timestamp>,
}

impl ClockSetting {
    /// The setting moved by this many milliseconds. A running clock keeps running, a stopped one stays stopped.
    #[must_use]
    pub const fn advanced(self, ms: i64) -> Self {
        match self.stands {
            None => Self { ahead_ms: self.ahead_ms.saturating_add(ms), stands: None },
            Some(at) => Self { stands: Some(at.plus_millis(ms)), ..self },
        }
    }

    /// The setting of a clock that is stopped at an instant.
    #[must_use]
    pub const fn standing(self, at: Timestamp) -> Self {
        Self { stands: Some(at), ..self }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0.div_euclid(1000)) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}", jiff::Timestamp::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_13_times_are_seconds_in_utc() {
        let t = Timestamp::from_millis(1_708_529_966_789);
        assert_eq!(t.to_string(), "2024-02-21T15:39:26Z");
        assert_eq!(t.plus_days(30).to_string(), "2024-03-22T15:39:26Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(t.distance_ms(t.plus_millis(-5)), 5);
    }
}
