//! A rotation as the system behind a secret sees it, and what such a system must do.

use async_trait::async_trait;

use crate::domain::Secret;
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Failure, Managed, Running, Window};
use crate::store::AccessKeyRecord;

/// What a target needs to know of a rotation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) secret: &'a Secret,
    pub(super) managed: &'a Managed,
    /// The value with ACSCurrent.
    pub(super) current: &'a Hidden,
    /// The value with ACSPrevious.
    pub(super) previous: Option<&'a Hidden>,
    pub(super) running: &'a Running,
    /// The AccessKey that signed the call of RotateSecret.
    pub(super) asked_with: Option<&'a str>,
}

/// What is committed together with the new version.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) access_keys: Vec<AccessKeyRecord>,
    pub(super) window: Option<Window>,
}

/// The system that a secret is for. `make` and `apply` may be called again for the same rotation (rule DY10.6).
#[async_trait]
pub(super) trait Target: std::fmt::Debug + Send + Sync {
    /// Makes the value of the next version. Nothing outside is changed yet.
    async fn make(&self, job: &Job<'_>) -> Result<Hidden, Failure>;

    /// Changes the target so that the value is good, and says what belongs into the same commit.
    async fn apply(&self, job: &Job<'_>, value: &Hidden) -> Result<Effects, Failure>;

    /// Tries the target without changing it, and says what it found.
    async fn check(&self) -> Result<String, Failure>;
}
