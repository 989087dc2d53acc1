//! Decisions on rotations: what starts one, and what it does to a secret when it ends. Total functions over values; what
//! they return is the state afterwards.

use super::interval::RotationInterval;
use super::managed::{Lease, Managed, Plan, Running, Trigger, Window};
use crate::domain::kinds::{DataType, SecretType};
use crate::domain::limits::Limits;
use crate::domain::names::{StageLabel, VersionId};
use crate::domain::secret::{Secret, Version};
use crate::domain::time::Timestamp;
use crate::domain::writes::{PutVersion, put_version, stage_ops};
use crate::domain::{Op, Refusal};

/// A rotation to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The id of the version that it will make.
    pub version: VersionId,
    /// Who wants it.
    pub trigger: Trigger,
    /// Who will work at it.
    pub lease: Lease,
}

/// What becomes of a rotation that is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is under way in this state.
    Started(Box<Managed>),
    /// The version is there: nothing happens (rule R4.3).
    Ignored,
    /// A rotation to this very version is under way: the caller waits for that one.
    Joined,
    /// It is not due (any more).
    NotDue,
}

/// Decides the start of a rotation.
///
/// # Errors
/// [`Refusal::InRecoveryWindow`] (rules R3.16, R4.11), [`Refusal::BeingRotated`] (rule R4.6), [`Refusal::NoCurrentVersion`].
pub fn begin(secret: &Secret, managed: &Managed, begin: Begin, now: Timestamp) -> Result<Begun, Refusal> {
    secret.require_live()?;
    let Begin { version, trigger, lease } = begin;
    if secret.version(&version).is_some() {
        return Ok(Begun::Ignored);
    }
    match (&managed.running, trigger) {
        (Some(running), Trigger::Call) if running.version == version => return Ok(Begun::Joined),
        (_, Trigger::Schedule) if managed.is_busy() || !is_due(secret, managed, now) => {
            return Ok(Begun::NotDue);
        }
        _ if managed.is_busy() => return Err(Refusal::BeingRotated),
        _ => {}
    }
    let current = secret.stages.version_of(StageLabel::CURRENT).ok_or(Refusal::NoCurrentVersion)?.clone();
    let running = Running {
        version,
        trigger,
        started: now,
        current,
        attempt: 1,
        lease,
        has_candidate: false,
        steps_done: 0,
    };
    Ok(Begun::Started(Box::new(managed.with_running(Some(running)))))
}

/// Whether the clock has reached what is planned.
pub fn is_due(secret: &Secret, managed: &Managed, now: Timestamp) -> bool {
    secret.planned_deletion.is_none() && managed.due().is_some_and(|due| due <= now)
}

/// Takes over a rotation whose worker is gone: the same rotation, with its version and candidate (rule R8.3). `None` when
/// there is none, or its lease is not over at `wall`, the machine's time.
pub fn take_over(managed: &Managed, lease: Lease, wall: Timestamp) -> Option<Managed> {
    let running = managed.running.as_ref().filter(|running| running.lease.until <= wall)?;
    Some(managed.with_running(Some(Running { lease, ..running.clone() })))
}

/// The next attempt at a rotation, by the same worker. `None` when another worker has it.
pub fn next_attempt(managed: &Managed, version: &VersionId, lease: Lease) -> Option<Managed> {
    let running = managed.worked_at(version, &lease.owner)?;
    let attempt = running.attempt.saturating_add(1);
    Some(managed.with_running(Some(Running { attempt, lease, ..running.clone() })))
}

/// The candidate is stored from now on. `None` when another worker has the rotation.
pub fn with_candidate(managed: &Managed, version: &VersionId, owner: &str) -> Option<Managed> {
    let running = managed.worked_at(version, owner)?;
    Some(managed.with_running(Some(Running { has_candidate: true, ..running.clone() })))
}

/// Why a rotation that is done cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is not this worker's any more: the secret was reset, restored, deleted, or taken over. Its result is dropped.
    Lost,
    /// ACSCurrent is on another version than at the start (rule R8.4).
    Conflict,
    /// A Generic secret can take no further version.
    Full,
}

/// A rotation that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish<'a> {
    /// The version that it made.
    pub version: &'a VersionId,
    /// Who worked at it.
    pub owner: &'a str,
    /// For AccessKeys: the time in which both work.
    pub window: Option<Window>,
}

/// Decides the end of a rotation that succeeded: one change (rules R3.9, R3.12, R5.1, R5.8).
///
/// # Errors
/// [`Dropped`].
pub fn finish(
    secret: &Secret,
    managed: &Managed,
    done: Finish<'_>,
    limits: &Limits,
    now: Timestamp,
) -> Result<(Managed, Vec<Op>), Dropped> {
    let running = managed.worked_at(done.version, done.owner).ok_or(Dropped::Lost)?;
    if secret.planned_deletion.is_some() {
        return Err(Dropped::Lost);
    }
    if secret.stages.version_of(StageLabel::CURRENT) != Some(&running.current) {
        return Err(Dropped::Conflict);
    }
    if secret.secret_type == SecretType::Generic {
        return finish_generic(secret, managed, running, limits, now);
    }
    let ordinal = secret.versions.last().map_or(0, |v| v.ordinal) + 1;
    let id = running.version.clone();
    let version = Version { id: id.clone(), data_type: DataType::Text, created: now, ordinal };
    let mut stages = secret.stages.clone();
    stages.move_to(&StageLabel::current(), &id);
    let mut ops = Vec::new();
    let left = secret.stages.version_of(StageLabel::PREVIOUS);
    if done.window.is_some() {
        // The AccessKey before the old one is gone, and so is its value (rules DY12.5, R6.2).
        ops.extend(left.filter(|left| !stages.is_labelled(left)).cloned().map(Op::EvictVersion));
    }
    if ops.is_empty() && secret.versions.len() >= limits.versions_per_secret {
        // The earliest version that carries no label (rules R6.3, 2.8); two labels never fill a secret.
        let free = secret.versions.iter().find(|v| !stages.is_labelled(&v.id));
        ops.extend(free.map(|v| Op::EvictVersion(v.id.clone())));
    }
    ops.push(Op::AddVersion(version));
    ops.extend(stage_ops(&secret.stages, &stages));
    ops.push(Op::SetUpdated(now));
    let plan = match managed.plan {
        Plan::Invalid(interval) => Plan::Enabled(interval),
        other => other,
    };
    // A window of days must not make the schedule slip (rule DY12.4).
    let rotated = if done.window.is_some() { running.started } else { now };
    let (last_rotation, window) = (Some(rotated), done.window);
    let next = Managed { plan, last_rotation, running: None, window, ..managed.clone() };
    Ok((next, ops))
}

/// What an ordinary PutSecretValue with the new value does (rules DY14.1, R9.1).
fn finish_generic(
    secret: &Secret,
    managed: &Managed,
    running: &Running,
    limits: &Limits,
    now: Timestamp,
) -> Result<(Managed, Vec<Op>), Dropped> {
    let put = PutVersion {
        version: running.version.clone(),
        data_type: DataType::Text,
        stages: vec![StageLabel::current()],
        same_value: None,
    };
    let change = put_version(secret, put, limits, now).map_err(|refusal| match refusal {
        Refusal::LimitExceeded(_) => Dropped::Full,
        _ => Dropped::Conflict,
    })?;
    Ok((rotated(managed, now), change.map(|change| change.ops).unwrap_or_default()))
}

/// The state after a rotation that succeeded.
fn rotated(managed: &Managed, now: Timestamp) -> Managed {
    let plan = match managed.plan {
        Plan::Invalid(interval) => Plan::Enabled(interval),
        other => other,
    };
    Managed { plan, last_rotation: Some(now), running: None, ..managed.clone() }
}

/// A step is done. `None` when the worker no longer holds the rotation.
pub fn step_done(managed: &Managed, version: &VersionId, lease: Lease) -> Option<Managed> {
    let running = managed.worked_at(version, &lease.owner)?;
    let steps_done = running.steps_done.saturating_add(1);
    Some(managed.with_running(Some(Running { lease, steps_done, ..running.clone() })))
}

/// No step counts as done any more.
pub fn steps_again(managed: &Managed, version: &VersionId) -> Option<Managed> {
    let running = managed.running.as_ref().filter(|running| running.version == *version)?;
    Some(managed.with_running(Some(Running { steps_done: 0, ..running.clone() })))
}

/// A receiver has moved ACSCurrent to the version. `None` when the worker no longer holds the rotation.
pub fn rotated_elsewhere(
    managed: &Managed,
    version: &VersionId,
    owner: &str,
    now: Timestamp,
) -> Option<Managed> {
    managed.worked_at(version, owner).map(|_| rotated(managed, now))
}

/// The steps that take a label off.
pub fn without_label(secret: &Secret, label: &str) -> Vec<Op> {
    let mut stages = secret.stages.clone();
    stages.remove(label);
    stage_ops(&secret.stages, &stages)
}

/// The end of a rotation that failed and that only a timer asked for: the timer goes on (rule DY14.1). `None` when it is not this
/// worker's any more.
pub fn miss(managed: &Managed, version: &VersionId, owner: &str, now: Timestamp) -> Option<Managed> {
    managed.worked_at(version, owner)?;
    Some(Managed { last_rotation: Some(now), running: None, ..managed.clone() })
}

/// Decides the end of a rotation that failed: nothing of the secret changes but its plan (rules R7.1, R7.2, R3.13). `None`
/// when it is not this worker's any more.
pub fn fail(managed: &Managed, version: &VersionId, owner: &str) -> Option<Managed> {
    managed.worked_at(version, owner)?;
    let plan = match managed.plan {
        Plan::Enabled(interval) => Plan::Invalid(interval),
        other => other,
    };
    Some(Managed { plan, running: None, ..managed.clone() })
}

/// Decides UpdateSecretRotationPolicy; `None` turns the plan off (rules R3.7, R3.8, R3.11).
///
/// # Errors
/// [`Refusal::InRecoveryWindow`], [`Refusal::BeingRotated`].
pub fn set_plan(
    secret: &Secret,
    managed: &Managed,
    interval: Option<RotationInterval>,
) -> Result<Managed, Refusal> {
    secret.require_live()?;
    if managed.is_busy() {
        return Err(Refusal::BeingRotated);
    }
    Ok(Managed { plan: interval.map_or(Plan::Disabled, Plan::Enabled), ..managed.clone() })
}

/// What the clock does to the old AccessKey of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It turns Inactive.
    Disable(String),
    /// It is deleted.
    Delete(String),
}

/// Decides what is due in the window of an AccessKey (rule DY12.3). `None` when nothing is, and while the secret is scheduled
/// for deletion (rule DY9.3).
pub fn window_step(secret: &Secret, managed: &Managed, now: Timestamp) -> Option<(Managed, Vec<Op>, Step)> {
    let window = managed.window.as_ref()?;
    if managed.running.is_some() || !is_due(secret, managed, now) {
        return None;
    }
    let key = window.old_key.clone();
    if window.ends > now {
        let window = Some(Window { disables: None, ..window.clone() });
        return Some((Managed { window, ..managed.clone() }, Vec::new(), Step::Disable(key)));
    }
    let mut stages = secret.stages.clone();
    if stages.version_of(StageLabel::PREVIOUS) == Some(&window.old_version) {
        stages.remove(StageLabel::PREVIOUS);
    }
    let mut ops = stage_ops(&secret.stages, &stages);
    if secret.version(&window.old_version).is_some() && !stages.is_labelled(&window.old_version) {
        ops.push(Op::EvictVersion(window.old_version.clone()));
    }
    Some((Managed { window: None, ..managed.clone() }, ops, Step::Delete(key)))
}

impl Managed {
    /// The rotation to this version, while this worker works at it.
    pub fn worked_at(&self, version: &VersionId, owner: &str) -> Option<&Running> {
        self.running.as_ref().filter(|running| running.version == *version && running.lease.owner == owner)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
