//! The additional state of a managed secret: its plan, its dates, and the rotation that is under way (rules R3).

use super::config::ExtendedConfig;
use super::interval::RotationInterval;
use crate::domain::{Timestamp, VersionId};

/// Whether the service rotates a secret by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// It does not.
    Disabled,
    /// It does, this interval after the last rotation.
    Enabled(RotationInterval),
    /// The last rotation failed, and the service does not rotate the secret until a user acts (rule R3.2).
    Invalid(RotationInterval),
}

impl Plan {
    /// The API's spelling, `AutomaticRotation`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Enabled(_) => "Enabled",
            Self::Invalid(_) => "Invalid",
        }
    }

    /// The plan of this spelling; `None` for another word, or when the interval does not fit it.
    pub fn stored(word: &str, interval: Option<RotationInterval>) -> Option<Self> {
        match (word, interval) {
            ("Disabled", None) => Some(Self::Disabled),
            ("Enabled", Some(interval)) => Some(Self::Enabled(interval)),
            ("Invalid", Some(interval)) => Some(Self::Invalid(interval)),
            _ => None,
        }
    }

    /// The interval, which an answer shows while there is one (rule R3.3).
    pub const fn interval(self) -> Option<RotationInterval> {
        match self {
            Self::Disabled => None,
            Self::Enabled(interval) | Self::Invalid(interval) => Some(interval),
        }
    }
}

/// Who wanted a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The plan.
    Schedule,
    /// RotateSecret, or an administrator.
    Call,
}

impl Trigger {
    /// One word, for lists and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Call => "call",
        }
    }

    /// The trigger of this word.
    pub fn stored(word: &str) -> Option<Self> {
        [Self::Schedule, Self::Call].into_iter().find(|trigger| trigger.as_str() == word)
    }
}

/// The process that works at a rotation, and until when no other process may (rule R8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The process: a name that no other process has, nor the same one after a restart.
    pub owner: String,
    /// The machine's time from which another process may continue the rotation.
    pub until: Timestamp,
}

/// A rotation that is under way. It is stored before anything is changed, so that after a crash the same rotation goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The id of the version that it will make.
    pub version: VersionId,
    /// Who wanted it.
    pub trigger: Trigger,
    /// When it started.
    pub started: Timestamp,
    /// The version that was ACSCurrent then (rule R8.4).
    pub current: VersionId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Who works at it.
    pub lease: Lease,
    /// Whether its value is made and stored, sealed.
    pub has_candidate: bool,
    /// How many steps are done, where a webhook works step by step.
    pub steps_done: u32,
}

/// The time in which both AccessKeys of a RAM user work (rules DY12.2 to DY12.4). No other rotation starts meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The AccessKey that will go.
    pub old_key: String,
    /// The version that holds it.
    pub old_version: VersionId,
    /// When it turns Inactive; `None` when it does not, or is already.
    pub disables: Option<Timestamp>,
    /// When it is deleted, and its value with it.
    pub ends: Timestamp,
}

impl Window {
    /// When something happens next.
    pub fn due(&self) -> Timestamp {
        self.disables.map_or(self.ends, |at| at.min(self.ends))
    }
}

/// The additional state of a managed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// Its checked `ExtendedConfig`.
    pub config: ExtendedConfig,
    /// Whether it rotates by itself.
    pub plan: Plan,
    /// When the secret was created: its dates are counted from then until it was rotated.
    pub created: Timestamp,
    /// When it was last rotated; `None` before the first time (rule R3.5).
    pub last_rotation: Option<Timestamp>,
    /// The rotation under way.
    pub running: Option<Running>,
    /// The window of the last rotation of an AccessKey, until it is over.
    pub window: Option<Window>,
}

impl Managed {
    /// A secret that was never rotated.
    pub fn new(config: ExtendedConfig, plan: Plan, created: Timestamp) -> Self {
        Self { config, plan, created, last_rotation: None, running: None, window: None }
    }

    /// The date of the next rotation: last rotation, or else creation, and the interval (rules R3.6 to R3.9). In an invalid
    /// plan it is the date that was missed (rule R3.4).
    pub fn next_rotation(&self) -> Option<Timestamp> {
        let base = self.last_rotation.unwrap_or(self.created);
        self.plan.interval().map(|interval| base.plus_millis(interval.millis()))
    }

    /// When the clock makes something happen to it next. `None` while a rotation is under way.
    pub fn due(&self) -> Option<Timestamp> {
        match (&self.running, &self.window, self.plan) {
            (None, Some(window), _) => Some(window.due()),
            (None, None, Plan::Enabled(_)) => self.next_rotation(),
            (Some(_), _, _) | (None, None, Plan::Disabled | Plan::Invalid(_)) => None,
        }
    }

    /// Whether a rotation or its window is under way, so that no other one may start (rule R4.6).
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || self.window.is_some()
    }

    /// The same with another rotation under way, or none: a deletion drops it.
    #[must_use]
    pub fn with_running(&self, running: Option<Running>) -> Self {
        Self { running, ..self.clone() }
    }
}
