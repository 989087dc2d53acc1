//! Putting rules of faults into force.

use std::sync::atomic::Ordering;

use super::App;
use super::error::AppError;
use super::fault_rules::FaultRules;
use crate::domain::FaultRule;
use crate::store::KeptFaults;

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
