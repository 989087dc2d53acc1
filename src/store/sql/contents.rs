//! Reading and writing everything at once: one query per table, whatever the number of secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::dialect::{Connection, Dialect, Param, Session};
use super::read_keys::bare_key;
use super::read_secrets::{Part, bare_secret, in_order};
use super::rows::Row;
use super::{SqlStore, rows_on, statements as sql, write_keys, writer};
use crate::domain::AccountId;
use crate::domain::keys::{Alias, KeyVersion};
use crate::store::{Contents, Instead, KeyRecord, Resealed, SecretRecord, StoreError};

impl<D: Dialect> SqlStore<D> {
    /// Everything of an account, or of all: one consistent look.
    pub(super) async fn all_contents(&self, account: Option<&AccountId>) -> Result<Contents, StoreError> {
        let mut snapshot = self.snapshot().await?;
        let contents = contents_on::<D>(&mut snapshot, account).await?;
        snapshot.commit().await?;
        Ok(contents)
    }
}

async fn contents_on<D: Dialect>(
    connection: &mut Connection<D>,
    account: Option<&AccountId>,
) -> Result<Contents, StoreError> {
    let of = [Param::from(account.map(AccountId::as_str))];
    let mut keys = all_keys::<D>(connection, &of).await?;
    keys.sort_by(|a, b| a.key.id.cmp(&b.key.id));
    let aliases = rows_on::<D>(connection, "aliases", sql::ALL_ALIASES, &of).await?;
    let alias = |mut row: Row| Ok((row.scope()?, Alias { name: row.parsed()?, key: row.parsed()? }));
    let accounts = rows_on::<D>(connection, "accounts", sql::ALL_ACCOUNTS, &of).await?;
    Ok(Contents {
        keys,
        aliases: aliases.into_iter().map(alias).collect::<Result<_, StoreError>>()?,
        secrets: all_secrets::<D>(connection, &of).await?,
        accounts: accounts
            .into_iter()
            .map(|mut row| Ok((row.parsed()?, row.bytes()?)))
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
        records.insert(id, SecretRecord { secret, values: Vec::new(), data_keys: Vec::new() });
    }
    let parts = [
        (Part::Version, "secret_versions", sql::ALL_VERSIONS),
        (Part::Label, "secret_labels", sql::ALL_LABELS),
        (Part::Tag, "tags", sql::ALL_TAGS),
        (Part::DataKey, "data_keys", sql::ALL_DATA_KEYS),
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

/// Puts contents instead of others, inside the writer's transaction.
pub(super) async fn put<S: Session>(
    session: &mut S,
    instead: &Instead,
    contents: &Contents,
) -> Result<(), StoreError> {
    for statement in S::Dialect::LOCK_ALL {
        session.execute(statement, &[]).await?;
    }
    match instead {
        Instead::OfNothing => {}
        Instead::OfAccount(account) => {
            for statement in sql::CLEAR_ACCOUNT {
                session.execute(statement, &[account.as_str().into()]).await?;
            }
        }
        Instead::OfEverything => {
            for statement in sql::CLEAR {
                session.execute(statement, &[]).await?;
            }
        }
    }
    for record in &contents.keys {
        write_keys::insert(session, record).await?;
    }
    for (scope, alias) in &contents.aliases {
        write_keys::put_alias(session, sql::INSERT_ALIAS, scope, alias).await?;
    }
    for record in &contents.secrets {
        insert(session, record).await?;
    }
    for (id, sealed) in &contents.accounts {
        let params = [Param::from(id.as_str()), sealed.as_slice().into()];
        session.execute(sql::INSERT_ACCOUNT, &params).await?;
    }
    if S::Dialect::SHARED { count_all(session, contents).await } else { Ok(()) }
}

/// Counts up whatever other processes compare: nothing that they hold in memory is of these contents.
async fn count_all<S: Session>(session: &mut S, contents: &Contents) -> Result<(), StoreError> {
    let of_keys = contents.keys.iter().map(|record| &record.key.scope);
    for scope in of_keys.chain(contents.aliases.iter().map(|(scope, _)| scope)).collect::<BTreeSet<_>>() {
        let params = [Param::from(scope.account.as_str()), scope.region.as_str().into()];
        session.execute(sql::ADD_SCOPE, &params).await?;
    }
    for statement in sql::COUNT_ALL {
        session.execute(statement, &[]).await?;
    }
    Ok(())
}

/// Everything that belongs to a secret, as it is in the record.
async fn insert<S: Session>(session: &mut S, record: &SecretRecord) -> Result<(), StoreError> {
    let secret = &record.secret;
    writer::insert_secret(session, secret).await?;
    let id = Param::from(secret.id.as_str());
    for key in &record.data_keys {
        writer::put_data_key(session, secret.id.as_str(), key).await?;
    }
    for version in &secret.versions {
        let value = record.values.iter().find(|value| value.version == version.id);
        writer::insert_version(session, secret.id.as_str(), version, value).await?;
    }
    for (label, version) in secret.stages.iter() {
        let params = [id, label.as_str().into(), version.as_str().into()];
        session.execute(sql::SET_LABEL, &params).await?;
    }
    Ok(())
}

/// Replaces everything that the root key seals, inside the writer's transaction.
pub(super) async fn reseal<S: Session>(session: &mut S, resealed: &Resealed) -> Result<(), StoreError> {
    for (key, number, wrapped) in &resealed.material {
        let params = [Param::from(key.as_str()), i64::from(*number).into(), wrapped.as_slice().into()];
        if session.execute(sql::SET_MATERIAL, &params).await? != 1 {
            return Err(StoreError::Conflict);
        }
    }
    for (id, sealed) in &resealed.accounts {
        let params = [Param::from(id.as_str()), sealed.as_slice().into()];
        session.execute(sql::PUT_ACCOUNT, &params).await?;
    }
    for (name, value) in &resealed.meta {
        session.execute(sql::PUT_META, &[Param::from(*name), value.as_slice().into()]).await?;
    }
    Ok(())
}
