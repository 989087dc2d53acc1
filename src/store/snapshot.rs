//! Everything that is stored, as one value: for export and import, seeds and snapshots.

use super::{AccessKeyRecord, KeyRecord, SecretRecord};
use crate::domain::keys::Alias;
use crate::domain::{AccountId, KeyId, Scope};

/// Everything of one account or of all accounts, except metadata entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Keys, by id.
    pub keys: Vec<KeyRecord>,
    /// Aliases, by scope and name.
    pub aliases: Vec<(Scope, Alias)>,
    /// Secrets, by scope and name.
    pub secrets: Vec<SecretRecord>,
    /// Accounts that were added at run time, sealed, by id.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
    /// What rotations did to AccessKeys, by id.
    pub access_keys: Vec<AccessKeyRecord>,
}

impl Snapshot {
    /// The number of keys, aliases, secrets and accounts.
    pub fn len(&self) -> usize {
        let of_accounts = self.accounts.len() + self.access_keys.len();
        self.keys.len() + self.aliases.len() + self.secrets.len() + of_accounts
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a snapshot replaces when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplaceScope {
    /// Nothing. The snapshot is added, and nothing of it may exist yet.
    Nothing,
    /// Everything of an account.
    Account(AccountId),
    /// Everything.
    Everything,
}

/// Everything that the root key seals, sealed with another one.
#[derive(Debug, Clone, Default)]
pub struct Resealed {
    /// Key material: the key, the number of the version, the wrapped bytes.
    pub material: Vec<(KeyId, u32, Vec<u8>)>,
    /// Accounts.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
    /// Secrets of AccessKeys, by id.
    pub access_keys: Vec<(String, Vec<u8>)>,
    /// Facts about the installation: the marker, and the salt if the root key comes from a passphrase.
    pub meta: Vec<(&'static str, Vec<u8>)>,
}
