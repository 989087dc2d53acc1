//! `/_sesame/requests`: the latest requests, or new ones as they come in.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use http::header;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::parameters::Parameters;
use crate::server::shared::{KEPT, LoggedRequest, Shared};

/// Which requests a client wants.
#[derive(Debug)]
struct RequestFilter {
    /// Only those of this action.
    action: Option<String>,
    /// At most this many.
    limit: Option<usize>,
}

impl RequestFilter {
    fn wants(&self, entry: &LoggedRequest) -> bool {
        self.action.is_none() || self.action.as_deref() == entry.action.as_deref()
    }
}

/// Answers with the latest requests as JSON, or with `follow` with new ones, one JSON object per line, until the client or the
/// server stops.
///
/// # Errors
/// 400 when the limit is out of bounds.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Response, Failure> {
    let filter =
        RequestFilter { action: parameters.text("action"), limit: parameters.number("limit", KEPT)? };
    if !parameters.flag("follow") {
        return Ok(Json(
            json!({ "requests": shared.request_log.newest_first(filter.limit, |entry| filter.wants(entry)) }),
        )
        .into_response());
    }
    let news = shared.request_log.follow();
    let lines =
        stream::unfold((news, filter, shared.shutdown.clone()), |(mut news, filter, stop)| async move {
            let line = next(&mut news, &filter, &stop).await?;
            Some((Ok::<_, Infallible>(line), (news, filter, stop)))
        });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// Waits for the next matching request and returns it as a line; `None` when the server stops.
async fn next(
    news: &mut broadcast::Receiver<Arc<LoggedRequest>>,
    filter: &RequestFilter,
    stop: &CancellationToken,
) -> Option<Bytes> {
    loop {
        let entry = tokio::select! {
            () = stop.cancelled() => return None,
            entry = news.recv() => entry,
        };
        match entry {
            Ok(entry) if filter.wants(&entry) => {
                let mut line = serde_json::to_vec(&*entry).ok()?;
                line.push(b'\n');
                return Some(line.into());
            }
            // The client is slow and missed requests: continue with the oldest that is left.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
