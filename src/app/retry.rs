//! Deciding again when another writer came first.

use rand::RngExt;

use super::error::AppError;
use crate::ports::{Clock, Entropy};

/// Decides and commits until nobody else comes first, or [`AppError::Busy`] when it is too often. A macro, because futures
/// of closures cannot be said to be `Send`.
macro_rules! until_first {
    ($self:ident, $attempt:expr) => {{
        let mut tries = $crate::app::retry::Tries::default();
        loop {
            let outcome = $attempt.await;
            if let Some(done) = tries.done(outcome, &*$self.clock, &*$self.entropy).await {
                break done;
            }
        }
    }};
}
pub(super) use until_first;

/// How often a decision is made when others are faster.
const ATTEMPTS: u32 = 12;
/// The longest first pause is twice this, in milliseconds; each further one may be twice as long.
const PAUSE_MS: u64 = 1;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 100;

/// The tries at one change, with a pause before each further one: two who are in each other's way must not stay so.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// What came of a try; none when somebody else came first and there shall be another one.
    pub(super) async fn done<T>(
        &mut self,
        outcome: Result<T, AppError>,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Option<Result<T, AppError>> {
        self.0 += 1;
        if !matches!(outcome, Err(AppError::Busy)) || self.0 >= ATTEMPTS {
            return Some(outcome);
        }
        let longest = (PAUSE_MS << self.0.min(16)).min(LONGEST_PAUSE_MS);
        let pause = entropy.rng().random_range(0..=longest);
        clock.pause(pause).await;
        None
    }
}

/// An error that only says that somebody else was there first, as none.
pub(super) fn unless_busy<T: Default>(outcome: Result<T, AppError>) -> Result<T, AppError> {
    match outcome {
        Err(AppError::Busy) => Ok(T::default()),
        other => other,
    }
}
