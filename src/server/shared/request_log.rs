//! The latest requests, kept in memory for `/_sesame/requests`. For a refused permission a record holds every policy statement
//! that was evaluated. It never holds a secret value, a signature or a token.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::domain::faults::Fault;
use crate::domain::policy::Principal;
use crate::domain::{Region, Timestamp};
use crate::wire::RequestId;

/// The number of requests that are kept.
pub(in crate::server) const KEPT: usize = 1_000;
/// How many requests a follower may lag behind before it misses some.
const BEHIND: usize = 1_000;

/// A finished request. It is turned into text only when it is read.
#[derive(Debug, Serialize)]
pub(in crate::server) struct LoggedRequest {
    /// The service's time.
    #[serde(serialize_with = "text")]
    pub(in crate::server) time: Timestamp,
    pub(in crate::server) request_id: RequestId,
    /// The action that the request names, even if it does not exist.
    pub(in crate::server) action: Option<Cow<'static, str>>,
    #[serde(flatten)]
    pub(in crate::server) asked_by: AskedBy,
    /// The access key that the request names, if it was refused before its caller was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) claimed_access_key: Option<String>,
    #[serde(serialize_with = "text")]
    pub(in crate::server) region: Region,
    pub(in crate::server) scheme: Option<&'static str>,
    /// The HTTP status; 0 when a fault rule closed the connection before the call ran.
    pub(in crate::server) status: u16,
    /// The error code; `None` for a success.
    pub(in crate::server) code: Option<String>,
    /// The reason of the error, for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) reason: Option<String>,
    pub(in crate::server) duration_ms: u64,
    /// The fault that a rule injected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) injected: Option<Fault>,
    /// The missing permission, with every policy statement that was evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::server) denied: Option<Value>,
}

fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The caller, if it is known, and its access key. Serialized as the ARN and the access key id.
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

/// The latest requests.
#[derive(Debug)]
pub(in crate::server) struct RequestLog {
    entries: Mutex<VecDeque<Arc<LoggedRequest>>>,
    news: broadcast::Sender<Arc<LoggedRequest>>,
}

impl Default for RequestLog {
    fn default() -> Self {
        Self { entries: Mutex::default(), news: broadcast::Sender::new(BEHIND) }
    }
}

impl RequestLog {
    /// Adds a request and forgets the oldest when there are too many.
    pub(in crate::server) fn add(&self, entry: LoggedRequest) {
        let entry = Arc::new(entry);
        if self.news.receiver_count() > 0 {
            // Fails when the last follower has just gone away. That is fine.
            drop(self.news.send(Arc::clone(&entry)));
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // Dropped after the lock is released, so that others do not wait for it.
        let oldest = if entries.len() >= KEPT { entries.pop_front() } else { None };
        entries.push_back(entry);
        drop(entries);
        drop(oldest);
    }

    /// Forgets all requests.
    pub(in crate::server) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The requests for which `wanted` is true, newest first, at most `limit`.
    pub(in crate::server) fn newest_first(
        &self,
        limit: Option<usize>,
        wanted: impl Fn(&LoggedRequest) -> bool,
    ) -> Vec<Arc<LoggedRequest>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().rev().filter(|entry| wanted(entry));
        found.take(limit.unwrap_or(KEPT)).map(Arc::clone).collect()
    }

    /// A receiver of all future requests.
    pub(in crate::server) fn follow(&self) -> broadcast::Receiver<Arc<LoggedRequest>> {
        self.news.subscribe()
    }
}
