//! `/_sesame/events`: what happened to secrets by the service's own doing, as the cloud's events tell it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::parameters::Parameters;
use crate::app::Followed;
use crate::server::shared::Shared;

/// The maximum number of events in an answer.
const MOST: usize = 1000;

/// Answers with the last events, the oldest first, or with those to come: as server-sent events for those who accept them,
/// else as lines of JSON. `limit` is 1 to 1,000.
///
/// # Errors
/// 400 for a parameter that is not valid.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let limit = parameters.number("limit", MOST)?.unwrap_or(MOST);
    let name = parameters.text("name");
    let log = shared.settings.app.event_log();
    if !parameters.flag("follow") {
        let all = log.events();
        let wanted: Vec<_> = all.iter().filter(|event| is_wanted(event, name.as_deref())).collect();
        let first = wanted.len().saturating_sub(limit);
        let last: Vec<&Value> = wanted.iter().skip(first).map(|event| &***event).collect();
        return Ok(Json(json!({ "events": last })).into_response());
    }
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_stream = accepts.contains("text/event-stream");
    let kind = if as_stream { "text/event-stream" } else { "application/x-ndjson" };
    let state = (log.follow(), name, as_stream, shared.shutdown.clone());
    let lines = stream::unfold(state, |(mut news, name, as_stream, stop)| async move {
        let line = next(&mut news, name.as_deref(), as_stream, &stop).await?;
        Some((Ok::<_, Infallible>(line), (news, name, as_stream, stop)))
    });
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response())
}

/// Whether an event has the name that is asked for.
fn is_wanted(event: &Value, name: Option<&str>) -> bool {
    let found = event.pointer("/data/name").and_then(Value::as_str);
    name.is_none_or(|name| found == Some(name))
}

/// The next wanted event as a line; `None` when the server stops.
async fn next(
    news: &mut Followed,
    name: Option<&str>,
    as_stream: bool,
    stop: &CancellationToken,
) -> Option<Bytes> {
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return None,
            event = news.recv() => event,
        };
        match event {
            Ok(event) if is_wanted(&event, name) => {
                let line = if as_stream {
                    format!("id: {}\ndata: {event}\n\n", event.get("number").unwrap_or(&Value::Null))
                } else {
                    format!("{event}\n")
                };
                return Some(line.into());
            }
            // Too slow for what comes in: go on with what is there.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
