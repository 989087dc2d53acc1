//! Turns a file into a snapshot that a server can store. Everything is checked before anything is changed.

use serde_saphyr::Location;

use super::file::{AccountEntry, StateFile, VERSION};
use super::managed::read_access_keys;
use super::problem::Place;
use super::reader::{Checked, Keys, base64, parsed};
use super::{read_keys, read_secrets};
use crate::domain::AccountId;
use crate::domain::keys::{Alias, AliasName};
use crate::identities::file::AccountFile;
use crate::store::Snapshot;

pub use super::reader::Reader;

impl Reader<'_> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// The first [`Problem`](super::Problem).
    pub async fn read(&self, file: &StateFile) -> Checked<Snapshot> {
        self.check_head(file).await?;
        let accounts = self.accounts(file)?;
        let mut keys = Keys::default();
        for (at, entry) in file.keys.iter().enumerate() {
            let place = Place::new(format!("keys[{at}]"), entry.defined);
            if self.progress.is_abandoned() {
                return Err(place.abandoned());
            }
            let record = read_keys::key(self, &entry.value, &place).await?;
            if keys.by_id.get(&record.key.id).is_some() {
                return Err(place.member("id").wrong("is given twice"));
            }
            for (n, name) in entry.value.aliases.iter().enumerate() {
                let place = place.member(&format!("aliases[{n}]"));
                let name: AliasName = parsed(name, &place)?;
                let alias = Alias { name, key: record.key.id.clone() };
                if !keys.add_alias(record.key.scope.clone(), alias) {
                    return Err(place.wrong("is given twice"));
                }
            }
            if !keys.add(record) {
                return Err(place
                    .member("owner")
                    .wrong("the account has another service-managed key in this region"));
            }
        }
        let access_keys = read_access_keys(self, file)?;
        let secrets = read_secrets::secrets(self, file, &mut keys).await?;
        Ok(Snapshot { accounts, access_keys, keys: keys.records, aliases: keys.aliases, secrets })
    }

    async fn check_head(&self, file: &StateFile) -> Checked<()> {
        let whole = Place::new("version".to_owned(), Location::UNKNOWN);
        if file.version.is_some_and(|version| version != VERSION) {
            return Err(whole.wrong("this version of the format is not known"));
        }
        let Some(marker) = &file.sealed_with else { return Ok(()) };
        let place = Place::new("sealed_with".to_owned(), Location::UNKNOWN);
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
        let mut places = Vec::new();
        for (at, entry) in file.accounts.iter().enumerate() {
            let place = Place::new(format!("accounts[{at}]"), entry.defined);
            let account = match &entry.value {
                AccountEntry::Open(file) => file.clone(),
                AccountEntry::Sealed(account) => {
                    let id: AccountId = parsed(&account.id, &place.member("id"))?;
                    let bytes = base64(&account.sealed, &place.member("sealed"))?;
                    let opened = self.app.directory().open_sealed(&id, &bytes, self.source.as_ref());
                    // It was altered, or is of another account: the file is wrong, not what is stored here.
                    opened.map_err(|_closed| place.member("sealed").wrong("does not open"))?
                }
            };
            let id: AccountId = parsed(&account.id, &place.member("id"))?;
            sealed.push((id, self.app.directory().seal(&account).map_err(|e| place.failed(&e))?));
            files.push(account);
            places.push(place);
        }
        let check = |count: usize| self.app.directory().check(&files[..count]);
        if check(files.len()).is_err() {
            // The first account that is wrong together with those before it.
            let counts: Vec<usize> = (1..=files.len()).collect();
            let first = counts.partition_point(|count| check(*count).is_ok());
            if let (Some(place), Err(error)) = (places.get(first), check(first + 1)) {
                return Err(place.wrong(error.to_string()));
            }
        }
        Ok(sealed)
    }
}
