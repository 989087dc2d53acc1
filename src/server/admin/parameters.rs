//! Query parameters of `/_sesame`, parsed strictly.

use super::failure::{Failure, bad_request};
use crate::domain::AccountId;
use crate::domain::nearest::nearest;
use crate::domain::policy::Pattern;
use crate::store::ReplaceScope;
use crate::wire::params::Pairs;
use crate::wire::reason::{NAME_BYTES, shown};

/// The kind of a query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParameterKind {
    /// A text, which the endpoint checks.
    Text,
    /// True when it has no value or the value `true`.
    Flag,
}

/// The name and kind of a query parameter.
pub(super) type Parameter = (&'static str, ParameterKind);

pub(super) const ACCOUNT: Parameter = ("account", ParameterKind::Text);

/// The parsed query of a request: only parameters that the endpoint knows, each at most once.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(&'static str, String)>);

impl Parameters {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "false")
    }

    /// A number within these bounds.
    ///
    /// # Errors
    /// 400 for anything else.
    pub(super) fn number(
        &self,
        name: &str,
        bounds: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<usize>, Failure> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let wrong = || {
            let (least, most) = (bounds.start(), bounds.end());
            bad_request(&format!("{name} must be a whole number from {least} to {most}, such as {name}=10"))
        };
        number.ok_or_else(wrong).map(Some)
    }

    /// The parameter `account`.
    ///
    /// # Errors
    /// 400 when it is not an account id.
    pub(super) fn account(&self) -> Result<Option<AccountId>, Failure> {
        let wrong = |invalid| bad_request(&format!("account {invalid}"));
        self.get("account").map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A parameter that is a pattern of names.
    ///
    /// # Errors
    /// As [`pattern`].
    pub(super) fn pattern(&self, name: &str) -> Result<Option<Pattern>, Failure> {
        self.get(name).map(|text| pattern(name, text)).transpose()
    }

    /// What the request replaces: the data of the parameter `account`, or all data.
    ///
    /// # Errors
    /// As [`Parameters::account`].
    pub(super) fn replaces(&self) -> Result<ReplaceScope, Failure> {
        Ok(self.account()?.map_or(ReplaceScope::Everything, ReplaceScope::Account))
    }
}

/// A pattern of names.
///
/// # Errors
/// 400 when it is empty, because an empty pattern fits nothing.
pub(super) fn pattern(name: &str, text: &str) -> Result<Pattern, Failure> {
    if text.is_empty() {
        return Err(bad_request(&format!(
            "{name} is empty, so it fits nothing; write a pattern such as orders/*, or * for all"
        )));
    }
    Ok(Pattern::exact_case(text))
}

/// Parses a query that may contain the known parameters.
pub(super) fn parameters(query: &str, known: &'static [Parameter]) -> Result<Parameters, Failure> {
    let pairs =
        Pairs::parse(query).map_err(|error| bad_request(&format!("cannot parse the query: {error}")))?;
    let mut read = Parameters::default();
    for (name, value) in pairs.iter() {
        let Some((name, kind)) = known.iter().find(|(known, _)| *known == name) else {
            return Err(bad_request(&unknown_parameter(name, known)));
        };
        if read.get(name).is_some() {
            return Err(bad_request(&format!("{name} is given more than once")));
        }
        if *kind == ParameterKind::Flag && !matches!(value, "" | "true" | "false") {
            return Err(bad_request(&format!(
                "{name} is a flag: write ?{name}, ?{name}=true or ?{name}=false"
            )));
        }
        read.0.push((name, value.to_owned()));
    }
    Ok(read)
}

fn unknown_parameter(name: &str, known: &[Parameter]) -> String {
    let names = || known.iter().map(|(name, _)| *name);
    let shown = shown(name, NAME_BYTES);
    if known.is_empty() {
        return format!("unknown parameter {shown}; this endpoint has no parameters");
    }
    let hint = nearest(name, names()).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    let list = names().collect::<Vec<_>>().join(", ");
    format!("unknown parameter {shown}; {hint}the known parameters are {list}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_parameters_are_accepted_each_once_and_flags_only_as_flags() {
        let known: &'static [Parameter] = &[ACCOUNT, ("plaintext", ParameterKind::Flag)];
        let read = |query: &str| {
            parameters(query, known).map_err(|(_, body)| body.0["error"].as_str().unwrap().to_owned())
        };
        assert!(
            read("plaintext").unwrap().flag("plaintext") && read("plaintext=true").unwrap().flag("plaintext")
        );
        assert!(!read("").unwrap().flag("plaintext") && !read("plaintext=false").unwrap().flag("plaintext"));
        assert!(read("account=7").unwrap().account().unwrap().is_some());
        for (query, want) in [
            (
                "acount=7",
                "unknown parameter acount; did you mean account? the known parameters are account, plaintext",
            ),
            ("zzz", "unknown parameter zzz; the known parameters are account, plaintext"),
            ("account=7&account=7", "account is given more than once"),
            ("plaintext=1", "plaintext is a flag: write ?plaintext, ?plaintext=true or ?plaintext=false"),
            ("account=%zz", "cannot parse the query: "),
        ] {
            assert!(read(query).unwrap_err().starts_with(want), "{query}: {:?}", read(query));
        }
        let none = parameters("a", &[]).unwrap_err().1.0["error"].to_string();
        assert!(none.contains("this endpoint has no parameters"), "{none}");
        assert!(read("account=x").unwrap().account().is_err());
    }

    #[test]
    fn numbers_outside_their_bounds_are_refused() {
        let of = |text: &str| Parameters(vec![("limit", text.to_owned())]).number("limit", 1..=1000).ok();
        assert_eq!((of("1"), of("1000")), (Some(Some(1)), Some(Some(1000))));
        for bad in ["0", "1001", "-1", "x", "", "99999999999999999999", "1.0"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(Parameters::default().number("limit", 1..=1000).ok(), Some(None));
    }
}
