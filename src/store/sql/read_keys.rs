//! Reading keys and aliases.

use std::collections::BTreeMap;

use super::dialect::{Dialect, Param};
use super::rows::Row;
use super::sql_store::{SqlStore, rows_on};
use super::statements as sql;
use crate::domain::keys::{Alias, Key, KeyVersion};
use crate::domain::{KeyId, Scope, Tags};
use crate::store::{KeyRecord, ScopeRecord, StoreError};

impl<D: Dialect> SqlStore<D> {
    pub(super) async fn keys_of(&self, scope: &Scope) -> Result<ScopeRecord, StoreError> {
        let params: [Param<'_>; 2] = [scope.account.as_str().into(), scope.region.as_str().into()];
        let mut transaction = self.read_transaction().await?;
        let mut rows = async |table, select| rows_on::<D>(&mut transaction, table, select, &params).await;
        let revision = rows("key_scopes", sql::SCOPE_REVISION).await?;
        let revision = revision.into_iter().next().map_or(Ok(0), |mut row| row.count())?;
        let mut records = Vec::new();
        let mut places = BTreeMap::new();
        for row in rows("keys", sql::LOAD_KEYS).await? {
            let record = bare_key(row, scope)?;
            places.insert(record.key.id.clone(), records.len());
            records.push(record);
        }
        for mut row in rows("key_versions", sql::LOAD_KEY_VERSIONS).await? {
            let Some(record) = of_key(&places, &mut records, &row.parsed()?) else { continue };
            let (number, id) = (row.version()?, row.parsed()?);
            if let Some(material) = row.optional_bytes()? {
                record.material.push((number, material.into()));
                record.key.has_material = true;
            }
            record.key.versions.push(KeyVersion { number, id, created: row.time()? });
        }
        for mut row in rows("key_tags", sql::LOAD_KEY_TAGS).await? {
            let Some(record) = of_key(&places, &mut records, &row.parsed()?) else { continue };
            let (key, value) = row.tag()?;
            record.key.tags.set(key, value);
        }
        let alias = |mut row: Row| Ok(Alias { name: row.parsed()?, key: row.parsed()? });
        let aliases = rows("aliases", sql::LOAD_ALIASES).await?;
        transaction.commit().await?;
        let aliases = aliases.into_iter().map(alias).collect::<Result<_, StoreError>>()?;
        Ok(ScopeRecord { revision, keys: records, aliases })
    }

    pub(super) async fn scopes(
        &self,
        select: &'static str,
        params: &[Param<'_>],
    ) -> Result<Vec<Scope>, StoreError> {
        let rows = self.rows("keys", select, params).await?;
        rows.into_iter().map(|mut row| Ok(Scope { account: row.parsed()?, region: row.parsed()? })).collect()
    }
}

fn of_key<'r>(
    places: &BTreeMap<KeyId, usize>,
    records: &'r mut [KeyRecord],
    id: &KeyId,
) -> Option<&'r mut KeyRecord> {
    records.get_mut(*places.get(id)?)
}

/// A key from its row, without versions and tags.
pub(super) fn bare_key(mut row: Row, scope: &Scope) -> Result<KeyRecord, StoreError> {
    let id = row.parsed()?;
    let (owner, spec, usage) = (row.parsed()?, row.parsed()?, row.parsed()?);
    let (origin, protection, state) = (row.parsed()?, row.parsed()?, row.parsed()?);
    let (description, created, deletion) = (row.text()?, row.time()?, row.optional_time()?);
    let (protected, because) = (row.int()? != 0, row.text()?);
    let protected = protected.then_some(because);
    let (material_expires, rotation_interval_ms) = (row.optional_time()?, row.optional_int()?);
    let (last_rotation, imported) = (row.time()?, row.optional_bytes()?);
    let (policy, revision) = (row.policy(&scope.account)?, row.count()?);
    let key = Key {
        id,
        scope: scope.clone(),
        owner,
        spec,
        usage,
        origin,
        protection,
        state,
        description,
        created,
        deletion,
        protected,
        material_expires,
        rotation_interval_ms,
        last_rotation,
        versions: Vec::new(),
        has_material: false,
        tags: Tags::default(),
        policy,
        revision,
    };
    Ok(KeyRecord { key, material: Vec::new(), imported })
}
