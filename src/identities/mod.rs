//! Who there is: accounts, their RAM users, groups and roles, access keys, policies, issuers of tokens.
//!
//! What is written down ([`mod@file`]) is checked once and becomes [`Identities`], which answers every question of a
//! request by a lookup. It never changes: a change makes a new one.

mod checked;
pub mod file;
mod oidc;

use std::collections::BTreeMap;
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
    /// Whether it may be used.
    pub active: bool,
    /// The token that must come with it, if any.
    pub token: Option<SecretString>,
}

/// A RAM user.
#[derive(Debug, Clone)]
pub struct User {
    /// Its number, 18 digits, made from account and name.
    pub id: String,
    /// Its policies and those of its groups.
    pub policies: Arc<[AttachedPolicy]>,
}

/// A RAM role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its number, 18 digits, made from account and name.
    pub id: String,
    /// Who may assume it.
    pub trust: Arc<PolicyDocument>,
    /// What it may do.
    pub policies: Arc<[AttachedPolicy]>,
    /// The longest session, in seconds.
    pub max_session_seconds: u32,
}

/// An issuer of OIDC tokens that an account trusts.
#[derive(Debug, Clone)]
pub struct OidcProvider {
    /// The claim `iss` of its tokens.
    pub issuer: String,
    /// The claim `aud` of tokens that are accepted.
    pub client_ids: Vec<String>,
    /// Its RSA keys, by `kid`; the id is empty where the set gives none.
    keys: Vec<(String, rsa::PublicKey)>,
    /// How old a token may be, in seconds.
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

/// Whose an access key is.
#[derive(Debug, Clone)]
pub struct FoundKey {
    /// The account.
    pub account: Arc<Account>,
    /// The user's name; none for the root of the account.
    pub user: Option<String>,
    /// The key.
    pub key: AccessKey,
    /// Whether everybody knows it: id and secret are both [`BUILT_IN_KEY`]. Its signatures prove nothing, because a web
    /// page can make them, too.
    pub well_known: bool,
}

/// Everybody.
#[derive(Debug)]
pub struct Identities {
    accounts: BTreeMap<AccountId, Arc<Account>>,
    keys: BTreeMap<String, FoundKey>,
    /// Whether the root of the default account has no key but the one that everybody knows.
    built_in_key: bool,
}

/// The id and secret of the built-in access key.
pub const BUILT_IN_KEY: &str = "test";

impl Identities {
    /// The access key with this id.
    pub fn key(&self, id: &str) -> Option<&FoundKey> {
        self.keys.get(id)
    }

    /// Whether the root of the default account has no key but the one that everybody knows.
    pub fn has_built_in_key(&self) -> bool {
        self.built_in_key
    }

    /// The same without the key that everybody knows, for servers that it must not open.
    #[must_use]
    pub fn without_well_known_key(mut self) -> Self {
        self.keys.retain(|_, found| !found.well_known);
        self
    }

    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(id)
    }

    /// The policies attached to somebody; none for the root of an account, which needs none.
    pub fn policies_of(&self, principal: &Principal) -> &[AttachedPolicy] {
        let Some(account) = self.accounts.get(&principal.account) else { return &[] };
        match &principal.identity {
            Identity::Root | Identity::Federated { .. } => &[],
            Identity::User { name } => account.users.get(name).map_or(&[], |user| &user.policies),
            Identity::RoleSession { role, .. } => account.roles.get(role).map_or(&[], |role| &role.policies),
        }
    }

    /// How many accounts, users, roles and access keys there are.
    pub fn counts(&self) -> [usize; 4] {
        let sum = |of: fn(&Account) -> usize| self.accounts.values().map(|account| of(account)).sum();
        [self.accounts.len(), sum(|a| a.users.len()), sum(|a| a.roles.len()), self.keys.len()]
    }
}
