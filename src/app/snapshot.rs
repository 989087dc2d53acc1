//! Everything at once: reading it, putting it, and opening and sealing what is in it. Exports, seeds and snapshots are
//! made of this.

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

/// The number of a key's version, and its material.
pub type Unwrapped = (u32, Zeroizing<Vec<u8>>);

impl App {
    /// Everything of an account, or of all.
    ///
    /// # Errors
    /// [`AppError::Unavailable`], [`AppError::Damaged`].
    pub async fn snapshot(&self, account: Option<&AccountId>) -> Result<Snapshot, AppError> {
        Ok(self.store.snapshot(account).await?)
    }

    /// Puts contents instead of others, all of it or nothing.
    ///
    /// # Errors
    /// [`AppError::Busy`] when something is added that is there already; [`AppError::Unavailable`].
    pub async fn put_snapshot(&self, instead: ReplaceScope, contents: Arc<Snapshot>) -> Result<(), AppError> {
        // All locks: no write is between reading and committing, and none puts an old entry into the cache.
        let _guards = self.locks.hold_all().await;
        let _keys = self.keys.lock().await;
        let outcome = self.store.put_snapshot(instead, contents).await;
        self.cache.clear();
        self.keys.clear();
        self.rooms.clear().await;
        outcome?;
        self.directory.reload().await
    }

    /// What tells our root key.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn root_marker(&self) -> Result<Vec<u8>, AppError> {
        Ok(self.store.meta(MARKER).await?.unwrap_or_default())
    }

    /// Whether a marker was made with our root key.
    pub fn opens(&self, marker: &[u8]) -> bool {
        self.root.check_marker(marker).is_ok()
    }

    /// The material of every version of a key, unwrapped.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when it was altered, or wrapped by another root key.
    pub fn material_of(&self, record: &KeyRecord) -> Result<Vec<Unwrapped>, AppError> {
        let open = |(number, wrapped): &(u32, Arc<[u8]>)| {
            Ok((*number, self.unwrapped(&record.key, *number, wrapped, None)?))
        };
        record.material.iter().map(open).collect()
    }

    /// Material of a version of a key that our root key wrapped, or another one.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when it was altered, or wrapped by yet another root key.
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

    /// Wraps material for a version of a key, if it is material of the key's kind.
    ///
    /// # Errors
    /// [`AppError::Crypto`], [`AppError::Pair`] when it is not.
    pub fn wrapped(&self, key: &Key, number: u32, material: &[u8]) -> Result<Arc<[u8]>, AppError> {
        super::keys::check_material(key.spec, number, material)?;
        let context = super::keys::material_context(key, number);
        let wrapped = self.root.wrap_key_material(&context, material, &mut *self.entropy.rng())?;
        Ok(Arc::from(wrapped.as_bytes()))
    }

    /// The values of a secret's versions, in their order; none when its key is gone, or has no material.
    ///
    /// # Errors
    /// [`AppError::Crypto`], [`AppError::Damaged`] when something was altered.
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

    /// A secret with its values sealed under a key.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when the key has no material.
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
    /// Seals with another root key everything that ours seals, all of it or nothing. This application goes on with the
    /// old root key and must be closed afterwards. Facts beside the marker, such as a salt, are stored along.
    /// Tells of each key.
    ///
    /// # Errors
    /// [`AppError::Crypto`] when something does not open; nothing is changed then.
    pub async fn reseal(
        &self,
        new: &RootKey,
        facts: Vec<(&'static str, Vec<u8>)>,
        progress: &dyn Progress,
    ) -> Result<usize, AppError> {
        let contents = self.snapshot(None).await?;
        let mut resealed = Resealed { meta: facts, ..Resealed::default() };
        for (at, record) in contents.keys.iter().enumerate() {
            progress.at(at, Some(contents.keys.len()));
            for (number, wrapped) in &record.material {
                let context = super::keys::material_context(&record.key, *number);
                let wrapped = new.rewrap(&self.root, &context, wrapped, &mut *self.entropy.rng())?;
                resealed.material.push((record.key.id.clone(), *number, wrapped.as_bytes().to_vec()));
            }
        }
        for (id, sealed) in &contents.accounts {
            let context = AccountContext { account: id.as_str() };
            let plain = self.root.open_account(&context, sealed)?;
            let sealed = new.seal_account(&context, &plain, &mut *self.entropy.rng())?;
            resealed.accounts.push((id.clone(), sealed.as_bytes().to_vec()));
        }
        let marker = new.marker(&mut *self.entropy.rng())?;
        resealed.meta.push((MARKER, marker.as_bytes().to_vec()));
        let count = resealed.material.len() + resealed.accounts.len();
        self.store.reseal(resealed).await?;
        Ok(count)
    }
}
