//! What is managed of a secret, and AccessKeys that rotations made, as a file has them.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_saphyr::Spanned;

use super::file::{AccessKeyEntry, RotationEntry, SecretEntry, StateFile, written};
use super::problem::Place;
use super::reader::{Checked, Reader, base64, parsed, place_of};
use super::times::exact;
use crate::app::{App, AppError};
use crate::domain::rotation::{ExtendedConfig, Managed, Plan, RotationInterval, Running, Window};
use crate::domain::{AccountId, Secret, SecretType, Timestamp};
use crate::identities::file::{Document, Hidden};
use crate::store::{AccessKeyRecord, SealedValue, SecretRecord};

/// Writes down what is managed of a secret. A rotation under way is in sealed exports only: its value is sealed.
pub(super) fn write_managed(
    record: &SecretRecord,
    is_sealed: bool,
) -> (Option<Document>, Option<RotationEntry>) {
    // Generic secrets get the plan of their rotator where they are imported.
    let managed = record.secret.managed.as_ref().filter(|_| record.secret.secret_type != SecretType::Generic);
    let Some(managed) = managed else { return (None, None) };
    let running = managed.running.as_ref().filter(|_| is_sealed);
    let candidate = record.candidate.as_ref().filter(|_| running.is_some());
    let entry = RotationEntry {
        state: Some(managed.plan.as_str().to_owned()),
        interval: managed.plan.interval().map(|interval| interval.to_string()),
        last: managed.last_rotation.map(exact),
        window: managed.window.as_ref().map(Window::to_text),
        running: running.map(Running::to_text),
        candidate: candidate.map(|value| STANDARD.encode(&value.sealed)),
        candidate_data_key: candidate.map(|value| value.data_key.to_string()),
    };
    (Some(Document(managed.config.to_text())), Some(entry))
}

/// Writes down what rotations did to AccessKeys.
pub(super) fn write_access_keys(
    app: &App,
    keys: &[AccessKeyRecord],
    is_sealed: bool,
) -> Result<Vec<Spanned<AccessKeyEntry>>, AppError> {
    let entry = |key: &AccessKeyRecord| {
        let secret = if is_sealed { None } else { app.directory().open_access_key(key, None)? };
        Ok(written(AccessKeyEntry {
            id: key.id.clone(),
            account: Some(key.account.to_string()),
            user: key.user.clone(),
            status: key.status.as_str().to_owned(),
            created: Some(exact(key.created)),
            own_user: key.own_user,
            sealed: key.sealed.as_ref().filter(|_| secret.is_none()).map(|bytes| STANDARD.encode(bytes)),
            secret,
        }))
    };
    keys.iter().map(entry).collect()
}

/// Reads what is managed of a secret, which has everything else already.
pub(super) fn read_managed(
    reader: &Reader<'_>,
    entry: &SecretEntry,
    secret: &Secret,
    place: &Place,
) -> Checked<Option<Box<Managed>>> {
    let config = place.member("extended_config");
    if secret.secret_type == SecretType::Generic {
        return match entry.rotation {
            Some(_) => Err(place.member("rotation").wrong("is for secrets of other types than Generic")),
            None => Ok(None),
        };
    }
    crate::domain::writes::check_name(secret.secret_type, &secret.name)
        .map_err(|refusal| place.member("name").wrong(refusal.to_string()))?;
    let text = entry.extended_config.as_ref().map(|document| document.0.as_str());
    let config = ExtendedConfig::imported(secret.secret_type, text, &secret.scope.region)
        .map_err(|refusal| config.wrong(refusal.to_string()))?;
    let place = place.member("rotation");
    let none = RotationEntry::default();
    let rotation = entry.rotation.as_ref().unwrap_or(&none);
    let plan = plan(rotation, &place)?;
    let last_rotation = reader.optional_time(rotation.last.as_deref(), &place.member("last"))?;
    let is_readable = |name: &str| place.member(name).wrong("is not what an export holds");
    let window = rotation.window.as_deref().map(|text| Window::from_text(text).ok_or(()));
    let window = window.transpose().map_err(|()| is_readable("window"))?;
    let running = rotation.running.as_deref().map(|text| Running::from_text(text).ok_or(()));
    let running = running.transpose().map_err(|()| is_readable("running"))?.map(|mut running| {
        // Whoever worked at it does so elsewhere; here anybody may go on.
        running.lease.until = Timestamp::from_millis(0);
        running
    });
    let created = secret.created;
    Ok(Some(Box::new(Managed { config, plan, created, last_rotation, running, window })))
}

fn plan(rotation: &RotationEntry, place: &Place) -> Checked<Plan> {
    let interval = match &rotation.interval {
        None => None,
        Some(text) => Some(
            RotationInterval::of_any_length(text)
                .map_err(|invalid| place.member("interval").wrong(invalid.to_string()))?,
        ),
    };
    let usual = if interval.is_some() { "Enabled" } else { "Disabled" };
    let state = rotation.state.as_deref().unwrap_or(usual);
    let wrong =
        || place.member("state").wrong("is not Enabled, Disabled or Invalid, or does not fit interval");
    Plan::stored(state, interval).ok_or_else(wrong)
}

/// Reads the value of a rotation under way.
pub(super) fn read_candidate(
    entry: &SecretEntry,
    secret: &mut Secret,
    place: &Place,
) -> Checked<Option<SealedValue>> {
    let Some(managed) = &mut secret.managed else { return Ok(None) };
    let Some(running) = &mut managed.running else { return Ok(None) };
    let rotation = entry.rotation.as_ref();
    let found = rotation.and_then(|entry| entry.candidate.as_ref().zip(entry.candidate_data_key.as_ref()));
    let Some((sealed, data_key)) = found else {
        running.has_candidate = false;
        return Ok(None);
    };
    let place = place.member("rotation");
    running.has_candidate = true;
    Ok(Some(SealedValue {
        version: running.version.clone(),
        data_key: parsed(data_key, &place.member("candidate_data_key"))?,
        sealed: base64(sealed, &place.member("candidate"))?.into(),
    }))
}

/// Reads what rotations did to AccessKeys.
pub(super) fn read_access_keys(reader: &Reader<'_>, file: &StateFile) -> Checked<Vec<AccessKeyRecord>> {
    let mut all: Vec<AccessKeyRecord> = Vec::new();
    let mut ids = HashSet::new();
    for (at, entry) in file.access_keys.iter().enumerate() {
        let place = place_of("access_keys", at, entry);
        let entry = &entry.value;
        let account: AccountId = match &entry.account {
            None => reader.scope.account.clone(),
            Some(id) => parsed(id, &place.member("account"))?,
        };
        if !ids.insert(entry.id.as_str()) {
            return Err(place.member("id").wrong("is given twice"));
        }
        let mut record = AccessKeyRecord {
            id: entry.id.clone(),
            account,
            user: entry.user.clone(),
            status: parsed(&entry.status, &place.member("status"))?,
            created: reader.time(entry.created.as_deref(), reader.now, &place.member("created"))?,
            own_user: entry.own_user,
            sealed: entry.sealed.as_ref().map(|text| base64(text, &place.member("sealed"))).transpose()?,
        };
        let directory = reader.app.directory();
        let secret = match &entry.secret {
            Some(secret) => Some(secret.clone()),
            None => {
                let opened = directory.open_access_key(&record, reader.source.as_ref());
                opened.map_err(|_closed| place.member("sealed").wrong("does not open"))?
            }
        };
        let seal = |secret: &Hidden| directory.seal_access_key(&record.account, &record.id, secret);
        record.sealed = secret.as_ref().map(seal).transpose().map_err(|e| place.failed(&e))?;
        all.push(record);
    }
    Ok(all)
}
