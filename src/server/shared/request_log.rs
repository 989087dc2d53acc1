//! `/_sesame/requests`: the last requests, newest first, and for a refused permission every statement that was looked
//! at. Never a value, a parameter or a signature.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use http::header;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::domain::faults::Fault;
use crate::domain::policy::Principal;
use crate::domain::{Region, Timestamp};
use crate::server::Shared;
use crate::server::admin::Failure;
use crate::server::admin::endpoints::Parameters;
use crate::wire::RequestId;

/// How many requests are kept.
const KEPT: usize = 1_000;
/// How many a follower may be behind before it misses some.
const BEHIND: usize = 1_000;

/// A request that was answered. Texts are made of it only when somebody looks.
#[derive(Debug, Serialize)]
pub(in crate::server) struct Entry {
    /// By the service's clock.
    #[serde(serialize_with = "text")]
    pub(in crate::server) time: Timestamp,
    pub(in crate::server) request_id: RequestId,
    /// As it was asked for, also when there is no such action.
    pub(in crate::server) action: Option<Cow<'static, str>>,
    #[serde(flatten)]
    pub(in crate::server) asked_by: AskedBy,
    /// The access key that the request names, when it was refused before it was known who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) claimed_access_key: Option<String>,
    #[serde(serialize_with = "text")]
    pub(in crate::server) region: Region,
    pub(in crate::server) scheme: Option<&'static str>,
    /// Of the answer; 0 when a rule of faults closed the connection before there was one.
    pub(in crate::server) status: u16,
    /// The error's code; none for a success.
    pub(in crate::server) code: Option<String>,
    /// Why it was refused, for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) reason: Option<String>,
    pub(in crate::server) duration_ms: u64,
    /// The fault that a rule made it suffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) injected: Option<Fault>,
    /// The permission that was missing: what was asked, and every statement that was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) denied: Option<Value>,
}

fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Who asked, when that is known: the ARN, and the access key.
#[derive(Debug)]
pub(in crate::server) struct AskedBy(pub(in crate::server) Option<(Principal, Option<String>)>);

impl Serialize for AskedBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("AskedBy", 2)?;
        members.serialize_field("caller", &self.0.as_ref().map(|(principal, _)| principal.arn()))?;
        members.serialize_field("access_key", &self.0.as_ref().and_then(|(_, key)| key.as_deref()))?;
        members.end()
    }
}

/// The last requests.
#[derive(Debug)]
pub(in crate::server) struct RequestLog {
    entries: Mutex<VecDeque<Arc<Entry>>>,
    news: broadcast::Sender<Arc<Entry>>,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self { entries: Mutex::default(), news: broadcast::Sender::new(BEHIND) }
    }
}

impl RequestLog {
    /// Adds a request; the oldest is forgotten when there are too many.
    pub(in crate::server) fn add(&self, entry: Entry) {
        let entry = Arc::new(entry);
        if self.news.receiver_count() > 0 {
            // Fails when the last follower just went away, which is as it should be.
            drop(self.news.send(Arc::clone(&entry)));
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Not dropped before the others may go on.
        let oldest = if entries.len() >= KEPT { entries.pop_front() } else { None };
        entries.push_back(entry);
        drop(entries);
        drop(oldest);
    }

    /// Forgets all.
    pub(in crate::server) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn newest_first(&self, asked: &Asked) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = entries.iter().rev().filter(|entry| asked.wants(entry));
        wanted.take(asked.limit.unwrap_or(KEPT)).map(Arc::clone).collect()
    }
}

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
pub(in crate::server) async fn requests(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Response, Failure> {
    let asked = Asked { action: parameters.text("action"), limit: parameters.number("limit", KEPT)? };
    if !parameters.flag("follow") {
        return Ok(Json(json!({ "requests": shared.request_log.newest_first(&asked) })).into_response());
    }
    let news = shared.request_log.news.subscribe();
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
