//! What reading a file needs: the server, defaults, and the readers of single fields.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_saphyr::Spanned;

use super::problem::{Place, Problem};
use super::times;
use crate::app::{App, KeysById, Progress};
use crate::crypto::RootKey;
use crate::domain::keys::{Key, KeyOwner};
use crate::domain::{AccountId, KeyId, ResourcePolicy, Scope, TagKey, TagValue, Tags, Timestamp};
use crate::identities::file::Document;
use crate::store::Snapshot;

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

    /// The service-managed key of a scope: from the contents, from the server, or a new one, which is added to the contents.
    pub(super) async fn service_key(
        &self,
        scope: &Scope,
        contents: &mut Snapshot,
        place: &Place,
    ) -> Checked<KeyId> {
        let is_it = |key: &Key| key.owner == KeyOwner::Service && key.scope == *scope;
        if let Some(record) = contents.keys.iter().find(|record| is_it(&record.key)) {
            return Ok(record.key.id.clone());
        }
        if self.beside {
            let live = self.app.keys().of(scope).await.map_err(|e| place.failed(&e))?;
            if let Some(held) = live.newest_first().iter().find(|held| is_it(held.key())) {
                contents.keys.push(held.record().clone());
                return Ok(held.key().id.clone());
            }
        }
        let record = self.app.keys().new_service_key(scope).await.map_err(|e| place.failed(&e))?;
        let id = record.key.id.clone();
        contents.keys.push(record);
        Ok(id)
    }

    /// The keys of the contents, unwrapped.
    pub(super) fn opened(contents: &Snapshot) -> KeysById {
        KeysById::new(&contents.keys)
    }
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
    let mut all = Tags::default();
    for (key, value) in tags {
        let place = place.member(key);
        let (name, text) =
            if seed { (key.parse(), value.parse()) } else { (TagKey::stored(key), TagValue::stored(value)) };
        let name = name.map_err(|invalid| place.wrong(format!("the key {invalid}")))?;
        all.set(name, text.map_err(|invalid| place.wrong(format!("the value {invalid}")))?);
    }
    if all.len() > crate::domain::limits::TAGS_PER_RESOURCE {
        return Err(place.wrong("too many tags"));
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
