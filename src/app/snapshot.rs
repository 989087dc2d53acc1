//! Snapshots of everything: reading and writing them, and opening and sealing what they hold. Exports, imports and
//! seeds use these.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::AppError;
use super::keys::{HeldKey, KeysById};
use super::progress::Progress;
use super::{App, MARKER};
use crate::crypto::{AccountContext, RootKey};
use crate::domain::keys::Key;
use crate::domain::{AccountId, KeyId, Secret};
use crate::store::{KeyRecord, ReplaceScope, Resealed, SecretRecord, Snapshot};

/// The number of a key version, and its material.
pub type Unwrapped = (u32, Zeroizing<Vec<u8>>);

impl App {
    /// Everything of one account, or of all accounts.
    ///
    /// # Errors
    /// [`AppError::Unavailable`], [`AppError::Damaged`].
    pub async fn snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, AppError> {
        Ok(self.store.snapshot(account).await?)
    }

    /// Replaces what the scope says with a snapshot, atomically.
    ///
    /// # Errors
    /// [`AppError::Busy`] if something of the snapshot exists and is not replaced; [`AppError::Unavailable`].
    pub async fn put_snapshot(
        &self,
        replaces: ReplaceScope,
        snapshot: Arc<Snapshot>,
    ) -> Result<(), AppError> {
        // With all locks held, no write is between reading and committing, and none can put an outdated entry into the
        // cache.
        let _guards = self.locks.hold_all().await;
        let _keys = self.keys.lock().await;
        let outcome = self.store.put_snapshot(replaces, snapshot).await;
        self.cache.clear();
        self.keys.clear();
        self.quotas.clear().await;
        outcome?;
        self.rotations.replaced();
        self.directory.reload().await
    }

    /// The marker of our root key.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn root_marker(&self) -> Result<Vec<u8>, AppError> {
        Ok(self.store.meta(MARKER).await?.unwrap_or_default())
    }

    /// Whether a marker belongs to our root key.
    pub fn opens(&self, marker: &[u8]) -> bool {
        self.root.check_marker(marker).is_ok()
    }

    /// The material of every version of a key, unwrapped.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if it was altered, or wrapped by another root key.
    pub fn material_of(&self, record: &KeyRecord) -> Result<Vec<Unwrapped>, AppError> {
        let open = |(number, wrapped): &(u32, Arc<[u8]>)| {
            Ok((*number, self.unwrapped(&record.key, *number, wrapped, None)?))
        };
        record.material.iter().map(open).collect()
    }

    /// Unwraps the material of a key version, with our root key or with `by`.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if it was altered, or wrapped by a different root key.
    pub fn unwrapped(
        &self,
        key: &Key,
        number: u32,
        wrapped: &[u8],
        by: Option<&RootKey>,
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let context = super::keys::material_context(key, number);
        Ok(by.unwrap_or(&self.root).unwrap_key_material(&context, wrapped)?)
    }

    /// Wraps material for a key version, if it is valid for the kind of the key.
    ///
    /// # Errors
    /// [`AppError::Crypto`], [`AppError::Pair`] if it is not.
    pub fn wrapped(&self, key: &Key, number: u32, material: &[u8]) -> Result<Arc<[u8]>, AppError> {
        super::keys::check_material(key.spec, number, material)?;
        let context = super::keys::material_context(key, number);
        let wrapped = self.root.wrap_key_material(&context, material, &mut *self.entropy.rng())?;
        Ok(Arc::from(wrapped.as_bytes()))
    }

    /// The values of a secret's versions, in their order. `None` if a key does not exist or has no material.
    ///
    /// # Errors
    /// [`AppError::Crypto`], [`AppError::Damaged`] if something was altered.
    pub fn values_of(
        &self,
        record: &SecretRecord,
        keys: &KeysById,
    ) -> Result<Option<Vec<Zeroizing<Vec<u8>>>>, AppError> {
        let usable = |id: &KeyId| keys.get(id).is_some_and(|held| held.key().has_material);
        if !record.data_keys.iter().all(|data_key| usable(&data_key.key)) {
            return Ok(None);
        }
        self.vault.open_record(record, keys).map(Some)
    }

    /// A secret record with values sealed under a key.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if the key has no material.
    pub fn sealed(
        &self,
        secret: Secret,
        values: &[Zeroizing<Vec<u8>>],
        key: &HeldKey,
    ) -> Result<SecretRecord, AppError> {
        self.vault.seal_record(secret, values, key, self.clock.now())
    }
}

impl App {
    /// Seals everything with another root key, atomically. This application still has the old root key and must be
    /// closed afterwards. `facts` are stored in addition to the marker, such as the salt of a passphrase. Reports
    /// progress for each key.
    ///
    /// # Errors
    /// [`AppError::Crypto`] if something cannot be opened; then nothing is changed.
    pub async fn reseal(
        &self,
        new: &RootKey,
        facts: Vec<(&'static str, Vec<u8>)>,
        progress: &dyn Progress,
    ) -> Result<usize, AppError> {
        let snapshot = self.snapshot(None).await?;
        let mut resealed = Resealed { meta: facts, ..Resealed::default() };
        for (at, record) in snapshot.keys.iter().enumerate() {
            progress.at(at, Some(snapshot.keys.len()));
            for (number, wrapped) in &record.material {
                let context = super::keys::material_context(&record.key, *number);
                let wrapped = new.rewrap(&self.root, &context, wrapped, &mut *self.entropy.rng())?;
                resealed.material.push((record.key.id.clone(), *number, wrapped.as_bytes().to_vec()));
            }
        }
        for (id, sealed) in &snapshot.accounts {
            let context = AccountContext { account: id.as_str() };
            let plain = self.root.open_account(&context, sealed)?;
            let sealed = new.seal_account(&context, &plain, &mut *self.entropy.rng())?;
            resealed.accounts.push((id.clone(), sealed.as_bytes().to_vec()));
        }
        for key in &snapshot.access_keys {
            if let Some(sealed) = &key.sealed {
                let context = AccountContext { account: key.account.as_str() };
                let plain = self.root.open_account(&context, sealed)?;
                let sealed = new.seal_account(&context, &plain, &mut *self.entropy.rng())?;
                resealed.access_keys.push((key.id.clone(), sealed.as_bytes().to_vec()));
            }
        }
        let marker = new.marker(&mut *self.entropy.rng())?;
        resealed.meta.push((MARKER, marker.as_bytes().to_vec()));
        let count = resealed.material.len() + resealed.accounts.len();
        self.store.reseal(resealed).await?;
        Ok(count)
    }
}
