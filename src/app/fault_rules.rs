//! The rules of faults in force: those of the configuration file, until others are set at run time for all processes on
//! the database. Each process counts for itself how often a rule fired.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::FaultRule;
use crate::domain::faults::{Call, Count, Fault, Faults};
use crate::ports::Entropy;

/// The rules in force.
#[derive(Debug)]
pub struct FaultRules {
    declared: Vec<FaultRule>,
    /// Whether there is any rule. Without rules a request reads only this.
    any: AtomicBool,
    /// The revision of the rules in the store.
    pub(super) revision: AtomicU64,
    current: Mutex<Faults>,
}

impl FaultRules {
    /// The checked rules of the configuration file.
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

    /// The rules in their order, each with how often it fired in this process.
    pub fn list(&self) -> Vec<(FaultRule, Count)> {
        self.locked().rules().to_vec()
    }

    /// The fault to inject into a call, if a rule fires.
    pub fn inject(&self, call: &Call<'_>, entropy: &dyn Entropy) -> Option<Fault> {
        if self.any() { self.locked().inject(call, &mut *entropy.rng()) } else { None }
    }

    /// Replaces the rules; `None` stands for those of the configuration file. The counters start again from zero.
    pub(super) fn put(&self, rules: Option<Vec<FaultRule>>) {
        let rules = rules.unwrap_or_else(|| self.declared.clone());
        let mut current = self.locked();
        self.any.store(!rules.is_empty(), Ordering::Release);
        *current = Faults::new(rules);
    }
}
