//! JSON bodies of `/_sesame`, parsed strictly.

use axum::body::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::{Failure, bad_request};
use crate::domain::nearest::with_suggestion;

/// Parses a JSON body. Errors show `example`.
///
/// # Errors
/// 400 with the line and column, and for an unknown name the closest known one.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| not_json(&error, example))
}

/// Parses a JSON object. Unlike [`json`], it refuses a list, which serde accepts for a struct.
///
/// # Errors
/// Those of [`json`], and 400 for a list.
pub(super) fn object<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(bad_request(&format!(
            "the body is a list; an object is expected, for example {example}"
        )));
    }
    json(body, example)
}

/// Refuses a body that has members, for endpoints that read none. An empty body and `{}` pass.
///
/// # Errors
/// Those of [`object`].
pub(super) fn empty(body: &Bytes) -> Result<(), Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    if body.is_empty() {
        return Ok(());
    }
    object(body, "{}").map(|Nothing {}| ())
}

/// The failure for a JSON body that does not have the expected form.
pub(super) fn not_json(error: &serde_json::Error, example: &str) -> Failure {
    let said = with_suggestion(&error.to_string());
    bad_request(&format!("the body is not valid: {said}; an example: {example}"))
}
