//! A secret in memory: the aggregate, its sealed values and its data keys.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::crypto::SymmetricKey;
use crate::domain::keys::KeyVersionId;
use crate::domain::{Change, DataKeyId, Secret, VersionId};
use crate::store::{DataKeyRecord, NewDataKey, SealedValue, SecretRecord};

/// A secret as it was loaded from the store, or as it is after a commit.
#[derive(Debug)]
pub struct Loaded {
    /// The aggregate.
    pub secret: Secret,
    values: Vec<SealedValue>,
    data_keys: Vec<DataKey>,
}

/// A data key, unwrapped when first needed.
#[derive(Debug, Clone)]
pub(super) struct DataKey {
    pub(super) record: DataKeyRecord,
    /// The raw key, not the expanded key schedule, which takes 1 KiB and can be recomputed in less than a microsecond.
    pub(super) unwrapped: OnceCell<Arc<SymmetricKey>>,
}

/// A new data key, already unwrapped.
#[derive(Debug, Clone)]
pub(super) struct FreshDataKey {
    pub(super) key: DataKey,
    /// The version of the CMK that wraps it.
    pub(super) wrapped_by: KeyVersionId,
}

impl FreshDataKey {
    pub(super) fn new(record: DataKeyRecord, key: Arc<SymmetricKey>, wrapped_by: KeyVersionId) -> Self {
        Self { key: DataKey { record, unwrapped: OnceCell::new_with(Some(key)) }, wrapped_by }
    }
}

impl From<FreshDataKey> for NewDataKey {
    fn from(fresh: FreshDataKey) -> Self {
        Self { record: fresh.key.record, wrapped_by: fresh.wrapped_by }
    }
}

impl Loaded {
    pub(super) fn new(record: SecretRecord) -> Self {
        let wrapped = |record| DataKey { record, unwrapped: OnceCell::new() };
        Self {
            secret: record.secret,
            values: record.values,
            data_keys: record.data_keys.into_iter().map(wrapped).collect(),
        }
    }

    /// A secret that was just created.
    pub(super) fn created(secret: Secret, value: SealedValue, key: DataKey) -> Self {
        Self { secret, values: vec![value], data_keys: vec![key] }
    }

    /// The secret after a change. `None` if the change removes it.
    pub(super) fn after(
        &self,
        change: &Change,
        value: Option<SealedValue>,
        key: Option<DataKey>,
    ) -> Option<Self> {
        let secret = self.secret.after(change)?;
        let kept = self.values.iter().filter(|v| secret.version(&v.version).is_some()).cloned();
        let values = kept.chain(value).collect();
        let data_keys = self.data_keys.iter().cloned().chain(key).collect();
        Some(Self { secret, values, data_keys })
    }

    pub(super) fn value(&self, version: &VersionId) -> Option<&SealedValue> {
        self.values.iter().find(|v| &v.version == version)
    }

    pub(super) fn data_key(&self, id: &DataKeyId) -> Option<&DataKey> {
        self.data_keys.iter().find(|k| &k.record.id == id)
    }

    /// The newest data key, which new values use while its CMK version is primary.
    pub(super) fn newest_data_key(&self) -> Option<&DataKey> {
        self.data_keys.last()
    }

    /// The memory that it takes, approximately, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        /// Strings, maps and fragmentation of an ordinary secret, as measured.
        const BASE: usize = 2000;
        const PER_VERSION: usize = 200;
        let sealed: usize = self.values.iter().map(|v| v.sealed.len() + PER_VERSION).sum();
        let text = self.secret.description.len() + self.secret.tags.len() * 100;
        (BASE + sealed + text + self.data_keys.len() * 300) as u64
    }
}
