//! Rotations: what starts them, how one is carried out, and what is remembered of them.

mod claim;
mod create;
mod databases;
mod dispatch;
mod due;
mod generic;
mod hooks;
mod job;
mod log;
mod roles;
mod run;
mod steps;
mod targets;
mod tasks;

pub use create::{NewManaged, Prepared};
pub use due::RotationCounts;
pub(super) use log::EventLog;
pub use log::{EventRecord, RotationRecord};
pub use roles::RoleRefusal;
pub(super) use tasks::Rotations;
