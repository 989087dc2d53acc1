//! Storage: load an aggregate, commit a decided change, list. The rest of the program uses the trait [`Store`] and does
//! not know which database is behind it. Only `sql` knows the drivers.

mod records;
mod snapshot;
pub mod sql;
mod unavailable;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use records::{
    AccessKeyRecord, AccessKeyStatus, Batch, DataKeyRecord, KeptAccounts, KeptFaults, KeptNonces, KeyChange,
    KeyRecord, Listing, NewDataKey, PassedNonces, Probe, Revisions, RotationsDue, ScopeRecord, SealedValue,
    SecretRecord, SecretSummary, TagRow, UsedNonce,
};
pub use snapshot::{ReplaceScope, Resealed, Snapshot};
pub use unavailable::Unavailable;

use crate::domain::{
    AccountId, ClockSetting, KeyId, Page, Scope, SecretFilter, SecretId, SecretName, TagKey, TagValue,
    Timestamp,
};

/// Why the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A concurrent change came first. Load again and decide again.
    #[error("conflict")]
    Conflict,
    /// The database did not answer, or the statement failed.
    #[error(transparent)]
    Unavailable(Unavailable),
    /// Stored data is not valid.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// [`StoreError::Unavailable`] for a problem that this program found.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable::new(what))
    }
}

/// A database of secrets. Every method reads one consistent state, or is one transaction.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether other processes may write to the same database. If so, whatever is held in memory must be compared with
    /// the database before use, by [`Store::installation`], [`Store::head`] and [`Store::keys_revision`].
    fn is_shared(&self) -> bool;

    /// The revisions and the clock that all processes on this database share.
    async fn installation(&self) -> Result<Revisions, StoreError>;

    /// Sets the clock of all processes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the clock is not at this revision.
    async fn set_clock(&self, setting: ClockSetting, on_revision: u64) -> Result<(), StoreError>;

    /// The rules of faults for all processes.
    async fn faults(&self) -> Result<KeptFaults, StoreError>;

    /// Replaces the rules of faults for all processes, until a reset.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the rules are not at this revision.
    async fn set_faults(&self, rules: String, on_revision: u64) -> Result<(), StoreError>;

    /// Records a nonce. Returns false if it was already recorded, if nonces were forgotten after this revision, or if the
    /// database lost its nonces; [`Store::nonces`] tells which.
    async fn use_nonce(&self, nonce: UsedNonce, on_revision: u64) -> Result<bool, StoreError>;

    /// Which nonces were forgotten, and whether the others still exist.
    async fn nonces(&self) -> Result<KeptNonces, StoreError>;

    /// Records which nonces are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if that record is not at this revision.
    async fn set_forgotten_nonces(&self, forgotten: String, on_revision: u64) -> Result<(), StoreError>;

    /// Marks the nonces as complete, after the lost ones were recorded as forgotten.
    async fn mark_nonces(&self) -> Result<(), StoreError>;

    /// The generations, by time of expiry, that have expired nonces.
    async fn passed_nonces(&self, passed: PassedNonces) -> Result<Vec<i64>, StoreError>;

    /// Removes expired nonces.
    async fn forget_nonces(&self, passed: PassedNonces) -> Result<(), StoreError>;

    /// The id and revision of the secret with this name. Two equal answers mean the same state.
    async fn head(&self, scope: &Scope, name: &SecretName) -> Result<Option<(SecretId, u64)>, StoreError>;

    /// The secret with this name and everything that belongs to it. `None` if the name is free.
    async fn load_secret(&self, scope: &Scope, name: &SecretName)
    -> Result<Option<SecretRecord>, StoreError>;

    /// Persists a change atomically and returns when it is durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the secret is not at the revision that the change was decided on, or if the key
    /// version that wraps its new data key no longer exists.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// A page of the secrets of a scope whose recovery window has not ended at `now`, newest first, then by name (rule 5.10).
    async fn list_secrets(
        &self,
        scope: &Scope,
        filter: Option<&SecretFilter>,
        page: Page,
        now: Timestamp,
    ) -> Result<Listing, StoreError>;

    /// Tags of the named secrets, by name and key.
    async fn tags_of(&self, names: &[SecretName], scope: &Scope) -> Result<Vec<TagRow>, StoreError>;

    /// Tags of all secrets of a scope, by name and key, after the given ones.
    async fn list_tags(
        &self,
        scope: &Scope,
        after: Option<(&str, &str)>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TagRow>, StoreError>;

    /// Names of secrets that have a tag with this key, and with this value if one is given; ascending, after the given
    /// name.
    async fn names_with_tag(
        &self,
        scope: &Scope,
        tag: (&TagKey, Option<&TagValue>),
        after: &str,
        limit: u32,
    ) -> Result<Vec<SecretName>, StoreError>;

    /// Secrets whose recovery window has ended at `now`, earliest first, at most `limit`.
    async fn due_for_purge(&self, now: Timestamp, limit: u32)
    -> Result<Vec<(Scope, SecretName)>, StoreError>;

    /// When the next recovery window ends.
    async fn next_purge(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Secrets that a rotation is due for, by account, region and name. Those scheduled for deletion are left out.
    /// `after` is the last secret of the page before.
    async fn rotations_due(
        &self,
        due: RotationsDue,
        after: Option<(&Scope, &SecretName)>,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError>;

    /// When the clock next makes something happen to a managed secret.
    async fn next_rotation(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Whether a secret has this account at an instance; see [`crate::domain::Secret::target`].
    async fn is_target_taken(&self, target: &str) -> Result<bool, StoreError>;

    /// Secrets by account, region and name, after the given one, at most `limit`. For visiting all of them.
    async fn walk_secrets(
        &self,
        after: Option<(&Scope, &SecretName)>,
        limit: u32,
    ) -> Result<Vec<(Scope, SecretName)>, StoreError>;

    /// All keys and aliases of a scope.
    async fn load_keys(&self, scope: &Scope) -> Result<ScopeRecord, StoreError>;

    /// The revision of a scope's keys and aliases.
    async fn keys_revision(&self, scope: &Scope) -> Result<u64, StoreError>;

    /// Persists a change of keys or aliases and returns when it is durable. No copy of destroyed material remains.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the scope is not at this revision, if the key is not at the revision before the
    /// change, or if the scope would get a second service-managed key.
    async fn commit_keys(&self, scope: &Scope, on_revision: u64, change: KeyChange)
    -> Result<(), StoreError>;

    /// Scopes that have a key.
    async fn scopes_with_keys(&self) -> Result<Vec<Scope>, StoreError>;

    /// Scopes in which something is due for a key at `now`.
    async fn scopes_with_due_keys(&self, now: Timestamp) -> Result<Vec<Scope>, StoreError>;

    /// When something is due for a key next.
    async fn next_key_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// The account and region of a key.
    async fn scope_of_key(&self, id: &KeyId) -> Result<Option<Scope>, StoreError>;

    /// The stored accounts.
    async fn accounts(&self) -> Result<KeptAccounts, StoreError>;

    /// Stores a sealed account, or removes it if `sealed` is `None`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the accounts are not at this revision.
    async fn set_account(
        &self,
        id: AccountId,
        sealed: Option<Vec<u8>>,
        on_revision: u64,
    ) -> Result<(), StoreError>;

    /// Everything of one account, or of all accounts, as of one instant.
    async fn snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, StoreError>;

    /// Replaces what the scope says with a snapshot, atomically, and returns when that is durable. No copy of replaced
    /// key material remains. Clock, nonces and metadata entries do not change.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if something of the snapshot exists and is not replaced.
    async fn put_snapshot(&self, replaces: ReplaceScope, snapshot: Arc<Snapshot>) -> Result<(), StoreError>;

    /// Replaces everything that the root key seals, atomically: key material, accounts, metadata entries.
    async fn reseal(&self, resealed: Resealed) -> Result<(), StoreError>;

    /// A metadata entry, such as the marker of the root key or the salt of its passphrase.
    async fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a metadata entry that does not exist yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it exists.
    async fn add_meta(&self, name: &'static str, value: Vec<u8>) -> Result<(), StoreError>;

    /// Gives room free on a disk that is full, for a file beside the database. Returns whether the
    /// database is in a file; then a write that failed for lack of room may succeed now. From then on the store carries out only
    /// writes that free room, until there is room again.
    fn release_reserve(&self) -> bool;

    /// Whether the database answers, and takes writes. [`Unavailable::told`] is the reason that may be told.
    async fn health(&self) -> Result<(), StoreError>;

    /// Removes every secret, key, account and rule of faults, and resets the clock. Nonces and metadata
    /// entries stay.
    async fn reset(&self) -> Result<(), StoreError>;

    /// Lets the database check itself. Returns one line for each finding.
    async fn integrity(&self) -> Result<Vec<String>, StoreError>;

    /// Finishes the waiting writes and closes the database.
    async fn close(&self);
}
