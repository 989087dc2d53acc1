//! What is remembered of rotations and events: the last thousand of each, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;

use crate::domain::rotation::event::{Happened, event};
use crate::domain::rotation::{Failure, Managed, Trigger};
use crate::domain::{Secret, Timestamp, VersionId};

/// How many of each are kept (rule R8.6).
const KEPT: usize = 1000;
/// How far somebody who follows may fall behind.
const BEHIND: usize = 1000;

/// A rotation, as `GET /_sesame/rotations` tells it. It never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotationRecord {
    /// Its number in this process, from 1.
    pub number: u64,
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub secret: String,
    /// Its type.
    #[serde(rename = "type")]
    pub secret_type: &'static str,
    /// The version that it makes.
    pub version: String,
    /// Who wanted it.
    pub trigger: &'static str,
    /// The rotator.
    pub rotator: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The service's time of its start.
    pub start: String,
    /// The service's time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// `running`, `done` or `failed`; `dropped` when the secret was deleted or replaced during the rotation; `interrupted`
    /// when the database failed or the process ended, and the rotation goes on later.
    pub result: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Events that somebody follows.
pub type Followed = broadcast::Receiver<Arc<Value>>;

/// The last rotations and events.
#[derive(Debug)]
pub struct EventLog {
    kept: Mutex<Kept>,
    news: broadcast::Sender<Arc<Value>>,
}

#[derive(Debug, Default)]
struct Kept {
    rotations: VecDeque<RotationRecord>,
    rotation_number: u64,
    events: VecDeque<Arc<Value>>,
    event_number: u64,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { kept: Mutex::default(), news: broadcast::Sender::new(BEHIND) }
    }
}

impl EventLog {
    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The events, the oldest first.
    pub fn events(&self) -> Vec<Arc<Value>> {
        self.locked().events.iter().cloned().collect()
    }

    /// The events to come.
    pub fn follow(&self) -> Followed {
        self.news.subscribe()
    }

    /// The rotations, the newest first.
    pub fn rotations(&self) -> Vec<RotationRecord> {
        self.locked().rotations.iter().rev().cloned().collect()
    }

    /// Forgets all.
    pub(in crate::app) fn clear(&self) {
        let mut kept = self.locked();
        kept.rotations.clear();
        kept.events.clear();
    }

    /// Notes that something happened to a secret, which is given as it is afterwards.
    pub(in crate::app) fn add(
        &self,
        secret: &Secret,
        managed: Option<&Managed>,
        happened: &Happened,
        id: &str,
        at: Timestamp,
    ) {
        let mut kept = self.locked();
        kept.event_number += 1;
        let event = Arc::new(event(secret, managed, happened, (kept.event_number, id), at));
        push(&mut kept.events, Arc::clone(&event));
        // In the order of the numbers, so under the lock. Fails when nobody follows.
        drop(self.news.send(event));
    }

    /// Notes the start of a rotation and gives its number.
    pub(super) fn started(
        &self,
        secret: &Secret,
        version: &VersionId,
        trigger: Trigger,
        rotator: &str,
        now: Timestamp,
    ) -> u64 {
        let mut kept = self.locked();
        kept.rotation_number += 1;
        let record = RotationRecord {
            number: kept.rotation_number,
            arn: secret.arn(),
            secret: secret.name.to_string(),
            secret_type: secret.secret_type.as_str(),
            version: version.to_string(),
            trigger: trigger.as_str(),
            rotator: rotator.to_owned(),
            attempts: 1,
            start: now.to_string(),
            end: None,
            result: "running",
            code: None,
            message: None,
        };
        let number = record.number;
        push(&mut kept.rotations, record);
        number
    }

    /// Notes the end of a rotation.
    pub(super) fn ended(&self, number: u64, attempts: u32, result: &'static str, now: Timestamp) {
        self.change(number, |record| {
            (record.attempts, record.result, record.end) = (attempts, result, Some(now.to_string()));
        });
    }

    /// Notes why a rotation failed.
    pub(super) fn failed(&self, number: u64, failure: &Failure) {
        self.change(number, |record| {
            record.code = Some(failure.cause.code());
            record.message = Some(failure.message.clone());
        });
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut RotationRecord)) {
        if let Some(record) = self.locked().rotations.iter_mut().rev().find(|record| record.number == number)
        {
            change(record);
        }
    }
}

fn push<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() >= KEPT {
        all.pop_front();
    }
    all.push_back(one);
}
