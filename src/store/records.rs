//! The records that a store reads and writes.

use std::sync::Arc;

use crate::domain::keys::{Alias, AliasName, Key, KeyVersionId};
use crate::domain::names::Invalid;
use crate::domain::{
    AccountId, Change, ClockSetting, DataKeyId, KeyId, Secret, SecretName, SecretType, TagKey, TagValue,
    Timestamp, VersionId,
};

/// What the start reads from a database before it changes anything.
#[derive(Debug, Default)]
pub struct Probe {
    /// The sealed marker of the root key. `None` in a new database.
    pub marker: Option<Vec<u8>>,
    /// The salt of the passphrase, if the root key comes from one.
    pub salt: Option<Vec<u8>>,
}

/// A secret with its sealed values and wrapped data keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// The aggregate.
    pub secret: Secret,
    /// One sealed value per version.
    pub values: Vec<SealedValue>,
    /// The data keys, oldest first.
    pub data_keys: Vec<DataKeyRecord>,
    /// The value of the version that a rotation under way will make.
    pub candidate: Option<SealedValue>,
}

/// The sealed value of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// The version.
    pub version: VersionId,
    /// The data key that seals it.
    pub data_key: DataKeyId,
    /// The sealed bytes.
    pub sealed: Arc<[u8]>,
}

/// A wrapped data key of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyRecord {
    /// Its id.
    pub id: DataKeyId,
    /// The CMK that wraps it.
    pub key: KeyId,
    /// The version of that CMK.
    pub key_version: u32,
    /// The wrapped bytes.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

/// A new data key of a change.
#[derive(Debug, Clone)]
pub struct NewDataKey {
    /// The key.
    pub record: DataKeyRecord,
    /// The id of the CMK version that wraps it, which must still exist at the commit. The number is not enough: after a
    /// reset or an import another version may have it.
    pub wrapped_by: KeyVersionId,
}

/// A CMK with its wrapped material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The aggregate.
    pub key: Key,
    /// The material of its versions by number, wrapped by the root key. A version whose imported material was deleted has
    /// none.
    pub material: Vec<(u32, Arc<[u8]>)>,
    /// A hash of the imported material, if there ever was any.
    pub imported: Option<Vec<u8>>,
}

/// A change of keys or aliases. Each is one transaction.
#[derive(Debug, Clone)]
pub enum KeyChange {
    /// Creates a key, or replaces it by its next state, whose revision is one higher.
    Put {
        /// The key afterwards, with the material of all its versions.
        record: Box<KeyRecord>,
    },
    /// Deletes a key with its material, aliases and tags.
    Delete {
        /// The key.
        key: KeyId,
        /// The revision of the key that this was decided on.
        on_revision: u64,
    },
    /// Creates an alias, or points it to another key.
    SetAlias {
        /// The alias.
        alias: Alias,
    },
    /// Deletes an alias.
    RemoveAlias {
        /// Its name.
        name: AliasName,
    },
}

impl KeyChange {
    /// Whether key material is destroyed, so that no copy of it may remain in journals.
    pub fn destroys(&self) -> bool {
        match self {
            Self::Put { record } => record.material.len() < record.key.versions.len(),
            Self::Delete { .. } => true,
            Self::SetAlias { .. } | Self::RemoveAlias { .. } => false,
        }
    }
}

/// All keys and aliases of a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeRecord {
    /// Incremented by every change of a key or alias; 0 before the first.
    pub revision: u64,
    /// The keys, oldest first.
    pub keys: Vec<KeyRecord>,
    /// The aliases, by name.
    pub aliases: Vec<Alias>,
}

/// What all processes on one database share: revisions, each incremented by every change of its subject, and the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revisions {
    /// The revision of keys and aliases in all scopes.
    pub keys: u64,
    /// The revision of stored accounts.
    pub accounts: u64,
    /// The revision of the clock.
    pub clock: u64,
    /// The revision of the rules of faults.
    pub faults: u64,
    /// The setting of the clock.
    pub setting: ClockSetting,
}

/// The stored rules of faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptFaults {
    /// Incremented by every change.
    pub revision: u64,
    /// The rules as JSON. `None` if each process uses those of its configuration file.
    pub rules: Option<String>,
}

/// The stored accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptAccounts {
    /// Incremented by every change.
    pub revision: u64,
    /// The accounts, sealed.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
    /// What rotations did to AccessKeys, by id.
    pub access_keys: Vec<AccessKeyRecord>,
}

/// A change of a secret with the bytes that belong to it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The decided change.
    pub change: Change,
    /// The values of the versions that the change adds, or the candidate of a rotation under way.
    pub values: Vec<SealedValue>,
    /// The data key that the values need, when it is a new one.
    pub data_key: Option<NewDataKey>,
    /// AccessKeys that are made, or come into another state, together with the change.
    pub access_keys: Vec<AccessKeyRecord>,
}

impl Batch {
    /// A change without bytes.
    pub fn plain(change: Change) -> Self {
        Self { change, values: Vec::new(), data_key: None, access_keys: Vec::new() }
    }
}

/// The state of an AccessKey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKeyStatus {
    /// It signs.
    Active,
    /// It is there and does not sign.
    Inactive,
    /// It is gone. A key of the configuration file stays gone after a restart.
    Deleted,
}

impl AccessKeyStatus {
    /// One word, for the database and exports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
            Self::Deleted => "Deleted",
        }
    }
}

impl std::str::FromStr for AccessKeyStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let all = [Self::Active, Self::Inactive, Self::Deleted];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Invalid::not_one_of(text, all.map(Self::as_str)))
    }
}

/// What rotations did to an AccessKey of a RAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKeyRecord {
    /// Its id, unique everywhere.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// The RAM user.
    pub user: String,
    /// Its state.
    pub status: AccessKeyStatus,
    /// When it was made, or first changed.
    pub created: Timestamp,
    /// Whether the user is there for this key only: nobody wrote it down.
    pub own_user: bool,
    /// Its secret, sealed by the root key; `None` for a key of the configuration file.
    pub sealed: Option<Vec<u8>>,
}

/// Which rotations are asked for.
#[derive(Debug, Clone, Copy)]
pub struct RotationsDue {
    /// Those whose date is reached at the service's time,
    pub now: Timestamp,
    /// and those under way whose lease is over at the machine's time.
    pub wall: Timestamp,
    /// The maximum number of rows.
    pub limit: u32,
}

/// A row of ListSecrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSummary {
    /// Name.
    pub name: SecretName,
    /// Kind.
    pub secret_type: SecretType,
    /// Creation.
    pub created: Timestamp,
    /// Last change.
    pub updated: Timestamp,
    /// Planned deletion, while scheduled.
    pub planned_deletion: Option<Timestamp>,
}

/// A page of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The number of matches on all pages.
    pub total: u64,
    /// The rows of the page.
    pub rows: Vec<SecretSummary>,
}

/// One tag of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRow {
    /// The secret.
    pub name: SecretName,
    /// The tag's key.
    pub key: TagKey,
    /// The tag's value.
    pub value: TagValue,
}

/// A used nonce of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedNonce {
    /// A hash of the access key and the nonce.
    pub fingerprint: [u8; 16],
    /// When it was used, by the machine's clock.
    pub seen: Timestamp,
    /// When its signature expires: the signed time plus the allowed skew.
    pub expires: Timestamp,
    /// The principal that signed: the ARN of a root, user or role.
    pub principal: String,
}

/// The state of the table of nonces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNonces {
    /// Incremented by every change of `forgotten`.
    pub revision: u64,
    /// The spans of signed time whose nonces were forgotten, as JSON.
    pub forgotten: Option<String>,
    /// Whether the other nonces still exist. False after a crash of the database emptied the table.
    pub is_whole: bool,
}

/// Which nonces have expired by all clocks. A nonce is removed if it expires before `expired_before` and outside of
/// `near_service`, and if its use was near its signed time (`signed_within_ms`) or is long ago (`moved_before`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedNonces {
    /// Nonces that expire at or after this instant are kept.
    pub expired_before: Timestamp,
    /// Nonces that expire in this half-open interval around the service's clock are kept.
    pub near_service: (Timestamp, Timestamp),
    /// The greatest difference between use and signed time of a nonce that is removed at once, in milliseconds. A nonce
    /// with a greater one was accepted by a moved clock.
    pub signed_within_ms: i64,
    /// Nonces that only a moved clock accepted are removed if they were used before this instant.
    pub moved_before: Timestamp,
    /// The length of a generation, in milliseconds.
    pub generation_ms: i64,
}
