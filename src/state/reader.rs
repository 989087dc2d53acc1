//! What reading a file needs: the server, defaults, and the readers of single fields.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_saphyr::Spanned;

use super::problem::{Place, Problem};
use super::times;
use crate::app::{App, KeysById, Progress};
use crate::crypto::RootKey;
use crate::domain::keys::{Alias, AliasName, Key, KeyOwner};
use crate::domain::limits::DESCRIPTION_CHARS;
use crate::domain::{AccountId, KeyId, ResourcePolicy, Scope, TagKey, TagValue, Tags, Timestamp};
use crate::identities::file::Document;
use crate::store::KeyRecord;

/// Reads a file for one server.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The server.
    pub app: &'a App,
    /// The account and region of items that name none.
    pub scope: Scope,
    /// The time that `now` means.
    pub now: Timestamp,
    /// The root key of the installation that a sealed export comes from.
    pub source: Option<RootKey>,
    /// Whether the file is a seed: it is added to existing data and may name existing keys and aliases.
    pub beside: bool,
    /// Receives the progress.
    pub progress: &'a dyn Progress,
}

pub(super) type Checked<T> = Result<T, Problem>;

impl Reader<'_> {
    /// The account and region of an item.
    pub(super) fn scope_of(
        &self,
        account: Option<&str>,
        region: Option<&str>,
        place: &Place,
    ) -> Checked<Scope> {
        let mut scope = self.scope.clone();
        if let Some(account) = account {
            scope.account = parsed(account, &place.member("account"))?;
        }
        if let Some(region) = region {
            scope.region = parsed(region, &place.member("region"))?;
        }
        Ok(scope)
    }

    /// Reads a time; `or` when the field is absent.
    pub(super) fn time(&self, text: Option<&str>, or: Timestamp, place: &Place) -> Checked<Timestamp> {
        let Some(text) = text else { return Ok(or) };
        let wrong = || place.wrong("neither a time such as 2026-11-24T03:30:00Z nor a distance such as +30d");
        times::read(text, self.now).ok_or_else(wrong)
    }

    pub(super) fn optional_time(&self, text: Option<&str>, place: &Place) -> Checked<Option<Timestamp>> {
        text.map(|text| self.time(Some(text), self.now, place)).transpose()
    }

    /// The service-managed key of a scope: from the file, from the server, or a new one, which is added to the keys.
    pub(super) async fn service_key(&self, scope: &Scope, keys: &mut Keys, place: &Place) -> Checked<KeyId> {
        if let Some(id) = keys.service.get(scope) {
            return Ok(id.clone());
        }
        if self.beside {
            let live = self.app.keys().of(scope).await.map_err(|e| place.failed(&e))?;
            let is_it = |key: &Key| key.owner == KeyOwner::Service;
            if let Some(held) = live.newest_first().iter().find(|held| is_it(held.key())) {
                let id = held.key().id.clone();
                keys.add(held.record().clone());
                return Ok(id);
            }
        }
        let record = self.app.keys().new_service_key(scope).await.map_err(|e| place.failed(&e))?;
        let id = record.key.id.clone();
        keys.add(record);
        Ok(id)
    }
}

/// The keys and aliases of a file, found by their names.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The keys in the order of the file, and after them those that were added.
    pub(super) records: Vec<KeyRecord>,
    /// The aliases in the order of the file.
    pub(super) aliases: Vec<(Scope, Alias)>,
    /// The keys, unwrapped once and not for each secret.
    pub(super) by_id: KeysById,
    service: HashMap<Scope, KeyId>,
    by_alias: HashMap<(Scope, AliasName), KeyId>,
}

impl Keys {
    /// Adds a key. Returns false if the scope has a service-managed key and this is another one.
    pub(super) fn add(&mut self, record: KeyRecord) -> bool {
        let Key { id, scope, owner, .. } = &record.key;
        let second = *owner == KeyOwner::Service
            && self.service.insert(scope.clone(), id.clone()).is_some_and(|other| other != *id);
        self.by_id.add(&record);
        self.records.push(record);
        !second
    }

    /// Adds an alias. Returns false if the scope has one of this name.
    pub(super) fn add_alias(&mut self, scope: Scope, alias: Alias) -> bool {
        let place = (scope.clone(), alias.name.clone());
        let first = self.by_alias.insert(place, alias.key.clone()).is_none();
        self.aliases.push((scope, alias));
        first
    }

    /// The key that an alias names.
    pub(super) fn of_alias(&self, scope: &Scope, name: &AliasName) -> Option<&KeyId> {
        self.by_alias.get(&(scope.clone(), name.clone()))
    }
}

/// The highest revision and the highest number of a version that a file may have.
const MOST_CHANGES: u64 = 1_000_000_000_000_000;

/// A revision; 1 when the field is absent.
pub(super) fn revision(given: Option<u64>, place: &Place) -> Checked<u64> {
    in_range(given.unwrap_or(1), &place.member("revision"))
}

/// A revision or the number of a version.
pub(super) fn in_range(number: u64, place: &Place) -> Checked<u64> {
    if (1..=MOST_CHANGES).contains(&number) {
        Ok(number)
    } else {
        Err(place.wrong(format!("must be from 1 to {MOST_CHANGES}")))
    }
}

/// A description that is not too long.
pub(super) fn description(text: Option<&str>, place: &Place) -> Checked<String> {
    let text = text.unwrap_or_default();
    if text.chars().count() > DESCRIPTION_CHARS {
        return Err(place
            .member("description")
            .wrong(format!("has more than {DESCRIPTION_CHARS} characters")));
    }
    Ok(text.to_owned())
}

/// Parses a text.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, place: &Place) -> Checked<T> {
    text.parse().map_err(|_invalid| place.wrong(format!("\"{text}\" is not valid")))
}

/// Decodes base64.
pub(super) fn base64(text: &str, place: &Place) -> Checked<Vec<u8>> {
    STANDARD.decode(text).map_err(|_invalid| place.wrong("is not base64"))
}

/// Reads tags. Tags of a seed follow the rules of requests; tags of an export (`seed` is false) may come from an earlier
/// release with other rules.
pub(super) fn tags(tags: &BTreeMap<String, String>, seed: bool, place: &Place) -> Checked<Tags> {
    if tags.len() > crate::domain::limits::TAGS_PER_RESOURCE {
        return Err(place.wrong("too many tags"));
    }
    let mut all = Tags::default();
    for (key, value) in tags {
        let place = place.member(key);
        let (name, text) =
            if seed { (key.parse(), value.parse()) } else { (TagKey::stored(key), TagValue::stored(value)) };
        let name = name.map_err(|invalid| place.wrong(format!("the key {invalid}")))?;
        all.set(name, text.map_err(|invalid| place.wrong(format!("the value {invalid}")))?);
    }
    Ok(all)
}

/// Reads the policy of a secret or key of an account.
pub(super) fn policy(
    document: Option<&Document>,
    account: &AccountId,
    place: &Place,
) -> Checked<Option<ResourcePolicy>> {
    let parse = |document: &Document| ResourcePolicy::parse(&document.0, account);
    document.map(parse).transpose().map_err(|error| place.wrong(error.to_string()))
}

/// The place of an item of a list.
pub(super) fn place_of<T>(list: &str, at: usize, item: &Spanned<T>) -> Place {
    Place::new(format!("{list}[{at}]"), item.defined)
}
