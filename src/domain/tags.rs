//! Tags of a resource (rules 11.1 to 11.5).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::limits::TAG_CHARS;
use super::names::Invalid;

/// The documented characters: letters of all scripts, digits and a few signs.
fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '/' | '\\' | '_' | '-' | '.' | '+' | '=' | ':' | '@')
}

fn check_tag_text(text: &str, least: usize) -> Result<(), Invalid> {
    const ALLOWED: &str = "letters, digits and / \\ _ - . + = : @";
    Invalid::check_length(text, least..=TAG_CHARS)?;
    Invalid::check_characters(text, is_tag_char, ALLOWED)
}

/// Checks by the rule of earlier releases: any characters except control characters.
fn check_stored(text: &str, least: usize) -> Result<(), Invalid> {
    Invalid::check_length(text, least..=TAG_CHARS)?;
    Invalid::check_characters(text, |c| !c.is_control(), "all but control characters")
}

/// A tag's key: 1 to 128 letters (of all scripts), digits and `/ \ _ - . + = : @`, not beginning with `aliyun` or `acs:`
/// (rule 11.2). A key stored by an earlier release may have other characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey(String);

impl TagKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key that is already stored, perhaps by an earlier release, which allowed more characters.
    ///
    /// # Errors
    /// When no release would have stored it.
    pub fn stored(text: &str) -> Result<Self, Invalid> {
        check_stored(text, 1)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for TagKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check_tag_text(text, 1)?;
        if text.starts_with("aliyun") || text.starts_with("acs:") {
            return Err(Invalid::new("begins with aliyun or acs:, which is reserved for the service"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A tag's value: 0 to 128 of the characters allowed in a key (rule 11.2). A value stored by an earlier release may have
/// others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TagValue(String);

impl TagValue {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A value that is already stored, perhaps by an earlier release, which allowed more characters.
    ///
    /// # Errors
    /// When no release would have stored it.
    pub fn stored(text: &str) -> Result<Self, Invalid> {
        check_stored(text, 0)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for TagValue {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check_tag_text(text, 0)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tags of one resource, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags(BTreeMap<TagKey, TagValue>);

impl Tags {
    /// Sets or overwrites a tag.
    pub fn set(&mut self, key: TagKey, value: TagValue) {
        self.0.insert(key, value);
    }

    /// Removes a tag. An unknown key is not an error (rule 11.4).
    pub fn remove(&mut self, key: &TagKey) {
        self.0.remove(key);
    }

    /// The value of a key.
    pub fn get(&self, key: &TagKey) -> Option<&TagValue> {
        self.0.get(key)
    }

    /// All tags, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.iter()
    }

    /// The number of tags.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(TagKey, TagValue)> for Tags {
    fn from_iter<I: IntoIterator<Item = (TagKey, TagValue)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_11_2_keys_are_1_to_128_characters_and_not_reserved() {
        for good in ["k", "k/\\_-.+=:@1", "env/team", "测试", "größe", &"k".repeat(128), "Aliyun", "acsx"]
        {
            assert!(good.parse::<TagKey>().is_ok(), "{good}");
        }
        for bad in ["", &"k".repeat(129), "aliyun", "aliyun-x", "acs:x", "a\nb", "a\0"] {
            assert!(bad.parse::<TagKey>().is_err(), "{bad:?}");
        }
        for bad in ["k 1", " ", "*", "a~b", "a,b", "a#", "a!", "a\u{a0}b", "😀"] {
            assert!(bad.parse::<TagKey>().is_err() && bad.parse::<TagValue>().is_err(), "{bad:?}");
            assert!(TagKey::stored(bad).is_ok() && TagValue::stored(bad).is_ok(), "{bad:?}");
        }
        for never in ["", "a\nb", &"k".repeat(129)] {
            assert!(TagKey::stored(never).is_err(), "{never:?}");
        }
        assert!("".parse::<TagValue>().is_ok());
        assert!("acs:x".parse::<TagValue>().is_ok());
        assert!("v".repeat(129).parse::<TagValue>().is_err());
    }
}
