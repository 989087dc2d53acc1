//! Nonces of processes that share a database.
//!
//! The process that inserts a nonce first may accept it. The insertion requires that the marker of the table exists,
//! since a crash of the database empties the table, and that this process knows all forgotten spans.

use std::sync::{Arc, Mutex, PoisonError};

use super::span::{Clocks, GENERATION_MS, Generation, SKEW_MS, Spans};
use crate::app::error::AppError;
use crate::domain::Timestamp;
use crate::store::{KeptNonces, PassedNonces, Store, StoreError, UsedNonce};

/// How much longer than its signature a nonce is kept, in milliseconds. The clocks of the machines may differ by this
/// much.
const MARGIN: i64 = 5 * 60 * 1000;
/// How long expired nonces of a moved clock are kept, in milliseconds. They allow a test to set the clock to the same
/// instant of the past repeatedly.
const MOVED_KEPT: i64 = 24 * 60 * 60 * 1000;
/// The most attempts at an insertion while other processes forget nonces.
const TRIES: usize = 5;

/// The outcome of an insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    First,
    Used,
    Forgotten,
}

/// Nonces in a database that other processes use too.
#[derive(Debug)]
pub(super) struct Shared {
    store: Arc<dyn Store>,
    /// The forgotten spans, and their revision.
    known: Mutex<(u64, Arc<Spans>)>,
}

impl Shared {
    /// Reads what was forgotten.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer.
    pub(super) async fn open(store: Arc<dyn Store>, clocks: Clocks) -> Result<Self, AppError> {
        let shared = Self { store, known: Mutex::default() };
        shared.look(clocks).await?;
        Ok(shared)
    }

    /// Inserts a nonce that no process used before.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer, [`AppError::Busy`].
    pub(super) async fn first_use(
        &self,
        nonce: &UsedNonce,
        signed: i64,
        clocks: Clocks,
    ) -> Result<Insertion, AppError> {
        for _ in 0..TRIES {
            let (revision, forgotten) = self.known();
            if forgotten.contains(signed) {
                return Ok(Insertion::Forgotten);
            }
            if self.store.use_nonce(nonce.clone(), revision).await? {
                return Ok(Insertion::First);
            }
            if self.look(clocks).await? == revision {
                return Ok(Insertion::Used);
            }
        }
        Err(AppError::Busy)
    }

    /// Forgets nonces that have expired by all clocks.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer.
    pub(super) async fn sweep(&self, clocks: Clocks) -> Result<(), AppError> {
        let passed = passed(clocks);
        let generations = self.store.passed_nonces(passed).await?;
        if generations.is_empty() {
            return Ok(());
        }
        let kept = self.store.nonces().await?;
        let before = read(&kept)?;
        let mut forgotten = before.clone();
        for expires in generations {
            // Generations are by expiry; the signed time is earlier by the allowed skew.
            let (from, until) = Generation(expires).span();
            forgotten.add(from.saturating_sub(SKEW_MS), until.saturating_sub(SKEW_MS));
        }
        forgotten.condense(clocks.machine.saturating_sub(SKEW_MS));
        // The spans are stored before the nonces are removed, so that a missing nonce is always explained by a span.
        if forgotten != before && !self.replace(&forgotten, kept.revision).await? {
            // Another process is sweeping. The next sweep is soon enough.
            return Ok(());
        }
        Ok(self.store.forget_nonces(passed).await?)
    }

    /// Reads the forgotten spans and returns their revision. If the table was emptied, everything that was signed until
    /// now becomes forgotten.
    async fn look(&self, clocks: Clocks) -> Result<u64, AppError> {
        for _ in 0..TRIES {
            let kept = self.store.nonces().await?;
            let mut forgotten = read(&kept)?;
            if kept.is_whole {
                self.learn(kept.revision, forgotten);
                return Ok(kept.revision);
            }
            tracing::warn!(
                until = %Timestamp::from_millis(clocks.machine),
                "the database lost the nonces of signed requests; requests signed until then are refused"
            );
            forgotten.add(i64::MIN, clocks.machine.saturating_add(1));
            if self.replace(&forgotten, kept.revision).await? {
                self.store.mark_nonces().await?;
            }
        }
        Err(AppError::Busy)
    }

    /// Stores the forgotten spans. Returns false if another process was faster.
    async fn replace(&self, forgotten: &Spans, on_revision: u64) -> Result<bool, AppError> {
        let text = serde_json::to_string(forgotten).map_err(|e| AppError::Damaged(e.to_string()))?;
        match self.store.set_forgotten_nonces(text, on_revision).await {
            Ok(()) => {
                self.learn(on_revision + 1, forgotten.clone());
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    fn known(&self) -> (u64, Arc<Spans>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn learn(&self, revision: u64, forgotten: Spans) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if revision >= known.0 {
            *known = (revision, Arc::new(forgotten));
        }
    }
}

fn read(kept: &KeptNonces) -> Result<Spans, AppError> {
    let Some(text) = &kept.forgotten else { return Ok(Spans::default()) };
    let damaged = |e: serde_json::Error| AppError::Damaged(format!("the spans of forgotten nonces: {e}"));
    serde_json::from_str(text).map_err(damaged)
}

/// Which nonces have expired by all clocks. The limits are at the ends of generations, so that each generation is
/// forgotten as a whole.
fn passed(Clocks { machine, service }: Clocks) -> PassedNonces {
    let begin = |at: i64| Timestamp::from_millis(at.div_euclid(GENERATION_MS).saturating_mul(GENERATION_MS));
    PassedNonces {
        expired_before: begin(machine.saturating_sub(MARGIN)),
        near_service: (
            begin(service.saturating_sub(MARGIN)),
            begin(service.saturating_add(2 * SKEW_MS + MARGIN + GENERATION_MS)),
        ),
        signed_within_ms: SKEW_MS,
        moved_before: Timestamp::from_millis(machine.saturating_sub(MOVED_KEPT)),
        generation_ms: GENERATION_MS,
    }
}
