//! Identities: accounts, their RAM users, groups and roles, access keys, policies, issuers of tokens.
//!
//! The written form ([`mod@file`]) is validated once and becomes [`Identities`], which answers every question of a request
//! by a lookup. It is immutable: a change makes a new one.

mod checked;
pub mod file;
mod oidc;
pub mod overlay;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::SecretString;

pub use checked::{IdentityError, warnings};
pub use oidc::{OidcFailure, Token, TokenInfo};

use crate::domain::AccountId;
use crate::domain::policy::{AttachedPolicy, Identity, PolicyDocument, Principal};

/// What verifies a signature.
#[derive(Debug, Clone)]
pub enum KeyMaterial {
    /// The AccessKey secret.
    Secret(SecretString),
    /// The public RSA key of a key pair or client key, as SPKI PEM text.
    PublicKey(String),
}

/// An access key.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// What verifies its signatures.
    pub material: KeyMaterial,
    /// Whether the key may be used.
    pub active: bool,
    /// The security token that must be sent with the key, if any.
    pub token: Option<SecretString>,
}

/// A RAM user.
#[derive(Debug, Clone)]
pub struct User {
    /// Its numeric id, 18 digits derived from account and name.
    pub id: String,
    /// Its policies and those of its groups.
    pub policies: Arc<[AttachedPolicy]>,
}

/// A RAM role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its numeric id, 18 digits derived from account and name.
    pub id: String,
    /// The trust policy: who may assume the role.
    pub trust: Arc<PolicyDocument>,
    /// The role's policies.
    pub policies: Arc<[AttachedPolicy]>,
    /// The maximum session duration, in seconds.
    pub max_session_seconds: u32,
}

/// An issuer of OIDC tokens that an account trusts.
#[derive(Debug, Clone)]
pub struct OidcProvider {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// The accepted values of the claim `aud`.
    pub client_ids: Vec<String>,
    /// Its RSA keys, by `kid`. The id is empty for a key without one.
    keys: Vec<(String, rsa::PublicKey)>,
    /// The maximum age of a token, in seconds.
    pub issuance_limit_seconds: i64,
}

/// An account.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// RAM users, by name.
    pub users: BTreeMap<String, User>,
    /// RAM roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// Issuers of tokens, by name.
    pub providers: BTreeMap<String, OidcProvider>,
}

/// An access key and its owner.
#[derive(Debug, Clone)]
pub struct FoundKey {
    /// The account.
    pub account: Arc<Account>,
    /// The user's name. `None` for the root of the account.
    pub user: Option<String>,
    /// The key.
    pub key: AccessKey,
    /// Whether it is the built-in key: id and secret are both [`BUILT_IN_KEY`]. Its signatures prove nothing, because a
    /// web page can make them too.
    pub well_known: bool,
}

/// All accounts with their identities.
#[derive(Debug)]
pub struct Identities {
    accounts: BTreeMap<AccountId, Arc<Account>>,
    keys: BTreeMap<String, FoundKey>,
    /// Ids of access keys that rotations deleted.
    deleted_keys: BTreeSet<String>,
    /// Whether the root of the default account has only the built-in key.
    built_in_key: bool,
}

/// The id and secret of the built-in access key.
pub const BUILT_IN_KEY: &str = "test";

impl Identities {
    /// The access key with this id.
    pub fn key(&self, id: &str) -> Option<&FoundKey> {
        self.keys.get(id)
    }

    /// Whether a rotation deleted the access key with this id.
    pub fn is_deleted_key(&self, id: &str) -> bool {
        self.deleted_keys.contains(id)
    }

    /// The identities with the knowledge of access keys that rotations deleted.
    #[must_use]
    pub fn with_deleted_keys(self, deleted_keys: BTreeSet<String>) -> Self {
        Self { deleted_keys, ..self }
    }

    /// Whether the root of the default account has only the built-in key.
    pub fn has_built_in_key(&self) -> bool {
        self.built_in_key
    }

    /// The identities without the built-in key, for servers that must not accept it.
    #[must_use]
    pub fn without_well_known_key(mut self) -> Self {
        self.keys.retain(|_, found| !found.well_known);
        self
    }

    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(id)
    }

    /// The policies attached to a caller. Empty for the root of an account, which needs none.
    pub fn policies_of(&self, principal: &Principal) -> &[AttachedPolicy] {
        let Some(account) = self.accounts.get(&principal.account) else { return &[] };
        match &principal.identity {
            Identity::Root | Identity::Federated { .. } => &[],
            Identity::User { name } => account.users.get(name).map_or(&[], |user| &user.policies),
            Identity::RoleSession { role, .. } => account.roles.get(role).map_or(&[], |role| &role.policies),
        }
    }

    /// The numbers of accounts, users, roles and access keys.
    pub fn counts(&self) -> [usize; 4] {
        let sum = |of: fn(&Account) -> usize| self.accounts.values().map(|account| of(account)).sum();
        [self.accounts.len(), sum(|a| a.users.len()), sum(|a| a.roles.len()), self.keys.len()]
    }
}
