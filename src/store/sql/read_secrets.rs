//! Reading secrets with all that belongs to them.

use super::dialect::Dialect;
use super::rows::Row;
use super::sql_store::SqlStore;
use super::statements as sql;
use crate::domain::{Scope, Secret, SecretName, StageMap, Tags, Version};
use crate::store::{DataKeyRecord, SealedValue, SecretRecord, StoreError};

impl<D: Dialect> SqlStore<D> {
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
        let mut record = SecretRecord { secret, values: Vec::new(), data_keys: Vec::new() };
        for (part, row) in parts {
            part.add(row, &mut record)?;
        }
        in_order(&mut record);
        Ok(Some(record))
    }
}

/// What a row beside the secret's own tells of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Version,
    Label,
    Tag,
    DataKey,
}

impl Part {
    /// The kind of a row of [`sql::LOAD_SECRET`]; none is the secret's own.
    fn of(row: &mut Row) -> Result<Option<Self>, StoreError> {
        let part = match row.int()? {
            1 => Self::Version,
            4 => Self::DataKey,
            kind => {
                // The column of bytes, which these have not.
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

    /// Takes it out of the row, from its first cell on.
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
        }
        Ok(())
    }
}

/// Versions and their values as they were made, data keys as they came into use.
pub(super) fn in_order(record: &mut SecretRecord) {
    let mut versions: Vec<_> = record.secret.versions.drain(..).zip(record.values.drain(..)).collect();
    versions.sort_unstable_by_key(|(version, _)| version.ordinal);
    (record.secret.versions, record.values) = versions.into_iter().unzip();
    record.data_keys.sort_by_key(|key| (key.created, key.key_version));
}

/// The secret's own row, from its id on.
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
    })
}
