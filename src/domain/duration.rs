//! Durations as a whole number and a unit, such as `7d`.

/// Reads digits and one of `s`, `m`, `h` and `d`, such as `30d`, as seconds; zero is allowed. A number that does not fit becomes
/// the largest one, so that a caller's limit refuses it. `None` for another form.
pub fn seconds(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    let each = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_digits_and_one_unit() {
        for (text, want) in [("0s", 0), ("10s", 10), ("5m", 300), ("12h", 43_200), ("007d", 604_800)] {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
        for wrong in ["", "d", "7", "7w", "7D", "+7d", "-7d", "7.5d", " 7d", "7d ", "1d2h", "७d", "7日"] {
            assert_eq!(seconds(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_number_that_does_not_fit_becomes_the_largest() {
        for huge in ["9223372036854775807d", "99999999999999999999s"] {
            assert_eq!(seconds(huge), Some(i64::MAX), "{huge}");
        }
    }
}
