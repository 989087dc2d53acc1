//! Several processes on one database.
//!
//! Before each request, [`App::catch_up`] reads the one row that tells whether accounts, keys, faults or the clock
//! changed. Each use of a cached secret compares its revision with the database (`cache.rs`). If this process owns its
//! database, none of that happens. Changes are compare-and-set, and the loser of a conflict decides again
//! ([`until_first`]).

use std::sync::atomic::Ordering;

use super::App;
use super::error::AppError;
use super::retry::until_first;
use super::watch::Looked;
use crate::domain::ClockSetting;
use crate::store::{Revisions, Unavailable};

impl App {
    /// Learns what other processes changed. Whatever is read afterwards is at least as new as this call. Concurrent
    /// calls share one look at the database, which begins after the last of them arrived.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer.
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

    /// What the last look found. Comparing two of these tells whether anything changed in between.
    pub async fn last_seen(&self) -> Revisions {
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

    /// Moves the clock of all processes on this database.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer, [`AppError::Busy`].
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
