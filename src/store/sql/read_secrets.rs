//! Reading a secret with its versions, labels, tags and data keys.

use super::dialect::Dialect;
use super::managed;
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use crate::domain::{Scope, Secret, SecretName, StageMap, Tags, Version};
use crate::store::{DataKeyRecord, SealedValue, SecretRecord, StoreError};

impl<D: Dialect> SqlStore<D> {
    /// The secret with this name, if there is one.
    pub(super) async fn secret(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<SecretRecord>, StoreError> {
        let params = [scope.account.as_str().into(), scope.region.as_str().into(), name.as_str().into()];
        let (mut secrets, mut parts) = (Vec::with_capacity(1), Vec::new());
        for mut row in self.rows("secrets", sql::LOAD_SECRET, &params).await? {
            match Part::of(&mut row)? {
                None => secrets.push(bare_secret(row, scope.clone(), name.clone())?),
                Some(part) => parts.push((part, row)),
            }
        }
        let Some(secret) = secrets.pop() else { return Ok(None) };
        let mut record = SecretRecord { secret, values: Vec::new(), data_keys: Vec::new(), candidate: None };
        for (part, row) in parts {
            part.add(row, &mut record)?;
        }
        in_order(&mut record);
        Ok(Some(record))
    }
}

/// The kind of a row that belongs to a secret.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Version,
    Label,
    Tag,
    DataKey,
    Managed,
}

impl Part {
    /// The kind of a row of [`sql::LOAD_SECRET`]. `None` is the row of the secret itself.
    fn of(row: &mut Row) -> Result<Option<Self>, StoreError> {
        let part = match row.int()? {
            1 => Self::Version,
            4 => Self::DataKey,
            5 => Self::Managed,
            kind => {
                // Rows of these kinds have NULL in the column of bytes.
                row.optional_bytes()?;
                match kind {
                    0 => return Ok(None),
                    2 => Self::Label,
                    3 => Self::Tag,
                    _ => return Err(row.damaged("a row is of no known kind")),
                }
            }
        };
        Ok(Some(part))
    }

    /// Adds the row to the record. The next cell of the row is the first of the kind's own.
    pub(super) fn add(self, mut row: Row, record: &mut SecretRecord) -> Result<(), StoreError> {
        match self {
            Self::Version => {
                let sealed = row.bytes()?.into();
                let version = Version {
                    id: row.parsed()?,
                    data_type: row.parsed()?,
                    ordinal: row.count()?,
                    created: row.time()?,
                };
                record.values.push(SealedValue {
                    version: version.id.clone(),
                    data_key: row.parsed()?,
                    sealed,
                });
                record.secret.versions.push(version);
            }
            Self::Label => record.secret.stages.set(row.parsed()?, row.parsed()?),
            Self::Tag => {
                let (key, value) = row.tag()?;
                record.secret.tags.set(key, value);
            }
            Self::DataKey => record.data_keys.push(DataKeyRecord {
                wrapped: row.bytes()?,
                id: row.parsed()?,
                key: row.parsed()?,
                key_version: row.version()?,
                created: row.time()?,
            }),
            Self::Managed => return managed::add(row, record),
        }
        Ok(())
    }
}

/// Sorts versions and values by ordinal, and data keys by creation.
pub(super) fn in_order(record: &mut SecretRecord) {
    let mut versions: Vec<_> = record.secret.versions.drain(..).zip(record.values.drain(..)).collect();
    versions.sort_unstable_by_key(|(version, _)| version.ordinal);
    (record.secret.versions, record.values) = versions.into_iter().unzip();
    record.data_keys.sort_by_key(|key| (key.created, key.key_version));
}

/// A secret from its row, whose next cell is the id. Versions, labels and tags are still missing.
pub(super) fn bare_secret(mut row: Row, scope: Scope, name: SecretName) -> Result<Secret, StoreError> {
    Ok(Secret {
        name,
        id: row.parsed()?,
        secret_type: row.parsed()?,
        created: row.time()?,
        updated: row.time()?,
        description: row.text()?,
        encryption_key: row.optional_parsed()?,
        policy: row.policy(&scope.account)?,
        planned_deletion: row.optional_time()?,
        revision: row.count()?,
        scope,
        versions: Vec::new(),
        stages: StageMap::default(),
        tags: Tags::default(),
        managed: None,
    })
}
