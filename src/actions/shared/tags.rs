//! Reading tags in both styles, and writing lists of tags (rule 11.5).

use serde::Serialize;
use serde_json::Value;

use crate::domain::names::Invalid;
use crate::domain::{TagKey, TagValue};
use crate::wire::{ApiError, Code, Fields};

/// The maximum number of tags of one call (rule 11.1).
pub(in crate::actions) const MAX_TAGS: usize = 20;

/// Tags in the wrapper that the wire uses.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct TagList {
    tag: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: String,
}

impl TagList {
    pub(in crate::actions) fn push(&mut self, key: &TagKey, value: &TagValue) {
        self.tag.push(Tag { tag_key: key.to_string(), tag_value: value.to_string() });
    }
}

impl<'a> FromIterator<(&'a TagKey, &'a TagValue)> for TagList {
    fn from_iter<I: IntoIterator<Item = (&'a TagKey, &'a TagValue)>>(tags: I) -> Self {
        let mut list = Self::default();
        for (key, value) in tags {
            list.push(key, value);
        }
        list
    }
}

/// Reads `[{"TagKey":…,"TagValue":…}, …]`, the old style; a value may be absent.
///
/// # Errors
/// InvalidParameter when a key or value is not valid or a key occurs twice; LimitExceeded for more than 20.
pub(in crate::actions) fn from_json(
    fields: Fields<'_>,
    name: &str,
) -> Result<Option<Vec<(TagKey, TagValue)>>, ApiError> {
    let form = || {
        let why = "is not a list such as [{\"TagKey\":\"env\",\"TagValue\":\"test\"}]";
        ApiError::invalid(name, why)
    };
    let Some(json) = fields.json(name)? else { return Ok(None) };
    let list = json.as_array().ok_or_else(form)?;
    if list.len() > MAX_TAGS {
        let reason = format!("{name} has {} tags; at most {MAX_TAGS} are allowed", list.len());
        return Err(ApiError::new(Code::RejectedLimitExceeded, reason));
    }
    let tag = |(at, item): (usize, &Value)| {
        let of =
            |member: &str, invalid: Invalid| ApiError::invalid(name, format!("[{at}].{member} {invalid}"));
        let key = item.get("TagKey").and_then(Value::as_str).ok_or_else(form)?;
        let key = key.parse().map_err(|invalid| of("TagKey", invalid))?;
        let value = match item.get("TagValue") {
            None | Some(Value::Null) => TagValue::default(),
            Some(value) => {
                value.as_str().ok_or_else(form)?.parse().map_err(|invalid| of("TagValue", invalid))?
            }
        };
        Ok((key, value))
    };
    let tags: Vec<(TagKey, TagValue)> = list.iter().enumerate().map(tag).collect::<Result<_, ApiError>>()?;
    if has_twice(tags.iter().map(|(key, _)| key)) {
        return Err(ApiError::invalid(name, "names the same TagKey more than once"));
    }
    Ok(Some(tags))
}

/// Whether any key occurs twice.
pub(in crate::actions) fn has_twice<'a>(keys: impl Iterator<Item = &'a TagKey>) -> bool {
    let mut sorted: Vec<&TagKey> = keys.collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

/// A tag key of the new style; a bad one has a code of its own (rule 11.3).
pub(in crate::actions) fn key(text: &str) -> Result<TagKey, ApiError> {
    text.parse().map_err(|invalid: Invalid| {
        ApiError::new(Code::InvalidParameterTagKey, format!("a tag key {invalid}"))
    })
}

/// A tag value of the new style; a bad one has a code of its own (rule 11.3).
pub(in crate::actions) fn value(text: &str) -> Result<TagValue, ApiError> {
    text.parse().map_err(|invalid: Invalid| {
        ApiError::new(Code::InvalidParameterTagValue, format!("a tag value {invalid}"))
    })
}
