//! The canonical text that signatures are computed over (protocol P47, P48, P49, P60).
//!
//! Clients write the same value in different ways (a space as `+` or `%20`, `*` raw or as `%2A`), so raw text is
//! never signed. Values are decoded first and encoded again in a single way.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All bytes except the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Appends `text` with the percent-encoding of RFC 3986 (protocol P48).
///
/// `A-Z a-z 0-9 - _ . ~` stay, every other byte of the UTF-8 text becomes `%XX` with upper-case digits: a space is
/// `%20`, `*` is `%2A`, `+` is `%2B`. Text without such bytes is copied in one piece.
pub fn encode_into(out: &mut String, text: &str) {
    for piece in utf8_percent_encode(text, RESERVED) {
        out.push_str(piece);
    }
}

/// Appends the canonical query of `pairs`: `enc(name)=enc(value)` joined by `&`, ordered by the bytes of the name
/// and then of the value (protocol P47, P49, P60). Without pairs it appends nothing.
///
/// Pairs named `skip` are left out: RPC requests carry their own `Signature` among the parameters (protocol P46). Names and
/// values are decoded text; blank values are kept.
pub fn canonical_query<'p>(
    out: &mut String,
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
    skip: Option<&str>,
) {
    let mut sorted: Vec<(&str, &str)> = pairs.filter(|(name, _)| skip != Some(*name)).collect();
    sorted.sort_unstable();
    out.reserve(sorted.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
    let mut separator = "";
    for (name, value) in sorted {
        out.push_str(separator);
        encode_into(out, name);
        out.push('=');
        encode_into(out, value);
        separator = "&";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_encode(text: &str, expected: &str) {
        let mut out = String::from(">");
        encode_into(&mut out, text);
        assert_eq!(out, format!(">{expected}"));
    }

    fn check_query(pairs: &[(&str, &str)], skip: Option<&str>, expected: &str) {
        let mut out = String::new();
        canonical_query(&mut out, pairs.iter().copied(), skip);
        assert_eq!(out, expected);
    }

    #[test]
    fn p48_only_unreserved_characters_stay() {
        check_encode("", "");
        check_encode("AZaz09-_.~", "AZaz09-_.~");
        check_encode("a b*+c", "a%20b%2A%2Bc");
        check_encode("!'()/:@,&=%", "%21%27%28%29%2F%3A%40%2C%26%3D%25");
        check_encode("中\u{0}\u{7f}", "%E4%B8%AD%00%7F");
    }

    #[test]
    fn p47_pairs_are_ordered_by_the_bytes_of_the_name_then_of_the_value() {
        check_query(&[], None, "");
        check_query(
            &[("b", "1"), ("a", ""), ("B", "2"), ("Tag.1", "x"), ("Tag", "y")],
            None,
            "B=2&Tag=y&Tag.1=x&a=&b=1",
        );
        check_query(&[("a", "2"), ("a", "1")], None, "a=1&a=2");
        // U+FFFF is before U+10000 in UTF-8, though not in UTF-16.
        check_query(&[("\u{10000}", "2"), ("\u{ffff}", "1")], None, "%EF%BF%BF=1&%F0%90%80%80=2");
    }

    #[test]
    fn p46_the_skipped_name_is_exact() {
        check_query(
            &[("Signature", "x"), ("SignatureMethod", "y"), ("signature", "z")],
            Some("Signature"),
            "SignatureMethod=y&signature=z",
        );
    }

    proptest! {
        #[test]
        fn encoding_round_trips(text in any::<String>()) {
            let mut out = String::new();
            encode_into(&mut out, &text);
            prop_assert!(out.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
            let back = percent_encoding::percent_decode_str(&out).decode_utf8().unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
