//! Several processes on one database. What each holds in memory is good for as long as the database says so: before a
//! request is answered, [`App::catch_up`] looks at one row that tells whether accounts, keys, faults or the clock changed, and
//! each use of a cached secret compares its revision (`cache.rs`). Where this process owns its database, none of that
//! happens. Changes are compare-and-set; who was too late decides anew ([`until_first`]).

use std::sync::atomic::Ordering;

use super::App;
use super::error::AppError;
use super::retry::until_first;
use super::watch::Looked;
use crate::domain::ClockSetting;
use crate::store::{Installation, Unavailable};

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
            Some(other) => Err(AppError::Unavailable(Unavailable::new(other.to_string()))),
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
