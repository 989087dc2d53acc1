//! Warnings about accepted requests.

use serde_json::Value;

/// Adds warnings to an answer, if there are any, and logs them.
pub(super) fn with_warnings(mut answer: Value, warnings: Vec<String>) -> Value {
    for warning in &warnings {
        tracing::warn!("accepted, but {warning}");
    }
    if let (Some(members), false) = (answer.as_object_mut(), warnings.is_empty()) {
        members.insert("warnings".to_owned(), warnings.into());
    }
    answer
}
