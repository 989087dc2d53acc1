//! Typed access to the parameters of an action. Every error names the parameter.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use super::error::ApiError;
use super::params::Pairs;
use super::reason::{NAME_BYTES, shown};
use crate::domain::names::Invalid;
use crate::domain::nearest::nearest;

/// The parameters of one request, query before body.
///
/// A parameter with an empty value counts as absent (rule 14.10), because clients send parameters that their user left
/// out as `VersionId=`. [`Fields::given`] is for the few parameters whose empty value has a meaning. Members of a JSON
/// value or of a flattened map may be empty. Signatures cover empty values too and do not use this type.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pairs: &'a Pairs<'a>,
    /// Whether a name is that of a parameter that the action takes, so that it is not a misspelt one.
    is_known: fn(&str) -> bool,
}

impl<'a> Fields<'a> {
    /// The fields of decoded pairs.
    pub fn new(pairs: &'a Pairs<'a>) -> Self {
        Self { pairs, is_known: |_| false }
    }

    /// The same fields for an action that takes the parameters of these names.
    #[must_use]
    pub fn of_action(self, is_known: fn(&str) -> bool) -> Self {
        Self { is_known, ..self }
    }

    /// The text of a parameter, if it was sent and is not empty.
    ///
    /// # Errors
    /// InvalidParameter if it was sent twice, because it is unknown which one the caller means.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        Ok(self.given(name)?.filter(|text| !text.is_empty()))
    }

    /// The text of a parameter as it was sent, for a parameter whose empty value has a meaning
    /// ([`Parameter::required_or_empty`](crate::actions::Parameter::required_or_empty)).
    ///
    /// # Errors
    /// As [`Fields::text`].
    pub fn given(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        #[cfg(test)]
        recording::note(name.to_owned());
        let mut given = self.pairs.iter().filter(|(n, _)| *n == name).map(|(_, value)| value);
        let first = given.next();
        if given.next().is_some() { Err(twice(name)) } else { Ok(first) }
    }

    /// An optional parameter.
    ///
    /// # Errors
    /// InvalidParameter if it is not valid.
    pub fn optional<T: FromStr<Err: Into<Invalid>>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let wrong = |invalid: T::Err| ApiError::invalid(name, invalid.into());
        self.text(name)?.map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A required parameter.
    ///
    /// # Errors
    /// MissingParameter if it is absent or empty; InvalidParameter if it is not valid.
    pub fn required<T: FromStr<Err: Into<Invalid>>>(&self, name: &str) -> Result<T, ApiError> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// MissingParameter. The reason says that it was sent empty, or names a sent parameter with a similar name.
    pub fn missing(&self, name: &str) -> ApiError {
        let plain = ApiError::missing(name);
        if self.pairs.iter().any(|(sent, _)| sent == name) {
            let reason = format!("{name} was sent with an empty value, which counts as absent; send a value");
            return ApiError { reason: reason.into(), ..plain };
        }
        let unknown = self.pairs.iter().map(|(sent, _)| sent).filter(|sent| !(self.is_known)(sent));
        match nearest(name, unknown) {
            Some(sent) => {
                let reason =
                    format!("{name} is needed and was not sent, but {} was", shown(sent, NAME_BYTES));
                ApiError { reason: reason.into(), ..plain }
            }
            _ => plain,
        }
    }

    /// A boolean, ignoring case (protocol P21).
    ///
    /// # Errors
    /// InvalidParameter if it is neither true nor false.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ApiError> {
        match self.text(name)? {
            None => Ok(default),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(ApiError::invalid(name, "is neither true nor false")),
        }
    }

    /// A decimal number within bounds; `default` if it is absent.
    ///
    /// # Errors
    /// InvalidParameter if it is not a number or out of bounds.
    pub fn number(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<u32>,
        default: u32,
    ) -> Result<u32, ApiError> {
        match self.optional::<u32>(name)? {
            None => Ok(default),
            Some(number) if bounds.contains(&number) => Ok(number),
            Some(_) => {
                let (least, most) = (bounds.start(), bounds.end());
                Err(ApiError::invalid(name, format!("is out of range; expected {least} to {most}")))
            }
        }
    }

    /// A parameter that holds JSON.
    ///
    /// # Errors
    /// InvalidParameter if it is not well-formed JSON.
    pub fn json(&self, name: &str) -> Result<Option<Value>, ApiError> {
        let wrong = |error: serde_json::Error| {
            // The message of the parser is not used: it may repeat a part of the text.
            let (line, column) = (error.line(), error.column());
            ApiError::invalid(name, format!("is not well-formed JSON: line {line}, column {column}"))
        };
        self.text(name)?.map(|text| serde_json::from_str(text).map_err(wrong)).transpose()
    }

    /// The values of `<prefix>.1`, `<prefix>.2`, … by number (protocol P20), without empty ones.
    ///
    /// # Errors
    /// InvalidParameter if a number is not at least 1 or occurs twice, or if there are more than `max` values.
    pub fn list(&self, prefix: &str, max: usize) -> Result<Vec<&'a str>, ApiError> {
        let members = self.members(prefix, &[""], max)?;
        Ok(members.into_values().filter_map(|fields| fields.first().copied().flatten()).collect())
    }

    /// The members of `<prefix>.1.<name>`, `<prefix>.2.<name>`, … by number. Each has one slot for each of `names`,
    /// which is `None` if that field is absent or empty. Members whose fields are all empty are left out.
    ///
    /// # Errors
    /// As [`Fields::list`].
    pub fn structs<const N: usize>(
        &self,
        prefix: &str,
        names: [&str; N],
        max: usize,
    ) -> Result<Vec<[Option<&'a str>; N]>, ApiError> {
        let members = self.members(prefix, &names, max)?;
        Ok(members.into_values().filter_map(|fields| <[_; N]>::try_from(fields).ok()).collect())
    }

    /// All parameters whose names begin with `<prefix>.`, by the rest of their names (protocol P20). They are members of a
    /// map, so empty values count.
    ///
    /// # Errors
    /// InvalidParameter if one is sent twice.
    pub fn flattened(self, prefix: &str) -> Result<BTreeMap<&'a str, &'a str>, ApiError> {
        #[cfg(test)]
        recording::note(prefix.to_owned());
        let mut members = BTreeMap::new();
        for (full, value) in self.pairs.iter() {
            let Some(rest) = full.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            if members.insert(rest, value).is_some() {
                return Err(twice(full));
            }
        }
        Ok(members)
    }

    fn members(
        self,
        prefix: &str,
        names: &[&str],
        max: usize,
    ) -> Result<BTreeMap<u32, Vec<Option<&'a str>>>, ApiError> {
        #[cfg(test)]
        for name in names {
            let name = if name.is_empty() { String::new() } else { format!(".{name}") };
            recording::note(format!("{prefix}.N{name}"));
        }
        let mut members: BTreeMap<u32, Vec<Option<&'a str>>> = BTreeMap::new();
        for (full, value) in self.pairs.iter() {
            let Some(rest) = full.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let (number, field) = rest.split_once('.').unwrap_or((rest, ""));
            // A field with another name is an unknown parameter, which is ignored.
            let Some(slot) = names.iter().position(|name| *name == field) else { continue };
            let wrong = || ApiError::invalid(full, format!("is not numbered from 1, such as {prefix}.1"));
            let number = number.parse::<u32>().ok().filter(|n| *n >= 1).ok_or_else(wrong)?;
            let fields = members.entry(number).or_insert_with(|| vec![None; names.len()]);
            match fields.get_mut(slot) {
                Some(empty @ None) => *empty = Some(value),
                _ => return Err(twice(full)),
            }
        }
        for fields in members.values_mut().flatten() {
            *fields = fields.filter(|text| !text.is_empty());
        }
        members.retain(|_, fields| fields.iter().any(Option::is_some));
        if members.len() <= max {
            return Ok(members);
        }
        Err(ApiError::invalid(prefix, format!("has {} members; at most {max} are allowed", members.len())))
    }
}

/// The error for a parameter that was sent twice: it is unknown which one the caller means.
fn twice(name: &str) -> ApiError {
    ApiError::invalid(name, "was sent more than once")
}

/// Records which parameters are read, for tests.
#[cfg(test)]
pub(crate) mod recording {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static NAMES: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(super) fn note(name: String) {
        NAMES.with_borrow_mut(|names| names.insert(name));
    }

    /// Runs `read`; returns its result and the names of the parameters that it read. A numbered one is named like
    /// `Tag.N.Key`.
    pub(crate) fn names_read<T>(read: impl FnOnce() -> T) -> (T, BTreeSet<String>) {
        NAMES.take();
        let result = read();
        (result, NAMES.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::VersionId;

    fn with<T>(
        query: &str,
        look: impl FnOnce(Fields<'_>) -> Result<T, ApiError>,
    ) -> Result<T, (String, String)> {
        let pairs = Pairs::parse(query).unwrap();
        look(Fields::new(&pairs)).map_err(|e| (e.wire.into_owned(), e.message.into_owned()))
    }

    fn wrong<T>(name: &str) -> Result<T, (String, String)> {
        let error = ApiError::invalid(name, "");
        Err((error.wire.into_owned(), error.message.into_owned()))
    }

    #[test]
    fn rule_14_3_booleans_in_any_case() {
        for (text, want) in [("A=True", true), ("A=true", true), ("A=FALSE", false), ("", true)] {
            assert_eq!(with(text, |f| f.flag("A", true)), Ok(want), "{text}");
        }
        assert_eq!(with("A=1", |f| f.flag("A", true)), wrong("A"));
    }

    #[test]
    fn rule_14_10_an_empty_parameter_is_as_one_that_is_absent() {
        let text = "The parameter \"VersionId\" is needed but not provided.";
        for query in ["", "VersionId="] {
            let missing = with(query, |f| f.required::<VersionId>("VersionId")).unwrap_err();
            assert_eq!(missing, ("MissingParameter".to_owned(), text.to_owned()), "{query}");
            assert_eq!(with(query, |f| f.optional::<VersionId>("VersionId")), Ok(None), "{query}");
        }
        assert_eq!(with("A=", |f| f.text("A").map(|text| text.map(str::to_owned))), Ok(None));
        assert_eq!(with("A=", |f| f.flag("A", true)), Ok(true));
        assert_eq!(with("A=", |f| f.number("A", 1..=9, 5)), Ok(5));
        assert_eq!(with("A=", |f| f.json("A")), Ok(None));
        assert_eq!(with("A.1=&A.2=b&A.3=", |f| f.list("A", 1).map(|l| l.join(","))), Ok("b".to_owned()));
        let structs = |f: Fields<'_>| {
            Ok(f.structs("T", ["K", "V"], 9)?.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>())
        };
        assert_eq!(with("T.1.K=&T.1.V=&T.2.K=k&T.2.V=", structs).unwrap(), ["[Some(\"k\"), None]"]);
        // The members of a map, and what is looked at as it was sent, are kept.
        assert_eq!(with("A.k=", |f| f.flattened("A").map(|map| map.len())), Ok(1));
        assert_eq!(with("A=", |f| f.given("A").map(|text| text.map(str::len))), Ok(Some(0)));
        // Twice stays twice, whatever was sent.
        for query in ["A=1&A=1", "A=&A=1", "A=&A="] {
            assert_eq!(with(query, |f| f.text("A").map(drop)), wrong("A"), "{query}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(with("N=100", |f| f.number("N", 1..=100, 10)), Ok(100));
        assert_eq!(with("", |f| f.number("N", 1..=100, 10)), Ok(10));
        for bad in ["N=0", "N=101", "N=-1", "N=1.0", "N=x", "N=99999999999"] {
            assert_eq!(with(bad, |f| f.number("N", 1..=100, 10)), wrong("N"), "{bad}");
        }
    }

    #[test]
    fn flattened_lists_are_read_in_the_order_of_their_numbers() {
        let query = "R.2=b&R.10=c&R.1=a&Tag.1.Value=v&Tag.1.Key=k&Tag.2.Key=l&Tag.2.Other=x";
        assert_eq!(with(query, |f| f.list("R", 9).map(|l| l.join(""))), Ok("abc".to_owned()));
        let tags = with(query, |f| {
            Ok(f.structs("Tag", ["Key", "Value"], 9)?.iter().map(|t| format!("{t:?}")).collect::<Vec<_>>())
        });
        assert_eq!(tags.unwrap(), ["[Some(\"k\"), Some(\"v\")]", "[Some(\"l\"), None]"]);
        assert_eq!(with("R.0=a", |f| f.list("R", 9).map(drop)), wrong("R.0"));
        assert_eq!(with("R.x=a", |f| f.list("R", 9).map(drop)), wrong("R.x"));
        assert_eq!(with("R.1=a&R.1=b", |f| f.list("R", 9).map(drop)), wrong("R.1"));
        assert_eq!(with("R.1=a&R.2=b", |f| f.list("R", 1).map(drop)), wrong("R"));
    }
}
