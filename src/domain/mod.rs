//! What a secret is and what may happen to it: pure functions over values.
//!
//! Nothing here does I/O, reads a clock or draws random numbers: the time is passed in as `now`, randomness as a
//! generator. Each action on a secret has one decision function in `writes.rs`; most return `Result<Option<Change>, Refusal>`.
//! A [`Change`] is data: tests compare it, the cache applies it and the store persists it.
//! Rule numbers in comments (`3.8`, `6.5`) refer to `docs/rules.md`.

mod causes;
pub mod change;
pub mod duration;
pub mod faults;
pub mod filter;
mod invalid;
pub mod keys;
pub mod kinds;
pub mod limits;
pub mod names;
pub mod nearest;
pub mod page;
pub mod password;
pub mod policy;
pub mod refusal;
pub mod rotation;
pub mod secret;
pub mod stages;
pub mod tags;
pub mod time;
pub mod writes;

pub use causes::with_causes;
pub use change::{Change, Op};
pub use faults::FaultRule;
pub use filter::SecretFilter;
pub use kinds::{DataType, SecretType};
pub use limits::{Limits, NonceLimits};
pub use names::{
    AccountId, DataKeyId, KeyId, Region, Scope, SecretId, SecretName, SecretRef, StageLabel, VersionId,
};
pub use page::Page;
pub use policy::ResourcePolicy;
pub use refusal::{Quota, Refusal};
pub use secret::{Secret, Version};
pub use stages::StageMap;
pub use tags::{TagKey, TagValue, Tags};
pub use time::{ClockSetting, Timestamp};
