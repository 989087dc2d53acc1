//! What was accepted and is probably a mistake.

use serde_json::Value;

/// The answer with what is probably a mistake in the request, which is logged as well.
pub(super) fn with_warnings(mut answer: Value, warnings: Vec<String>) -> Value {
    for warning in &warnings {
        tracing::warn!("accepted, but {warning}");
    }
    if let (Some(members), false) = (answer.as_object_mut(), warnings.is_empty()) {
        members.insert("warnings".to_owned(), warnings.into());
    }
    answer
}
