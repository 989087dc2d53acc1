//! `/_sesame/events`: rotations of secrets, deletions of secrets and keys, as EventBridge delivers them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::Value;

use super::failure::Failure;
use super::parameters::Parameters;
use super::window::{Window, follow, list as listed};
use crate::app::EventRecord;
use crate::server::shared::Shared;

/// Answers with the latest events, newest first, or with `follow` with new ones as they come.
///
/// # Errors
/// 400 when a parameter is not valid.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let window = Window::of(&parameters)?;
    let (name, secret) = (parameters.pattern("name")?, parameters.pattern("secret")?);
    let wanted = move |record: &EventRecord| {
        let event = record.event.pointer("/data/name").and_then(Value::as_str);
        name.as_ref().is_none_or(|pattern| event.is_some_and(|event| pattern.matches(event)))
            && secret
                .as_ref()
                .is_none_or(|pattern| record.secret.as_deref().is_some_and(|secret| pattern.matches(secret)))
    };
    let events = &shared.settings.app.event_log().events;
    if parameters.flag("follow") {
        return Ok(follow(events, window, wanted, &shared.shutdown, &headers));
    }
    Ok(listed("events", events, &window, wanted).into_response())
}
