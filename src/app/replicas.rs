//! Several processes on one database. What each holds in memory is good for as long as the database says so: before a
//! request is answered, [`App::catch_up`] looks at one row that tells whether accounts, keys, faults or the clock changed, and
//! each use of a cached secret compares its revision (`cache.rs`). Where this process owns its database, none of that
//! happens. Changes are compare-and-set; who was too late decides anew ([`until_first`]).

use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt;
use tokio::sync::Mutex;

use super::{App, AppError};
use crate::domain::ClockSetting;
use crate::ports::{Clock, Entropy};
use crate::store::Installation;

/// Decides and commits until nobody else comes first, or [`AppError::Busy`] when it is too often. A macro, because futures
/// of closures cannot be said to be `Send`.
macro_rules! until_first {
    ($self:ident, $attempt:expr) => {{
        let mut tries = $crate::app::replicas::Tries::default();
        loop {
            let outcome = $attempt.await;
            if let Some(done) = tries.done(outcome, &*$self.clock, &*$self.entropy).await {
                break done;
            }
        }
    }};
}
pub(super) use until_first;

/// Looks that are shared by all who wait for one.
#[derive(Debug, Default)]
pub(super) struct Watch {
    asked: AtomicU64,
    looked: Mutex<Looked>,
}

#[derive(Debug, Default)]
struct Looked {
    /// Whoever asked with a number up to this one is answered.
    upto: u64,
    failed: Option<AppError>,
    last: Installation,
}

impl App {
    /// Learns what other processes changed. What is read after this is at least as new as this call. Those who ask at the
    /// same time share one look, which begins after the last of them asked.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database does not answer.
    pub async fn catch_up(&self) -> Result<(), AppError> {
        if !self.store.is_shared() {
            return Ok(());
        }
        let mine = self.watch.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut looked = self.watch.looked.lock().await;
        if looked.upto < mine {
            let upto = self.watch.asked.load(Ordering::SeqCst);
            let outcome = self.look(&mut looked).await;
            looked.upto = upto;
            looked.failed = outcome.err();
        }
        match &looked.failed {
            None => Ok(()),
            Some(AppError::Unavailable(why)) => Err(AppError::Unavailable(why.clone())),
            Some(other) => Err(AppError::Unavailable(other.to_string())),
        }
    }

    /// What all processes were last found to agree on; tells whether anything that it counts changed since.
    pub async fn last_seen(&self) -> Installation {
        self.watch.looked.lock().await.last
    }

    async fn look(&self, looked: &mut Looked) -> Result<(), AppError> {
        let now = self.store.installation().await?;
        if now.clock != looked.last.clock || looked.upto == 0 {
            self.clock.adopt(now.setting);
        }
        self.keys.follow(now.keys);
        self.directory.follow(now.accounts).await?;
        self.follow_faults(now.faults).await?;
        looked.last = now;
        Ok(())
    }

    /// Moves the clock, that of all processes on this database.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database does not answer, [`AppError::Busy`].
    pub async fn move_clock<F>(&self, change: F) -> Result<(), AppError>
    where
        F: Fn(ClockSetting) -> ClockSetting + Send + Sync,
    {
        if !self.store.is_shared() {
            self.clock.adopt(change(self.clock.setting()));
            return Ok(());
        }
        until_first!(self, self.move_clock_once(&change))?;
        self.catch_up().await
    }

    async fn move_clock_once<F>(&self, change: &F) -> Result<(), AppError>
    where
        F: Fn(ClockSetting) -> ClockSetting + Send + Sync,
    {
        let now = self.store.installation().await?;
        Ok(self.store.set_clock(change(now.setting), now.clock).await?)
    }
}

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
