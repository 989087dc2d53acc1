//! Putting rules of faults into force.

use std::sync::atomic::Ordering;

use super::App;
use super::error::AppError;
use super::fault_rules::FaultRules;
use crate::domain::FaultRule;
use crate::domain::faults::{MOST_RULES, RuleSet};
use crate::store::{KeptFaults, StoreError};

/// A change of the fault rules. An account limits it to the rules of that account.
#[derive(Debug, Clone)]
pub enum FaultChange {
    /// Puts these rules in place of all rules, or of those of an account. They must be checked.
    Replace(Vec<FaultRule>, Option<String>),
    /// Adds these rules behind the others. They must be checked.
    Append(Vec<FaultRule>),
    /// Removes the rule with this id.
    Remove(u64, Option<String>),
}

/// Why the fault rules were not changed.
#[derive(Debug, thiserror::Error)]
pub enum FaultsUnchanged {
    /// There would be more than [`MOST_RULES`].
    #[error("there would be more than {MOST_RULES} rules; remove some first")]
    TooMany,
    /// There is no rule of this id.
    #[error("there is no fault rule {0}; GET /_sesame/faults lists the rules with their ids")]
    Unknown(u64),
    /// The database does not answer.
    #[error(transparent)]
    Failed(#[from] AppError),
}

impl FaultChange {
    fn apply(&self, set: &mut RuleSet, generation: u64) -> Result<(), FaultsUnchanged> {
        let is_of = |rule: &FaultRule, account: &String| rule.account.as_ref() == Some(account);
        match self {
            Self::Replace(rules, None) => *set = RuleSet::new(rules.clone(), generation),
            Self::Replace(rules, Some(account)) => {
                set.retain(|rule| !is_of(&rule.rule, account));
                set.append(rules.clone());
            }
            Self::Append(rules) => set.append(rules.clone()),
            Self::Remove(id, account) => {
                let before = set.rules().len();
                let may = |rule: &FaultRule| account.as_ref().is_none_or(|account| is_of(rule, account));
                set.retain(|rule| rule.id != *id || !may(&rule.rule));
                if set.rules().len() == before {
                    return Err(FaultsUnchanged::Unknown(*id));
                }
            }
        }
        if set.rules().len() > MOST_RULES { Err(FaultsUnchanged::TooMany) } else { Ok(()) }
    }
}

impl App {
    /// The fault rules.
    pub fn faults(&self) -> &FaultRules {
        &self.faults
    }

    /// Changes the fault rules of all processes on this database. Rules that stay keep their counts. A process that owns its
    /// database forgets the rules when it ends.
    ///
    /// # Errors
    /// [`FaultsUnchanged`]; nothing was changed then.
    pub async fn change_faults(&self, change: &FaultChange) -> Result<(), FaultsUnchanged> {
        if !self.store.is_shared() {
            return self.faults.change(|set, generation| change.apply(set, generation));
        }
        loop {
            let KeptFaults { revision, rules } = self.store.faults().await.map_err(AppError::from)?;
            let mut set = self.read_faults(revision, rules);
            change.apply(&mut set, revision + 1)?;
            let damaged = |error| AppError::Damaged(format!("rules of faults: {error}"));
            let text = serde_json::to_string(&set).map_err(damaged)?;
            match self.store.set_faults(text, revision).await {
                // Another change came first.
                Err(StoreError::Conflict) => {}
                done => {
                    done.map_err(AppError::from)?;
                    return Ok(self.catch_up().await?);
                }
            }
        }
    }

    /// Returns to the rules of the configuration file, in this process alone.
    pub(super) fn forget_faults(&self) {
        let declared = |set: &mut RuleSet, generation| {
            *set = self.faults.declared(generation);
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(()) = self.faults.change(declared);
    }

    /// The stored rules; without any, those of the configuration file.
    fn read_faults(&self, revision: u64, rules: Option<String>) -> RuleSet {
        let Some(text) = rules else { return self.faults.declared(revision) };
        // Version 0.1 stored a list of rules without ids.
        let list = || serde_json::from_str(&text).map(|rules| RuleSet::new(rules, revision));
        serde_json::from_str(&text).or_else(|error| list().map_err(|_list| error)).unwrap_or_else(|error| {
            // Another version of this program wrote them. A tool for tests must not stop the service.
            tracing::warn!(%error, "cannot read the fault rules in the database; this process injects no faults");
            RuleSet::new(Vec::new(), revision)
        })
    }

    /// Reads the rules again if their revision changed.
    pub(super) async fn follow_faults(&self, revision: u64) -> Result<(), AppError> {
        if self.faults.revision.load(Ordering::Acquire) == revision {
            return Ok(());
        }
        let KeptFaults { revision, rules } = self.store.faults().await?;
        self.faults.adopt(self.read_faults(revision, rules));
        self.faults.revision.store(revision, Ordering::Release);
        Ok(())
    }
}
