//! Everything that is kept, at once: for export and import, seeds and snapshots.

use super::{KeyRecord, SecretRecord};
use crate::domain::keys::Alias;
use crate::domain::{AccountId, KeyId, Scope};

/// Everything that is kept, of one account or of all, but for facts about the installation itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Keys, by id.
    pub keys: Vec<KeyRecord>,
    /// Aliases, by scope and name.
    pub aliases: Vec<(Scope, Alias)>,
    /// Secrets, by scope and name.
    pub secrets: Vec<SecretRecord>,
    /// Accounts that were put at run time, each sealed, by id.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
}

impl Snapshot {
    /// How many things there are.
    pub fn len(&self) -> usize {
        self.keys.len() + self.aliases.len() + self.secrets.len() + self.accounts.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What gives way to contents that are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplaceScope {
    /// Nothing: they are added, and none of them may be there already.
    Nothing,
    /// Everything of an account.
    Account(AccountId),
    /// Everything.
    Everything,
}

/// Everything that the root key seals, sealed by another one.
#[derive(Debug, Clone, Default)]
pub struct Resealed {
    /// Material: the key, the version's number, the wrapped bytes.
    pub material: Vec<(KeyId, u32, Vec<u8>)>,
    /// Accounts.
    pub accounts: Vec<(AccountId, Vec<u8>)>,
    /// Facts about the installation: the marker, and the salt of a passphrase.
    pub meta: Vec<(&'static str, Vec<u8>)>,
}
