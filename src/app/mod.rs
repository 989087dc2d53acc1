//! The use cases: load, let the domain decide, seal, commit, update the cache.
//!
//! All requests share one [`App`]. Reads use the cache if they can. Writes of one secret wait for its lock. A use case
//! changes the database first and memory afterwards, so it must not be cancelled in between: the server runs every
//! request to its end, even if the client disconnects (`server::net::outliving`).

mod access;
mod cache;
mod callers;
mod catalog;
mod directory;
mod error;
mod fault_rules;
mod faults;
pub mod keys;
mod loaded;
mod locks;
mod nonces;
mod policy_trial;
mod progress;
mod quotas;
mod replicas;
mod retry;
mod ring;
mod rotation;
mod secrets;
mod sessions;
mod snapshot;
mod upkeep;
mod vault;
mod watch;

use std::sync::Arc;

pub use access::{Access, NoPermission, SecretMemo, StatementTrace, Subject, warn_of_unknown_actions};
pub use cache::CacheFacts;
pub use callers::Caller;
pub use catalog::CatalogPage;
pub use directory::{Directory, DirectoryError};
pub use error::AppError;
pub use fault_rules::FaultRules;
pub use faults::{FaultChange, FaultsUnchanged};
use keys::Keys;
pub use keys::KeysById;
pub use loaded::Loaded;
pub use nonces::{Full, Nonce, NonceRefusal, NonceSettings, SKEW_MS};
pub use policy_trial::PolicyTrial;
pub use progress::{NoProgress, Progress};
pub use ring::{Contents, Dropped, Entry, Ring};
pub use rotation::{EventRecord, NewManaged, Prepared, RoleRefusal, RotationCounts, RotationRecord};
pub use secrets::{Creation, Put};
pub use sessions::{Credentials, NewSession, Session};

use crate::crypto::{CryptoError, RootKey};
use crate::domain::rotation::RotationSettings;
use crate::domain::{AccountId, FaultRule, Limits, SecretId};
use crate::identities::file::AccountFile;
use crate::ports::{Clock, Entropy};
use crate::store::{Store, StoreError};

/// What an application is made from.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// Limits of secrets and keys.
    pub limits: Limits,
    /// The most memory that cached secrets may use, in bytes.
    pub cache_bytes: u64,
    /// The accounts of the configuration file.
    pub accounts: Vec<AccountFile>,
    /// The account that always exists.
    pub default_account: AccountId,
    /// Whether the well-known access key is accepted, now and after every change of accounts.
    pub well_known_key: bool,
    /// Whether secrets and keys have resource policies, as in a KMS instance (difference D18).
    pub resource_policies: bool,
    /// The checked rules of faults of the configuration file.
    pub faults: Vec<FaultRule>,
    /// How nonces of signed requests are remembered.
    pub nonces: NonceSettings,
    /// How rotations are carried out.
    pub rotation: RotationSettings,
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
    quotas: quotas::RemainingQuotas,
    watch: watch::Watch,
    faults: FaultRules,
    nonces: nonces::Nonces,
    rotations: rotation::Rotations,
}

/// The name of the sealed marker that reveals a wrong root key.
const MARKER: &str = "root-key-marker";

impl App {
    /// Opens an application over a store. The root key must be the one that the store was created with. A store without a
    /// marker is new and gets one.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if the root key is wrong; the database is unchanged then. [`DirectoryError::Wrong`] if the
    /// accounts are inconsistent.
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
            rotation,
        } = parts;
        let is_new = check_marker(&*store, &root, &*entropy).await?;
        let nonces = nonces::Nonces::open(&nonces, &store, is_new, root.nonce_hash(), &*clock).await?;
        let root = Arc::new(root);
        let shared = || (Arc::clone(&store), Arc::clone(&entropy), Arc::clone(&root));
        let (to_directory, rng, of_root) = shared();
        let directory =
            Directory::open(accounts, (default_account, well_known_key), to_directory, rng, of_root).await?;
        let (of_keys, rng, of_root) = shared();
        let events = Arc::new(rotation::EventLog::default());
        let keys = Keys::new(of_keys, Arc::clone(&clock), rng, of_root, limits, Arc::clone(&events));
        let keys = Arc::new(keys);
        let cache = cache::Cache::new(cache_bytes, &store);
        let rotations = rotation::Rotations::new(rotation, &*clock, &*entropy, events);
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
            quotas: quotas::RemainingQuotas::new(limits.secrets()),
            watch: watch::Watch::default(),
            faults: FaultRules::new(faults),
            nonces,
            rotations,
        };
        app.catch_up().await?;
        Ok(Arc::new(app))
    }

    /// Size and hit counts of the cache of secrets.
    pub fn cache_facts(&self) -> CacheFacts {
        self.cache.facts()
    }

    /// Limits of secrets and keys.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether secrets and keys have resource policies, as in a KMS instance (difference D18).
    pub fn resource_policies(&self) -> bool {
        self.resource_policies
    }

    /// The accounts.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Issues temporary credentials.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if sealing fails.
    pub fn issue(&self, new: &NewSession) -> Result<Credentials, AppError> {
        sessions::issue(new, &self.root, &*self.clock, &*self.entropy)
    }

    /// The session that a security token holds, which may have expired.
    ///
    /// # Errors
    /// [`CryptoError`] for a token that was not issued with this root key.
    pub fn session(&self, token: &str) -> Result<Session, CryptoError> {
        sessions::open(token, &self.root)
    }

    /// A new id for a secret.
    ///
    /// # Errors
    /// [`AppError::Damaged`] if the generated id is not valid, which is a defect of this program.
    pub fn fresh_secret_id(&self) -> Result<SecretId, AppError> {
        vault::fresh_secret_id(&*self.entropy, self.clock.now())
    }

    /// Customer master keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The source of random numbers.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The database, for listings to which no rule applies.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Accepts the nonce of a request if it was not used before, and stores it. Call it after the time and the
    /// signature were checked, or anybody could use up the nonces of others.
    ///
    /// # Errors
    /// [`NonceRefusal`].
    pub async fn use_nonce(&self, nonce: Nonce<'_>) -> Result<(), NonceRefusal> {
        let used = self.nonces.first_use(nonce, &*self.clock).await;
        match used {
            // A deletion must be possible on a full disk.
            Err(refusal) if refusal.is_for_lack_of_room() && self.store.release_reserve() => {
                self.nonces.first_use(nonce, &*self.clock).await
            }
            used => used,
        }
    }

    /// The number of nonces that this process remembers.
    pub fn nonce_count(&self) -> u64 {
        self.nonces.count()
    }

    /// Finishes the waiting writes and closes the database.
    pub async fn close(&self) {
        self.rotations.close().await;
        self.nonces.close();
        self.store.close().await;
    }
}

/// Checks the root key against the marker of the store. A store without a marker gets one; if another process adds one
/// at the same time, that one is checked. Returns whether the store is new.
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
