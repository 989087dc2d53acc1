//! Use cases that change keys and aliases.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::held::{HeldKey, algorithm, context, pair_spec};
use super::scope_keys::ScopeKeys;
use super::{Guard, Keys};
use crate::app::error::AppError;
use crate::app::retry::until_first;
use crate::crypto::asymmetric::KeyPair;
use crate::domain::keys::decisions::{self, KeyRefusal, NewKey};
use crate::domain::keys::names::KeyTarget;
use crate::domain::keys::{
    Alias, AliasName, Key, KeyOwner, KeyRef, KeySpec, KeyState, KeyUsage, Origin, ProtectionLevel,
};
use crate::domain::rotation::event::KeyHappened;
use crate::domain::{KeyId, ResourcePolicy, Scope, Tags};
use crate::store::{KeyChange, KeyRecord, StoreError, Unavailable};

/// A key to create.
#[derive(Debug, Clone)]
pub struct KeyCreation {
    /// Kind of material.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: Option<KeyUsage>,
    /// Where its material comes from.
    pub origin: Origin,
    /// The ProtectionLevel that is reported.
    pub protection: ProtectionLevel,
    /// Free text.
    pub description: String,
    /// The interval of automatic rotation, in milliseconds.
    pub rotation_interval_ms: Option<i64>,
    /// Its tags.
    pub tags: Tags,
    /// Its resource policy. `None` means the default policy.
    pub policy: Option<ResourcePolicy>,
}

impl Keys {
    /// Creates a key.
    ///
    /// # Errors
    /// Those of [`decisions::create`].
    pub async fn create(&self, scope: &Scope, creation: KeyCreation) -> Result<Arc<HeldKey>, AppError> {
        until_first!(self, self.create_once(scope, creation.clone()))
    }

    async fn create_once(&self, scope: &Scope, creation: KeyCreation) -> Result<Arc<HeldKey>, AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, scope).await?;
        let present = keys.keys.values().filter(|held| held.key().owner == KeyOwner::User).count();
        let new = NewKey {
            id: self.fresh_key_id()?,
            scope: scope.clone(),
            owner: KeyOwner::User,
            spec: creation.spec,
            usage: creation.usage,
            origin: creation.origin,
            protection: creation.protection,
            description: creation.description,
            rotation_interval_ms: creation.rotation_interval_ms,
            tags: creation.tags,
            policy: creation.policy,
            version: self.fresh_version_id()?,
        };
        let key = decisions::create(new, present, &self.limits, self.clock.now())?;
        self.make(guard, &keys, key).await
    }

    /// Stores a new key with material for its version.
    pub(super) async fn make(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        key: Key,
    ) -> Result<Arc<HeldKey>, AppError> {
        let id = key.id.clone();
        let none = KeyRecord { key: key.clone(), material: Vec::new(), imported: None };
        let record = self.with_material(&none, key).await?;
        let (_, keys) = self.put(guard, keys, record).await?;
        keys.keys.get(&id).map(Arc::clone).ok_or_else(|| KeyRefusal::NotFound.into())
    }

    /// The record with the next state of its key: with new material for a new version, and without material if the key
    /// has lost it.
    pub(super) async fn with_material(&self, record: &KeyRecord, next: Key) -> Result<KeyRecord, AppError> {
        let mut material = if next.has_material { record.material.clone() } else { Vec::new() };
        for version in next.versions.iter().filter(|_| next.origin == Origin::Kms) {
            if !material.iter().any(|(number, _)| *number == version.number) {
                material.push((version.number, self.fresh_material(&next, version.number).await?));
            }
        }
        Ok(KeyRecord { key: next, material, imported: record.imported.clone() })
    }

    /// Generates and wraps material, on a thread that may block: an RSA key takes a second.
    async fn fresh_material(&self, key: &Key, number: u32) -> Result<Arc<[u8]>, AppError> {
        let (root, entropy, key) = (Arc::clone(&self.root), Arc::clone(&self.entropy), key.clone());
        let make = move || -> Result<Arc<[u8]>, AppError> {
            let mut rng = entropy.rng();
            let bytes = match pair_spec(key.spec) {
                None => {
                    let mut bytes = Zeroizing::new(vec![0; algorithm(key.spec).material_len()]);
                    rng.fill_bytes(&mut bytes);
                    bytes
                }
                Some(spec) => KeyPair::generate(spec, &mut *rng)?.to_pkcs8_der()?,
            };
            let wrapped = root.wrap_key_material(&context(&key, number), &bytes, &mut *rng)?;
            Ok(Arc::from(wrapped.as_bytes()))
        };
        let died =
            |e| StoreError::Unavailable(Unavailable::because("the task that makes the key ended early", e));
        tokio::task::spawn_blocking(make).await.map_err(died)?
    }

    /// Changes a key by a decision. `decide` may be called repeatedly.
    ///
    /// # Errors
    /// Those of [`Keys::find`] and of `decide`.
    pub async fn change<F>(
        &self,
        caller: &Scope,
        reference: &KeyRef,
        decide: F,
    ) -> Result<Arc<HeldKey>, AppError>
    where
        F: Fn(&Key) -> Result<Key, KeyRefusal> + Send + Sync,
    {
        self.change_among(caller, reference, |key, _| decide(key)).await
    }

    /// Changes a key by a decision that also depends on the other keys of the scope.
    async fn change_among<F>(
        &self,
        caller: &Scope,
        reference: &KeyRef,
        decide: F,
    ) -> Result<Arc<HeldKey>, AppError>
    where
        F: Fn(&Key, &ScopeKeys) -> Result<Key, KeyRefusal> + Send + Sync,
    {
        let found = self.find(caller, reference).await?;
        let (id, scope) = (found.key().id.clone(), found.key().scope.clone());
        until_first!(self, self.change_once(&scope, &id, &decide))
    }

    async fn change_once<F>(&self, scope: &Scope, id: &KeyId, decide: &F) -> Result<Arc<HeldKey>, AppError>
    where
        F: Fn(&Key, &ScopeKeys) -> Result<Key, KeyRefusal> + Send + Sync,
    {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, scope).await?;
        let held = keys.keys.get(id).ok_or(KeyRefusal::NotFound)?;
        let next = decide(held.key(), &keys)?;
        let planned = next.deletion.filter(|_| held.key().deletion.is_none());
        let record = self.with_material(held.record(), next).await?;
        let (_, keys) = self.put(guard, &keys, record).await?;
        if let (Some(gone), Some(held)) = (planned, keys.keys.get(id)) {
            self.tell(held.key(), KeyHappened::DeletionPlanned(gone));
        }
        keys.keys.get(id).map(Arc::clone).ok_or_else(|| KeyRefusal::NotFound.into())
    }

    /// Adds a version to a key.
    ///
    /// # Errors
    /// Those of [`Keys::find`] and [`decisions::add_version`].
    pub async fn add_version(&self, caller: &Scope, reference: &KeyRef) -> Result<Arc<HeldKey>, AppError> {
        let (version, now) = (self.fresh_version_id()?, self.clock.now());
        let decide = |key: &Key, keys: &ScopeKeys| {
            decisions::add_version(key, version.clone(), keys.versions(), &self.limits, now)
        };
        self.change_among(caller, reference, decide).await
    }

    /// Creates an alias of a key.
    ///
    /// # Errors
    /// [`KeyRefusal::AliasExists`], [`KeyRefusal::Parameter`] for a reserved name, [`KeyRefusal::LimitExceeded`],
    /// [`KeyRefusal::StateModification`] for a key that is pending deletion (protocol P80).
    pub async fn create_alias(&self, caller: &Scope, name: AliasName, id: &KeyId) -> Result<(), AppError> {
        until_first!(self, self.create_alias_once(caller, name.clone(), id))
    }

    async fn create_alias_once(&self, caller: &Scope, name: AliasName, id: &KeyId) -> Result<(), AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, caller).await?;
        let held = keys.keys.get(id).ok_or(KeyRefusal::NotFound)?;
        if name.is_reserved() {
            return Err(KeyRefusal::parameter(
                "AliasName",
                "begins with alias/acs, which is reserved for the service",
            )
            .into());
        }
        if held.key().owner == KeyOwner::Service {
            return Err(KeyRefusal::UnsupportedKey("the service-managed key has no aliases").into());
        }
        if keys.aliases.iter().any(|alias| alias.name == name) {
            return Err(KeyRefusal::AliasExists.into());
        }
        if held.key().state == KeyState::PendingDeletion {
            let why = "an alias cannot point to a key that is scheduled for deletion";
            return Err(KeyRefusal::StateModification(held.key().state, why).into());
        }
        decisions::add_alias(keys.aliases.len(), &self.limits)?;
        self.set_alias(guard, &keys, caller, Alias { name, key: id.clone() }).await
    }

    /// Points an alias to another key.
    ///
    /// # Errors
    /// [`KeyRefusal::AliasNotFound`], [`KeyRefusal::NotFound`], [`KeyRefusal::State`] for a target that is pending
    /// deletion.
    pub async fn update_alias(&self, caller: &Scope, name: AliasName, id: &KeyId) -> Result<(), AppError> {
        until_first!(self, self.update_alias_once(caller, name.clone(), id))
    }

    async fn update_alias_once(&self, caller: &Scope, name: AliasName, id: &KeyId) -> Result<(), AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, caller).await?;
        let held = keys.keys.get(id).ok_or(KeyRefusal::NotFound)?;
        if !keys.aliases.iter().any(|alias| alias.name == name) {
            return Err(KeyRefusal::AliasNotFound.into());
        }
        if held.key().owner == KeyOwner::Service {
            return Err(KeyRefusal::UnsupportedKey("the service-managed key has no aliases").into());
        }
        if held.key().state == KeyState::PendingDeletion {
            return Err(KeyRefusal::State(KeyState::PendingDeletion).into());
        }
        self.set_alias(guard, &keys, caller, Alias { name, key: id.clone() }).await
    }

    async fn set_alias(
        &self,
        guard: Guard,
        keys: &ScopeKeys,
        scope: &Scope,
        alias: Alias,
    ) -> Result<(), AppError> {
        let mut next = keys.clone();
        next.aliases.retain(|known| known.name != alias.name);
        next.aliases.push(alias.clone());
        next.aliases.sort_by(|a, b| a.name.cmp(&b.name));
        let change = KeyChange::SetAlias { alias };
        self.commit(guard, scope.clone(), change, next).await.map(drop)
    }

    /// Deletes an alias.
    ///
    /// # Errors
    /// [`KeyRefusal::AliasNotFound`].
    pub async fn delete_alias(&self, caller: &Scope, name: AliasName) -> Result<(), AppError> {
        until_first!(self, self.delete_alias_once(caller, name.clone()))
    }

    async fn delete_alias_once(&self, caller: &Scope, name: AliasName) -> Result<(), AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, caller).await?;
        let mut next = ScopeKeys::clone(&keys);
        next.aliases.retain(|alias| alias.name != name);
        if next.aliases.len() == keys.aliases.len() {
            return Err(KeyRefusal::AliasNotFound.into());
        }
        let change = KeyChange::RemoveAlias { name };
        self.commit(guard, caller.clone(), change, next).await.map(drop)
    }

    /// Does everything that is due for keys, in all scopes. Returns the number of these scopes.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn do_all_due(&self) -> Result<usize, AppError> {
        let scopes = self.store.scopes_with_due_keys(self.clock.now()).await?;
        for scope in &scopes {
            self.of(scope).await?;
        }
        Ok(scopes.len())
    }
}

/// The id in a reference to a key where an alias is not allowed.
///
/// # Errors
/// [`KeyRefusal::AliasNotAllowed`].
pub fn id_only(reference: &KeyRef) -> Result<&KeyId, KeyRefusal> {
    match &reference.target {
        KeyTarget::Id(id) => Ok(id),
        KeyTarget::Alias(_) => Err(KeyRefusal::AliasNotAllowed),
    }
}
