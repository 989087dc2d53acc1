//! The use cases: load, decide with the domain, seal with the vault, commit, remember.
//!
//! [`App`] is shared by all requests. Reads come from the cache when they can. Writes of one secret queue on its
//! lock. A use case that changes the database changes memory afterwards, so it must not be dropped in between: the server
//! runs every request to its end, also when the client goes away (`server::net::outliving`).

mod access;
mod cache;
mod callers;
mod directory;
mod error;
mod fault_rules;
mod faults;
pub mod keys;
mod loaded;
mod locks;
mod nonces;
mod progress;
mod replicas;
mod retry;
mod rooms;
mod secrets;
mod sessions;
mod snapshot;
mod upkeep;
mod vault;
mod watch;

use std::sync::Arc;

pub use access::{
    Access, NoPermission, Seen, StatementTrace, Subject, statement_trace, warn_of_unknown_actions,
};
pub use cache::CacheFacts;
pub use callers::Caller;
pub use directory::{Directory, DirectoryError};
pub use error::AppError;
pub use fault_rules::FaultRules;
use keys::Keys;
pub use keys::KeysById;
pub use loaded::Loaded;
pub use nonces::{Full, Nonce, NonceRefusal, NonceSettings, SKEW_MS};
pub use progress::{Progress, Unseen};
pub use secrets::{Creation, Put};
pub use sessions::{Credentials, NewSession, Session};
pub use snapshot::Unwrapped;
pub use upkeep::Damage;

use crate::crypto::{CryptoError, RootKey};
use crate::domain::{AccountId, FaultRule, Limits, Scope, SecretId};
use crate::identities::file::AccountFile;
use crate::ports::{Clock, Entropy};
use crate::store::{Store, StoreError};

/// What the application needs from outside.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Bounds on secrets.
    pub limits: Limits,
    /// The most memory that cached secrets may use, in bytes.
    pub cache_bytes: u64,
    /// The accounts of the configuration file.
    pub accounts: Vec<AccountFile>,
    /// The account that is there in any case.
    pub default_account: AccountId,
    /// Whether the access key that everybody knows opens the server, at the start and after every change of accounts.
    pub well_known_key: bool,
    /// Whether secrets and keys have policies, as those in a KMS instance do (question 28).
    pub resource_policies: bool,
    /// The rules of faults of the configuration file, checked.
    pub faults: Vec<FaultRule>,
    /// How nonces of signed requests are remembered.
    pub nonces: NonceSettings,
}

/// The application.
#[derive(Debug)]
pub struct App {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    resource_policies: bool,
    root: Arc<RootKey>,
    directory: Directory,
    keys: Arc<Keys>,
    vault: vault::Vault,
    cache: Arc<cache::Cache>,
    locks: locks::Locks,
    rooms: rooms::Rooms,
    watch: watch::Watch,
    faults: FaultRules,
    nonces: nonces::Nonces,
}

/// Name of the sealed marker that tells a wrong root key.
const MARKER: &str = "root-key-marker";

impl App {
    /// An application over a store, after the root key was found to be the one that the store was made with. A store
    /// without a marker is new and gets one.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when the root key is another one; nothing is changed then. [`DirectoryError::Wrong`] when
    /// the accounts do not go together.
    pub async fn open(parts: Parts, root: RootKey) -> Result<Arc<Self>, DirectoryError> {
        let Parts {
            store,
            clock,
            entropy,
            limits,
            cache_bytes,
            accounts,
            default_account,
            well_known_key,
            resource_policies,
            faults,
            nonces,
        } = parts;
        let is_new = check_marker(&*store, &root, &*entropy).await?;
        let nonces = nonces::Nonces::open(&nonces, &store, is_new, root.nonce_hash(), &*clock).await?;
        let root = Arc::new(root);
        let shared = || (Arc::clone(&store), Arc::clone(&entropy), Arc::clone(&root));
        let (to_directory, rng, of_root) = shared();
        let directory =
            Directory::open(accounts, (default_account, well_known_key), to_directory, rng, of_root).await?;
        let (of_keys, rng, of_root) = shared();
        let keys = Keys::new(of_keys, Arc::clone(&clock), rng, of_root, limits);
        let keys = Arc::new(keys);
        let cache = cache::Cache::new(cache_bytes, &store);
        let app = Self {
            vault: vault::Vault::new(Arc::clone(&keys), Arc::clone(&entropy)),
            keys,
            root,
            resource_policies,
            directory,
            store,
            clock,
            entropy,
            limits,
            cache: Arc::new(cache),
            locks: locks::Locks::default(),
            rooms: rooms::Rooms::new(limits.secrets()),
            watch: watch::Watch::default(),
            faults: FaultRules::new(faults),
            nonces,
        };
        app.catch_up().await?;
        Ok(Arc::new(app))
    }

    /// What the cache of secrets holds, and how often it helped.
    pub fn cache_facts(&self) -> CacheFacts {
        self.cache.facts()
    }

    /// The bounds on secrets.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether secrets and keys have policies, as those in a KMS instance do (question 28).
    pub fn resource_policies(&self) -> bool {
        self.resource_policies
    }

    /// Who there is.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Makes temporary credentials.
    ///
    /// # Errors
    /// None in practice.
    pub fn issue(&self, new: &NewSession) -> Result<Credentials, AppError> {
        sessions::issue(new, &self.root, &*self.clock, &*self.entropy)
    }

    /// The session that a security token carries, whether or not it is over.
    ///
    /// # Errors
    /// [`CryptoError`] for a token that was not made with this root key.
    pub fn session(&self, token: &str) -> Result<Session, CryptoError> {
        sessions::open(token, &self.root)
    }

    /// A fresh identity for a secret.
    ///
    /// # Errors
    /// None in practice.
    pub fn fresh_secret_id(&self) -> Result<SecretId, AppError> {
        vault::fresh_secret_id(&*self.entropy, self.clock.now())
    }

    /// Customer master keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Chance.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The database, for listings that need no rule.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Takes the nonce of a request whose time is fresh and whose signature was found right: before, a stranger could use
    /// up somebody's nonces. When this returns, the nonce is remembered wherever it is kept.
    ///
    /// # Errors
    /// [`NonceRefusal`].
    pub async fn use_nonce(&self, nonce: Nonce<'_>) -> Result<(), NonceRefusal> {
        self.nonces.first_use(nonce, &*self.clock).await
    }

    /// How many nonces this process remembers.
    pub fn nonce_count(&self) -> u64 {
        self.nonces.count()
    }

    /// Closes the database once it has done the writes that wait.
    pub async fn close(&self) {
        self.nonces.close();
        self.store.close().await;
    }
}

/// Checks the root key against the store's marker. A store without one gets it; when another process gives it one at the
/// same moment, that one is checked. Says whether the store is new.
async fn check_marker(store: &dyn Store, root: &RootKey, entropy: &dyn Entropy) -> Result<bool, AppError> {
    if store.meta(MARKER).await?.is_none() {
        let marker = root.marker(&mut *entropy.rng())?;
        match store.add_meta(MARKER, marker.as_bytes().to_vec()).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let marker = store.meta(MARKER).await?.ok_or(AppError::Busy)?;
    root.check_marker(&marker)?;
    Ok(false)
}

/// The scope that a reference means for a caller.
fn resolve(caller: &Scope, reference: &crate::domain::SecretRef) -> Result<Scope, AppError> {
    let Some(named) = &reference.scope else { return Ok(caller.clone()) };
    // Whether the caller may reach into another account was decided before: see `App::permit`.
    if named.region != caller.region {
        return Err(crate::domain::Refusal::SecretNotFound.into());
    }
    Ok(named.clone())
}
