//! The rules of faults in force: those of the configuration file, until others are set at run time for all processes on
//! the database. Each process counts for itself how often a rule fired.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::FaultRule;
use crate::domain::faults::{ActiveRule, Call, Fault, Faults, RuleSet};
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
            current: Mutex::new(Faults::new(RuleSet::new(declared.clone(), 0))),
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

    /// The rules in order, each with its counts in this process.
    pub fn list(&self) -> Vec<ActiveRule> {
        self.locked().rules().to_vec()
    }

    /// The fault to inject into a call, if a rule fires.
    pub fn inject(&self, call: &Call<'_>, entropy: &dyn Entropy) -> Option<Fault> {
        if self.any() { self.locked().inject(call, &mut *entropy.rng()) } else { None }
    }

    /// The rules of the configuration file, as a set of this generation.
    pub(super) fn declared(&self, generation: u64) -> RuleSet {
        RuleSet::new(self.declared.clone(), generation)
    }

    /// Takes other rules. A rule that was there keeps its counts.
    pub(super) fn adopt(&self, set: RuleSet) {
        let mut current = self.locked();
        self.any.store(!set.rules().is_empty(), Ordering::Release);
        current.adopt(set);
    }

    /// Changes the rules of this process alone. The change gets the set, and the generation for a set that replaces it.
    pub(super) fn change<E>(&self, change: impl FnOnce(&mut RuleSet, u64) -> Result<(), E>) -> Result<(), E> {
        let mut current = self.locked();
        let mut set = current.set();
        change(&mut set, self.revision.load(Ordering::Acquire) + 1)?;
        self.revision.fetch_add(1, Ordering::AcqRel);
        self.any.store(!set.rules().is_empty(), Ordering::Release);
        current.adopt(set);
        Ok(())
    }
}
