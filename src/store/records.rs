//! What goes into and comes out of a store.

use std::sync::Arc;

use crate::domain::keys::{Alias, AliasName, Key, KeyVersionId};
use crate::domain::{
    AccountId, Change, ClockSetting, DataKeyId, KeyId, Secret, SecretName, SecretType, TagKey, TagValue,
    Timestamp, VersionId,
};

/// What a look at a database tells before anything in it is changed.
#[derive(Debug, Default)]
pub struct Probe {
    /// The sealed marker of the root key; none in a new database.
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

/// A data key that goes in with a change.
#[derive(Debug, Clone)]
pub struct NewDataKey {
    /// The key.
    pub record: DataKeyRecord,
    /// The version of the CMK that wraps it. It must be there still: by number alone it may be another one by now, when
    /// everything was replaced meanwhile.
    pub wrapped_by: KeyVersionId,
}

/// A CMK with its wrapped material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The aggregate.
    pub key: Key,
    /// The material of its versions, by number, wrapped by the root key. Versions whose imported material was deleted
    /// have none.
    pub material: Vec<(u32, Arc<[u8]>)>,
    /// What tells imported material from other material, once some was imported.
    pub imported: Option<Vec<u8>>,
}

/// What happens to keys and aliases; each is one transaction.
#[derive(Debug, Clone)]
pub enum KeyChange {
    /// A key is made, or replaced by its next state, which counts the revision up by one.
    Put {
        /// The key as it is afterwards, with the material of all its versions.
        record: Box<KeyRecord>,
    },
    /// A key is gone, with its material, aliases and tags.
    Delete {
        /// The key.
        key: KeyId,
        /// The revision it was decided on.
        on_revision: u64,
    },
    /// An alias stands for this key from now on.
    SetAlias {
        /// The alias.
        alias: Alias,
    },
    /// An alias is gone.
    RemoveAlias {
        /// Its name.
        name: AliasName,
    },
}

impl KeyChange {
    /// Whether material ceases to exist, so that no copy of it may stay in free space.
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
    /// Counts up with every change of a key or alias; 0 before the first.
    pub revision: u64,
    /// The keys, oldest first.
    pub keys: Vec<KeyRecord>,
    /// The aliases, by name.
    pub aliases: Vec<Alias>,
}

/// What all processes on one database must agree on. Each number counts up with every change of what it stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Installation {
    /// Of all keys and aliases of all scopes.
    pub keys: u64,
    /// Of the accounts that are kept.
    pub accounts: u64,
    /// Of the clock.
    pub clock: u64,
    /// Of the rules of faults.
    pub faults: u64,
    /// How the clock is set.
    pub setting: ClockSetting,
}

/// The rules of faults that are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptFaults {
    /// Counts up with every change.
    pub revision: u64,
    /// The rules, as they were written down; none when each process has those of its configuration file.
    pub rules: Option<String>,
}

/// The accounts that are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptAccounts {
    /// Counts up with every change.
    pub revision: u64,
    /// Each with what is known of it, sealed.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
}

/// A change to be persisted, with the bytes that belong to it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The decided change.
    pub change: Change,
    /// The value of the version that the change adds.
    pub value: Option<SealedValue>,
    /// The data key that the value needs, when it is a new one.
    pub data_key: Option<NewDataKey>,
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
    /// All matches, on all pages.
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

/// A nonce of a signed request, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedNonce {
    /// What it is known by.
    pub fingerprint: [u8; 16],
    /// The machine's time of its use.
    pub seen: Timestamp,
    /// When its signature expires: the signed time and the allowed skew.
    pub expires: Timestamp,
    /// Whose it is: the ARN of a root, user or role.
    pub principal: String,
}

/// What is known of nonces as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNonces {
    /// Counts the changes of what was forgotten.
    pub revision: u64,
    /// The spans of signed time whose nonces were forgotten, as JSON.
    pub forgotten: Option<String>,
    /// Whether the others are still there. False after a crash of a database that does not keep them over one.
    pub is_whole: bool,
}

/// Which nonces all clocks have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassedNonces {
    /// Those that expired before this instant,
    pub expired_before: Timestamp,
    /// but not those that expire from the first to before the second instant, which the service's clock is near.
    pub near_service: (Timestamp, Timestamp),
    /// Nonces that were used within so many milliseconds of their signed time, by the machine's clock, are removed;
    pub signed_within_ms: i64,
    /// others, whose signature only a moved clock accepted, if they were used before this instant.
    pub moved_before: Timestamp,
    /// How many milliseconds make a generation.
    pub generation_ms: i64,
}
