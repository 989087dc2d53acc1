//! Why a text is not valid, worded for developers.

use std::borrow::Cow;
use std::convert::Infallible;
use std::num::{IntErrorKind, ParseIntError};
use std::ops::RangeInclusive;

use super::nearest::hint;

/// Why a text is not valid: the rest of a sentence that begins with the name of the parameter or field, such as
/// `has 65 characters; at most 64 are allowed`. It never contains the text, only its length and one character of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// A reason; `why` is the rest of the sentence.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }

    /// The same reason, about a part of an ARN.
    #[must_use]
    pub fn of_part(self, part: &str) -> Self {
        Self::new(format!("is an ARN, and the {part} in it {}", self.0))
    }

    /// Checks the number of characters.
    ///
    /// # Errors
    /// When there are fewer or more characters than allowed.
    pub fn check_length(text: &str, allowed: RangeInclusive<usize>) -> Result<(), Self> {
        let (least, most) = (*allowed.start(), *allowed.end());
        // Only a text with more bytes than the allowed characters has to be counted.
        let length = if text.len() <= most { text.len() } else { text.chars().count() };
        if length == 0 && least > 0 {
            Err(Self::new(format!("is empty; expected {least} to {most} characters")))
        } else if length > most {
            Err(Self::new(format!("has {length} characters; at most {most} are allowed")))
        } else if length < least {
            Err(Self::new(format!("has {length} characters; at least {least} are needed")))
        } else {
            Ok(())
        }
    }

    /// Checks every character.
    ///
    /// # Errors
    /// Names the first character that is not allowed, and its position from 1. Not for secret values.
    pub fn check_characters(
        text: &str,
        is_allowed: impl Fn(char) -> bool,
        allowed: &'static str,
    ) -> Result<(), Self> {
        match text.chars().enumerate().find(|(_, c)| !is_allowed(*c)) {
            None => Ok(()),
            Some((at, c)) => Err(Self::new(format!(
                "has {} as character {}; allowed are {allowed}",
                Self::shown(c),
                at + 1
            ))),
        }
    }

    /// The text is not one of the known words.
    pub fn not_one_of<'k>(text: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> Self {
        let list = known.clone().into_iter().collect::<Vec<_>>().join(", ");
        let hint = hint(text, known);
        Self::new(format!("is not one of {list} (case-sensitive){hint}"))
    }

    /// Describes a character in a message: its code point, and the character itself if it is printable.
    fn shown(c: char) -> String {
        let number = u32::from(c);
        if c.is_control() || c.is_whitespace() && c != ' ' {
            format!("U+{number:04X}")
        } else {
            format!("'{c}' (U+{number:04X})")
        }
    }
}

/// Lets code that reads any text be generic over its error: this one never occurs.
impl From<Infallible> for Invalid {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<ParseIntError> for Invalid {
    fn from(error: ParseIntError) -> Self {
        Self::new(match error.kind() {
            IntErrorKind::Empty => "is empty; expected a whole number such as 7",
            IntErrorKind::PosOverflow => "is too large a number",
            IntErrorKind::NegOverflow => "is too small a number",
            _ => "is not a whole number such as 7",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_is_reported_with_the_limit_in_characters() {
        let check = |text: &str| Invalid::check_length(text, 2..=4).map_err(|e| e.to_string());
        assert_eq!(check("中文中文"), Ok(()));
        assert_eq!(check("").unwrap_err(), "is empty; expected 2 to 4 characters");
        assert_eq!(check("a").unwrap_err(), "has 1 characters; at least 2 are needed");
        assert_eq!(check("中文中文中").unwrap_err(), "has 5 characters; at most 4 are allowed");
        assert_eq!(Invalid::check_length("", 0..=4), Ok(()));
    }

    #[test]
    fn a_forbidden_character_is_reported_with_its_position() {
        let check = |text: &str| {
            Invalid::check_characters(text, |c| c.is_ascii_lowercase(), "a-z").map_err(|e| e.to_string())
        };
        assert_eq!(check("abc"), Ok(()));
        assert_eq!(check("中b").unwrap_err(), "has '中' (U+4E2D) as character 1; allowed are a-z");
        assert_eq!(check("ab c").unwrap_err(), "has ' ' (U+0020) as character 3; allowed are a-z");
        assert_eq!(check("ab\n").unwrap_err(), "has U+000A as character 3; allowed are a-z");
        assert_eq!(check("a\u{2028}").unwrap_err(), "has U+2028 as character 2; allowed are a-z");
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let known = ["text", "binary"];
        let said = Invalid::not_one_of("Text", known).to_string();
        assert_eq!(said, "is not one of text, binary (case-sensitive); did you mean text?");
        let said = Invalid::not_one_of("hunter2", known).to_string();
        assert_eq!(said, "is not one of text, binary (case-sensitive)");
    }

    #[test]
    fn numbers_are_told_without_themselves() {
        let said = |text: &str| Invalid::from(text.parse::<u8>().unwrap_err()).to_string();
        assert_eq!(said("256"), "is too large a number");
        assert_eq!(said("x1"), "is not a whole number such as 7");
        assert_eq!(said(""), "is empty; expected a whole number such as 7");
    }
}
