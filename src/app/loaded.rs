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
    /// The value of the version that a rotation under way will make.
    candidate: Option<SealedValue>,
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
            candidate: record.candidate,
        }
    }

    /// A secret that is being created.
    pub(super) fn created(secret: Secret, values: Vec<SealedValue>, key: DataKey) -> Self {
        Self { secret, values, data_keys: vec![key], candidate: None }
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
        let (of_versions, others): (Vec<_>, Vec<_>) =
            value.into_iter().partition(|v| secret.version(&v.version).is_some());
        let values = kept.chain(of_versions).collect();
        let running = secret.managed.as_deref().and_then(|managed| managed.running.as_ref());
        let is_wanted = |value: &SealedValue| {
            running.is_some_and(|running| running.has_candidate && running.version == value.version)
        };
        let candidate = others.into_iter().next().or_else(|| self.candidate.clone()).filter(is_wanted);
        let data_keys = self.data_keys.iter().cloned().chain(key).collect();
        Some(Self { secret, values, data_keys, candidate })
    }

    pub(super) fn value(&self, version: &VersionId) -> Option<&SealedValue> {
        self.values.iter().find(|v| &v.version == version)
    }

    /// The value of the version that a rotation under way will make.
    pub(super) fn candidate(&self) -> Option<&SealedValue> {
        self.candidate.as_ref()
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
        /// An `ExtendedConfig` of at most 1,024 characters, as a tree, and a rotation under way.
        const MANAGED: usize = 3000;
        let sealed: usize = self.values.iter().map(|v| v.sealed.len() + PER_VERSION).sum();
        let managed = self.secret.managed.as_ref().map_or(0, |_| MANAGED);
        let text = self.secret.description.len() + self.secret.tags.len() * 100 + managed;
        (BASE + sealed + text + self.data_keys.len() * 300) as u64
    }
}
