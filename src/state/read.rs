//! From a file to what a server can hold. Everything is checked before anything is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde_saphyr::Spanned;
use zeroize::Zeroizing;

use super::file::{AccountEntry, KeyEntry, StateFile, VERSION, secret};
use super::problem::{Place, Problem};
use super::times;
use crate::app::{App, KeysById, Progress};
use crate::crypto::RootKey;
use crate::domain::keys::{Alias, AliasName, Key, KeyOwner, KeySpec, KeyState, KeyVersion, Origin};
use crate::domain::{AccountId, ResourcePolicy, Scope, TagKey, TagValue, Tags, Timestamp};
use crate::identities::file::{AccountFile, Document};
use crate::store::{KeyRecord, Snapshot};

/// What a file is read for.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The server.
    pub app: &'a App,
    /// Account and region of what names none.
    pub scope: Scope,
    /// What `now` is.
    pub now: Timestamp,
    /// The root key of a sealed export of another installation.
    pub source: Option<RootKey>,
    /// Whether the file is a seed, beside what is there already, whose keys and aliases may be named.
    pub beside: bool,
    /// Who is told of each secret.
    pub progress: &'a dyn Progress,
}

type Checked<T> = Result<T, Problem>;

impl Reader<'_> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub async fn read(&self, file: &StateFile) -> Checked<Snapshot> {
        self.check_head(file).await?;
        let mut contents = Snapshot { accounts: self.accounts(file)?, ..Snapshot::default() };
        for (at, entry) in file.keys.iter().enumerate() {
            let place = Place::new(format!("keys[{at}]"), entry.defined);
            let record = self.key(&entry.value, &place).await?;
            if contents.keys.iter().any(|other| other.key.id == record.key.id) {
                return Err(place.member("id").wrong("is given twice"));
            }
            for (n, name) in entry.value.aliases.iter().enumerate() {
                let place = place.member(&format!("aliases[{n}]"));
                let name: AliasName = parsed(name, &place)?;
                let alias = Alias { name, key: record.key.id.clone() };
                if contents
                    .aliases
                    .iter()
                    .any(|(scope, other)| *scope == record.key.scope && other.name == alias.name)
                {
                    return Err(place.wrong("is given twice"));
                }
                contents.aliases.push((record.key.scope.clone(), alias));
            }
            contents.keys.push(record);
        }
        super::read_secrets::secrets(self, file, &mut contents).await?;
        Ok(contents)
    }

    async fn check_head(&self, file: &StateFile) -> Checked<()> {
        let whole = Place::new("version".to_owned(), serde_saphyr::Location::UNKNOWN);
        if file.version.is_some_and(|version| version != VERSION) {
            return Err(whole.wrong("this version of the format is not known"));
        }
        let Some(marker) = &file.sealed_with else { return Ok(()) };
        let place = Place::new("sealed_with".to_owned(), serde_saphyr::Location::UNKNOWN);
        let marker = base64(marker, &place)?;
        let opens = match &self.source {
            Some(source) => source.check_marker(&marker).is_ok(),
            None => {
                self.app.root_marker().await.map_err(|e| place.failed(&e))? == marker
                    || self.app.opens(&marker)
            }
        };
        if opens { Ok(()) } else { Err(place.wrong("the file was sealed with another root key")) }
    }

    fn accounts(&self, file: &StateFile) -> Checked<Vec<(AccountId, Vec<u8>)>> {
        let mut files: Vec<AccountFile> = Vec::new();
        let mut sealed = Vec::new();
        for (at, entry) in file.accounts.iter().enumerate() {
            let place = Place::new(format!("accounts[{at}]"), entry.defined);
            let account = match &entry.value {
                AccountEntry::Open(file) => file.clone(),
                AccountEntry::Sealed(account) => {
                    let id: AccountId = parsed(&account.id, &place.member("id"))?;
                    let bytes = base64(&account.sealed, &place.member("sealed"))?;
                    let opened = self.app.directory().open_sealed(&id, &bytes, self.source.as_ref());
                    opened.map_err(|e| place.failed(&e))?
                }
            };
            let id: AccountId = parsed(&account.id, &place.member("id"))?;
            files.push(account.clone());
            self.app.directory().check(&files).map_err(|error| place.wrong(error.to_string()))?;
            sealed.push((id, self.app.directory().seal(&account).map_err(|e| place.failed(&e))?));
        }
        Ok(sealed)
    }

    /// Account and region of an item.
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

    /// A time; `or` when there is none.
    pub(super) fn time(&self, text: Option<&str>, or: Timestamp, place: &Place) -> Checked<Timestamp> {
        let Some(text) = text else { return Ok(or) };
        let wrong = || place.wrong("neither a time such as 2026-11-24T03:30:00Z nor a distance such as +30d");
        times::read(text, self.now).ok_or_else(wrong)
    }

    pub(super) fn optional_time(&self, text: Option<&str>, place: &Place) -> Checked<Option<Timestamp>> {
        text.map(|text| self.time(Some(text), self.now, place)).transpose()
    }

    async fn key(&self, entry: &KeyEntry, place: &Place) -> Checked<KeyRecord> {
        let scope = self.scope_of(entry.account.as_deref(), entry.region.as_deref(), place)?;
        let named = |text: &Option<String>, name: &str| (text.clone(), place.member(name));
        let spec: KeySpec = or_default(named(&entry.spec, "spec"), KeySpec::Aes256)?;
        let default_usage = spec.usages().first().copied().ok_or_else(|| place.wrong("no usage"))?;
        let usage = or_default(named(&entry.usage, "usage"), default_usage)?;
        if !spec.usages().contains(&usage) {
            return Err(place.member("usage").wrong("does not fit the spec"));
        }
        let origin = or_default(named(&entry.origin, "origin"), Origin::Kms)?;
        let created = self.time(entry.created.as_deref(), self.now, &place.member("created"))?;
        let deletion = self.optional_time(entry.deletion.as_deref(), &place.member("deletion"))?;
        let waiting = origin == Origin::External && entry.material.is_none() && entry.versions.is_empty();
        let usual = if waiting { KeyState::PendingImport } else { KeyState::Enabled };
        let usual = if deletion.is_some() { KeyState::PendingDeletion } else { usual };
        let state = or_default(named(&entry.state, "state"), usual)?;
        if (state == KeyState::PendingDeletion) != deletion.is_some() {
            return Err(place.member("deletion").wrong("goes with the state PendingDeletion"));
        }
        let rotation = entry.rotation.as_deref().map(|text| {
            times::span_ms(text).ok_or_else(|| place.member("rotation").wrong("no span such as 30d"))
        });
        let last = self.time(entry.last_rotation.as_deref(), created, &place.member("last_rotation"))?;
        let key = Key {
            id: parsed(&entry.id, &place.member("id"))?,
            owner: or_default(named(&entry.owner, "owner"), KeyOwner::User)?,
            spec,
            usage,
            origin,
            protection: or_default(
                named(&entry.protection, "protection"),
                crate::domain::keys::ProtectionLevel::Software,
            )?,
            state,
            description: entry.description.clone().unwrap_or_default(),
            created,
            deletion,
            protected: entry.deletion_protection.clone(),
            material_expires: self
                .optional_time(entry.material_expires.as_deref(), &place.member("material_expires"))?,
            rotation_interval_ms: rotation.transpose()?,
            last_rotation: last,
            versions: Vec::new(),
            has_material: !waiting,
            tags: tags(&entry.tags, self.beside, &place.member("tags"))?,
            policy: policy(entry.policy.as_ref(), &scope.account, &place.member("policy"))?,
            revision: entry.revision.unwrap_or(1).max(1),
            scope,
        };
        self.with_versions(entry, key, place).await
    }

    /// The key with its versions and their material, which is made when the file has none.
    async fn with_versions(&self, entry: &KeyEntry, mut key: Key, place: &Place) -> Checked<KeyRecord> {
        let imported =
            entry.imported.as_deref().map(|text| base64(text, &place.member("imported"))).transpose()?;
        for (at, version) in entry.versions.iter().enumerate() {
            let place = place.member(&format!("versions[{at}]"));
            key.versions.push(KeyVersion {
                number: version.number,
                id: parsed(&version.id, &place.member("id"))?,
                created: self.time(Some(&version.created), self.now, &place.member("created"))?,
            });
        }
        if key.versions.is_empty() && key.has_material {
            let id = self.app.keys().fresh_version_id().map_err(|e| place.failed(&e))?;
            key.versions.push(KeyVersion { number: 1, id, created: key.created });
        }
        let mut material: Vec<(u32, Arc<[u8]>)> = Vec::new();
        if let Some(given) = &entry.material {
            let place = place.member("material");
            #[expect(clippy::disallowed_methods, reason = "material comes in as text")]
            let bytes = base64(secret(given).expose_secret(), &place).map(Zeroizing::new)?;
            let number = key.versions.last().map_or(1, |version| version.number);
            let wrong = |_error| place.wrong("is no material of this kind of key");
            material.push((number, self.app.wrapped(&key, number, &bytes).map_err(wrong)?));
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
                    let opened = self.app.unwrapped(&key, version.number, &sealed, self.source.as_ref());
                    opened.map_err(|_e| place.member("sealed").wrong("does not open"))?
                }
                (Some(_), Some(_)) => return Err(place.wrong("material and sealed exclude each other")),
            };
            let wrong = |_error| place.wrong("is no material of this kind of key");
            material.push((version.number, self.app.wrapped(&key, version.number, &bytes).map_err(wrong)?));
        }
        key.has_material = !material.is_empty() || (entry.versions.is_empty() && key.has_material);
        let record = KeyRecord { key, material, imported };
        if record.key.has_material && record.material.is_empty() {
            return self.app.keys().with_fresh_material(record).await.map_err(|e| place.failed(&e));
        }
        Ok(record)
    }

    /// The service's own key of a scope: the one in the contents, the one that is there, or a new one, which is added.
    pub(super) async fn service_key(
        &self,
        scope: &Scope,
        contents: &mut Snapshot,
        place: &Place,
    ) -> Checked<crate::domain::KeyId> {
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

    /// The keys to seal values with.
    pub(super) fn opened(contents: &Snapshot) -> KeysById {
        KeysById::new(&contents.keys)
    }
}

/// A text that is a valid `T`.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, place: &Place) -> Checked<T> {
    text.parse().map_err(|_invalid| place.wrong(format!("\"{text}\" is not valid")))
}

fn or_default<T: std::str::FromStr>((text, place): (Option<String>, Place), default: T) -> Checked<T> {
    text.map_or(Ok(default), |text| parsed(&text, &place))
}

/// Bytes in base64.
pub(super) fn base64(text: &str, place: &Place) -> Checked<Vec<u8>> {
    STANDARD.decode(text).map_err(|_invalid| place.wrong("is not base64"))
}

/// Tags. Those of a seed are held to the rules of requests; those of an export may be of an earlier release
/// (`seed` is false).
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

/// A policy of something that an account owns.
pub(super) fn policy(
    document: Option<&Document>,
    account: &AccountId,
    place: &Place,
) -> Checked<Option<ResourcePolicy>> {
    let parse = |document: &Document| ResourcePolicy::parse(&document.0, account);
    document.map(parse).transpose().map_err(|error| place.wrong(error.to_string()))
}

/// The line on which something in a list begins.
pub(super) fn place_of<T>(list: &str, at: usize, item: &Spanned<T>) -> Place {
    Place::new(format!("{list}[{at}]"), item.defined)
}
