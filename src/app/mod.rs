//! The use cases: load, decide with the domain, seal with the vault, commit, remember.
//!
//! [`App`] is shared by all requests. Reads come from the cache when they can. Writes of one secret queue on its
//! lock; a commit runs in a task of its own, so that a client that goes away cannot leave the cache older than the
//! database.

mod cache;
mod callers;
mod error;
pub mod keys;
mod loaded;
mod locks;
mod secrets;
mod upkeep;
mod vault;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

pub use callers::{AccessKey, AccessKeys, Caller, KeyMaterial, Nonces, SKEW_MS};
pub use error::AppError;
use keys::Keys;
pub use loaded::Loaded;
pub use secrets::{Creation, Put};
pub use upkeep::Damage;

use crate::crypto::RootKey;
use crate::domain::{Limits, Scope};
use crate::ports::{Clock, Entropy};
use crate::store::Store;

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
}

/// The application.
#[derive(Debug)]
pub struct App {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    keys: Arc<Keys>,
    vault: vault::Vault,
    cache: Arc<cache::Cache>,
    locks: locks::Locks,
    commits: TaskTracker,
}

/// Name of the sealed marker that tells a wrong root key.
const MARKER: &str = "root-key-marker";

impl App {
    /// An application over a store, after the root key was found to be the one that the store was made with. A store
    /// without a marker is new and gets one.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when the root key is another one; nothing is changed then.
    pub async fn open(parts: Parts, root: RootKey) -> Result<Arc<Self>, AppError> {
        let Parts { store, clock, entropy, limits, cache_bytes } = parts;
        match store.meta(MARKER).await? {
            Some(marker) => root.check_marker(&marker)?,
            None => {
                let marker = root.marker(&mut *entropy.rng())?;
                store.add_meta(MARKER, marker.as_bytes().to_vec()).await?;
            }
        }
        let commits = TaskTracker::new();
        let (of_keys, chance) = (Arc::clone(&store), Arc::clone(&entropy));
        let keys = Keys::new(of_keys, Arc::clone(&clock), chance, root, commits.clone());
        let keys = Arc::new(keys);
        Ok(Arc::new(Self {
            vault: vault::Vault::new(Arc::clone(&keys), Arc::clone(&entropy)),
            keys,
            store,
            clock,
            entropy,
            limits,
            cache: Arc::new(cache::Cache::new(cache_bytes)),
            locks: locks::Locks::default(),
            commits,
        }))
    }

    /// The bounds on secrets.
    pub fn limits(&self) -> &Limits {
        &self.limits
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

    /// Waits for commits under way and closes the database.
    pub async fn close(&self) {
        self.commits.close();
        self.commits.wait().await;
        self.store.close().await;
    }
}

/// The scope that a reference means for a caller.
fn resolve(caller: &Scope, reference: &crate::domain::SecretRef) -> Result<Scope, AppError> {
    let Some(named) = &reference.scope else { return Ok(caller.clone()) };
    if named.account != caller.account {
        // No policy can let another account in yet (rule 10.5), and permission is checked before existence.
        return Err(AppError::OtherAccount(named.secret_arn(&reference.name)));
    }
    if named.region != caller.region {
        return Err(crate::domain::Refusal::SecretNotFound.into());
    }
    Ok(named.clone())
}
