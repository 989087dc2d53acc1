//! Turns the data of a server into a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::file::{
    AccountEntry, DataKeyEntry, KeyEntry, KeyVersionEntry, SealedAccount, SecretEntry, StateFile, VERSION,
    VersionEntry, hidden, written,
};
use super::managed::{write_access_keys, write_managed};
use super::times::exact;
use crate::app::{App, AppError, KeysById, Progress};
use crate::domain::keys::{Alias, KeyOwner};
use crate::domain::{ResourcePolicy, Scope, Tags};
use crate::identities::file::Document;
use crate::store::{KeyRecord, SecretRecord, Snapshot, StoreError};

/// Whether an export is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Values, key material and access keys stay sealed by the root key.
    Sealed,
    /// Everything is in plain text.
    Plaintext,
}

/// Exports accounts, keys and secrets.
///
/// # Errors
/// [`AppError::Crypto`], [`AppError::Damaged`] when stored data cannot be opened.
pub async fn write(
    app: &App,
    contents: &Snapshot,
    form: Form,
    progress: &dyn Progress,
) -> Result<StateFile, AppError> {
    let opened = KeysById::new(&contents.keys);
    let mut file = StateFile { version: Some(VERSION), ..StateFile::default() };
    if form == Form::Sealed {
        file.sealed_with = Some(STANDARD.encode(app.root_marker().await?));
    }
    for (id, sealed) in &contents.accounts {
        file.accounts.push(written(match form {
            Form::Sealed => {
                AccountEntry::Sealed(SealedAccount { id: id.to_string(), sealed: STANDARD.encode(sealed) })
            }
            Form::Plaintext => AccountEntry::Open(app.directory().open_sealed(id, sealed, None)?),
        }));
    }
    for record in &contents.keys {
        file.keys.push(written(key(app, record, &contents.aliases, form)?));
    }
    for (at, record) in contents.secrets.iter().enumerate() {
        progress.at(at, Some(contents.secrets.len()));
        let values = if form == Form::Plaintext { app.values_of(record, &opened)? } else { None };
        let texts =
            values.map(|values| values.iter().map(|value| text(value)).collect::<Result<Vec<_>, _>>());
        file.secrets.push(written(secret(record, texts.transpose()?.as_deref(), form)));
    }
    file.access_keys = write_access_keys(app, &contents.access_keys, form == Form::Sealed)?;
    Ok(file)
}

fn text(value: &[u8]) -> Result<super::file::Hidden, AppError> {
    let text = std::str::from_utf8(value);
    text.map(hidden).map_err(|_invalid| StoreError::Corrupt("a value is no text".to_owned()).into())
}

fn not_blank(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn tags(tags: &Tags) -> std::collections::BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned())).collect()
}

fn policy(policy: Option<&ResourcePolicy>) -> Option<Document> {
    policy.map(|policy| Document(policy.as_str().to_owned()))
}

fn key(app: &App, record: &KeyRecord, aliases: &[(Scope, Alias)], form: Form) -> Result<KeyEntry, AppError> {
    let key = &record.key;
    let opened = if form == Form::Plaintext { app.material_of(record)? } else { Vec::new() };
    let version = |version: &crate::domain::keys::KeyVersion| {
        let number = version.number;
        let wrapped = record.material.iter().find(|(n, _)| *n == number).filter(|_| form == Form::Sealed);
        let plain = opened.iter().find(|(n, _)| *n == number);
        KeyVersionEntry {
            id: version.id.to_string(),
            number,
            created: exact(version.created),
            material: plain.map(|(_, bytes)| hidden(&STANDARD.encode(bytes))),
            sealed: wrapped.map(|(_, bytes)| STANDARD.encode(bytes)),
        }
    };
    let names = aliases.iter().filter(|(scope, alias)| *scope == key.scope && alias.key == key.id);
    Ok(KeyEntry {
        id: key.id.to_string(),
        account: Some(key.scope.account.to_string()),
        region: Some(key.scope.region.to_string()),
        owner: Some(key.owner.as_str().to_owned()).filter(|_| key.owner == KeyOwner::Service),
        spec: Some(key.spec.as_str().to_owned()),
        usage: Some(key.usage.as_str().to_owned()),
        origin: Some(key.origin.as_str().to_owned()),
        protection: Some(key.protection.as_str().to_owned()),
        state: Some(key.state.as_str().to_owned()),
        description: not_blank(&key.description),
        aliases: names.map(|(_, alias)| alias.name.to_string()).collect(),
        tags: tags(&key.tags),
        policy: policy(key.policy.as_ref()),
        created: Some(exact(key.created)),
        deletion: key.deletion.map(exact),
        deletion_protection: key.protected.clone(),
        material_expires: key.material_expires.map(exact),
        rotation: key.rotation_interval_ms.map(|ms| format!("{}s", ms / 1_000)),
        last_rotation: Some(exact(key.last_rotation)),
        imported: record.imported.as_ref().map(|bytes| STANDARD.encode(bytes)),
        material: None,
        versions: key.versions.iter().map(version).collect(),
        revision: Some(key.revision),
    })
}

fn secret(record: &SecretRecord, values: Option<&[super::file::Hidden]>, form: Form) -> SecretEntry {
    let secret = &record.secret;
    let (extended_config, rotation) = write_managed(record, form == Form::Sealed);
    let version = |(at, version): (usize, &crate::domain::Version)| {
        let sealed = record.values.iter().find(|v| v.version == version.id).filter(|_| values.is_none());
        written(VersionEntry {
            id: version.id.to_string(),
            data_type: Some(version.data_type.as_str().to_owned()),
            stages: secret.stages.labels_of(&version.id).map(ToString::to_string).collect(),
            value: values.and_then(|values| values.get(at)).cloned(),
            value_from: None,
            sealed: sealed.map(|value| STANDARD.encode(&value.sealed)),
            data_key: sealed.map(|value| value.data_key.to_string()),
            created: Some(exact(version.created)),
            ordinal: Some(version.ordinal),
        })
    };
    let data_key = |key: &crate::store::DataKeyRecord| DataKeyEntry {
        id: key.id.to_string(),
        key: key.key.to_string(),
        key_version: key.key_version,
        wrapped: STANDARD.encode(&key.wrapped),
        created: exact(key.created),
    };
    SecretEntry {
        name: secret.name.to_string(),
        account: Some(secret.scope.account.to_string()),
        region: Some(secret.scope.region.to_string()),
        secret_type: Some(secret.secret_type.as_str().to_owned()),
        description: not_blank(&secret.description),
        key: secret.encryption_key.as_ref().map(ToString::to_string),
        tags: tags(&secret.tags),
        policy: policy(secret.policy.as_ref()),
        created: Some(exact(secret.created)),
        updated: Some(exact(secret.updated)),
        planned_deletion: secret.planned_deletion.map(exact),
        extended_config,
        rotation,
        versions: secret.versions.iter().enumerate().map(version).collect(),
        id: Some(secret.id.to_string()),
        data_keys: if values.is_none() {
            record.data_keys.iter().map(data_key).collect()
        } else {
            Vec::new()
        },
        revision: Some(secret.revision),
    }
}
