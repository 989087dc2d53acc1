//! `RotationInterval`: its grammar and its limits (rules R2.1 to R2.4).

use std::fmt;

use crate::domain::duration;
use crate::domain::names::Invalid;

/// How long a plan waits between two rotations, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RotationInterval(i64);

impl RotationInterval {
    /// The shortest interval of the service: 6 hours (rule R2.3).
    pub const SHORTEST: Self = Self(6 * 3600);
    /// The longest interval: 8,760 hours (rule R2.2).
    pub const LONGEST: Self = Self(8760 * 3600);

    /// Reads a whole number and one of `d`, `h`, `m`, `s`, such as `7d` (rule R2.1).
    ///
    /// # Errors
    /// [`Invalid`] for another grammar, and for an interval outside `shortest` to 8,760 hours.
    pub fn parse(text: &str, shortest: Self) -> Result<Self, Invalid> {
        let interval = Self::of_any_length(text)?;
        if (shortest..=Self::LONGEST).contains(&interval) {
            return Ok(interval);
        }
        Err(Invalid::new(format!("is out of range; expected {shortest} to {}, such as 7d", Self::LONGEST)))
    }

    /// The same without limits: for settings that set them.
    ///
    /// # Errors
    /// [`Invalid`] for another grammar, for zero, and for a number that is too large.
    pub fn of_any_length(text: &str) -> Result<Self, Invalid> {
        let grammar =
            || Invalid::new("is not a whole number followed by d, h, m or s (lower case), such as 7d");
        // A number that does not fit is too long by any limit (rule R2.4).
        match duration::seconds(text).ok_or_else(grammar)? {
            0 => Err(Invalid::new("is zero; expected an interval such as 7d")),
            total => Ok(Self(total)),
        }
    }

    /// An interval that was stored; `None` unless it is positive.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        (seconds > 0).then_some(Self(seconds))
    }

    /// Whole seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Milliseconds.
    pub const fn millis(self) -> i64 {
        self.0.saturating_mul(1000)
    }
}

impl fmt::Display for RotationInterval {
    /// As answers show it: whole seconds (rule R2.8).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        RotationInterval::parse(text, RotationInterval::SHORTEST)
            .map(|interval| interval.to_string())
            .map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn rule_r2_1_an_interval_is_a_number_and_one_unit() {
        for wrong in [
            "7 days", "1w", "7D", "7", "604,800s", "", "d", "-7d", "+7d", "7.5d", "7dd", " 7d", "7d ", "७d",
            "7日",
        ] {
            let said = parse(wrong).unwrap_err();
            assert_eq!(
                said, "is not a whole number followed by d, h, m or s (lower case), such as 7d",
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn rule_r2_2_and_r2_3_both_ends_of_the_range_are_allowed() {
        for (text, seconds) in
            [("6h", "21600s"), ("360m", "21600s"), ("21600s", "21600s"), ("8760h", "31536000s")]
        {
            assert_eq!(parse(text).unwrap(), seconds);
        }
        for wrong in ["5h", "21599s", "8761h", "31536001s", "366d"] {
            assert_eq!(
                parse(wrong).unwrap_err(),
                "is out of range; expected 21600s to 31536000s, such as 7d",
                "{wrong}"
            );
        }
    }

    #[test]
    fn rule_r2_4_zero_and_what_overflows_are_refused() {
        assert_eq!(parse("0d").unwrap_err(), "is zero; expected an interval such as 7d");
        for wrong in ["9223372036854775807d", "9223372036854775808s", "99999999999999999999999h"] {
            assert!(parse(wrong).unwrap_err().starts_with("is out of range"), "{wrong}");
        }
    }

    #[test]
    fn rule_r2_8_answers_show_whole_seconds() {
        for (text, seconds) in
            [("7d", "604800s"), ("6h", "21600s"), ("30d", "2592000s"), ("365d", "31536000s")]
        {
            assert_eq!(parse(text).unwrap(), seconds);
        }
        assert_eq!(parse("0000000000000000000007d").unwrap(), "604800s");
    }

    #[test]
    fn rule_r2_9_a_setting_lowers_the_shortest_interval() {
        let second = RotationInterval::of_any_length("1s").unwrap();
        assert_eq!(RotationInterval::parse("1s", second).unwrap().seconds(), 1);
        assert_eq!(RotationInterval::parse("1m", second).unwrap().millis(), 60_000);
        assert!(RotationInterval::parse("8761h", second).is_err());
    }
}
