//! `/_sesame/requests`.

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
use crate::server::shared::{Entry, KEPT, Shared};

/// Which requests are asked for.
#[derive(Debug)]
struct Asked {
    /// Only those of this action.
    action: Option<String>,
    /// At most so many.
    limit: Option<usize>,
}

impl Asked {
    fn wants(&self, entry: &Entry) -> bool {
        self.action.is_none() || self.action.as_deref() == entry.action.as_deref()
    }
}

/// Answers with the last requests, or with those to come.
///
/// # Errors
/// 400 for a limit out of bounds.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Response, Failure> {
    let asked = Asked { action: parameters.text("action"), limit: parameters.number("limit", KEPT)? };
    if !parameters.flag("follow") {
        return Ok(Json(
            json!({ "requests": shared.request_log.newest_first(asked.limit, |entry| asked.wants(entry)) }),
        )
        .into_response());
    }
    let news = shared.request_log.follow();
    let lines =
        stream::unfold((news, asked, shared.shutdown.clone()), |(mut news, asked, stop)| async move {
            let line = next(&mut news, &asked, &stop).await?;
            Some((Ok::<_, Infallible>(line), (news, asked, stop)))
        });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// The next wanted request as a line; none when the server stops.
async fn next(
    news: &mut broadcast::Receiver<Arc<Entry>>,
    asked: &Asked,
    stop: &CancellationToken,
) -> Option<Bytes> {
    loop {
        let entry = tokio::select! {
            () = stop.cancelled() => return None,
            entry = news.recv() => entry,
        };
        match entry {
            Ok(entry) if asked.wants(&entry) => {
                let mut line = serde_json::to_vec(&*entry).ok()?;
                line.push(b'\n');
                return Some(line.into());
            }
            // Too slow for what comes in: go on with what is there.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}
