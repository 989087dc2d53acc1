//! Seeds: applies a file to a server. Missing items are created, differing items are changed, and equal items are left
//! alone, so that a second run changes nothing. Everything is checked before anything is changed.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::file::{AccountEntry, KeyEntry, SecretEntry, StateFile};
use super::problem::{Cause, Place, Problem};
use super::reader::{Checked, Reader, parsed, place_of, policy, tags};
use crate::app::{App, AppError, KeysById, Loaded, Put};
use crate::crypto::same_bytes;
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::names::KeyTarget;
use crate::domain::keys::{AliasName, Key, KeyRef, KeyState};
use crate::domain::writes::{self, MoveStage};
use crate::domain::{KeyId, Refusal, ResourcePolicy, Scope, Secret, SecretRef, StageLabel, TagKey, TagValue};
use crate::identities::file::AccountFile;
use crate::store::{ReplaceScope, SecretRecord, Snapshot};

/// The result of a seed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The number of created items.
    pub created: usize,
    /// The number of changed items.
    pub changed: usize,
    /// The number of items that needed no change.
    pub unchanged: usize,
}

/// A change of an existing item, which is made after everything was checked.
enum Step {
    Account(AccountFile),
    Key { scope: Scope, id: KeyId, want: KeyWish },
    Secret { scope: Scope, want: SecretWish },
}

/// The changes that a key needs.
#[derive(Debug, Default)]
struct KeyWish {
    description: Option<String>,
    tags: Vec<(TagKey, TagValue)>,
    policy: Option<ResourcePolicy>,
    enabled: Option<bool>,
    aliases: Vec<AliasName>,
}

/// The changes that a secret needs.
#[derive(Debug)]
struct SecretWish {
    secret: SecretRef,
    puts: Vec<(Put, Zeroizing<Vec<u8>>)>,
    moves: Vec<MoveStage>,
    description: Option<String>,
    tags: Vec<(TagKey, TagValue)>,
    policy: Option<ResourcePolicy>,
}

/// The number of attempts while other processes change data.
const ATTEMPTS: u32 = 12;

/// Applies a file to the server. It tries again when another process changes data meanwhile, such as one that starts with
/// the same seed.
///
/// # Errors
/// The first [`Problem`]. Nothing is changed then, unless the server itself fails during the changes.
pub async fn apply(reader: &Reader<'_>, file: &StateFile) -> Checked<Outcome> {
    let whole = whole();
    for _ in 1..ATTEMPTS {
        reader.app.catch_up().await.map_err(|e| whole.failed(&e))?;
        let before = reader.app.last_seen().await;
        let outcome = apply_once(reader, file).await;
        let Err(problem) = &outcome else { return outcome };
        reader.app.catch_up().await.map_err(|e| whole.failed(&e))?;
        // The problem may come from reading partly before and partly after another process's change.
        if problem.cause != Cause::Conflict && reader.app.last_seen().await == before {
            return outcome;
        }
    }
    apply_once(reader, file).await
}

/// The place of a problem that belongs to no item of the file.
fn whole() -> Place {
    Place::new("document".to_owned(), serde_saphyr::Location::UNKNOWN)
}

async fn apply_once(reader: &Reader<'_>, file: &StateFile) -> Checked<Outcome> {
    let mut outcome = Outcome::default();
    let mut steps = Vec::new();
    let mut absent =
        StateFile { version: file.version, sealed_with: file.sealed_with.clone(), ..StateFile::default() };
    for (at, entry) in file.accounts.iter().enumerate() {
        account(reader, &entry.value, &place_of("accounts", at, entry), &mut steps, &mut outcome).await?;
    }
    for (at, entry) in file.keys.iter().enumerate() {
        let place = place_of("keys", at, entry);
        match diff_key(reader, &entry.value, &place).await? {
            Existing::Absent => absent.keys.push(entry.clone()),
            Existing::Unchanged => note(None, &mut steps, &mut outcome),
            Existing::Changed(step) => note(Some(*step), &mut steps, &mut outcome),
        }
    }
    for (at, entry) in file.secrets.iter().enumerate() {
        let place = place_of("secrets", at, entry);
        if reader.progress.is_abandoned() {
            return Err(place.abandoned());
        }
        match present(reader, &entry.value, &place).await? {
            None => absent.secrets.push(entry.clone()),
            Some((scope, loaded)) => {
                let wanted = wanted(reader, file, at).await?;
                let step = secret(reader.app, &entry.value, (&scope, &loaded), wanted, &place).await?;
                note(step, &mut steps, &mut outcome);
            }
        }
    }
    let mut contents = reader.read(&absent).await?;
    // Existing keys were only read to seal values with.
    let mut made = Vec::new();
    for record in contents.keys {
        if reader.app.keys().by_id(&record.key.scope, &record.key.id).await.is_err() {
            made.push(record);
        }
    }
    contents.keys = made;
    let moved = moved_aliases(reader, &mut contents).await?;
    steps.splice(0..0, moved);
    outcome.created += absent.keys.len() + contents.secrets.len();
    let whole = whole();
    if !contents.is_empty() {
        let added = reader.app.put_snapshot(ReplaceScope::Nothing, Arc::new(contents)).await;
        added.map_err(|e| whole.failed(&e))?;
    }
    for step in steps {
        carry_out(reader.app, step).await.map_err(|e| whole.wrong(e))?;
    }
    Ok(outcome)
}

/// Takes out of the contents the aliases that exist and point to other keys. They are moved once their new keys exist.
async fn moved_aliases(reader: &Reader<'_>, contents: &mut Snapshot) -> Checked<Vec<Step>> {
    let mut steps = Vec::new();
    let mut added = Vec::new();
    for (scope, alias) in std::mem::take(&mut contents.aliases) {
        let live = reader.app.keys().of(&scope).await.map_err(|e| whole().failed(&e))?;
        if live.aliases().iter().any(|other| other.name == alias.name) {
            let want = KeyWish { aliases: vec![alias.name], ..KeyWish::default() };
            steps.push(Step::Key { scope, id: alias.key, want });
        } else {
            added.push((scope, alias));
        }
    }
    contents.aliases = added;
    Ok(steps)
}

fn note(step: Option<Step>, steps: &mut Vec<Step>, outcome: &mut Outcome) {
    match step {
        None => outcome.unchanged += 1,
        Some(step) => {
            outcome.changed += 1;
            steps.push(step);
        }
    }
}

async fn account(
    reader: &Reader<'_>,
    entry: &AccountEntry,
    place: &Place,
    steps: &mut Vec<Step>,
    outcome: &mut Outcome,
) -> Checked<()> {
    let AccountEntry::Open(file) = entry else { return Err(place.wrong("a seed holds open accounts")) };
    let directory = reader.app.directory();
    if directory.is_declared(&file.id) {
        return Err(place.member("id").wrong("the account is in the configuration file"));
    }
    directory.check(std::slice::from_ref(file)).map_err(|error| place.wrong(error.to_string()))?;
    match directory.holds(file).await {
        Some(true) => outcome.unchanged += 1,
        Some(false) => {
            outcome.changed += 1;
            steps.push(Step::Account(file.clone()));
        }
        None => {
            outcome.created += 1;
            steps.push(Step::Account(file.clone()));
        }
    }
    Ok(())
}

/// An entry of the file compared with the server.
enum Existing {
    /// The server has no such item.
    Absent,
    /// The server has the item as the file wants it.
    Unchanged,
    /// The server has the item and the step changes it.
    Changed(Box<Step>),
}

/// Compares a key of the file with the server.
async fn diff_key(reader: &Reader<'_>, entry: &KeyEntry, place: &Place) -> Checked<Existing> {
    let scope = reader.scope_of(entry.account.as_deref(), entry.region.as_deref(), place)?;
    let id: KeyId = parsed(&entry.id, &place.member("id"))?;
    let live = reader.app.keys().of(&scope).await.map_err(|e| place.failed(&e))?;
    let Ok(held) = reader.app.keys().by_id(&scope, &id).await else { return Ok(Existing::Absent) };
    let key = held.key();
    for (name, given, present) in [
        ("spec", &entry.spec, key.spec.as_str()),
        ("usage", &entry.usage, key.usage.as_str()),
        ("origin", &entry.origin, key.origin.as_str()),
    ] {
        if given.as_deref().is_some_and(|given| given != present) {
            return Err(place.member(name).wrong(format!("the key already exists with {name} {present}")));
        }
    }
    let mut want = KeyWish {
        description: entry.description.clone().filter(|text| *text != key.description),
        ..KeyWish::default()
    };
    let tags = tags(&entry.tags, true, &place.member("tags"))?;
    want.tags = differing(&tags, |name| key.tags.get(name));
    let policy = policy(entry.policy.as_ref(), &scope.account, &place.member("policy"))?;
    want.policy = policy.filter(|policy| key.policy.as_ref() != Some(policy));
    want.enabled = match (entry.state.as_deref(), key.state) {
        (Some("Enabled"), KeyState::Disabled) => Some(true),
        (Some("Disabled"), KeyState::Enabled) => Some(false),
        _ => None,
    };
    for (n, name) in entry.aliases.iter().enumerate() {
        let name: AliasName = parsed(name, &place.member(&format!("aliases[{n}]")))?;
        if !live.aliases().iter().any(|alias| alias.name == name && alias.key == id) {
            want.aliases.push(name);
        }
    }
    let same = want.description.is_none() && want.policy.is_none() && want.enabled.is_none();
    let same = same && want.tags.is_empty() && want.aliases.is_empty();
    Ok(if same { Existing::Unchanged } else { Existing::Changed(Box::new(Step::Key { scope, id, want })) })
}

fn differing<'a>(
    wanted: &crate::domain::Tags,
    present: impl Fn(&TagKey) -> Option<&'a TagValue>,
) -> Vec<(TagKey, TagValue)> {
    let differs = |(key, value): &(&TagKey, &TagValue)| present(key) != Some(*value);
    wanted.iter().filter(differs).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The secret, if it exists.
async fn present(
    reader: &Reader<'_>,
    entry: &SecretEntry,
    place: &Place,
) -> Checked<Option<(Scope, Arc<Loaded>)>> {
    let scope = reader.scope_of(entry.account.as_deref(), entry.region.as_deref(), place)?;
    let secret = SecretRef { scope: None, name: parsed(&entry.name, &place.member("name"))? };
    match reader.app.find(&scope, &secret).await {
        Ok(loaded) => Ok(Some((scope, loaded))),
        Err(AppError::Refused(Refusal::SecretNotFound)) => Ok(None),
        Err(other) => Err(place.failed(&other)),
    }
}

/// The state that the file wants of an existing secret, with its values.
async fn wanted(
    reader: &Reader<'_>,
    file: &StateFile,
    at: usize,
) -> Checked<(SecretRecord, Vec<Zeroizing<Vec<u8>>>)> {
    let place = Place::new(format!("secrets[{at}]"), serde_saphyr::Location::UNKNOWN);
    // Without the keys of the file: those that exist are found in the server, and the others do not exist yet.
    let secrets = file.secrets.get(at).cloned().into_iter().collect();
    let alone = StateFile { secrets, ..StateFile::default() };
    let mut contents = reader.read(&alone).await.map_err(|problem| at_index(problem, at))?;
    let record = contents.secrets.pop().ok_or_else(|| place.wrong("the secret was not read"))?;
    let values =
        reader.app.values_of(&record, &KeysById::new(&contents.keys)).map_err(|e| place.failed(&e))?;
    Ok((record, values.ok_or_else(|| place.wrong("its key has no material"))?))
}

/// Corrects the index of a problem: the secret was read alone.
fn at_index(problem: Problem, at: usize) -> Problem {
    Problem { field: problem.field.replacen("secrets[0]", &format!("secrets[{at}]"), 1), ..problem }
}

/// The changes of an existing secret.
async fn secret(
    app: &App,
    entry: &SecretEntry,
    (scope, loaded): (&Scope, &Loaded),
    (want, values): (SecretRecord, Vec<Zeroizing<Vec<u8>>>),
    place: &Place,
) -> Checked<Option<Step>> {
    let live = &loaded.secret;
    if live.planned_deletion.is_some() {
        return Err(place.wrong("the secret is scheduled for deletion"));
    }
    if entry.key.is_some() && live.encryption_key != want.secret.encryption_key {
        return Err(place.member("key").wrong("the secret already exists, encrypted with another key"));
    }
    let mut wish = SecretWish {
        secret: SecretRef { scope: None, name: live.name.clone() },
        puts: Vec::new(),
        moves: Vec::new(),
        description: entry.description.clone().filter(|text| *text != live.description),
        tags: differing(&want.secret.tags, |name| live.tags.get(name)),
        policy: want.secret.policy.clone().filter(|policy| live.policy.as_ref() != Some(policy)),
    };
    // The versions of a managed secret are its rotations': a seed makes them only where there is none.
    let is_written = live.secret_type == crate::domain::SecretType::Generic;
    let versions = want.secret.versions.iter().zip(values).enumerate();
    for (at, (version, value)) in versions.filter(|_| is_written) {
        let place = place.member(&format!("versions[{at}]"));
        let made = entry.versions.get(at).is_some_and(|version| version.value.value.is_none());
        match live.version(&version.id) {
            Some(there) => {
                let stored = app.value(loaded, there).await.map_err(|e| place.failed(&e))?;
                let same = there.data_type == version.data_type && same_bytes(&stored, &value);
                if !same && !made {
                    return Err(place.member("value").wrong("the version already exists with another value"));
                }
            }
            None => {
                let stages: Vec<StageLabel> = want.secret.stages.labels_of(&version.id).cloned().collect();
                if stages.is_empty() {
                    return Err(place.member("stages").wrong("a version that is added needs a label"));
                }
                let put = Put { version: version.id.clone(), data_type: version.data_type, stages };
                wish.puts.push((put, value));
            }
        }
    }
    // Labels that the file does not mention stay where they are.
    if is_written && entry.versions.iter().any(|version| !version.value.stages.is_empty()) {
        wish.moves = moves(live, &want.secret, &wish.puts);
    }
    let same = wish.puts.is_empty() && wish.moves.is_empty() && wish.tags.is_empty();
    let same = same && wish.description.is_none() && wish.policy.is_none();
    Ok((!same).then_some(Step::Secret { scope: scope.clone(), want: wish }))
}

/// The labels that have to move. New versions bring their own labels.
fn moves(live: &Secret, want: &Secret, puts: &[(Put, Zeroizing<Vec<u8>>)]) -> Vec<MoveStage> {
    let by_put = |label: &StageLabel| puts.iter().any(|(put, _)| put.stages.contains(label));
    let elsewhere = want
        .stages
        .iter()
        .filter(|(label, version)| live.stages.version_of(label.as_str()) != Some(version) && !by_put(label));
    let step = |(label, version): (&StageLabel, &crate::domain::VersionId)| MoveStage {
        label: label.clone(),
        remove_from: live.stages.version_of(label.as_str()).cloned(),
        move_to: Some(version.clone()),
    };
    // ACSCurrent first: moving it also moves ACSPrevious, which the file may then place elsewhere.
    let mut moves: Vec<MoveStage> = elsewhere.map(step).collect();
    moves.sort_by_key(|step| step.label.as_str() != StageLabel::CURRENT);
    moves
}

async fn carry_out(app: &App, step: Step) -> Result<(), String> {
    match step {
        Step::Account(file) => app.directory().put(file).await.map_err(|e| e.to_string()),
        Step::Key { scope, id, want } => change_key(app, &scope, &id, want).await.map_err(|e| e.to_string()),
        Step::Secret { scope, want } => change_secret(app, &scope, want).await.map_err(|e| e.to_string()),
    }
}

async fn change_key(app: &App, scope: &Scope, id: &KeyId, want: KeyWish) -> Result<(), AppError> {
    let reference = KeyRef { scope: None, target: KeyTarget::Id(id.clone()) };
    let change = |key: &Key| -> Result<Key, KeyRefusal> {
        let mut next = key.clone();
        if let Some(text) = &want.description {
            next = decisions::describe(&next, text.clone())?;
        }
        if !want.tags.is_empty() {
            next = decisions::tag(&next, &want.tags)?;
        }
        if let Some(policy) = &want.policy {
            next = decisions::set_policy(&next, policy.clone())?;
        }
        if let Some(enabled) = want.enabled {
            next = decisions::set_enabled(&next, enabled)?;
        }
        next.revision = key.revision + 1;
        Ok(next)
    };
    let same = want.description.is_none() && want.policy.is_none() && want.enabled.is_none();
    if !(same && want.tags.is_empty()) {
        app.keys().change(scope, &reference, change).await?;
    }
    for name in want.aliases {
        match app.keys().create_alias(scope, name.clone(), id).await {
            Err(AppError::Key(KeyRefusal::AliasExists)) => app.keys().update_alias(scope, name, id).await?,
            other => other?,
        }
    }
    Ok(())
}

async fn change_secret(app: &App, scope: &Scope, want: SecretWish) -> Result<(), AppError> {
    for (put, value) in &want.puts {
        app.put(scope, &want.secret, put, value).await?;
    }
    for step in want.moves {
        let decide = |secret: &Secret, now| {
            // An earlier step may have moved the label.
            let remove_from = secret.stages.version_of(step.label.as_str()).cloned();
            let step = MoveStage { remove_from, ..step.clone() };
            if step.remove_from == step.move_to {
                Ok(None)
            } else {
                writes::move_stage(secret, &step, app.limits(), now)
            }
        };
        app.change(scope, &want.secret, decide).await?;
    }
    if want.description.is_some() {
        let decide =
            |secret: &Secret, now| writes::update(secret, want.description.clone(), None, now).map(Some);
        app.change(scope, &want.secret, decide).await?;
    }
    if !want.tags.is_empty() {
        let decide = |secret: &Secret, _now| writes::tag(secret, want.tags.clone()).map(Some);
        app.change(scope, &want.secret, decide).await?;
    }
    if let Some(policy) = want.policy {
        let decide = |secret: &Secret, _now| writes::set_policy(secret, policy.clone()).map(Some);
        app.change(scope, &want.secret, decide).await?;
    }
    Ok(())
}
