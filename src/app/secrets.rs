//! Use cases on secrets.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use zeroize::Zeroizing;

use super::App;
use super::error::AppError;
use super::loaded::{FreshDataKey, Loaded};
use super::quotas::Taken;
use super::retry::until_first;
use super::vault::{fresh_id, fresh_secret_id, target};
use crate::crypto::same_bytes;
use crate::domain::rotation::Managed;
use crate::domain::rotation::event::Happened;
use crate::domain::rotation::value::Hidden;
use crate::domain::writes::{self, NewSecret, PutVersion};
use crate::domain::{
    Change, DataType, KeyId, Op, Refusal, ResourcePolicy, Scope, Secret, SecretName, SecretRef, SecretType,
    StageLabel, Tags, Timestamp, Version, VersionId,
};
use crate::store::{AccessKeyRecord, Batch, SealedValue, StoreError};

/// A secret to be created.
#[derive(Debug, Clone)]
pub struct Creation {
    /// Name.
    pub name: SecretName,
    /// Id of the first version.
    pub version: VersionId,
    /// Its type of data.
    pub data_type: DataType,
    /// Free text.
    pub description: String,
    /// The CMK the caller named, if any.
    pub encryption_key: Option<KeyId>,
    /// Tags.
    pub tags: Tags,
    /// Its resource policy. `None` means the default policy.
    pub policy: Option<ResourcePolicy>,
    /// Kind.
    pub secret_type: SecretType,
    /// What is managed of it; `None` for Generic.
    pub managed: Option<Managed>,
    /// Id and value of the version that carries `ACSPrevious` from the beginning.
    pub previous: Option<(VersionId, Hidden)>,
    /// AccessKeys that are made together with it.
    pub access_keys: Vec<AccessKeyRecord>,
}

impl Creation {
    /// A Generic secret without anything that may be left out.
    pub fn generic(name: SecretName, version: VersionId) -> Self {
        Self {
            name,
            version,
            data_type: DataType::Text,
            description: String::new(),
            encryption_key: None,
            tags: Tags::default(),
            policy: None,
            secret_type: SecretType::Generic,
            managed: None,
            previous: None,
            access_keys: Vec::new(),
        }
    }
}

/// A version to be put.
#[derive(Debug, Clone)]
pub struct Put {
    /// Its id.
    pub version: VersionId,
    /// Its type of data.
    pub data_type: DataType,
    /// The labels that it gets; not empty.
    pub stages: Vec<StageLabel>,
}

/// The lock of a secret, while it is held.
pub(super) type SecretGuard = OwnedMutexGuard<()>;

/// A decided change with everything that its commit needs.
pub(super) struct Decided {
    pub(super) secret: (Scope, SecretName),
    pub(super) change: Change,
    pub(super) values: Vec<SealedValue>,
    pub(super) key: Option<FreshDataKey>,
    /// The quota that a creation has taken.
    pub(super) quota: Option<Taken>,
    /// AccessKeys that change together with it.
    pub(super) access_keys: Vec<AccessKeyRecord>,
    /// What is told of it, and of which secret (rule R7.7).
    pub(super) event: Option<(Box<Secret>, Happened)>,
}

impl Decided {
    /// A change that adds no value.
    pub(super) fn plain(secret: &Secret, change: Change) -> Self {
        let event = change.ops.iter().find_map(|op| match op {
            Op::SetPlannedDeletion(Some(at)) => Some(Happened::DeletionPlanned(*at)),
            Op::Purge => Some(Happened::Deleted),
            _ => None,
        });
        let event = event.map(|happened| (Box::new(secret.clone()), happened));
        Self {
            event,
            secret: (secret.scope.clone(), secret.name.clone()),
            change,
            values: Vec::new(),
            key: None,
            quota: None,
            access_keys: Vec::new(),
        }
    }
}

impl App {
    /// The secret that a caller means.
    ///
    /// # Errors
    /// [`Refusal::SecretNotFound`] if there is none or its recovery window has ended.
    pub async fn find(&self, scope: &Scope, reference: &SecretRef) -> Result<Arc<Loaded>, AppError> {
        let scope = scope_of(reference, scope)?;
        let cached = self.cache.get(&scope, &reference.name).await?;
        let found = match cached {
            Some(loaded) => Some(loaded),
            // Boxed, so that the future of a cached read stays small.
            None => {
                Box::pin(async {
                    let _guard = self.locks.hold(&scope, &reference.name).await;
                    self.load(&scope, &reference.name).await
                })
                .await?
            }
        };
        let now = self.clock.now();
        found.filter(|l| !l.secret.is_due_for_purge(now)).ok_or_else(|| Refusal::SecretNotFound.into())
    }

    /// The plain value of a version.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if stored data was altered or moved; [`AppError::Busy`] if the secret or its key was replaced
    /// meanwhile.
    pub async fn value(&self, loaded: &Loaded, version: &Version) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let opened = self.vault.open(loaded, &version.id, version.data_type).await;
        self.unless_replaced(loaded, opened).await
    }

    /// Replaces an error about damage by [`AppError::Busy`] if a reset, an import or a restore has replaced the secret
    /// and its keys in the meantime.
    async fn unless_replaced<T>(&self, loaded: &Loaded, outcome: Result<T, AppError>) -> Result<T, AppError> {
        if !matches!(outcome, Err(AppError::Damaged(_) | AppError::Crypto(_))) {
            return outcome;
        }
        let secret = &loaded.secret;
        match self.store.head(&secret.scope, &secret.name).await? {
            Some((id, revision)) if id == secret.id && revision == secret.revision => outcome,
            _ => Err(AppError::Busy),
        }
    }

    /// Creates a secret with its first version.
    ///
    /// # Errors
    /// [`Refusal::SecretExists`], [`Refusal::NameInRecoveryWindow`], and those of [`writes::create`].
    pub async fn create(
        &self,
        scope: &Scope,
        creation: Creation,
        value: &[u8],
    ) -> Result<Arc<Loaded>, AppError> {
        until_first!(self, self.create_once(scope, creation.clone(), value))
    }

    async fn create_once(
        &self,
        scope: &Scope,
        creation: Creation,
        value: &[u8],
    ) -> Result<Arc<Loaded>, AppError> {
        let guard = self.locks.hold(scope, &creation.name).await;
        let (guard, existing) = self.load_live(guard, scope, &creation.name).await?;
        if let Some(existing) = existing {
            return Err(writes::refuse_creation(&existing.secret).into());
        }
        let now = self.clock.now();
        let quota = self.quotas.take(&*self.store, scope, now).await?;
        let id = fresh_secret_id(&*self.entropy, now)?;
        let managed = match creation.secret_type {
            SecretType::Generic => self.managed_of_new(&creation.name, now),
            _ => creation.managed,
        };
        let has_timer = managed.is_some();
        let new = NewSecret {
            id,
            scope: scope.clone(),
            name: creation.name,
            description: creation.description,
            encryption_key: creation.encryption_key,
            version: creation.version,
            data_type: creation.data_type,
            tags: creation.tags,
            policy: creation.policy,
            secret_type: creation.secret_type,
            previous: creation.previous.as_ref().map(|(version, _)| version.clone()),
            managed,
        };
        let version = new.version.clone();
        let change = writes::create(new, now)?;
        let secret = change.created().ok_or_else(|| StoreError::Corrupt("not a creation".to_owned()))?;
        self.require_free_target(&secret).await?;
        let sealed = self.vault.seal(target(&secret, &version, creation.data_type), value, None, now).await?;
        let key =
            sealed.fresh.ok_or_else(|| StoreError::Corrupt("a creation made no data key".to_owned()))?;
        let mut values = vec![sealed.value];
        if let Some((version, value)) = &creation.previous {
            let first = Loaded::created(secret.clone(), values.clone(), key.key.clone());
            let target = target(&secret, version, creation.data_type);
            values.push(self.vault.seal(target, value.reveal().as_bytes(), Some(&first), now).await?.value);
        }
        let next = Loaded::created(secret, values.clone(), key.key.clone());
        let name = (scope.clone(), next.secret.name.clone());
        let access_keys = creation.access_keys;
        let made =
            self.create_accounts(&next.secret, value, creation.previous.as_ref().map(|(_, v)| v)).await?;
        let secret = next.secret.clone();
        let decided = Decided {
            secret: name,
            change,
            values,
            key: Some(key),
            quota: Some(quota),
            access_keys,
            event: None,
        };
        let committed = self.commit(guard, decided, Some(next)).await;
        // After another error the secret may be stored, and then it needs them.
        if let (Err(AppError::Busy), Some(made)) = (&committed, made) {
            self.remove_accounts(&secret, made).await;
        }
        let (_, created) = committed?;
        if has_timer {
            self.rotations.wake();
        }
        created.ok_or_else(|| Refusal::SecretNotFound.into())
    }

    /// Refuses an account at an instance that another secret has (rules DY3.6, DY4.3).
    async fn require_free_target(&self, secret: &Secret) -> Result<(), AppError> {
        match secret.target() {
            Some(target) if self.store.is_target_taken(&target).await? => Err(Refusal::AccountTaken.into()),
            _ => Ok(()),
        }
    }

    /// Puts a version. An equal re-put changes nothing (rule 2.4).
    ///
    /// # Errors
    /// Those of [`App::find`] and [`writes::put_version`].
    pub async fn put(
        &self,
        scope: &Scope,
        reference: &SecretRef,
        put: &Put,
        value: &[u8],
    ) -> Result<Arc<Loaded>, AppError> {
        let scope = scope_of(reference, scope)?;
        until_first!(self, self.put_once(&scope, &reference.name, put, value))
    }

    async fn put_once(
        &self,
        scope: &Scope,
        name: &SecretName,
        put: &Put,
        value: &[u8],
    ) -> Result<Arc<Loaded>, AppError> {
        let guard = self.locks.hold(scope, name).await;
        let (guard, loaded) = self.load_live(guard, scope, name).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let now = self.clock.now();
        let Some(change) = self.decide_put(&loaded, put, value, now).await? else { return Ok(loaded) };
        let target = target(&loaded.secret, &put.version, put.data_type);
        let sealed = self.vault.seal(target, value, Some(&loaded), now).await;
        let sealed = self.unless_replaced(&loaded, sealed).await?;
        let fresh = sealed.fresh.as_ref().map(|fresh| fresh.key.clone());
        let next = loaded.after(&change, Some(sealed.value.clone()), fresh);
        let plain = Decided::plain(&loaded.secret, change);
        let decided = Decided { values: vec![sealed.value], key: sealed.fresh, ..plain };
        let (_, next) = self.commit(guard, decided, next).await?;
        next.ok_or_else(|| Refusal::SecretNotFound.into())
    }

    async fn decide_put(
        &self,
        loaded: &Loaded,
        put: &Put,
        value: &[u8],
        now: Timestamp,
    ) -> Result<Option<Change>, AppError> {
        // This comes before the comparison with the stored value, so that a deleted secret reveals nothing.
        loaded.secret.require_live()?;
        let same_value = match loaded.secret.version(&put.version) {
            Some(stored) => Some(same_bytes(&self.value(loaded, stored).await?, value)),
            None => None,
        };
        let put = PutVersion {
            version: put.version.clone(),
            data_type: put.data_type,
            stages: put.stages.clone(),
            same_value,
        };
        Ok(writes::put_version(&loaded.secret, put, &self.limits, now)?)
    }

    /// Changes a secret as `decide` says; `None` changes nothing. `decide` is called again when another writer was
    /// faster. Returns the secret after the change; `None` when the change removed it.
    ///
    /// # Errors
    /// Those of [`App::find`] and of `decide`.
    pub async fn change<F>(
        &self,
        scope: &Scope,
        reference: &SecretRef,
        decide: F,
    ) -> Result<Option<Arc<Loaded>>, AppError>
    where
        F: Fn(&Secret, Timestamp) -> Result<Option<Change>, Refusal> + Send + Sync,
    {
        let decide = |secret: &Secret, now| decide(secret, now).map(|change| (change, ()));
        self.change_with(scope, reference, decide).await.map(|(secret, ())| secret)
    }

    /// As [`App::change`]; `decide` also returns a value about the change, which the caller gets once the change is
    /// stored.
    ///
    /// # Errors
    /// As [`App::change`].
    pub async fn change_with<T: Send, F>(
        &self,
        scope: &Scope,
        reference: &SecretRef,
        decide: F,
    ) -> Result<(Option<Arc<Loaded>>, T), AppError>
    where
        F: Fn(&Secret, Timestamp) -> Result<(Option<Change>, T), Refusal> + Send + Sync,
    {
        let scope = scope_of(reference, scope)?;
        until_first!(self, self.change_once(&scope, &reference.name, &decide))
    }

    async fn change_once<T: Send, F>(
        &self,
        scope: &Scope,
        name: &SecretName,
        decide: &F,
    ) -> Result<(Option<Arc<Loaded>>, T), AppError>
    where
        F: Fn(&Secret, Timestamp) -> Result<(Option<Change>, T), Refusal> + Send + Sync,
    {
        let guard = self.locks.hold(scope, name).await;
        let (guard, loaded) = self.load_live(guard, scope, name).await?;
        let loaded = loaded.ok_or(Refusal::SecretNotFound)?;
        let (change, value) = decide(&loaded.secret, self.clock.now())?;
        let Some(change) = change else { return Ok((Some(loaded), value)) };
        let next = loaded.after(&change, None, None);
        let (_, next) = self.commit(guard, Decided::plain(&loaded.secret, change), next).await?;
        Ok((next, value))
    }

    /// Removes a secret if its recovery window has ended. Returns whether it did.
    pub(super) async fn purge_if_due(&self, scope: &Scope, name: &SecretName) -> Result<bool, AppError> {
        let guard = self.locks.hold(scope, name).await;
        let loaded = self.load(scope, name).await?;
        let Some(due) = loaded.filter(|l| l.secret.is_due_for_purge(self.clock.now())) else {
            return Ok(false);
        };
        let change = writes::purge(&due.secret);
        self.commit(guard, Decided::plain(&due.secret, change), None).await.map(|_gone| true)
    }

    /// The secret from the cache or the store. Call it with the lock of the secret held.
    pub(super) async fn load(
        &self,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<Option<Arc<Loaded>>, AppError> {
        if let Some(loaded) = self.cache.get(scope, name).await? {
            return Ok(Some(loaded));
        }
        let Some(record) = self.store.load_secret(scope, name).await? else { return Ok(None) };
        let loaded = Arc::new(Loaded::new(record));
        self.cache.put(&loaded);
        Ok(Some(loaded))
    }

    /// A fresh id of a version.
    ///
    /// # Errors
    /// None in practice.
    pub fn fresh_version_id(&self) -> Result<VersionId, AppError> {
        fresh_id("", &*self.entropy)
    }

    /// [`App::load`], but a secret whose recovery window has ended is removed, which frees its name (rule 6.5).
    pub(super) async fn load_live(
        &self,
        guard: SecretGuard,
        scope: &Scope,
        name: &SecretName,
    ) -> Result<(SecretGuard, Option<Arc<Loaded>>), AppError> {
        match self.load(scope, name).await? {
            Some(loaded) if loaded.secret.is_due_for_purge(self.clock.now()) => {
                let change = writes::purge(&loaded.secret);
                self.commit(guard, Decided::plain(&loaded.secret, change), None).await
            }
            found => Ok((guard, found)),
        }
    }

    /// Commits a change and updates the cache. Holds the lock of the secret until memory and database agree again. The
    /// calling future must not be cancelled: see `server::net::outliving`.
    pub(super) async fn commit(
        &self,
        guard: SecretGuard,
        decided: Decided,
        next: Option<Loaded>,
    ) -> Result<(SecretGuard, Option<Arc<Loaded>>), AppError> {
        let Decided { change, values, key, secret, quota, access_keys, event } = decided;
        let changes_keys = !access_keys.is_empty();
        let batch = Batch { change, values, data_key: key.map(Into::into), access_keys };
        let outcome = self.store.commit(batch).await;
        drop(quota);
        let next = next.map(Arc::new);
        match (&outcome, &next) {
            (Ok(()), Some(next)) => self.cache.put(next),
            // The secret is removed or its state is unknown, so the next reader asks the database.
            _ => self.cache.remove(&secret.0, &secret.1),
        }
        if matches!(outcome, Err(StoreError::Conflict)) {
            drop(guard);
            // The next attempt must see what other processes changed, such as the key that seals the value.
            self.catch_up().await?;
            return Err(StoreError::Conflict.into());
        }
        outcome?;
        if let Some((secret, happened)) = event {
            let id = self.entropy.uuid().to_string();
            let managed = secret.managed.as_deref();
            self.rotations.events.add(&secret, managed, &happened, &id, self.clock.now());
        }
        if changes_keys {
            self.directory.reload().await?;
        }
        Ok((guard, next))
    }
}

/// The scope of a secret that a request in `scope` names.
fn scope_of(reference: &SecretRef, scope: &Scope) -> Result<Scope, AppError> {
    let Some(named) = &reference.scope else { return Ok(scope.clone()) };
    // `App::permit` has already decided whether the caller may access another account.
    if named.region != scope.region {
        return Err(Refusal::SecretNotFound.into());
    }
    Ok(named.clone())
}
