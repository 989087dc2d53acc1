//! `/_sesame/requests`: the last requests, newest first, and for a refused permission every statement that was looked
//! at. Never a value, a parameter or a signature.

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

/// How many requests are kept.
pub(in crate::server) const KEPT: usize = 1_000;
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

    /// Those that are wanted, newest first, at most `limit`.
    pub(in crate::server) fn newest_first(
        &self,
        limit: Option<usize>,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.iter().rev().filter(|entry| wanted(entry));
        found.take(limit.unwrap_or(KEPT)).map(Arc::clone).collect()
    }

    /// Those to come.
    pub(in crate::server) fn follow(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.news.subscribe()
    }
}
