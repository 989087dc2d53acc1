//! Envelope encryption: root key → CMKs → data keys → values.

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::AppError;
use super::keys::{HeldKey, Keys, KeysById, Material};
use super::loaded::{DataKey, FreshDataKey, Loaded};
use crate::crypto::{Cipher, CryptoError, DataKeyContext, KeyRing, SymmetricKey, ValueContext};
use crate::domain::keys::Key;
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::{DataType, KeyId, Scope, Secret, SecretId, Timestamp, Version, VersionId};
use crate::ports::Entropy;
use crate::store::{DataKeyRecord, SealedValue, SecretRecord, StoreError};

/// Seals and opens values.
#[derive(Debug)]
pub(super) struct Vault {
    keys: Arc<Keys>,
    entropy: Arc<dyn Entropy>,
}

/// A sealed value, and the data key that was created for it, if there is one.
pub(super) struct Sealed {
    pub(super) value: SealedValue,
    pub(super) fresh: Option<FreshDataKey>,
}

/// The secret version that a value is sealed for.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) scope: &'a Scope,
    pub(super) secret: &'a SecretId,
    pub(super) encryption_key: Option<&'a KeyId>,
    pub(super) version: &'a VersionId,
    pub(super) data_type: DataType,
}

impl Vault {
    pub(super) fn new(keys: Arc<Keys>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keys, entropy }
    }

    /// Seals a value under the secret's newest data key, or under a fresh one when there is none or its CMK has a
    /// newer primary version.
    pub(super) async fn seal(
        &self,
        target: Target<'_>,
        plaintext: &[u8],
        loaded: Option<&Loaded>,
        now: Timestamp,
    ) -> Result<Sealed, AppError> {
        let held = match target.encryption_key {
            Some(id) => self.usable(target.scope, id).await?,
            None => self.keys.service_key(target.scope).await?,
        };
        let material = self.keys.open(&held)?;
        let ring = symmetric(&material)?;
        let key_id = held.key().id.clone();
        let usable = |key: &&DataKey| key.record.key == key_id && key.record.key_version == ring.primary();
        let (key, id, fresh) = match loaded.and_then(Loaded::newest_data_key).filter(usable) {
            Some(key) => {
                (self.unwrapped(target.scope, target.secret, key).await?, key.record.id.clone(), None)
            }
            None => {
                let fresh = self.make_data_key(target, held.key(), ring, now)?;
                let key = fresh.key.unwrapped.get().map(Arc::clone).ok_or(CryptoError::CannotOpen)?;
                (key, fresh.key.record.id.clone(), Some(fresh))
            }
        };
        let context =
            value_context(target.scope, target.secret, target.version, target.data_type, id.as_str());
        let sealed = Cipher::new(&key).seal(&context.encode(), plaintext, &mut *self.entropy.rng())?;
        let sealed = Arc::from(sealed.as_bytes());
        Ok(Sealed { value: SealedValue { version: target.version.clone(), data_key: id, sealed }, fresh })
    }

    /// Opens the value of a version. A key that was named for the secret must be usable (rule 4.9).
    pub(super) async fn open(
        &self,
        loaded: &Loaded,
        version: &VersionId,
        data_type: DataType,
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        if let Some(id) = &loaded.secret.encryption_key {
            self.usable(&loaded.secret.scope, id).await?;
        }
        self.open_unchecked(loaded, version, data_type).await
    }

    /// A key by its id, which must be enabled.
    async fn usable(&self, scope: &Scope, id: &KeyId) -> Result<Arc<HeldKey>, AppError> {
        let held = self.keys.by_id(scope, id).await?;
        held.key().require_enabled()?;
        Ok(held)
    }

    /// Opens the value that a rotation under way made.
    pub(super) async fn open_candidate(&self, loaded: &Loaded) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let missing = || StoreError::Corrupt("the candidate of a rotation is missing".to_owned());
        let value = loaded.candidate().ok_or_else(missing)?;
        self.open_value(loaded, value, DataType::Text).await
    }

    /// Opens a value without a check of the state of its key.
    async fn open_unchecked(
        &self,
        loaded: &Loaded,
        version: &VersionId,
        data_type: DataType,
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let missing = |what: &str| StoreError::Corrupt(format!("{what} of a version is missing"));
        let value = loaded.value(version).ok_or_else(|| missing("the value"))?;
        self.open_value(loaded, value, data_type).await
    }

    async fn open_value(
        &self,
        loaded: &Loaded,
        value: &SealedValue,
        data_type: DataType,
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let missing = |what: &str| StoreError::Corrupt(format!("{what} of a version is missing"));
        let (secret, version) = (&loaded.secret, &value.version);
        let key = loaded.data_key(&value.data_key).ok_or_else(|| missing("the data key"))?;
        let key = self.unwrapped(&secret.scope, &secret.id, key).await?;
        let context = value_context(&secret.scope, &secret.id, version, data_type, value.data_key.as_str());
        Ok(Cipher::new(&key).open(&context.encode(), &value.sealed)?)
    }

    /// Checks that every data key and value of a secret opens. Values under a key that was deleted, or whose material
    /// was deleted, can never be opened again; that is not damage.
    pub(super) async fn check(&self, loaded: &Loaded) -> Result<(), AppError> {
        if let Some(id) = &loaded.secret.encryption_key {
            match self.keys.by_id(&loaded.secret.scope, id).await {
                Ok(held) if held.key().has_material => {}
                Ok(_) | Err(AppError::Key(KeyRefusal::NotFound)) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
        for version in &loaded.secret.versions {
            self.open_unchecked(loaded, &version.id, version.data_type).await?;
        }
        Ok(())
    }

    /// Opens every value of a secret that is not loaded in the application, with keys from the same file or snapshot.
    pub(super) fn open_record(
        &self,
        record: &SecretRecord,
        keys: &KeysById,
    ) -> Result<Vec<Zeroizing<Vec<u8>>>, AppError> {
        let missing = |what: &str| StoreError::Corrupt(format!("{what} of a version is missing"));
        let secret = &record.secret;
        let mut ciphers = BTreeMap::new();
        for data_key in &record.data_keys {
            let held = keys.get(&data_key.key).ok_or_else(|| missing("the key"))?;
            let material = self.keys.open(held)?;
            let context = data_key_context(&secret.scope, &secret.id, data_key);
            let key = symmetric(&material)?.unwrap_data_key(&context, &data_key.wrapped)?;
            ciphers.insert(data_key.id.as_str(), Cipher::new(&key));
        }
        let open = |version: &Version| {
            let value = record.values.iter().find(|value| value.version == version.id);
            let value = value.ok_or_else(|| missing("the value"))?;
            let id = value.data_key.as_str();
            let cipher = ciphers.get(id).ok_or_else(|| missing("the data key"))?;
            let context = value_context(&secret.scope, &secret.id, &version.id, version.data_type, id);
            Ok(cipher.open(&context.encode(), &value.sealed)?)
        };
        secret.versions.iter().map(open).collect()
    }

    /// Seals every value of a secret that is not stored yet, under one new data key.
    pub(super) fn seal_record(
        &self,
        secret: Secret,
        values: &[Zeroizing<Vec<u8>>],
        held: &HeldKey,
        now: Timestamp,
    ) -> Result<SecretRecord, AppError> {
        let material = self.keys.open(held)?;
        let ring = symmetric(&material)?;
        let Some(first) = secret.versions.first() else {
            return Err(StoreError::Corrupt("a secret without versions".to_owned()).into());
        };
        let target = target(&secret, &first.id, first.data_type);
        let FreshDataKey { key, .. } = self.make_data_key(target, held.key(), ring, now)?;
        let cipher = Cipher::new(key.unwrapped.get().ok_or(CryptoError::CannotOpen)?);
        let mut sealed = Vec::with_capacity(values.len());
        for (version, value) in secret.versions.iter().zip(values) {
            let id = key.record.id.as_str();
            let context = value_context(&secret.scope, &secret.id, &version.id, version.data_type, id);
            let bytes = cipher.seal(&context.encode(), value, &mut *self.entropy.rng())?;
            let (version, data_key) = (version.id.clone(), key.record.id.clone());
            sealed.push(SealedValue { version, data_key, sealed: Arc::from(bytes.as_bytes()) });
        }
        Ok(SecretRecord { secret, values: sealed, data_keys: vec![key.record], candidate: None })
    }

    async fn unwrapped(
        &self,
        scope: &Scope,
        secret: &SecretId,
        key: &DataKey,
    ) -> Result<Arc<SymmetricKey>, AppError> {
        if let Some(key) = key.unwrapped.get() {
            return Ok(Arc::clone(key));
        }
        let unwrap = async {
            let record = &key.record;
            let held = self.keys.by_id(scope, &record.key).await.map_err(lost)?;
            let material = self.keys.open(&held)?;
            let context = data_key_context(scope, secret, record);
            let key = symmetric(&material)?.unwrap_data_key(&context, &record.wrapped)?;
            Ok::<_, AppError>(Arc::new(key))
        };
        Box::pin(key.unwrapped.get_or_try_init(|| unwrap)).await.map(Arc::clone)
    }

    fn make_data_key(
        &self,
        target: Target<'_>,
        by: &Key,
        key_ring: &KeyRing,
        now: Timestamp,
    ) -> Result<FreshDataKey, AppError> {
        let version = by.versions.iter().find(|version| version.number == key_ring.primary());
        let version = version.ok_or_else(|| StoreError::Corrupt("material of no version".to_owned()))?;
        let mut rng = self.entropy.rng();
        let key = SymmetricKey::generate(&mut *rng);
        let mut record = DataKeyRecord {
            id: fresh_id("dk-", &*self.entropy)?,
            key: by.id.clone(),
            key_version: key_ring.primary(),
            wrapped: Vec::new(),
            created: now,
        };
        let context = data_key_context(target.scope, target.secret, &record);
        record.wrapped = key_ring.wrap_data_key(&context, &key, &mut *rng)?.into_vec();
        Ok(FreshDataKey::new(record, Arc::new(key), version.id.clone()))
    }
}

/// The versions of a symmetric key. Only symmetric keys can be named for a secret.
fn symmetric(material: &Material) -> Result<&KeyRing, AppError> {
    match material {
        Material::Symmetric(ring) => Ok(ring),
        Material::Pairs(_) => {
            Err(StoreError::Corrupt("a data key is under an asymmetric key".to_owned()).into())
        }
    }
}

/// A data key whose service-managed CMK does not exist is damage.
fn lost(error: AppError) -> AppError {
    match error {
        AppError::Key(KeyRefusal::NotFound) => {
            StoreError::Corrupt("the key of a data key is missing".to_owned()).into()
        }
        other => other,
    }
}

/// A new identifier: a prefix and a random UUID.
pub(super) fn fresh_id<T: std::str::FromStr>(prefix: &str, entropy: &dyn Entropy) -> Result<T, AppError> {
    identifier(prefix, entropy.uuid())
}

/// A new identifier of a secret. It begins with the time, so that rows of secrets that were created one after another
/// are next to each other in the indexes of the database.
pub(super) fn fresh_secret_id(entropy: &dyn Entropy, now: Timestamp) -> Result<SecretId, AppError> {
    identifier("sec-", entropy.uuid_of(now))
}

fn identifier<T: std::str::FromStr>(prefix: &str, uuid: uuid::Uuid) -> Result<T, AppError> {
    let text = format!("{prefix}{uuid}");
    text.parse().map_err(|_invalid| StoreError::Corrupt("a fresh id is not valid".to_owned()).into())
}

fn value_context<'a>(
    scope: &'a Scope,
    secret: &'a SecretId,
    version: &'a VersionId,
    data_type: DataType,
    data_key_id: &'a str,
) -> ValueContext<'a> {
    ValueContext {
        account: scope.account.as_str(),
        region: scope.region.as_str(),
        secret_id: secret.as_str(),
        version_id: version.as_str(),
        data_type: data_type.as_str(),
        data_key_id,
    }
}

fn data_key_context<'a>(
    scope: &'a Scope,
    secret: &'a SecretId,
    record: &'a DataKeyRecord,
) -> DataKeyContext<'a> {
    DataKeyContext {
        account: scope.account.as_str(),
        region: scope.region.as_str(),
        secret_id: secret.as_str(),
        data_key_id: record.id.as_str(),
        key_id: record.key.as_str(),
        key_version: record.key_version,
    }
}

/// The target of a value of an existing secret.
pub(super) fn target<'a>(secret: &'a Secret, version: &'a VersionId, data_type: DataType) -> Target<'a> {
    Target {
        scope: &secret.scope,
        secret: &secret.id,
        encryption_key: secret.encryption_key.as_ref(),
        version,
        data_type,
    }
}
