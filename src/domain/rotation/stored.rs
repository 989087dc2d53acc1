//! The rotation and the window under way as JSON texts, for the database and for exports.

use serde::{Deserialize, Serialize};

use super::managed::{Lease, Running, Trigger, Window};
use crate::domain::Timestamp;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunningText {
    version: String,
    trigger: String,
    started: i64,
    current: String,
    attempt: u32,
    owner: String,
    until: i64,
    candidate: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    steps: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowText {
    old_key: String,
    old_version: String,
    disables: Option<i64>,
    ends: i64,
}

impl Running {
    /// As JSON.
    pub fn to_text(&self) -> String {
        text(&RunningText {
            version: self.version.to_string(),
            trigger: self.trigger.as_str().to_owned(),
            started: self.started.as_millis(),
            current: self.current.to_string(),
            attempt: self.attempt,
            owner: self.lease.owner.clone(),
            until: self.lease.until.as_millis(),
            candidate: self.has_candidate,
            steps: self.steps_done,
        })
    }

    /// From JSON; `None` when it is not what [`Running::to_text`] writes.
    pub fn from_text(text: &str) -> Option<Self> {
        let stored: RunningText = serde_json::from_str(text).ok()?;
        Some(Self {
            version: stored.version.parse().ok()?,
            trigger: Trigger::stored(&stored.trigger)?,
            started: Timestamp::from_millis(stored.started),
            current: stored.current.parse().ok()?,
            attempt: stored.attempt,
            lease: Lease { owner: stored.owner, until: Timestamp::from_millis(stored.until) },
            has_candidate: stored.candidate,
            steps_done: stored.steps,
        })
    }
}

impl Window {
    /// As JSON.
    pub fn to_text(&self) -> String {
        text(&WindowText {
            old_key: self.old_key.clone(),
            old_version: self.old_version.to_string(),
            disables: self.disables.map(Timestamp::as_millis),
            ends: self.ends.as_millis(),
        })
    }

    /// From JSON; `None` when it is not what [`Window::to_text`] writes.
    pub fn from_text(text: &str) -> Option<Self> {
        let stored: WindowText = serde_json::from_str(text).ok()?;
        Some(Self {
            old_key: stored.old_key,
            old_version: stored.old_version.parse().ok()?,
            disables: stored.disables.map(Timestamp::from_millis),
            ends: Timestamp::from_millis(stored.ends),
        })
    }
}

/// Texts and numbers alone cannot fail to be written.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let running = Running {
            version: "v2".parse().unwrap(),
            trigger: Trigger::Schedule,
            started: Timestamp::from_millis(-5),
            current: "v1".parse().unwrap(),
            attempt: 3,
            lease: Lease { owner: "p-1".to_owned(), until: Timestamp::from_millis(i64::MAX) },
            has_candidate: true,
            steps_done: 2,
        };
        assert_eq!(Running::from_text(&running.to_text()), Some(running));
        for disables in [None, Some(Timestamp::from_millis(7))] {
            let ends = Timestamp::from_millis(9);
            let window =
                Window { old_key: "K".to_owned(), old_version: "v1".parse().unwrap(), disables, ends };
            assert_eq!(Window::from_text(&window.to_text()), Some(window));
        }
        assert_eq!(Running::from_text("{}"), None);
        assert_eq!(Window::from_text(r#"{"old_key":"K","old_version":"","disables":null,"ends":1}"#), None);
    }
}
