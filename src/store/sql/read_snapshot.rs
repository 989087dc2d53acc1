//! Reading a snapshot: one query per table, whatever the number of secrets.

use std::collections::BTreeMap;

use super::dialect::{Connection, Dialect, Param};
use super::managed::access_key;
use super::read_keys::bare_key;
use super::read_secrets::{Part, bare_secret, in_order};
use super::rows::Row;
use super::sql_store::{SqlStore, rows_on};
use super::statements as sql;
use crate::domain::AccountId;
use crate::domain::keys::{Alias, KeyVersion};
use crate::store::{KeyRecord, SecretRecord, Snapshot, StoreError};

impl<D: Dialect> SqlStore<D> {
    /// Everything of one account, or of all accounts, as of one instant.
    pub(super) async fn whole_snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, StoreError> {
        let mut transaction = self.read_transaction().await?;
        let snapshot = snapshot_on::<D>(&mut transaction, account).await?;
        transaction.commit().await?;
        Ok(snapshot)
    }
}

async fn snapshot_on<D: Dialect>(
    connection: &mut Connection<D>,
    account: Option<&AccountId>,
) -> Result<Snapshot, StoreError> {
    let of = [Param::from(account.map(AccountId::as_str))];
    let mut keys = all_keys::<D>(connection, &of).await?;
    keys.sort_by(|a, b| a.key.id.cmp(&b.key.id));
    let aliases = rows_on::<D>(connection, "aliases", sql::ALL_ALIASES, &of).await?;
    let alias = |mut row: Row| Ok((row.scope()?, Alias { name: row.parsed()?, key: row.parsed()? }));
    let accounts = rows_on::<D>(connection, "accounts", sql::ALL_ACCOUNTS, &of).await?;
    Ok(Snapshot {
        keys,
        aliases: aliases.into_iter().map(alias).collect::<Result<_, StoreError>>()?,
        secrets: all_secrets::<D>(connection, &of).await?,
        accounts: accounts
            .into_iter()
            .map(|mut row| Ok((row.parsed()?, row.bytes()?)))
            .collect::<Result<_, StoreError>>()?,
        access_keys: rows_on::<D>(connection, "access_keys", sql::ALL_ACCESS_KEYS, &of)
            .await?
            .into_iter()
            .map(access_key)
            .collect::<Result<_, StoreError>>()?,
    })
}

async fn all_keys<D: Dialect>(
    connection: &mut Connection<D>,
    of: &[Param<'_>],
) -> Result<Vec<KeyRecord>, StoreError> {
    let mut records = BTreeMap::new();
    for mut row in rows_on::<D>(connection, "keys", sql::ALL_KEYS, of).await? {
        let scope = row.scope()?;
        let record = bare_key(row, &scope)?;
        records.insert(record.key.id.as_str().to_owned(), record);
    }
    for mut row in rows_on::<D>(connection, "key_versions", sql::ALL_KEY_VERSIONS, of).await? {
        let Some(record) = records.get_mut(&row.text()?) else { continue };
        let (number, id) = (row.version()?, row.parsed()?);
        if let Some(material) = row.optional_bytes()? {
            record.material.push((number, material.into()));
            record.key.has_material = true;
        }
        record.key.versions.push(KeyVersion { number, id, created: row.time()? });
    }
    for mut row in rows_on::<D>(connection, "key_tags", sql::ALL_KEY_TAGS, of).await? {
        let Some(record) = records.get_mut(&row.text()?) else { continue };
        let (key, value) = row.tag()?;
        record.key.tags.set(key, value);
    }
    Ok(records.into_values().collect())
}

async fn all_secrets<D: Dialect>(
    connection: &mut Connection<D>,
    of: &[Param<'_>],
) -> Result<Vec<SecretRecord>, StoreError> {
    let mut records = BTreeMap::new();
    for mut row in rows_on::<D>(connection, "secrets", sql::ALL_SECRETS, of).await? {
        let (scope, name) = row.place()?;
        let secret = bare_secret(row, scope, name)?;
        let id = secret.id.as_str().to_owned();
        records
            .insert(id, SecretRecord { secret, values: Vec::new(), data_keys: Vec::new(), candidate: None });
    }
    let parts = [
        (Part::Version, "secret_versions", sql::ALL_VERSIONS),
        (Part::Label, "secret_labels", sql::ALL_LABELS),
        (Part::Tag, "tags", sql::ALL_TAGS),
        (Part::DataKey, "data_keys", sql::ALL_DATA_KEYS),
        (Part::Managed, "managed_secrets", sql::ALL_MANAGED),
    ];
    for (part, table, select) in parts {
        for mut row in rows_on::<D>(connection, table, select, of).await? {
            let Some(record) = records.get_mut(&row.text()?) else { continue };
            part.add(row, record)?;
        }
    }
    let mut records: Vec<SecretRecord> = records.into_values().collect();
    records.iter_mut().for_each(in_order);
    records.sort_by(|a, b| (&a.secret.scope, &a.secret.name).cmp(&(&b.secret.scope, &b.secret.name)));
    Ok(records)
}
