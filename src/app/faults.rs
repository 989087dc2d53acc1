//! Putting rules of faults into force.

use std::sync::atomic::Ordering;

use super::App;
use super::error::AppError;
use super::fault_rules::FaultRules;
use crate::domain::FaultRule;
use crate::store::KeptFaults;

impl App {
    /// The rules of faults.
    pub fn faults(&self) -> &FaultRules {
        &self.faults
    }

    /// Replaces the rules of faults for all processes on this database. With `None` each process returns to those of
    /// its configuration file. The rules must have been checked. The counters start again from zero. A process that
    /// owns its database forgets the rules when it ends.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] if the database does not answer.
    pub async fn put_faults(&self, rules: Option<Vec<FaultRule>>) -> Result<(), AppError> {
        if !self.store.is_shared() {
            self.faults.put(rules);
            return Ok(());
        }
        let text = rules.map(|rules| serde_json::to_string(&rules)).transpose();
        self.store.set_faults(text.map_err(|e| AppError::Damaged(format!("rules of faults: {e}")))?).await?;
        self.catch_up().await
    }

    /// Reads the rules again if their revision is not this one.
    pub(super) async fn follow_faults(&self, revision: u64) -> Result<(), AppError> {
        if self.faults.revision.load(Ordering::Acquire) == revision {
            return Ok(());
        }
        let KeptFaults { revision, rules } = self.store.faults().await?;
        let rules = rules.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                // Another version of this program stored them. A tool for tests must not stop the service.
                tracing::warn!(%error, "the stored rules of faults cannot be parsed; none is in force in this process");
                Vec::new()
            })
        });
        self.faults.put(rules);
        self.faults.revision.store(revision, Ordering::Release);
        Ok(())
    }
}
