//! What is remembered of rotations and events: the last thousand of each, in memory.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::app::ring::{Entry, Ring};
use crate::domain::keys::Key;
use crate::domain::rotation::event::{Happened, KeyHappened, event, key_event};
use crate::domain::rotation::{Failure, Managed, Trigger};
use crate::domain::{AccountId, Secret, Timestamp, VersionId};

/// How many of each are kept (rule R8.6).
const KEPT: usize = 1000;

/// A rotation, as `GET /_sesame/rotations` shows it. It never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RotationRecord {
    /// Its number in this process, from 1.
    pub number: u64,
    /// The secret's account.
    #[serde(serialize_with = "text")]
    pub account: AccountId,
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub secret: String,
    /// Its type.
    #[serde(rename = "type")]
    pub secret_type: &'static str,
    /// The version that it makes.
    pub version: String,
    /// What started it.
    pub trigger: &'static str,
    /// The rotator.
    pub rotator: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The service's time of its start.
    #[serde(serialize_with = "text")]
    pub start: Timestamp,
    /// The service's time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// `running`, `done` or `failed`; `dropped` when the secret was deleted or replaced during the rotation; `interrupted` when
    /// the process ended or the database failed, and the rotation is continued later.
    pub result: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Entry for RotationRecord {
    fn number(&self) -> u64 {
        self.number
    }

    fn time(&self) -> Timestamp {
        self.start
    }

    fn account(&self) -> Option<&str> {
        Some(self.account.as_str())
    }
}

/// An event, as `GET /_sesame/events` shows it. It never holds a value.
#[derive(Debug, Clone)]
pub struct EventRecord {
    number: u64,
    time: Timestamp,
    account: AccountId,
    /// The secret's name; `None` for an event of a key.
    pub secret: Option<String>,
    /// The event as EventBridge delivers it.
    pub event: Value,
}

impl Serialize for EventRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.event.serialize(serializer)
    }
}

impl Entry for EventRecord {
    fn number(&self) -> u64 {
        self.number
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    fn account(&self) -> Option<&str> {
        Some(self.account.as_str())
    }
}

/// The last rotations and events.
#[derive(Debug)]
pub struct EventLog {
    /// The rotations.
    pub rotations: Ring<RotationRecord>,
    /// The events.
    pub events: Ring<EventRecord>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self { rotations: Ring::new(KEPT), events: Ring::new(KEPT) }
    }
}

impl EventLog {
    /// Forgets all.
    pub(in crate::app) fn clear(&self) {
        self.rotations.clear();
        self.events.clear();
    }

    /// Forgets what happened to secrets of an account.
    pub fn clear_account(&self, account: &AccountId) {
        self.rotations.clear_account(account.as_str());
        self.events.clear_account(account.as_str());
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
        self.events.push(|number| EventRecord {
            number,
            time: at,
            account: secret.scope.account.clone(),
            secret: Some(secret.name.to_string()),
            event: event(secret, managed, happened, (number, id), at),
        });
    }

    /// Notes that something happened to a key.
    pub(in crate::app) fn add_key(&self, key: &Key, happened: KeyHappened, id: &str, at: Timestamp) {
        self.events.push(|number| EventRecord {
            number,
            time: at,
            account: key.scope.account.clone(),
            secret: None,
            event: key_event(key, happened, (number, id), at),
        });
    }

    /// Notes the start of a rotation and returns its number.
    pub(super) fn started(
        &self,
        secret: &Secret,
        version: &VersionId,
        trigger: Trigger,
        rotator: &str,
        now: Timestamp,
    ) -> u64 {
        self.rotations.push(|number| RotationRecord {
            number,
            account: secret.scope.account.clone(),
            arn: secret.arn(),
            secret: secret.name.to_string(),
            secret_type: secret.secret_type.as_str(),
            version: version.to_string(),
            trigger: trigger.as_str(),
            rotator: rotator.to_owned(),
            attempts: 1,
            start: now,
            end: None,
            result: "running",
            code: None,
            message: None,
        })
    }

    /// Notes the end of a rotation.
    pub(super) fn ended(&self, number: u64, attempts: u32, result: &'static str, now: Timestamp) {
        self.rotations.change(number, |record| {
            (record.attempts, record.result, record.end) = (attempts, result, Some(now.to_string()));
        });
    }

    /// Notes why a rotation failed.
    pub(super) fn failed(&self, number: u64, failure: &Failure) {
        self.rotations.change(number, |record| {
            record.code = Some(failure.cause.code());
            record.message = Some(failure.message.clone());
        });
    }
}
