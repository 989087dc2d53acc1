//! Retrying a decision after a concurrent writer won.

use rand::RngExt;

use super::error::AppError;
use crate::ports::{Clock, Entropy};

/// Repeats an attempt at a change until no concurrent writer wins; [`AppError::Busy`] after too many attempts. A macro,
/// because the future of an async closure cannot be required to be `Send`.
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

/// The most attempts.
const ATTEMPTS: u32 = 12;
/// The longest first pause, in milliseconds. It doubles with each attempt.
const FIRST_PAUSE_MS: u64 = 2;
/// The longest pause, in milliseconds.
const LONGEST_PAUSE_MS: u64 = 100;

/// The attempts at one change. There is a random delay before each further one, so that two conflicting writers do not
/// collide again.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// The final outcome, or `None` if a concurrent writer won and there is another attempt.
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
        let longest = (FIRST_PAUSE_MS << (self.0 - 1).min(16)).min(LONGEST_PAUSE_MS);
        let pause = entropy.rng().random_range(0..=longest);
        clock.pause(pause).await;
        None
    }
}

/// Replaces [`AppError::Busy`] by the default value, for work that another process is doing already.
pub(super) fn unless_busy<T: Default>(outcome: Result<T, AppError>) -> Result<T, AppError> {
    match outcome {
        Err(AppError::Busy) => Ok(T::default()),
        other => other,
    }
}
