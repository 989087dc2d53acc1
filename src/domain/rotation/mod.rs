//! Rotation of the five managed types: Rds, Redis, PolarDB, RAMCredentials and ECS. Rule numbers begin with `R` and `DY`.

pub mod config;
pub mod decide;
pub mod event;
mod failure;
mod interval;
mod managed;
pub mod rotators;
mod settings;
mod stored;
pub mod value;

pub use config::{ExtendedConfig, SubType};
pub use failure::{Cause, Failure};
pub use interval::RotationInterval;
pub use managed::{Lease, Managed, Plan, Running, Trigger, Window};
pub use settings::RotationSettings;
