//! The active fault rules: those of the configuration file until others are set at run time, which then hold for all processes
//! on the database. Each process counts for itself how often its rules fired.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{App, AppError};
use crate::domain::FaultRule;
use crate::domain::faults::{Call, Count, Fault, Faults};
use crate::ports::Entropy;
use crate::store::KeptFaults;

/// The active rules.
#[derive(Debug)]
pub struct FaultRules {
    declared: Vec<FaultRule>,
    /// Whether there is any rule. Without rules, a request reads only this.
    any: AtomicBool,
    /// The store's revision of the rules.
    revision: AtomicU64,
    current: Mutex<Faults>,
}

impl FaultRules {
    /// Starts with the rules of the configuration file, which must be checked.
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

    /// The rules in order, with how often each fired in this process.
    pub fn list(&self) -> Vec<(FaultRule, Count)> {
        self.locked().rules().to_vec()
    }

    /// The fault for a call, if a rule fires.
    pub fn inject(&self, call: &Call<'_>, entropy: &dyn Entropy) -> Option<Fault> {
        if self.any() { self.locked().inject(call, &mut *entropy.rng()) } else { None }
    }

    /// Replaces the active rules; `None` stands for those of the configuration file. Counts restart at 0.
    fn put(&self, rules: Option<Vec<FaultRule>>) {
        let rules = rules.unwrap_or_else(|| self.declared.clone());
        let mut current = self.locked();
        self.any.store(!rules.is_empty(), Ordering::Release);
        *current = Faults::new(rules);
    }
}

impl App {
    /// The fault rules.
    pub fn faults(&self) -> &FaultRules {
        &self.faults
    }

    /// Replaces the fault rules of all processes on this database. With `None` each process returns to the rules of its
    /// configuration file. The rules must be checked. Counts restart at 0. A process that owns its database forgets the rules
    /// when it ends.
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

    /// Reads the rules again if their revision changed.
    pub(super) async fn follow_faults(&self, revision: u64) -> Result<(), AppError> {
        if self.faults.revision.load(Ordering::Acquire) == revision {
            return Ok(());
        }
        let KeptFaults { revision, rules } = self.store.faults().await?;
        let rules = rules.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                // Another version of this program wrote them. A tool for tests must not stop the service.
                tracing::warn!(%error, "cannot read the fault rules in the database; this process injects no faults");
                Vec::new()
            })
        });
        self.faults.put(rules);
        self.faults.revision.store(revision, Ordering::Release);
        Ok(())
    }
}
