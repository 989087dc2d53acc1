//! Tags of a resource (rules 11.1 to 11.5).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::limits::TAG_CHARS;
use super::names::Invalid;

/// Documented are letters, digits and a few signs. Official clients' own programs send spaces, `*` and `~` too, so
/// only what no gateway would take is refused: control characters (see `docs/differences.md`).
fn check_tag_text(text: &str, least: usize) -> Result<(), Invalid> {
    Invalid::check_length(text, least..=TAG_CHARS)?;
    Invalid::check_characters(text, |c| !c.is_control(), "all but control characters")
}

/// A tag's key: 1 to 128 characters, not beginning with `aliyun` or `acs:` (rule 11.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey(String);

impl TagKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
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

/// A tag's value: 0 to 128 characters (rule 11.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TagValue(String);

impl TagValue {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
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

    /// Removes a tag; an unknown key is no error (rule 11.4).
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

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
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
        for good in ["k", "k 1", "env/team", "测试", &"k".repeat(128), "Aliyun", "acsx"] {
            assert!(good.parse::<TagKey>().is_ok(), "{good}");
        }
        for bad in ["", &"k".repeat(129), "aliyun", "aliyun-x", "acs:x", "a\nb", "a\0"] {
            assert!(bad.parse::<TagKey>().is_err(), "{bad:?}");
        }
        assert!("".parse::<TagValue>().is_ok());
        assert!("acs:x".parse::<TagValue>().is_ok());
        assert!("v".repeat(129).parse::<TagValue>().is_err());
    }
}
