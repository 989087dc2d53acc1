//! Envelope encryption: root key → CMKs → data keys → values.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::AppError;
use super::loaded::{DataKey, Loaded};
use crate::crypto::{
    Cipher, CryptoError, DataKeyContext, KeyMaterialContext, KeyRing, RootKey, SymmetricKey, ValueContext,
};
use crate::domain::{DataType, KeyId, Scope, Secret, SecretId, Timestamp, VersionId};
use crate::ports::Entropy;
use crate::store::{DataKeyRecord, KeyRecord, KeyVersionRecord, SealedValue, Store, StoreError};

/// The keys, and what seals and opens with them.
#[derive(Debug)]
pub(super) struct Vault {
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
    root: RootKey,
    rings: Mutex<BTreeMap<KeyId, Arc<KeyRing>>>,
    service_keys: Mutex<BTreeMap<Scope, KeyId>>,
}

/// A sealed value, with the data key that had to be made for it, if one had.
pub(super) struct Sealed {
    pub(super) value: SealedValue,
    pub(super) fresh: Option<DataKey>,
}

/// What a value is sealed for.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) scope: &'a Scope,
    pub(super) secret: &'a SecretId,
    pub(super) encryption_key: Option<&'a KeyId>,
    pub(super) version: &'a VersionId,
    pub(super) data_type: DataType,
}

impl Vault {
    pub(super) fn new(store: Arc<dyn Store>, entropy: Arc<dyn Entropy>, root: RootKey) -> Self {
        Self { store, entropy, root, rings: Mutex::default(), service_keys: Mutex::default() }
    }

    /// Forgets all unwrapped keys.
    pub(super) fn clear(&self) {
        locked(&self.rings).clear();
        locked(&self.service_keys).clear();
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
        let key_id = match target.encryption_key {
            Some(id) => id.clone(),
            None => self.service_key(target.scope, now).await?,
        };
        let ring = self.ring(&key_id).await?;
        let usable = |key: &&DataKey| key.record.key == key_id && key.record.key_version == ring.primary();
        let (cipher, id, fresh) = match loaded.and_then(Loaded::newest_data_key).filter(usable) {
            Some(key) => (self.cipher(target.scope, target.secret, key).await?, key.record.id.clone(), None),
            None => {
                let key = self.make_data_key(target, key_id, &ring, now)?;
                let cipher = key.cipher.get().map(Arc::clone).ok_or(CryptoError::CannotOpen)?;
                (cipher, key.record.id.clone(), Some(key))
            }
        };
        let context =
            value_context(target.scope, target.secret, target.version, target.data_type, id.as_str());
        let sealed = cipher.seal(&context.encode(), plaintext, &mut *self.entropy.rng())?;
        let sealed = Arc::from(sealed.as_bytes());
        Ok(Sealed { value: SealedValue { version: target.version.clone(), data_key: id, sealed }, fresh })
    }

    /// Opens the value of a version.
    pub(super) async fn open(
        &self,
        loaded: &Loaded,
        version: &VersionId,
        data_type: DataType,
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let missing = |what: &str| StoreError::Corrupt(format!("{what} of a version is missing"));
        let secret = &loaded.secret;
        let value = loaded.value(version).ok_or_else(|| missing("the value"))?;
        let key = loaded.data_key(&value.data_key).ok_or_else(|| missing("the data key"))?;
        let cipher = self.cipher(&secret.scope, &secret.id, key).await?;
        let context = value_context(&secret.scope, &secret.id, version, data_type, value.data_key.as_str());
        Ok(cipher.open(&context.encode(), &value.sealed)?)
    }

    /// Checks that every data key and value of a secret opens.
    pub(super) async fn check(&self, loaded: &Loaded) -> Result<(), AppError> {
        for version in &loaded.secret.versions {
            self.open(loaded, &version.id, version.data_type).await?;
        }
        Ok(())
    }

    async fn cipher(&self, scope: &Scope, secret: &SecretId, key: &DataKey) -> Result<Arc<Cipher>, AppError> {
        let unwrap = async {
            let record = &key.record;
            let ring = self.ring(&record.key).await?;
            let context = data_key_context(scope, secret, record);
            Ok::<_, AppError>(Arc::new(Cipher::new(&ring.unwrap_data_key(&context, &record.wrapped)?)))
        };
        key.cipher.get_or_try_init(|| unwrap).await.map(Arc::clone)
    }

    fn make_data_key(
        &self,
        target: Target<'_>,
        key_id: KeyId,
        ring: &KeyRing,
        now: Timestamp,
    ) -> Result<DataKey, AppError> {
        let mut chance = self.entropy.rng();
        let key = SymmetricKey::generate(&mut *chance);
        let mut record = DataKeyRecord {
            id: fresh_id("dk-", &*self.entropy)?,
            key: key_id,
            key_version: ring.primary(),
            wrapped: Vec::new(),
            created: now,
        };
        let context = data_key_context(target.scope, target.secret, &record);
        record.wrapped = ring.wrap_data_key(&context, &key, &mut *chance)?.as_bytes().to_vec();
        Ok(DataKey::fresh(record, Arc::new(Cipher::new(&key))))
    }

    /// The unwrapped versions of a CMK.
    async fn ring(&self, id: &KeyId) -> Result<Arc<KeyRing>, AppError> {
        if let Some(ring) = locked(&self.rings).get(id) {
            return Ok(Arc::clone(ring));
        }
        let lost = || StoreError::Corrupt(format!("key {id} is missing"));
        let record = self.store.key(id).await?.ok_or_else(lost)?;
        let ring = Arc::new(self.unwrap_key(&record)?);
        locked(&self.rings).insert(id.clone(), Arc::clone(&ring));
        Ok(ring)
    }

    fn unwrap_key(&self, record: &KeyRecord) -> Result<KeyRing, AppError> {
        let mut ring = None;
        for version in &record.versions {
            let context = key_context(&record.scope, &record.id, version.version);
            let material = self.root.unwrap_key_material(&context, &version.material)?;
            match &mut ring {
                None => ring = Some(KeyRing::new(version.version, &material)),
                Some(ring) => ring.add(version.version, &material),
            }
        }
        ring.ok_or_else(|| StoreError::Corrupt(format!("key {} has no version", record.id)).into())
    }

    /// The id of the scope's service-managed key, which is made when first needed (rule 7.1).
    async fn service_key(&self, scope: &Scope, now: Timestamp) -> Result<KeyId, AppError> {
        if let Some(id) = locked(&self.service_keys).get(scope) {
            return Ok(id.clone());
        }
        let id = match self.store.service_key(scope).await? {
            Some(record) => record.id,
            None => self.make_service_key(scope, now).await?,
        };
        locked(&self.service_keys).insert(scope.clone(), id.clone());
        Ok(id)
    }

    async fn make_service_key(&self, scope: &Scope, now: Timestamp) -> Result<KeyId, AppError> {
        let record = {
            let id = fresh_id("key-", &*self.entropy)?;
            let mut rng = self.entropy.rng();
            let material = SymmetricKey::generate(&mut *rng);
            let wrapped = self.root.wrap_key_material(&key_context(scope, &id, 1), &material, &mut *rng)?;
            let first = KeyVersionRecord { version: 1, material: wrapped.as_bytes().to_vec(), created: now };
            KeyRecord { id, scope: scope.clone(), created: now, versions: vec![first] }
        };
        let id = record.id.clone();
        match self.store.add_service_key(record).await {
            Ok(()) => Ok(id),
            // Somebody else made it at the same moment.
            Err(StoreError::Conflict) => {
                let lost = || StoreError::Corrupt("the service-managed key is missing".to_owned());
                Ok(self.store.service_key(scope).await?.ok_or_else(lost)?.id)
            }
            Err(other) => Err(other.into()),
        }
    }
}

/// A fresh identifier: a prefix and a random UUID.
pub(super) fn fresh_id<T: std::str::FromStr>(prefix: &str, entropy: &dyn Entropy) -> Result<T, AppError> {
    let text = format!("{prefix}{}", entropy.uuid());
    text.parse().map_err(|_invalid| StoreError::Corrupt("a fresh id is not valid".to_owned()).into())
}

/// Where a secret's own id comes from.
pub(super) fn fresh_secret_id(entropy: &dyn Entropy) -> Result<SecretId, AppError> {
    fresh_id("sec-", entropy)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

fn key_context<'a>(scope: &'a Scope, id: &'a KeyId, key_version: u32) -> KeyMaterialContext<'a> {
    KeyMaterialContext {
        account: scope.account.as_str(),
        region: scope.region.as_str(),
        key_id: id.as_str(),
        key_version,
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
