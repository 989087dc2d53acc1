//! Customer master keys. All keys and aliases of a scope are held in memory together: the cloud allows a few hundred
//! (rule 12.3), and each change and each listing takes time in proportion to their number. One lock serializes all
//! changes.
//!
//! A change of a key is the next `Key`; a change of a secret is a `Change`. `domain::keys::decisions` says why.

mod by_id;
mod cryptography;
mod held;
mod import;
mod lifecycle;
mod scope_keys;
mod scopes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt;
use tokio::sync::OwnedMutexGuard;

pub use by_id::KeysById;
pub use cryptography::{Done, EncryptionContext, PairRef};
pub use held::{HeldKey, Material};
pub(super) use held::{check_material, context as material_context};
pub use lifecycle::{KeyCreation, id_only};
pub use scope_keys::ScopeKeys;

pub use crate::crypto::asymmetric::{EncryptionAlgorithm, SignatureAlgorithm, WrappingAlgorithm};
pub use crate::crypto::symmetric_blob::{Content, Plaintext as Plain};

use self::scopes::Scopes;
use super::error::AppError;
use super::retry::until_first;
use super::rotation::EventLog;
use crate::crypto::RootKey;
use crate::domain::keys::decisions::{self, Due, KeyRefusal, NewKey};
use crate::domain::keys::names::KeyTarget;
use crate::domain::keys::{Key, KeyOwner, KeyRef, KeySpec, KeyVersionId, Origin, ProtectionLevel};
use crate::domain::rotation::event::KeyHappened;
use crate::domain::{KeyId, Limits, Scope, Tags, Timestamp};
use crate::ports::{Clock, Entropy};
use crate::store::{KeyChange, KeyRecord, Store, StoreError};

/// The lock of all changes, while it is held.
type Guard = OwnedMutexGuard<()>;

/// The keys of all scopes.
#[derive(Debug)]
pub struct Keys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    root: Arc<RootKey>,
    limits: Limits,
    events: Arc<EventLog>,
    scopes: Scopes,
    /// The last known number of changes of keys in the database. It stays 0 if no other process makes changes.
    seen: AtomicU64,
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Keys {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        root: Arc<RootKey>,
        limits: Limits,
        events: Arc<EventLog>,
    ) -> Self {
        let (scopes, seen, writing) = (Scopes::default(), AtomicU64::default(), Arc::default());
        Self { store, clock, entropy, root, limits, events, scopes, seen, writing }
    }

    /// Sets the number of changes of keys that the database has had.
    pub(super) fn follow(&self, changes: u64) {
        self.seen.store(changes, Ordering::SeqCst);
    }

    /// Drops all keys from memory.
    pub(super) fn clear(&self) {
        self.scopes.clear();
    }

    /// The number of scopes in memory, and of keys, versions and aliases in them. Both are bounded.
    pub fn held(&self) -> (usize, usize) {
        self.scopes.held()
    }

    /// The keys of a scope, if they are in memory and current.
    async fn present(&self, scope: &Scope) -> Result<Option<Arc<ScopeKeys>>, AppError> {
        let seen = self.seen.load(Ordering::SeqCst);
        let Some((keys, compared)) = self.scopes.get(scope) else { return Ok(None) };
        if compared == seen {
            return Ok(Some(keys));
        }
        if self.store.keys_revision(scope).await? != keys.revision {
            return Ok(None);
        }
        self.scopes.compared(scope, &keys, seen);
        Ok(Some(keys))
    }

    /// The keys of a scope, after everything that is due was done.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(&self, scope: &Scope) -> Result<Arc<ScopeKeys>, AppError> {
        match self.present(scope).await? {
            Some(keys) if keys.next_due.is_none_or(|at| at > self.clock.now()) => Ok(keys),
            // Boxed, because the keys are nearly always in memory, and the future of every action would grow by this one.
            _ => Box::pin(async { until_first!(self, self.settled(scope)) }).await,
        }
    }

    async fn settled(&self, scope: &Scope) -> Result<Arc<ScopeKeys>, AppError> {
        let guard = self.lock().await;
        self.settle(guard, scope).await.map(|(_, keys)| keys)
    }

    /// The key that a caller means.
    ///
    /// # Errors
    /// [`KeyRefusal::NotFound`], [`KeyRefusal::AliasNotFound`].
    pub async fn find(&self, caller: &Scope, reference: &KeyRef) -> Result<Arc<HeldKey>, AppError> {
        // `App::permit` has already decided whether the caller may access another account.
        let scope = reference.scope.as_ref().unwrap_or(caller);
        if scope.region != caller.region {
            return Err(KeyRefusal::NotFound.into());
        }
        let keys = self.of(scope).await?;
        let id = match &reference.target {
            KeyTarget::Id(id) => id,
            KeyTarget::Alias(name) => {
                let alias = keys.aliases.iter().find(|alias| &alias.name == name);
                &alias.ok_or(KeyRefusal::AliasNotFound)?.key
            }
        };
        keys.keys.get(id).map(Arc::clone).ok_or_else(|| KeyRefusal::NotFound.into())
    }

    /// A key of a scope by its id.
    ///
    /// # Errors
    /// [`KeyRefusal::NotFound`].
    pub async fn by_id(&self, scope: &Scope, id: &KeyId) -> Result<Arc<HeldKey>, AppError> {
        let keys = self.of(scope).await?;
        keys.keys.get(id).map(Arc::clone).ok_or_else(|| KeyRefusal::NotFound.into())
    }

    /// The unwrapped material of a key.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if it was altered.
    pub fn open(&self, held: &HeldKey) -> Result<Arc<Material>, AppError> {
        held.open(&self.root)
    }

    /// The service-managed key of a scope, which is created when first needed (rule 7.1).
    pub(super) async fn service_key(&self, scope: &Scope) -> Result<Arc<HeldKey>, AppError> {
        if let Some(held) = self.of(scope).await?.service_key() {
            return Ok(held);
        }
        until_first!(self, self.make_service_key(scope))
    }

    async fn make_service_key(&self, scope: &Scope) -> Result<Arc<HeldKey>, AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, scope).await?;
        if let Some(held) = keys.service_key() {
            return Ok(held);
        }
        let key = self.service_key_of(scope)?;
        self.make(guard, &keys, key).await
    }

    fn service_key_of(&self, scope: &Scope) -> Result<Key, AppError> {
        let new = NewKey {
            id: self.fresh_key_id()?,
            scope: scope.clone(),
            owner: KeyOwner::Service,
            spec: KeySpec::Aes256,
            usage: None,
            origin: Origin::Kms,
            protection: ProtectionLevel::Software,
            description: String::new(),
            rotation_interval_ms: None,
            tags: Tags::default(),
            policy: None,
            version: self.fresh_version_id()?,
        };
        // The service-managed key does not count against the quota.
        Ok(decisions::create(new, 0, &self.limits, self.clock.now())?)
    }

    /// A new service-managed key for a scope, which is not stored.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if the material cannot be wrapped.
    pub async fn new_service_key(&self, scope: &Scope) -> Result<KeyRecord, AppError> {
        let key = self.service_key_of(scope)?;
        self.with_fresh_material(KeyRecord { key, material: Vec::new(), imported: None }).await
    }

    /// A key with new material for every version that has none. Nothing is stored.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if the material cannot be wrapped.
    pub async fn with_fresh_material(&self, record: KeyRecord) -> Result<KeyRecord, AppError> {
        self.with_material(&record, record.key.clone()).await
    }

    /// Blocks all changes of keys while the guard is held.
    pub(super) async fn lock(&self) -> Guard {
        Arc::clone(&self.writing).lock_owned().await
    }

    /// The keys of a scope after everything that is due was done. Call it with the lock held.
    async fn settle(&self, guard: Guard, scope: &Scope) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let mut keys = match self.present(scope).await? {
            Some(keys) => keys,
            None => self.load(scope).await?,
        };
        let mut guard = guard;
        loop {
            let now = self.clock.now();
            let due = keys.keys.values().find(|held| held.key().due().is_some_and(|at| at <= now));
            let Some(held) = due.map(Arc::clone) else { return Ok((guard, keys)) };
            (guard, keys) = self.do_due(guard, &keys, &held, now).await?;
        }
    }

    async fn load(&self, scope: &Scope) -> Result<Arc<ScopeKeys>, AppError> {
        let compared = self.seen.load(Ordering::SeqCst);
        let record = self.store.load_keys(scope).await?;
        let keys = record.keys.into_iter().map(|r| (r.key.id.clone(), Arc::new(HeldKey::new(r)))).collect();
        let keys = Arc::new(ScopeKeys::new(keys, record.aliases, record.revision));
        self.scopes.put(scope.clone(), Arc::clone(&keys), compared);
        Ok(keys)
    }

    /// Does what is due for a key.
    async fn do_due(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        held: &HeldKey,
        now: Timestamp,
    ) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let version = self.fresh_version_id()?;
        match decisions::due(held.key(), || version, now) {
            None => Err(StoreError::Corrupt("nothing is due for a key that is due".to_owned()).into()),
            Some(Due::Deleted) => self.remove(guard, keys, held.key()).await,
            Some(Due::Expired(next) | Due::Rotated(next)) => {
                let record = self.with_material(held.record(), next).await?;
                self.put(guard, keys, record).await
            }
        }
    }

    async fn remove(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        key: &Key,
    ) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let mut next = keys.clone();
        next.keys.remove(&key.id);
        next.aliases.retain(|alias| alias.key != key.id);
        let change = KeyChange::Delete { key: key.id.clone(), on_revision: key.revision };
        let done = self.commit(guard, key.scope.clone(), change, next).await?;
        self.tell(key, KeyHappened::Deleted);
        Ok(done)
    }

    /// Adds an event about a key (rule R7.7).
    fn tell(&self, key: &Key, happened: KeyHappened) {
        self.events.add_key(key, happened, &self.entropy.uuid().to_string(), self.clock.now());
    }

    async fn put(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        record: KeyRecord,
    ) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let mut next = keys.clone();
        let scope = record.key.scope.clone();
        next.keys.insert(record.key.id.clone(), Arc::new(HeldKey::new(record.clone())));
        self.commit(guard, scope, KeyChange::Put { record: Box::new(record) }, next).await
    }

    /// Commits a change and updates the keys in memory. Holds the lock until memory and database agree again. The
    /// calling future must not be cancelled: see `server::net::outliving`.
    async fn commit(
        &self,
        guard: Guard,
        scope: Scope,
        change: KeyChange,
        next: ScopeKeys,
    ) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let compared = self.seen.load(Ordering::SeqCst);
        let outcome = self.store.commit_keys(&scope, next.revision, change).await;
        let next = Arc::new(ScopeKeys::new(next.keys, next.aliases, next.revision + 1));
        match outcome {
            Ok(()) => self.scopes.put(scope, Arc::clone(&next), compared),
            // The state is unknown, so the next reader asks the database.
            Err(_) => self.scopes.remove(&scope),
        }
        outcome?;
        Ok((guard, next))
    }

    /// `key-` and twenty lower-case letters and digits, like ids of the cloud.
    fn fresh_key_id(&self) -> Result<KeyId, AppError> {
        self.fresh("key-", 20)
    }

    /// A new id of a key version: thirty-two lower-case letters and digits.
    ///
    /// # Errors
    /// [`AppError::Damaged`] if the generated id is not valid, which is a defect of this program.
    pub fn fresh_version_id(&self) -> Result<KeyVersionId, AppError> {
        self.fresh("", 32)
    }

    fn fresh<T: std::str::FromStr>(&self, prefix: &str, length: usize) -> Result<T, AppError> {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz0123456";
        let mut rng = self.entropy.rng();
        let draw = |_| ALPHABET.get(rng.random_range(0..ALPHABET.len())).map(|b| char::from(*b));
        let text: String = prefix.chars().chain((0..length).filter_map(draw)).collect();
        text.parse().map_err(|_invalid| StoreError::Corrupt("a fresh id is not valid".to_owned()).into())
    }
}
