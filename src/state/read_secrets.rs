//! The secrets of a file.

use std::collections::HashSet;

use secrecy::ExposeSecret;
use serde_saphyr::Spanned;
use zeroize::Zeroizing;

use super::file::{DataKeyEntry, Password, SecretEntry, StateFile, VersionEntry, secret};
use super::managed::{read_candidate, read_managed};
use super::problem::Place;
use super::reader::{
    Checked, Keys, Reader, base64, description, in_range, parsed, place_of, policy, revision, tags,
};
use crate::app::{AppError, KeysById};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::keys::names::KeyTarget;
use crate::domain::password::{LENGTH, PasswordSpec, generate};
use crate::domain::{
    DataKeyId, DataType, KeyId, Scope, Secret, SecretType, StageLabel, StageMap, Timestamp, Version,
};
use crate::store::{DataKeyRecord, SealedValue, SecretRecord};

/// Reads every secret of a file, with the keys that were read before.
pub(super) async fn secrets(
    reader: &Reader<'_>,
    file: &StateFile,
    keys: &mut Keys,
) -> Checked<Vec<SecretRecord>> {
    let (mut names, mut ids, mut records) = (HashSet::new(), HashSet::new(), Vec::new());
    let total = file.secrets.len();
    for (at, entry) in file.secrets.iter().enumerate() {
        reader.progress.at(at, Some(total));
        let place = place_of("secrets", at, entry);
        if reader.progress.is_abandoned() {
            return Err(place.abandoned());
        }
        let entry = &entry.value;
        let scope = reader.scope_of(entry.account.as_deref(), entry.region.as_deref(), &place)?;
        let encryption_key = match &entry.key {
            None => None,
            Some(key) => Some(key_of(reader, key, &scope, keys, &place.member("key")).await?),
        };
        let sealing = match &encryption_key {
            Some(id) => id.clone(),
            None => reader.service_key(&scope, keys, &place).await?,
        };
        let mut secret = aggregate(reader, entry, scope, encryption_key, &place)?;
        secret.managed = read_managed(reader, entry, &secret, &place)?;
        let candidate = read_candidate(entry, &mut secret, &place)?;
        if !names.insert((secret.scope.clone(), secret.name.clone())) {
            return Err(place.member("name").wrong("is given twice"));
        }
        let record = if entry.data_keys.is_empty() {
            let values = values(reader, entry, &place)?;
            let held =
                keys.by_id.get(&sealing).ok_or_else(|| place.member("key").wrong("there is no such key"))?;
            // Values and key come from the file, so the file is wrong when they do not fit.
            reader.app.sealed(secret, &values, held).map_err(|e| place.wrong(e.to_string()))?
        } else {
            as_sealed(reader, entry, secret, &place)?
        };
        if !ids.insert(record.secret.id.clone()) {
            return Err(place.member("id").wrong("is given twice"));
        }
        let record = SecretRecord { candidate, ..record };
        if !entry.data_keys.is_empty() {
            check_sealed(reader, &record, &keys.by_id, &place)?;
        }
        records.push(record);
    }
    Ok(records)
}

/// Opens every sealed value, unless its key was deleted. What does not open is refused before anything is replaced.
fn check_sealed(reader: &Reader<'_>, record: &SecretRecord, keys: &KeysById, place: &Place) -> Checked<()> {
    let most = reader.app.limits().secret_data_bytes;
    let damaged = |_error| place.wrong("a sealed value or data key does not open: the file was altered");
    let Some(values) = reader.app.values_of(record, keys).map_err(damaged)? else { return Ok(()) };
    for (value, version) in values.iter().zip(&record.secret.versions) {
        if value.is_empty() || value.len() > most {
            return Err(place.wrong(format!("a value has 1 to {most} bytes")));
        }
        if version.data_type == DataType::Text && std::str::from_utf8(value).is_err() {
            return Err(place.wrong("a value of the type text is not UTF-8"));
        }
    }
    let Some(candidate) = &record.candidate else { return Ok(()) };
    let id = candidate.version.clone();
    let created = record.secret.created;
    let version = Version { id, data_type: DataType::Text, created, ordinal: 1 };
    let secret = Secret { versions: vec![version], ..record.secret.clone() };
    let (values, data_keys) = (vec![candidate.clone()], record.data_keys.clone());
    let alone = SecretRecord { secret, values, data_keys, candidate: None };
    reader.app.values_of(&alone, keys).map(drop).map_err(damaged)
}

/// The key of this id or alias: from the file or, for a seed, from the server.
async fn key_of(
    reader: &Reader<'_>,
    name: &str,
    scope: &Scope,
    keys: &mut Keys,
    place: &Place,
) -> Checked<KeyId> {
    let reference: KeyRef = parsed(name, place)?;
    let here = match &reference.target {
        KeyTarget::Id(id) => Some(id.clone()),
        KeyTarget::Alias(name) => keys.of_alias(scope, name).cloned(),
    };
    if let Some(id) = here.as_ref().filter(|id| keys.by_id.get(id).is_some()) {
        return Ok(id.clone());
    }
    if !reader.beside {
        // The key was deleted: an export may still name it, with values that nothing can open.
        return here.ok_or_else(|| place.wrong("there is no such alias"));
    }
    match reader.app.keys().find(scope, &reference).await {
        Ok(held) => {
            let id = held.key().id.clone();
            keys.add(held.record().clone());
            Ok(id)
        }
        Err(AppError::Key(KeyRefusal::NotFound | KeyRefusal::AliasNotFound)) => {
            Err(place.wrong("there is no such key"))
        }
        Err(other) => Err(place.failed(&other)),
    }
}

/// The secret without its values.
fn aggregate(
    reader: &Reader<'_>,
    entry: &SecretEntry,
    scope: Scope,
    encryption_key: Option<KeyId>,
    place: &Place,
) -> Checked<Secret> {
    let created = reader.time(entry.created.as_deref(), reader.now, &place.member("created"))?;
    let updated = reader.time(entry.updated.as_deref(), created, &place.member("updated"))?;
    let (versions, stages) = versions(reader, entry, created, place)?;
    let id = match &entry.id {
        Some(id) => parsed(id, &place.member("id"))?,
        None => reader.app.fresh_secret_id().map_err(|e| place.failed(&e))?,
    };
    let secret_type = match &entry.secret_type {
        None => SecretType::Generic,
        Some(text) => parsed(text, &place.member("type"))?,
    };
    Ok(Secret {
        id,
        name: parsed(&entry.name, &place.member("name"))?,
        secret_type,
        description: description(entry.description.as_deref(), place)?,
        encryption_key,
        created,
        updated,
        planned_deletion: reader
            .optional_time(entry.planned_deletion.as_deref(), &place.member("planned_deletion"))?,
        policy: policy(entry.policy.as_ref(), &scope.account, &place.member("policy"))?,
        versions,
        stages,
        tags: tags(&entry.tags, reader.beside, &place.member("tags"))?,
        managed: None,
        revision: revision(entry.revision, place)?,
        scope,
    })
}

fn versions(
    reader: &Reader<'_>,
    entry: &SecretEntry,
    created: Timestamp,
    place: &Place,
) -> Checked<(Vec<Version>, StageMap)> {
    let limits = reader.app.limits();
    let whole = place.member("versions");
    let labels = entry.versions.iter().map(|version| version.value.stages.len()).sum::<usize>();
    // Before they are read: each version and label is compared with the others.
    if entry.versions.len() > limits.versions_per_secret || labels > limits.labels_per_secret {
        let (versions, labels) = (limits.versions_per_secret, limits.labels_per_secret);
        return Err(whole.wrong(format!("too many versions or labels; there may be {versions} and {labels}")));
    }
    let mut all: Vec<Version> = Vec::new();
    let mut stages = StageMap::default();
    for (at, spanned) in entry.versions.iter().enumerate() {
        let place = version_place(place, at, spanned);
        let version = &spanned.value;
        let data_type = match &version.data_type {
            None => DataType::Text,
            Some(text) => parsed(text, &place.member("type"))?,
        };
        let next = all.last().map_or(1, |last: &Version| last.ordinal + 1);
        let ordinal = in_range(version.ordinal.unwrap_or(next), &place.member("ordinal"))?;
        if ordinal < next {
            return Err(place.member("ordinal").wrong("must be greater than that of the version before"));
        }
        let id = parsed(&version.id, &place.member("id"))?;
        if all.iter().any(|other| other.id == id) {
            return Err(place.member("id").wrong("is given twice"));
        }
        for (n, label) in version.stages.iter().enumerate() {
            let place = place.member(&format!("stages[{n}]"));
            let label: StageLabel = parsed(label, &place)?;
            if stages.version_of(label.as_str()).is_some() {
                return Err(place.wrong("the label is on another version already"));
            }
            stages.set(label, parsed(&version.id, &place)?);
        }
        let created = reader.time(version.created.as_deref(), created, &place.member("created"))?;
        all.push(Version { id, data_type, created, ordinal });
    }
    let Some(last) = all.last() else { return Err(whole.wrong("the secret needs at least one version")) };
    if stages.is_empty() {
        stages.set(StageLabel::current(), last.id.clone());
    }
    if stages.version_of(StageLabel::CURRENT).is_none() {
        return Err(whole.wrong("no version has the label ACSCurrent"));
    }
    Ok((all, stages))
}

pub(super) fn version_place(secret: &Place, at: usize, version: &Spanned<VersionEntry>) -> Place {
    let within = secret.member(&format!("versions[{at}]"));
    within.on_line_of(version.defined)
}

/// The values, in the order of the versions.
fn values(reader: &Reader<'_>, entry: &SecretEntry, place: &Place) -> Checked<Vec<Zeroizing<Vec<u8>>>> {
    let most = reader.app.limits().secret_data_bytes;
    let mut all = Vec::new();
    for (at, spanned) in entry.versions.iter().enumerate() {
        let place = version_place(place, at, spanned);
        let version = &spanned.value;
        let value = match (&version.value, &version.value_from, &version.sealed) {
            #[expect(clippy::disallowed_methods, reason = "a value that is to be sealed")]
            (Some(value), None, None) => Zeroizing::new(secret(value).expose_secret().as_bytes().to_vec()),
            (None, Some(source), None) => {
                let Some(password) = &source.generate else {
                    return Err(place
                        .member("value_from")
                        .wrong("value_from.env and .file work only with `sesame seed` and `serve --seed`"));
                };
                Zeroizing::new(made(reader, password, &place.member("value_from.generate"))?.into_bytes())
            }
            _ => return Err(place.wrong("needs exactly one of value and value_from")),
        };
        if value.is_empty() || value.len() > most {
            return Err(place.member("value").wrong(format!("a value has 1 to {most} bytes")));
        }
        all.push(value);
    }
    Ok(all)
}

fn made(reader: &Reader<'_>, password: &Password, place: &Place) -> Checked<String> {
    let wrong_length = || place.member("length").wrong("must be from 8 to 128");
    let length =
        password.length.map_or(Ok(LENGTH.2), |n| u32::try_from(n).map_err(|_too_long| wrong_length()))?;
    let spec = PasswordSpec {
        length,
        exclude_characters: password.exclude_characters.clone(),
        exclude_lowercase: password.exclude_lowercase,
        exclude_uppercase: password.exclude_uppercase,
        exclude_numbers: password.exclude_numbers,
        exclude_punctuation: password.exclude_punctuation,
        require_each: true,
    };
    generate(&spec, &mut *reader.app.entropy().rng()).map_err(|refusal| place.wrong(refusal.to_string()))
}

/// A secret whose values stay sealed by data keys, which its key wraps.
fn as_sealed(
    reader: &Reader<'_>,
    entry: &SecretEntry,
    secret: Secret,
    place: &Place,
) -> Checked<SecretRecord> {
    let data_key = |(at, entry): (usize, &DataKeyEntry)| {
        let place = place.member(&format!("data_keys[{at}]"));
        Ok(DataKeyRecord {
            id: parsed(&entry.id, &place.member("id"))?,
            key: parsed(&entry.key, &place.member("key"))?,
            key_version: entry.key_version,
            wrapped: base64(&entry.wrapped, &place.member("wrapped"))?,
            created: reader.time(Some(&entry.created), reader.now, &place.member("created"))?,
        })
    };
    let data_keys: Vec<DataKeyRecord> =
        entry.data_keys.iter().enumerate().map(data_key).collect::<Checked<_>>()?;
    let mut ids = HashSet::new();
    if let Some(twice) = data_keys.iter().position(|key| !ids.insert(key.id.as_str())) {
        return Err(place.member(&format!("data_keys[{twice}].id")).wrong("is given twice"));
    }
    let value = |(at, (version, spanned)): (usize, (&Version, &Spanned<VersionEntry>))| {
        let place = version_place(place, at, spanned);
        let (Some(sealed), Some(data_key)) = (&spanned.value.sealed, &spanned.value.data_key) else {
            return Err(place.wrong("needs sealed and data_key, as the secret has data_keys"));
        };
        let data_key: DataKeyId = parsed(data_key, &place.member("data_key"))?;
        if !ids.contains(data_key.as_str()) {
            return Err(place.member("data_key").wrong("is none of data_keys"));
        }
        let sealed = base64(sealed, &place.member("sealed"))?.into();
        Ok(SealedValue { version: version.id.clone(), data_key, sealed })
    };
    let values = secret.versions.iter().zip(&entry.versions).enumerate().map(value);
    let values = values.collect::<Checked<Vec<_>>>()?;
    Ok(SecretRecord { secret, values, data_keys, candidate: None })
}
