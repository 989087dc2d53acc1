//! Which part of a log a request is about, and how a log is listed and followed.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::failure::{Failure, bad_request};
use super::parameters::{Parameter, ParameterKind, Parameters};
use crate::app::{Contents, Dropped, Entry, Ring};
use crate::domain::limits::MOST_REQUEST_LOG;
use crate::domain::{AccountId, Timestamp};
use crate::wire::signature::parse_time;

/// How many entries are listed without `limit`.
const LISTED: usize = 1_000;

pub(super) const SINCE: Parameter = ("since", ParameterKind::Text);
pub(super) const UNTIL: Parameter = ("until", ParameterKind::Text);
pub(super) const AFTER: Parameter = ("after", ParameterKind::Text);
pub(super) const LIMIT: Parameter = ("limit", ParameterKind::Text);
pub(super) const FOLLOW: Parameter = ("follow", ParameterKind::Flag);

/// A part of a log.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Only entries of this account.
    account: Option<AccountId>,
    /// Only entries at this time or later.
    since: Option<Timestamp>,
    /// Only entries before this time.
    until: Option<Timestamp>,
    /// Only entries with a number above this one.
    after: u64,
    /// At most this many entries are listed, the newest.
    limit: usize,
}

impl Window {
    /// The window that the parameters `account`, `since`, `until`, `after` and `limit` say.
    ///
    /// # Errors
    /// 400 when one of them is not valid. `limit` is 0 to 100,000; 0 asks for the count alone.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, Failure> {
        let time = |name: &str| {
            let wrong =
                || bad_request(&format!("{name} must be a time, such as {name}=2027-01-01T00:00:00Z"));
            let at = parameters.text(name).map(|text| parse_time(&text).ok_or_else(wrong)).transpose()?;
            Ok::<_, Failure>(at.map(Timestamp::from_millis))
        };
        let wrong = |_not_a_number| {
            bad_request("after must be the number of an entry, such as after=120; see `last` of a list")
        };
        let after = parameters.text("after").map(|text| text.parse().map_err(wrong)).transpose()?;
        Ok(Self {
            account: parameters.account()?,
            since: time("since")?,
            until: time("until")?,
            after: after.unwrap_or_default(),
            limit: parameters.number("limit", 0..=MOST_REQUEST_LOG)?.unwrap_or(LISTED),
        })
    }

    /// Whether an entry is in this window.
    pub(super) fn has<T: Entry>(&self, entry: &T) -> bool {
        entry.number() > self.after
            && self.since.is_none_or(|since| entry.time() >= since)
            && self.until.is_none_or(|until| entry.time() < until)
            && self.account.as_ref().is_none_or(|account| entry.account() == Some(account.as_str()))
    }

    /// Whether entries of this window may be among those that were dropped. Of what account those were is not known.
    pub(super) fn may_miss(&self, dropped: &Dropped) -> bool {
        dropped.last > self.after && self.since.is_none_or(|since| dropped.latest >= Some(since))
    }
}

/// Lists the wanted entries of a window under `name`, newest first, with how many there are (`count`), how many the log has
/// dropped (`dropped`), and the number of the newest entry (`last`).
pub(super) fn list<T: Entry + Serialize>(
    name: &str,
    ring: &Ring<T>,
    window: &Window,
    wanted: impl Fn(&T) -> bool,
) -> Json<Value> {
    let Contents { newest_first, last, dropped } = ring.contents();
    let found: Vec<Arc<T>> =
        newest_first.into_iter().filter(|entry| window.has(&**entry) && wanted(entry)).collect();
    let rows: Vec<&T> = found.iter().take(window.limit).map(|entry| &**entry).collect();
    Json(json!({ name: rows, "count": found.len(), "dropped": dropped.count, "last": last }))
}

/// Answers with the wanted entries of a window as they come, until the client or the server stops: as server-sent events for
/// clients that accept them, otherwise as one JSON object per line. A client that is too slow is told how many it missed.
pub(super) fn follow<T: Entry + Serialize>(
    ring: &Ring<T>,
    window: Window,
    wanted: impl Fn(&T) -> bool + Send + Sync + 'static,
    stop: &CancellationToken,
    headers: &HeaderMap,
) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let as_events = accepts.contains("text/event-stream");
    let kind = if as_events { "text/event-stream" } else { "application/x-ndjson" };
    let wanted = move |entry: &T| window.has(entry) && wanted(entry);
    let state = (ring.follow(), wanted, stop.clone());
    let lines = stream::unfold(state, move |(mut news, wanted, stop)| async move {
        let line = next(&mut news, &wanted, as_events, &stop).await?;
        Some((Ok::<_, Infallible>(line), (news, wanted, stop)))
    });
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response()
}

/// Waits for the next wanted entry; `None` when the server stops.
async fn next<T: Entry + Serialize>(
    news: &mut broadcast::Receiver<Arc<T>>,
    wanted: &impl Fn(&T) -> bool,
    as_events: bool,
    stop: &CancellationToken,
) -> Option<Bytes> {
    loop {
        let entry = tokio::select! {
            () = stop.cancelled() => return None,
            entry = news.recv() => entry,
        };
        let line = match entry {
            Ok(entry) if wanted(&entry) => {
                let line = serde_json::to_string(&*entry).ok()?;
                if as_events { format!("id: {}\ndata: {line}\n\n", entry.number()) } else { line + "\n" }
            }
            Ok(_) => continue,
            Err(RecvError::Lagged(missed)) => {
                let line = json!({ "dropped": missed });
                if as_events { format!("event: dropped\ndata: {line}\n\n") } else { format!("{line}\n") }
            }
            Err(RecvError::Closed) => return None,
        };
        return Some(line.into());
    }
}
