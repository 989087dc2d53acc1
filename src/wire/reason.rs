//! Untrusted text for logs and headers: printable, on one line, bounded.

/// The header that tells a developer why a request was refused. It is sent only in mode `open`.
pub const HEADER: &str = "x-sesame-reason";

/// The longest reason that is shown, in bytes.
pub const MOST_BYTES: usize = 1_000;

/// The longest part of an untrusted name that is shown, in bytes.
pub const NAME_BYTES: usize = 64;

/// The text in printable ASCII, truncated to `most` bytes with `...` at the end. Every other character, including line
/// ends, is escaped as in `\u{4e2d}`.
pub fn shown(text: &str, most: usize) -> String {
    const CUT: &str = "...";
    let room = most.saturating_sub(CUT.len());
    let mut out = String::new();
    // The end of the text if it has to be truncated.
    let mut whole = 0;
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
        if out.len() <= room {
            whole = out.len();
        }
        if out.len() > most {
            out.truncate(whole);
            out.push_str(CUT);
            out.truncate(most);
            return out;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_stays_and_what_does_not_is_cut_between_characters() {
        for (text, most, want) in [
            ("", 0, ""),
            ("abcdef", 6, "abcdef"),
            ("abcdefg", 6, "abc..."),
            ("ab\u{4e2d}", 10, "ab\\u{4e2d}"),
            ("ab\u{4e2d}", 9, "ab..."),
            ("ab\u{4e2d}c", 10, "ab..."),
            ("abcd", 2, ".."),
        ] {
            assert_eq!(shown(text, most), want, "{text:?} in {most}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_a_header_value_within_its_bound(text: String, most in 0usize..60) {
            let out = shown(&text, most);
            prop_assert!(out.len() <= most, "{out}");
            prop_assert!(out.bytes().all(|b| (0x20..0x7f).contains(&b)), "{out}");
            prop_assert!(http::HeaderValue::from_str(&out).is_ok());
        }
    }
}
