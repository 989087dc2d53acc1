//! JSON bodies of `/_sesame`.

use axum::body::Bytes;
use serde::de::DeserializeOwned;

use super::failure::{Failure, bad_request};
use crate::domain::nearest::with_suggestion;

/// Reads a JSON body. `example` shows what is expected.
///
/// # Errors
/// 400 with the line and column; for an unknown name also the known one that is nearest.
pub(super) fn json<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| not_json(&error, example))
}

/// The same for an object. serde would take a list for one, by the order of its members.
///
/// # Errors
/// As [`json`], and for a list.
pub(super) fn object<T: DeserializeOwned>(body: &Bytes, example: &str) -> Result<T, Failure> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(bad_request(&format!(
            "the body is a list, and an object is expected; an example: {example}"
        )));
    }
    json(body, example)
}

/// What is wrong with a JSON body.
pub(super) fn not_json(error: &serde_json::Error, example: &str) -> Failure {
    let said = with_suggestion(&error.to_string());
    bad_request(&format!("the body is not as expected: {said}; an example: {example}"))
}
