//! Parameters of a request: decoded pairs of a query, a form body or a JSON body (protocol P17, P18, P23).

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The most pairs in a query, in a body, and in both together.
pub const MAX_PAIRS: usize = 1_000;

/// The deepest nesting of a JSON body. The object of the body is the first level.
pub const MAX_JSON_DEPTH: usize = 32;

/// The most characters of a wrong name that an error repeats.
const MAX_NAME_IN_ERROR: usize = 128;

/// Decoded `(name, value)` pairs in the order of the request.
///
/// Names are case-sensitive and may occur more than once: [`get`](Self::get) returns the first, signatures cover all
/// (protocol P24). Blank values are kept, because clients send and sign them (protocol P18). `Debug` shows only the names, because values
/// may be secret.
#[derive(Clone, Default)]
pub struct Pairs<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why the parameters of a request could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct ParamError {
    /// The decoded name of the wrong parameter, at most 128 characters of it. `None` if no name could be decoded.
    pub name: Option<String>,
    /// What is wrong with it.
    pub kind: ParamErrorKind,
}

/// What is wrong with the parameters of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamErrorKind {
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("a percent sign without two hexadecimal digits")]
    BadEscape,
    /// The decoded bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// More than [`MAX_PAIRS`] pairs.
    #[error("more than {MAX_PAIRS} parameters")]
    TooMany,
    /// The JSON body is not well formed, or something follows its value.
    #[error("not well-formed JSON")]
    BadJson,
    /// The JSON body is well formed, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// The JSON body is nested deeper than [`MAX_JSON_DEPTH`].
    #[error("nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
}

impl ParamError {
    const fn unnamed(kind: ParamErrorKind) -> Self {
        Self { name: None, kind }
    }

    fn named(name: &str, kind: ParamErrorKind) -> Self {
        Self { name: Some(name.chars().take(MAX_NAME_IN_ERROR).collect()), kind }
    }

    fn describe(&self) -> String {
        match &self.name {
            Some(name) => format!("parameter {name:?}: {}", self.kind),
            None => format!("parameters: {}", self.kind),
        }
    }
}

impl<'a> Pairs<'a> {
    /// No pairs.
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Decodes the text of a query (without its `?`) or of a form body (protocol P18).
    ///
    /// In names and values, `+` is a space and `%XX` is a byte; the result must be UTF-8. Empty segments between two
    /// `&` are skipped, `a` without `=` is `a` with a blank value, and only the first `=` separates. Text without
    /// escapes is borrowed and not copied.
    ///
    /// # Errors
    ///
    /// [`ParamErrorKind::BadEscape`] and [`ParamErrorKind::NotUtf8`], naming the parameter if its name could be
    /// decoded; [`ParamErrorKind::TooMany`].
    pub fn parse(raw: &'a str) -> Result<Self, ParamError> {
        let mut pairs = Vec::new();
        for segment in raw.split('&').filter(|segment| !segment.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(ParamError::unnamed(ParamErrorKind::TooMany));
            }
            let (name, value) = segment.split_once('=').unwrap_or((segment, ""));
            let name = decode(name).map_err(ParamError::unnamed)?;
            let value = decode(value).map_err(|kind| ParamError::named(&name, kind))?;
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// [`parse`](Self::parse) for the bytes of a form body.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); [`ParamErrorKind::NotUtf8`] also for raw bytes that are not UTF-8.
    pub fn parse_bytes(raw: &'a [u8]) -> Result<Self, ParamError> {
        match std::str::from_utf8(raw) {
            Ok(text) => Self::parse(text),
            Err(_) => Err(ParamError::unnamed(ParamErrorKind::NotUtf8)),
        }
    }

    /// All pairs in order, as text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The value of the first pair called exactly `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// Appends the pairs of `other`. The server uses the union of query and body (protocol P17), the query first.
    ///
    /// # Errors
    ///
    /// [`ParamErrorKind::TooMany`] if both together exceed [`MAX_PAIRS`]; then nothing is appended.
    pub fn extend(&mut self, other: Self) -> Result<(), ParamError> {
        if self.len() + other.len() > MAX_PAIRS {
            return Err(ParamError::unnamed(ParamErrorKind::TooMany));
        }
        self.pairs.extend(other.pairs);
        Ok(())
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

impl Pairs<'static> {
    /// Reads the body of a request with `Content-Type: application/json` (protocol P23).
    ///
    /// The top-level members are the parameters, in order: a string verbatim, a number or boolean as its text, an
    /// array or object as its compact JSON text (members sorted by name), `null` as if it were absent. A blank body
    /// has no parameters, whatever its type says (protocol P9).
    ///
    /// # Errors
    ///
    /// [`ParamErrorKind::NotUtf8`], [`ParamErrorKind::BadJson`], [`ParamErrorKind::NotAnObject`],
    /// [`ParamErrorKind::TooDeep`] (naming the member), [`ParamErrorKind::TooMany`].
    pub fn parse_json(body: &[u8]) -> Result<Self, ParamError> {
        let unnamed = |kind| Err(ParamError::unnamed(kind));
        let Ok(text) = std::str::from_utf8(body) else { return unnamed(ParamErrorKind::NotUtf8) };
        if text.trim_ascii().is_empty() {
            return Ok(Self::new());
        }
        let members = match serde_json::from_str::<Members>(text) {
            Ok(Members(members)) => members,
            Err(e) if e.is_data() => return unnamed(ParamErrorKind::NotAnObject),
            Err(_) => return unnamed(ParamErrorKind::BadJson),
        };
        if members.len() > MAX_PAIRS {
            return unnamed(ParamErrorKind::TooMany);
        }
        let mut pairs = Vec::with_capacity(members.len());
        for (name, value) in members {
            if depth(&value) >= MAX_JSON_DEPTH {
                return Err(ParamError::named(&name, ParamErrorKind::TooDeep));
            }
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text,
                other => other.to_string(),
            };
            pairs.push((Cow::Owned(name), Cow::Owned(text)));
        }
        Ok(Self { pairs })
    }
}

impl fmt::Debug for Pairs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes the form encoding of one name or value.
fn decode(raw: &str) -> Result<Cow<'_, str>, ParamErrorKind> {
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut escapes = raw.split('%').skip(1);
    if !escapes
        .all(|rest| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
    {
        return Err(ParamErrorKind::BadEscape);
    }
    let spaced: Vec<u8> = raw.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    match percent_decode(&spaced).decode_utf8() {
        Ok(text) => Ok(Cow::Owned(text.into_owned())),
        Err(_) => Err(ParamErrorKind::NotUtf8),
    }
}

/// The depth of nested arrays and objects in `value`. The JSON parser itself stops at 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The members of a JSON object in order, including repeated names. At most one more than [`MAX_PAIRS`] is kept.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while members.len() <= MAX_PAIRS {
            let Some(member) = map.next_entry()? else { return Ok(Members(members)) };
            members.push(member);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::canonical::encode_into;
    use proptest::prelude::*;

    fn check(raw: &str, expected: &[(&str, &str)]) {
        let pairs = Pairs::parse(raw).unwrap();
        assert_eq!(pairs.iter().collect::<Vec<_>>(), expected, "{raw}");
        assert_eq!(Pairs::parse_bytes(raw.as_bytes()).unwrap().len(), pairs.len());
    }

    fn check_error(raw: &str, name: Option<&str>, kind: ParamErrorKind) {
        assert_eq!(
            Pairs::parse(raw).unwrap_err(),
            ParamError { name: name.map(str::to_owned), kind },
            "{raw}"
        );
    }

    fn check_json(body: &str, expected: &[(&str, &str)]) {
        let pairs = Pairs::parse_json(body.as_bytes()).unwrap();
        assert_eq!(pairs.iter().collect::<Vec<_>>(), expected, "{body}");
    }

    fn check_json_error(body: &[u8], name: Option<&str>, kind: ParamErrorKind) {
        assert_eq!(Pairs::parse_json(body).unwrap_err(), ParamError { name: name.map(str::to_owned), kind });
    }

    #[test]
    fn p18_forms_are_decoded() {
        check("", &[]);
        check("&&", &[]);
        check("a=1&b=2", &[("a", "1"), ("b", "2")]);
        check("a=x+y%2A~&b=%E4%B8%ad", &[("a", "x y*~"), ("b", "中")]);
        check("a+b%3D=%2B%25", &[("a b=", "+%")]);
        check("a=b=c&=d&e", &[("a", "b=c"), ("", "d"), ("e", "")]);
        check("SignatureType=&a=1&a=2", &[("SignatureType", ""), ("a", "1"), ("a", "2")]);
        check("n=%00%0A&m=中!()/:@,", &[("n", "\0\n"), ("m", "中!()/:@,")]);
    }

    #[test]
    fn values_without_escapes_are_borrowed() {
        let pairs = Pairs::parse("a=plain-._~*&b=x+y").unwrap();
        assert!(matches!(pairs.pairs[0], (Cow::Borrowed("a"), Cow::Borrowed("plain-._~*"))));
        assert!(matches!(pairs.pairs[1], (Cow::Borrowed("b"), Cow::Owned(_))));
    }

    #[test]
    fn bad_escapes_and_bad_utf8_name_the_parameter() {
        check_error("x=1&a=%zz", Some("a"), ParamErrorKind::BadEscape);
        check_error("a%20b=%", Some("a b"), ParamErrorKind::BadEscape);
        check_error("a=%4", Some("a"), ParamErrorKind::BadEscape);
        check_error("a=%+1", Some("a"), ParamErrorKind::BadEscape);
        check_error("a=%25%", Some("a"), ParamErrorKind::BadEscape);
        check_error("a=%4中", Some("a"), ParamErrorKind::BadEscape);
        check_error("%zz=1", None, ParamErrorKind::BadEscape);
        check_error("a=%E4%B8", Some("a"), ParamErrorKind::NotUtf8);
        check_error("%ff=1", None, ParamErrorKind::NotUtf8);
        assert_eq!(Pairs::parse_bytes(b"a=\xff").unwrap_err(), ParamError::unnamed(ParamErrorKind::NotUtf8));
        let long = Pairs::parse(&format!("{}=%", "中".repeat(500))).unwrap_err();
        assert_eq!(long.name.unwrap(), "中".repeat(128));
    }

    #[test]
    fn the_number_of_pairs_is_bounded() {
        let thousand = "a&".repeat(MAX_PAIRS);
        let mut pairs = Pairs::parse(&thousand).unwrap();
        assert_eq!(pairs.len(), MAX_PAIRS);
        check_error(&format!("{thousand}b"), None, ParamErrorKind::TooMany);
        assert_eq!(pairs.extend(Pairs::parse("b").unwrap()).unwrap_err().kind, ParamErrorKind::TooMany);
        assert_eq!(pairs.len(), MAX_PAIRS);
        let object =
            |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"k{i}\":1")).collect::<Vec<_>>().join(","));
        assert_eq!(Pairs::parse_json(object(MAX_PAIRS).as_bytes()).unwrap().len(), MAX_PAIRS);
        check_json_error(object(MAX_PAIRS + 1).as_bytes(), None, ParamErrorKind::TooMany);
        check_json_error(object(MAX_PAIRS + 9).as_bytes(), None, ParamErrorKind::TooMany);
    }

    #[test]
    fn p24_the_first_of_a_name_counts_and_the_query_is_before_the_body() {
        let mut pairs = Pairs::parse("a=1&a=2").unwrap();
        pairs.extend(Pairs::parse("a=3&b=4").unwrap()).unwrap();
        assert_eq!(pairs.len(), 4);
        assert!(!pairs.is_empty() && Pairs::new().is_empty());
        assert_eq!((pairs.get("a"), pairs.get("b"), pairs.get("A")), (Some("1"), Some("4"), None));
    }

    #[test]
    fn p23_json_members_are_parameters() {
        check_json("", &[]);
        check_json(" \r\n", &[]);
        check_json("{}", &[]);
        check_json(
            r#" {"b":"x\u4e2d\n","a":1,"f":-1.5,"t":true,"n":null,"l":[1, {"k" : "v"}],"o":{"z":1,"y":[]},"a":2} "#,
            &[
                ("b", "x中\n"),
                ("a", "1"),
                ("f", "-1.5"),
                ("t", "true"),
                ("l", r#"[1,{"k":"v"}]"#),
                ("o", r#"{"y":[],"z":1}"#),
                ("a", "2"),
            ],
        );
    }

    #[test]
    fn p23_other_json_is_refused() {
        for body in ["[]", "1", "null", "\"a\"", "[{}]"] {
            check_json_error(body.as_bytes(), None, ParamErrorKind::NotAnObject);
        }
        for body in ["{", "{}x", "{} {}", "{'a':1}", "a=1&b=2", "{\"a\":01}", "{\"a\":\"\\ud800\"}"] {
            check_json_error(body.as_bytes(), None, ParamErrorKind::BadJson);
        }
        check_json_error(b"{\"a\":\"\xff\"}", None, ParamErrorKind::NotUtf8);
    }

    #[test]
    fn p23_the_depth_of_json_is_bounded() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(Pairs::parse_json(nested(31).as_bytes()).unwrap().len(), 1);
        check_json_error(nested(32).as_bytes(), Some("a"), ParamErrorKind::TooDeep);
        check_json_error(nested(100_000).as_bytes(), None, ParamErrorKind::BadJson);
    }

    #[test]
    fn debug_and_errors_do_not_show_values() {
        let pairs = Pairs::parse("SecretName=n&SecretData=hunter2").unwrap();
        assert_eq!(format!("{pairs:?}"), r#"["SecretName", "SecretData"]"#);
        let error = Pairs::parse("SecretData=hunter2%zz").unwrap_err();
        assert_eq!(
            error.to_string(),
            "parameter \"SecretData\": a percent sign without two hexadecimal digits"
        );
    }

    proptest! {
        #[test]
        fn the_parsers_never_panic(raw in ".*", bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(Pairs::parse(&raw).is_ok(), Pairs::parse_bytes(raw.as_bytes()).is_ok());
            for outcome in [Pairs::parse_bytes(&bytes), Pairs::parse_json(raw.as_bytes()), Pairs::parse_json(&bytes)] {
                prop_assert!(outcome.map_or(true, |pairs| pairs.len() <= MAX_PAIRS));
            }
        }

        #[test]
        fn hostile_escapes_never_panic(raw in "[%&=+a-f0-9z中]{0,40}") {
            if let Ok(pairs) = Pairs::parse(&raw) {
                prop_assert!(pairs.len() <= raw.len());
            }
        }

        #[test]
        fn encoded_pairs_are_read_back(wanted in proptest::collection::vec((".{1,9}", any::<String>()), 0..9)) {
            let mut raw = String::new();
            for (name, value) in &wanted {
                encode_into(&mut raw, name);
                raw.push('=');
                encode_into(&mut raw, value);
                raw.push('&');
            }
            let pairs = Pairs::parse(&raw).unwrap();
            let wanted: Vec<_> = wanted.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            prop_assert_eq!(pairs.iter().collect::<Vec<_>>(), wanted);
        }
    }
}
