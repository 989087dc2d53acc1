//! The parameter Filters.

use serde_json::Value;

use crate::domain::names::Invalid;
use crate::wire::{ApiError, Fields};

/// The maximum number of filters, and of values of one filter (rule 5.4).
const MAX_FILTERS: usize = 10;

/// A filter: its key and its values.
pub(in crate::actions) type Filter = (String, Vec<String>);

/// Reads `[{"Key":…,"Values":[…]}, …]`; `None` when the parameter is absent.
///
/// # Errors
/// InvalidParameter naming `Filters`.
pub(in crate::actions) fn filters(fields: Fields<'_>) -> Result<Option<Vec<Filter>>, ApiError> {
    let Some(json) = fields.json("Filters")? else { return Ok(None) };
    let form = || {
        let why = "is not a list such as [{\"Key\":\"SecretName\",\"Values\":[\"app/db\"]}]";
        ApiError::invalid("Filters", why)
    };
    let count = |what, number| {
        let why =
            format!("has {number} {what}; at most {MAX_FILTERS} are allowed, and a filter needs a value");
        ApiError::invalid("Filters", why)
    };
    let list = json.as_array().ok_or_else(form)?;
    if list.len() > MAX_FILTERS {
        return Err(count("filters", list.len()));
    }
    let filter = |item: &Value| {
        let key = item.get("Key").and_then(Value::as_str).ok_or_else(form)?;
        let values = item.get("Values").and_then(Value::as_array).ok_or_else(form)?;
        if !(1..=MAX_FILTERS).contains(&values.len()) {
            return Err(count("values in one filter", values.len()));
        }
        let values: Option<Vec<String>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        Ok((key.to_owned(), values.ok_or_else(form)?))
    };
    list.iter().map(filter).collect::<Result<_, _>>().map(Some)
}

/// The error for a filter whose key the service does not know.
pub(in crate::actions) fn unknown_filter(key: &str, known: &[&str]) -> ApiError {
    let invalid = Invalid::not_one_of(key, known.iter().copied());
    ApiError::invalid("Filters", format!("has a Key that {invalid}"))
}
