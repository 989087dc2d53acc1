//! Times in files: points in time, or offsets from now.

use crate::domain::{Timestamp, duration};
use crate::wire::signature::parse_time;

/// The longest duration in a file, in seconds: 1,000 years.
const MOST_SECONDS: i64 = 1_000 * 365 * 86_400;

/// Reads `2026-11-24T03:30:00Z` (with an optional fraction), `now`, or an offset such as `+30d`, `-2h`, `-90m`, `+5s`.
pub(super) fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return parse_time(text).map(Timestamp::from_millis),
    };
    Some(now.plus_millis(sign * span_ms(text.get(1..)?)?))
}

/// Reads a duration such as `30d`, `12h`, `5m`, `10s` as milliseconds; at most 1,000 years.
pub(super) fn span_ms(text: &str) -> Option<i64> {
    let seconds = duration::seconds(text).filter(|seconds| *seconds <= MOST_SECONDS)?;
    Some(seconds * 1_000)
}

/// A time in full precision, so that [`read`] returns the same value.
pub(super) fn exact(at: Timestamp) -> String {
    let seconds = at.to_string();
    match at.as_millis().rem_euclid(1_000) {
        0 => seconds,
        ms => format!("{}.{ms:03}Z", seconds.trim_end_matches('Z')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_or_distances_from_now() {
        let now = Timestamp::from_millis(1_795_491_000_000);
        for (text, ms) in [
            ("now", 0),
            ("+30d", 30 * 86_400_000),
            ("-2h", -2 * 3_600_000),
            ("+5s", 5_000),
            ("-90m", -90 * 60_000),
            ("2026-11-24T03:30:00Z", 0),
            ("2026-11-24T03:30:00.250Z", 250),
        ] {
            assert_eq!(read(text, now), Some(now.plus_millis(ms)), "{text}");
        }
        for bad in [
            "",
            "+",
            "+d",
            "30d",
            "+1.5d",
            "+-1d",
            "+1w",
            "++1d",
            "+365001d",
            "tomorrow",
            "+99999999999d",
            "2026-13-01T00:00:00Z",
        ] {
            assert_eq!(read(bad, now), None, "{bad}");
        }
        for ms in [0, 1, 999] {
            let at = now.plus_millis(ms);
            assert_eq!(read(&exact(at), now), Some(at));
        }
    }
}
