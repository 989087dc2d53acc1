//! Rules of faults in force: those of the configuration file, until others are put at run time, for all processes on the
//! database. How often each struck is counted by each process for itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{App, AppError};
use crate::domain::FaultRule;
use crate::domain::faults::{Call, Count, Fault, Faults};
use crate::ports::Entropy;
use crate::store::KeptFaults;

/// The rules in force.
#[derive(Debug)]
pub struct FaultRules {
    declared: Vec<FaultRule>,
    /// Whether there is any rule: all that a request looks at when there is none.
    any: AtomicBool,
    /// The revision of the store that the rules are of.
    revision: AtomicU64,
    current: Mutex<Faults>,
}

impl FaultRules {
    /// The rules of the configuration file, checked.
    pub(super) fn new(declared: Vec<FaultRule>) -> Self {
        Self {
            any: AtomicBool::new(!declared.is_empty()),
            revision: AtomicU64::new(0),
            current: Mutex::new(Faults::new(declared.clone())),
            declared,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Faults> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is any rule.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The rules in their order, with how often each struck here.
    pub fn list(&self) -> Vec<(FaultRule, Count)> {
        self.locked().rules().to_vec()
    }

    /// What a call suffers.
    pub fn strike(&self, call: &Call<'_>, entropy: &dyn Entropy) -> Option<Fault> {
        if self.any() { self.locked().strike(call, &mut *entropy.rng()) } else { None }
    }

    /// Puts rules into force; with none, those of the configuration file. Counting begins anew.
    fn put(&self, rules: Option<Vec<FaultRule>>) {
        let rules = rules.unwrap_or_else(|| self.declared.clone());
        let mut current = self.locked();
        self.any.store(!rules.is_empty(), Ordering::Release);
        *current = Faults::new(rules);
    }
}

impl App {
    /// The rules of faults.
    pub fn faults(&self) -> &FaultRules {
        &self.faults
    }

    /// Puts rules of faults instead of others, for all processes on this database; with none, each goes back to those of
    /// its configuration file. They must have been checked. Counting begins anew. A lone process forgets them at its end.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database does not answer.
    pub async fn put_faults(&self, rules: Option<Vec<FaultRule>>) -> Result<(), AppError> {
        if !self.store.is_shared() {
            self.faults.put(rules);
            return Ok(());
        }
        let text = rules.map(|rules| serde_json::to_string(&rules)).transpose();
        self.store.set_faults(text.map_err(|e| AppError::Damaged(format!("rules of faults: {e}")))?).await?;
        self.catch_up().await
    }

    /// Reads the rules again when they are at another revision.
    pub(super) async fn follow_faults(&self, revision: u64) -> Result<(), AppError> {
        if self.faults.revision.load(Ordering::Acquire) == revision {
            return Ok(());
        }
        let KeptFaults { revision, rules } = self.store.faults().await?;
        let rules = rules.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                // Put by another version of this program. A test's tool must not stop the service.
                tracing::warn!(%error, "the rules of faults cannot be understood; none is in force here");
                Vec::new()
            })
        });
        self.faults.put(rules);
        self.faults.revision.store(revision, Ordering::Release);
        Ok(())
    }
}
