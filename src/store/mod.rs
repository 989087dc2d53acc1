//! Keeping what was decided: load an aggregate, commit a change, list. One trait, so that everything above does
//! not know which database it is; `sql` is the only place that knows sqlx.

mod records;
mod snapshot;
pub mod sql;
mod unavailable;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use records::{
    Batch, DataKeyRecord, Installation, KeptAccounts, KeptFaults, KeptNonces, KeyChange, KeyRecord, Listing,
    NewDataKey, PassedNonces, Probe, ScopeRecord, SealedValue, SecretRecord, SecretSummary, TagRow,
    UsedNonce,
};
pub use snapshot::{ReplaceScope, Resealed, Snapshot};
pub use unavailable::Unavailable;

use crate::domain::{
    AccountId, ClockSetting, KeyId, Page, Scope, SecretFilter, SecretId, SecretName, TagKey, TagValue,
    Timestamp,
};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another change came first: load again and decide again.
    #[error("conflict")]
    Conflict,
    /// The database did not answer, or did not succeed.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// What is stored cannot be understood.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// [`StoreError::Unavailable`] for a finding of this program.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable::new(what))
    }
}

/// A database of secrets. Every method is one consistent look or one transaction.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether other processes may write to the same database. Then whatever is held in memory must be compared with the
    /// database before it is used: by [`Store::installation`], [`Store::head`] and [`Store::keys_revision`].
    fn is_shared(&self) -> bool;

    /// What all processes on this database must agree on.
    async fn installation(&self) -> Result<Installation, StoreError>;

    /// Sets the clock of all processes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the clock is not at the revision that this was decided on.
    async fn set_clock(&self, setting: ClockSetting, on_revision: u64) -> Result<(), StoreError>;

    /// The rules of faults of all processes.
    async fn faults(&self) -> Result<KeptFaults, StoreError>;

    /// Keeps rules of faults instead of others; with none, each process has those of its configuration file.
    async fn set_faults(&self, rules: Option<String>) -> Result<(), StoreError>;

    /// Records a nonce. False when it was there already, when nonces were forgotten after the revision that this was
    /// decided on, or when the database lost them: [`Store::nonces`] tells which.
    async fn use_nonce(&self, nonce: UsedNonce, on_revision: u64) -> Result<bool, StoreError>;

    /// Which nonces were forgotten, and whether those that were not are still there.
    async fn nonces(&self) -> Result<KeptNonces, StoreError>;

    /// Writes down which nonces are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when that is not at the revision that this was decided on.
    async fn set_forgotten_nonces(&self, forgotten: String, on_revision: u64) -> Result<(), StoreError>;

    /// Marks the nonces as being there, after what the database lost was written down as forgotten.
    async fn mark_nonces(&self) -> Result<(), StoreError>;

    /// In which generations, by the time when they expire, there are nonces that all clocks have passed.
    async fn passed_nonces(&self, passed: PassedNonces) -> Result<Vec<i64>, StoreError>;

    /// Removes the nonces that all clocks have passed.
    async fn forget_nonces(&self, passed: PassedNonces) -> Result<(), StoreError>;

    /// Which secret has the name, and its revision: two readings that are equal are of the same state.
    async fn head(&self, scope: &Scope, name: &SecretName) -> Result<Option<(SecretId, u64)>, StoreError>;

    /// The secret with everything that belongs to it; none when the name is free.
    async fn load_secret(&self, scope: &Scope, name: &SecretName)
    -> Result<Option<SecretRecord>, StoreError>;

    /// Persists a change, all of it or nothing, and returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the secret is not at the revision that the change was decided on, or what wraps its
    /// new data key is not there any more.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// A page of the secrets of a scope that are not gone at `now`, newest first, then by name (rule 5.10).
    async fn list_secrets(
        &self,
        scope: &Scope,
        filter: Option<&SecretFilter>,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing, StoreError>;

    /// Tags of the listed secrets, by name and key.
    async fn tags_of(&self, names: &[SecretName], scope: &Scope) -> Result<Vec<TagRow>, StoreError>;

    /// Tags of all secrets of a scope, by name and key, after the given ones.
    async fn list_tags(
        &self,
        scope: &Scope,
        after: Option<(&str, &str)>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TagRow>, StoreError>;

    /// Names of secrets with a tag of this key (and value, if given), ascending, after the given name.
    async fn names_with_tag(
        &self,
        scope: &Scope,
        tag: (&TagKey, Option<&TagValue>),
        after: &str,
        limit: u32,
    ) -> Result<Vec<SecretName>, StoreError>;

    /// Secrets whose recovery window is over at `now`, earliest first, at most `limit`.
    async fn due_for_purge(&self, now: Timestamp, limit: u32)
    -> Result<Vec<(Scope, SecretName)>, StoreError>;

    /// When the next recovery window ends.
    async fn next_purge(&self) -> Result<Option<Timestamp>, StoreError>;

    /// All secrets by account, region and name, after the given one, at most `limit`: for checks of everything.
    async fn walk_secrets(
        &self,
        after: Option<(&Scope, &SecretName)>,
        limit: u32,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError>;

    /// All keys and aliases of a scope.
    async fn load_keys(&self, scope: &Scope) -> Result<ScopeRecord, StoreError>;

    /// The revision of a scope's keys and aliases.
    async fn keys_revision(&self, scope: &Scope) -> Result<u64, StoreError>;

    /// Persists a change of keys or aliases and returns when it is durable. Destroyed material leaves no copy behind.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the scope is not at the revision that the change was decided on, the key is not at
    /// the one before the change's, or the scope would get a second key of the service's own.
    async fn commit_keys(&self, scope: &Scope, on_revision: u64, change: KeyChange)
    -> Result<(), StoreError>;

    /// Scopes that have a key.
    async fn scopes_with_keys(&self) -> Result<Vec<Scope>, StoreError>;

    /// Scopes in which something is due for a key at `now`.
    async fn scopes_with_due_keys(&self, now: Timestamp) -> Result<Vec<Scope>, StoreError>;

    /// When something falls due for a key next.
    async fn next_key_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The account and region of a key, wherever it is.
    async fn scope_of_key(&self, id: &KeyId) -> Result<Option<Scope>, StoreError>;

    /// The accounts that are kept.
    async fn accounts(&self) -> Result<KeptAccounts, StoreError>;

    /// Keeps an account, sealed, or keeps it no longer.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the accounts are not at the revision that this was decided on.
    async fn set_account(
        &self,
        id: AccountId,
        sealed: Option<Vec<u8>>,
        on_revision: u64,
    ) -> Result<(), StoreError>;

    /// Everything of an account, or of all: one consistent look.
    async fn snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, StoreError>;

    /// Puts contents instead of others, all of it or nothing, and returns when that is durable. What they replace
    /// leaves no copy behind. Clock, nonces and facts about the installation stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when something is added that is there already.
    async fn put_snapshot(&self, instead: ReplaceScope, contents: Arc<Snapshot>) -> Result<(), StoreError>;

    /// Replaces everything that the root key seals, all of it or nothing: material of versions of keys, accounts, facts
    /// about the installation.
    async fn reseal(&self, resealed: Resealed) -> Result<(), StoreError>;

    /// A fact about the installation.
    async fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a fact that is not there yet.
    async fn add_meta(&self, name: &'static str, value: Vec<u8>) -> Result<(), StoreError>;

    /// Whether the database answers.
    async fn health(&self) -> Result<(), StoreError>;

    /// Removes every secret, key, account and rule of faults, and sets the clock back; nonces and facts about the
    /// installation stay.
    async fn reset(&self) -> Result<(), StoreError>;

    /// What the database itself finds damaged: one line per finding.
    async fn integrity(&self) -> Result<Vec<String>, StoreError>;

    /// Finishes what is under way and closes the database.
    async fn close(&self);
}
