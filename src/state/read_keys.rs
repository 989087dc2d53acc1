//! The keys of a file.

use std::sync::Arc;

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::file::{KeyEntry, secret};
use super::problem::Place;
use super::reader::{Checked, Reader, base64, description, parsed, policy, revision, tags};
use super::times;
use crate::domain::keys::{Key, KeyOwner, KeySpec, KeyState, KeyVersion, Origin, ProtectionLevel};
use crate::store::KeyRecord;

/// Reads one key.
pub(super) async fn key(reader: &Reader<'_>, entry: &KeyEntry, place: &Place) -> Checked<KeyRecord> {
    let scope = reader.scope_of(entry.account.as_deref(), entry.region.as_deref(), place)?;
    let named = |text: &Option<String>, name: &str| (text.clone(), place.member(name));
    let spec: KeySpec = or_default(named(&entry.spec, "spec"), KeySpec::Aes256)?;
    let default_usage = spec.usages().first().copied().ok_or_else(|| place.wrong("no usage"))?;
    let usage = or_default(named(&entry.usage, "usage"), default_usage)?;
    if !spec.usages().contains(&usage) {
        return Err(place.member("usage").wrong("does not fit the spec"));
    }
    let origin = or_default(named(&entry.origin, "origin"), Origin::Kms)?;
    let created = reader.time(entry.created.as_deref(), reader.now, &place.member("created"))?;
    let deletion = reader.optional_time(entry.deletion.as_deref(), &place.member("deletion"))?;
    let waiting = origin == Origin::External && entry.material.is_none() && entry.versions.is_empty();
    let usual = if waiting { KeyState::PendingImport } else { KeyState::Enabled };
    let usual = if deletion.is_some() { KeyState::PendingDeletion } else { usual };
    let state = or_default(named(&entry.state, "state"), usual)?;
    if (state == KeyState::PendingDeletion) != deletion.is_some() {
        return Err(place.member("deletion").wrong("goes with the state PendingDeletion"));
    }
    let rotation = entry.rotation.as_deref().map(|text| {
        times::span_ms(text).ok_or_else(|| place.member("rotation").wrong("is not a duration such as 30d"))
    });
    let last = reader.time(entry.last_rotation.as_deref(), created, &place.member("last_rotation"))?;
    let key = Key {
        id: parsed(&entry.id, &place.member("id"))?,
        owner: or_default(named(&entry.owner, "owner"), KeyOwner::User)?,
        spec,
        usage,
        origin,
        protection: or_default(named(&entry.protection, "protection"), ProtectionLevel::Software)?,
        state,
        description: description(entry.description.as_deref(), place)?,
        created,
        deletion,
        protected: entry.deletion_protection.clone(),
        material_expires: reader
            .optional_time(entry.material_expires.as_deref(), &place.member("material_expires"))?,
        rotation_interval_ms: rotation.transpose()?,
        last_rotation: last,
        versions: Vec::new(),
        has_material: !waiting,
        tags: tags(&entry.tags, reader.beside, &place.member("tags"))?,
        policy: policy(entry.policy.as_ref(), &scope.account, &place.member("policy"))?,
        revision: revision(entry.revision, place)?,
        scope,
    };
    with_versions(reader, entry, key, place).await
}

/// Adds the versions and their material. Material that the file does not have is generated.
async fn with_versions(
    reader: &Reader<'_>,
    entry: &KeyEntry,
    mut key: Key,
    place: &Place,
) -> Checked<KeyRecord> {
    let imported =
        entry.imported.as_deref().map(|text| base64(text, &place.member("imported"))).transpose()?;
    for (at, version) in entry.versions.iter().enumerate() {
        let place = place.member(&format!("versions[{at}]"));
        let before = key.versions.last().map_or(0, |version: &KeyVersion| version.number);
        if version.number <= before || i32::try_from(version.number).is_err() {
            return Err(place
                .member("number")
                .wrong("must be from 1, and greater than that of the version before"));
        }
        key.versions.push(KeyVersion {
            number: version.number,
            id: parsed(&version.id, &place.member("id"))?,
            created: reader.time(Some(&version.created), reader.now, &place.member("created"))?,
        });
    }
    if key.versions.is_empty() && key.has_material {
        let id = reader.app.keys().fresh_version_id().map_err(|e| place.failed(&e))?;
        key.versions.push(KeyVersion { number: 1, id, created: key.created });
    }
    let mut material: Vec<(u32, Arc<[u8]>)> = Vec::new();
    if let Some(given) = &entry.material {
        let place = place.member("material");
        #[expect(clippy::disallowed_methods, reason = "material comes in as text")]
        let bytes = base64(secret(given).expose_secret(), &place).map(Zeroizing::new)?;
        let number = key.versions.last().map_or(1, |version| version.number);
        let wrong = |_error| place.wrong("is not valid material for this key spec");
        material.push((number, reader.app.wrapped(&key, number, &bytes).map_err(wrong)?));
    }
    for (at, version) in entry.versions.iter().enumerate() {
        let place = place.member(&format!("versions[{at}]"));
        let bytes = match (&version.material, &version.sealed) {
            (None, None) => continue,
            (Some(given), None) =>
            {
                #[expect(clippy::disallowed_methods, reason = "material comes in as text")]
                base64(secret(given).expose_secret(), &place.member("material")).map(Zeroizing::new)?
            }
            (None, Some(sealed)) => {
                let sealed = base64(sealed, &place.member("sealed"))?;
                let opened = reader.app.unwrapped(&key, version.number, &sealed, reader.source.as_ref());
                opened.map_err(|_e| place.member("sealed").wrong("does not open"))?
            }
            (Some(_), Some(_)) => return Err(place.wrong("material and sealed exclude each other")),
        };
        let wrong = |_error| place.wrong("is not valid material for this key spec");
        material.push((version.number, reader.app.wrapped(&key, version.number, &bytes).map_err(wrong)?));
    }
    key.has_material = !material.is_empty() || (entry.versions.is_empty() && key.has_material);
    let record = KeyRecord { key, material, imported };
    if record.key.has_material && record.material.is_empty() {
        return reader.app.keys().with_fresh_material(record).await.map_err(|e| place.failed(&e));
    }
    Ok(record)
}

fn or_default<T: std::str::FromStr>((text, place): (Option<String>, Place), default: T) -> Checked<T> {
    text.map_or(Ok(default), |text| parsed(&text, &place))
}
