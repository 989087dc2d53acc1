//! Customer master keys in memory: all keys and aliases of a scope at once. The cloud allows a few hundred (rule 12.3); each
//! change and each listing takes time in proportion to their number. Changes queue on one lock.

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
use crate::crypto::RootKey;
use crate::domain::keys::decisions::{self, Due, KeyRefusal, NewKey};
use crate::domain::keys::names::KeyTarget;
use crate::domain::keys::{Key, KeyOwner, KeyRef, KeySpec, KeyVersionId, Origin, ProtectionLevel};
use crate::domain::{KeyId, Limits, Scope, Tags, Timestamp};
use crate::ports::{Clock, Entropy};
use crate::store::{KeyChange, KeyRecord, Store, StoreError};

type Guard = OwnedMutexGuard<()>;

/// All keys.
#[derive(Debug)]
pub struct Keys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    root: Arc<RootKey>,
    limits: Limits,
    scopes: Scopes,
    /// How many changes of keys the database is known to have had; stays at 0 where nobody else makes any.
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
    ) -> Self {
        let (scopes, seen, writing) = (Scopes::default(), AtomicU64::default(), Arc::default());
        Self { store, clock, entropy, root, limits, scopes, seen, writing }
    }

    /// Learns how many changes of keys the database has had.
    pub(super) fn follow(&self, changes: u64) {
        self.seen.store(changes, Ordering::SeqCst);
    }

    /// Forgets everything in memory.
    pub(super) fn clear(&self) {
        self.scopes.clear();
    }

    /// How many scopes are in memory, and how many keys, versions and aliases in them. Both are bounded.
    pub fn held(&self) -> (usize, usize) {
        self.scopes.held()
    }

    /// The scope's keys in memory, if there are any and they are those in the database.
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

    /// The keys of a scope as they are now: what is due has been done.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(&self, scope: &Scope) -> Result<Arc<ScopeKeys>, AppError> {
        match self.present(scope).await? {
            Some(keys) if keys.next_due.is_none_or(|at| at > self.clock.now()) => Ok(keys),
            // Boxed: nearly always the keys are here, and every action's future would have room for this.
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
        // Whether the caller may reach into another account was decided before: see `App::permit`.
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
    /// [`AppError::Crypto`] when it was altered.
    pub fn open(&self, held: &HeldKey) -> Result<Arc<Material>, AppError> {
        held.open(&self.root)
    }

    /// The scope's service-managed key, which is made when first needed (rule 7.1).
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
        // The service's own key does not count against the user's quota.
        Ok(decisions::create(new, 0, &self.limits, self.clock.now())?)
    }

    /// A new service-managed key for a scope, which is not stored.
    ///
    /// # Errors
    /// None in practice.
    pub async fn new_service_key(&self, scope: &Scope) -> Result<KeyRecord, AppError> {
        let key = self.service_key_of(scope)?;
        self.with_fresh_material(KeyRecord { key, material: Vec::new(), imported: None }).await
    }

    /// A key with fresh material for every version that has none; nothing is stored.
    ///
    /// # Errors
    /// None in practice.
    pub async fn with_fresh_material(&self, record: KeyRecord) -> Result<KeyRecord, AppError> {
        self.with_material(&record, record.key.clone()).await
    }

    /// Holds off every change of a key while the guard lives.
    pub(super) async fn lock(&self) -> Guard {
        Arc::clone(&self.writing).lock_owned().await
    }

    /// The scope's keys after everything that is due was done; to be called with the lock held.
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

    /// Does the one thing that is due for a key.
    async fn do_due(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        held: &HeldKey,
        now: Timestamp,
    ) -> Result<(Guard, Arc<ScopeKeys>), AppError> {
        let version = self.fresh_version_id()?;
        match decisions::due(held.key(), || version, now) {
            None => Err(StoreError::Corrupt("a key is due for nothing".to_owned()).into()),
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
        self.commit(guard, key.scope.clone(), change, next).await
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

    /// Commits a change and remembers what the scope is afterwards. Holds the lock until memory and database agree again.
    /// The caller must run to its end: see `server::net::outliving`.
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
            // In doubt: the next one asks the database.
            Err(_) => self.scopes.remove(&scope),
        }
        outcome?;
        Ok((guard, next))
    }

    /// `key-` and twenty lower-case letters and digits, as the cloud's keys are named.
    fn fresh_key_id(&self) -> Result<KeyId, AppError> {
        self.fresh("key-", 20)
    }

    /// Thirty-two lower-case letters and digits.
    ///
    /// # Errors
    /// None in practice.
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
