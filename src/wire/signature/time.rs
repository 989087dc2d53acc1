//! Parsing the times of signatures. The formats are stricter than those of a library, so they are split here; jiff has
//! the calendar.

use std::str::FromStr;

use jiff::civil::{DateTime, datetime};

const EPOCH: DateTime = datetime(1970, 1, 1, 0, 0, 0, 0);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The instant of a `Timestamp` or `x-acs-date` in milliseconds since the epoch (protocol P67).
///
/// Exactly `yyyy-MM-ddTHH:mm:ssZ`, with an optional fraction of one to nine digits (cut to milliseconds) before the
/// `Z`. Anything else is `None`, such as other offsets, lower case, leap seconds and days that do not exist.
pub fn parse_time(raw: &str) -> Option<i64> {
    let (date, time) = raw.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = split(date, '-')?;
    let scale = 9_usize.checked_sub(fraction.len())?;
    let nanos = digits::<i32>(fraction, fraction.len())? * 10_i32.pow(u32::try_from(scale).ok()?);
    millis((digits(year, 4)?, digits(month, 2)?, digits(day, 2)?), clock, nanos / 1_000_000)
}

/// The instant of a `Date` header in milliseconds since the epoch: exactly `Tue, 24 Nov 2026 02:58:39 GMT`, the form of
/// RFC 1123 that clients send (protocol P67, P75). Anything else is `None`. The weekday must be a valid name, but is not compared
/// with the date.
pub fn parse_http_date(raw: &str) -> Option<i64> {
    let (weekday, rest) = raw.split_once(", ")?;
    let (date, clock) = rest.strip_suffix(" GMT")?.rsplit_once(' ')?;
    let [day, month, year] = split(date, ' ')?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if !WEEKDAYS.contains(&weekday) {
        return None;
    }
    millis((digits(year, 4)?, i8::try_from(month).ok()?, digits(day, 2)?), clock, 0)
}

/// A day, the time `HH:mm:ss` in UTC and milliseconds, as milliseconds since the epoch.
fn millis((year, month, day): (i16, i8, i8), clock: &str, millis: i32) -> Option<i64> {
    let [hour, minute, second] = split(clock, ':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    let at = DateTime::new(year, month, day, hour, minute, second, millis * 1_000_000).ok()?;
    let since = at.duration_since(EPOCH);
    Some(since.as_secs() * 1_000 + i64::from(since.subsec_millis()))
}

/// Splits a text into exactly three parts.
fn split(text: &str, separator: char) -> Option<[&str; 3]> {
    let mut parts = text.split(separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Exactly `width` decimal digits, at least one.
fn digits<T: FromStr>(text: &str, width: usize) -> Option<T> {
    let plain = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p67_times_are_utc_with_an_optional_fraction() {
        let check = |raw: &str, expected: Option<i64>| assert_eq!(parse_time(raw), expected, "{raw}");
        check("1970-01-01T00:00:00Z", Some(0));
        check("1969-12-31T23:59:59.999Z", Some(-1));
        check("2016-03-28T03:13:08Z", Some(1_459_134_788_000));
        check("2026-11-24T03:30:00Z", Some(1_795_491_000_000));
        check("2026-11-24T03:30:00.312Z", Some(1_795_491_000_312));
        check("2026-11-24T03:30:00.3Z", Some(1_795_491_000_300));
        check("2026-11-24T03:30:00.123456789Z", Some(1_795_491_000_123));
        check("2000-02-29T12:00:00Z", Some(951_825_600_000));
        check("9999-12-31T23:59:59Z", Some(253_402_300_799_000));
        for raw in [
            "",
            "Z",
            "T",
            "TZ",
            "2026-11-24T03:30:00",
            "2026-11-24 03:30:00Z",
            "2026-11-24T03:30:00z",
            "2026-11-24T03:30:00+00:00",
            "2026-11-24T03:30Z",
            "2026-11-24T3:30:00Z",
            "2026-11-24T03:30:00.Z",
            "2026-11-24T03:30:00.1234567890Z",
            "2026-11-24T03:30:00.+1Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T03:60:00Z",
            "2026-11-24T03:30:60Z",
            "2026-00-24T03:30:00Z",
            "2026-13-24T03:30:00Z",
            "2026-11-31T03:30:00Z",
            "2026-02-29T03:30:00Z",
            "2100-02-29T03:30:00Z",
            "2026-11-00T03:30:00Z",
            "02026-11-24T03:30:00Z",
            "-026-11-24T03:30:00Z",
            "2026-11-24-01T03:30:00Z",
            "２026-11-24T03:30:00Z",
        ] {
            check(raw, None);
        }
    }

    #[test]
    fn days_agree_with_the_calendar_library() {
        for days in (-719_000_i64..2_900_000).step_by(97) {
            let text = jiff::Timestamp::from_second(days * 86_400 + 3_661).unwrap().to_string();
            assert_eq!(parse_time(&text), Some((days * 86_400 + 3_661) * 1_000), "{text}");
        }
    }

    #[test]
    fn rfc_1123_dates() {
        let check = |raw: &str, expected: Option<i64>| assert_eq!(parse_http_date(raw), expected, "{raw}");
        check("Tue, 24 Nov 2026 02:58:39 GMT", Some(1_795_489_119_000));
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        for raw in [
            "",
            "Tue, 24 Nov 2026 02:58:39",
            "Tue, 24 Nov 2026 02:58:39 UTC",
            "24 Nov 2026 02:58:39 GMT",
            "Tue, 4 Nov 2026 02:58:39 GMT",
            "Tue, 24 nov 2026 02:58:39 GMT",
            "Tue, 31 Nov 2026 02:58:39 GMT",
            "Xue, 24 Nov 2026 02:58:39 GMT",
            "Tue, 24 Nov 26 02:58:39 GMT",
            "Tue, 24 Nov 2026 02:58:39 GMT ",
            "Tue,  24 Nov 2026 02:58:39 GMT",
            "Tuesday, 24-Nov-26 02:58:39 GMT",
            "Tue Nov 24 02:58:39 2026",
        ] {
            check(raw, None);
        }
    }
}
