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
