//! Keys that are not in use: those of a file or of a snapshot.

use std::collections::BTreeMap;

use super::held::HeldKey;
use crate::domain::KeyId;
use crate::store::KeyRecord;

/// The keys of a snapshot by id, to open and seal its values with.
#[derive(Debug, Default)]
pub struct KeysById(BTreeMap<KeyId, HeldKey>);

impl KeysById {
    /// The keys of these records.
    pub fn new(records: &[KeyRecord]) -> Self {
        Self(records.iter().map(|record| (record.key.id.clone(), HeldKey::new(record.clone()))).collect())
    }

    /// Adds a key.
    pub fn add(&mut self, record: &KeyRecord) {
        self.0.insert(record.key.id.clone(), HeldKey::new(record.clone()));
    }

    /// The key of this id.
    pub fn get(&self, id: &KeyId) -> Option<&HeldKey> {
        self.0.get(id)
    }
}
