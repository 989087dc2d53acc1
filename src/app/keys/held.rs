//! A key in memory, whose material is unwrapped when first needed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::app::error::AppError;
use crate::crypto::asymmetric::{KeyPair, KeyPairSpec};
use crate::crypto::symmetric_blob::SymmetricAlgorithm;
use crate::crypto::{CryptoError, KeyMaterialContext, KeyRing, RootKey};
use crate::domain::keys::{Key, KeySpec};
use crate::store::KeyRecord;

/// A key with its wrapped material.
#[derive(Debug)]
pub struct HeldKey {
    record: KeyRecord,
    opened: OnceLock<Arc<Material>>,
}

/// Unwrapped material.
#[derive(Debug)]
pub enum Material {
    /// The versions of a symmetric key.
    Symmetric(KeyRing),
    /// The versions of an asymmetric key, by number.
    Pairs(BTreeMap<u32, KeyPair>),
}

impl HeldKey {
    pub(in crate::app) fn new(record: KeyRecord) -> Self {
        Self { record, opened: OnceLock::new() }
    }

    /// The aggregate.
    pub fn key(&self) -> &Key {
        &self.record.key
    }

    /// The key with its wrapped material.
    pub fn record(&self) -> &KeyRecord {
        &self.record
    }

    pub(in crate::app) fn open(&self, root: &RootKey) -> Result<Arc<Material>, AppError> {
        if let Some(material) = self.opened.get() {
            return Ok(Arc::clone(material));
        }
        let material = Arc::new(self.unwrap_all(root)?);
        Ok(Arc::clone(self.opened.get_or_init(|| material)))
    }

    fn unwrap_all(&self, root: &RootKey) -> Result<Material, AppError> {
        let key = &self.record.key;
        let mut ring: Option<KeyRing> = None;
        let mut pairs = BTreeMap::new();
        for (number, wrapped) in &self.record.material {
            let bytes = root.unwrap_key_material(&context(key, *number), wrapped)?;
            if let Some(spec) = pair_spec(key.spec) {
                pairs.insert(*number, KeyPair::from_pkcs8_der(spec, &bytes)?);
                continue;
            }
            match &mut ring {
                None => ring = Some(KeyRing::new(algorithm(key.spec), *number, &bytes)?),
                Some(ring) => ring.add(*number, &bytes)?,
            }
        }
        match ring {
            Some(ring) => Ok(Material::Symmetric(ring)),
            None if !pairs.is_empty() => Ok(Material::Pairs(pairs)),
            None => Err(CryptoError::CannotOpen.into()),
        }
    }
}

/// The context that the material of a key version is bound to.
pub(in crate::app) fn context(key: &Key, number: u32) -> KeyMaterialContext<'_> {
    KeyMaterialContext {
        account: key.scope.account.as_str(),
        region: key.scope.region.as_str(),
        key_id: key.id.as_str(),
        key_version: number,
    }
}

/// Checks that bytes are valid material for this kind of key.
pub(in crate::app) fn check_material(spec: KeySpec, number: u32, bytes: &[u8]) -> Result<(), AppError> {
    match pair_spec(spec) {
        Some(spec) => KeyPair::from_pkcs8_der(spec, bytes).map(drop).map_err(AppError::from),
        None => KeyRing::new(algorithm(spec), number, bytes).map(drop).map_err(AppError::from),
    }
}

/// The kind of key pair of an asymmetric key. `None` for symmetric keys.
pub(super) fn pair_spec(spec: KeySpec) -> Option<KeyPairSpec> {
    match spec {
        KeySpec::Aes256 | KeySpec::Sm4 => None,
        KeySpec::Rsa2048 => Some(KeyPairSpec::Rsa2048),
        KeySpec::Rsa3072 => Some(KeyPairSpec::Rsa3072),
        KeySpec::EcP256 => Some(KeyPairSpec::EcP256),
        KeySpec::EcP256K => Some(KeyPairSpec::EcP256K),
        KeySpec::EcSm2 => Some(KeyPairSpec::EcSm2),
    }
}

/// The cipher of a symmetric key.
pub(super) fn algorithm(spec: KeySpec) -> SymmetricAlgorithm {
    if spec == KeySpec::Sm4 { SymmetricAlgorithm::Sm4 } else { SymmetricAlgorithm::Aes256 }
}
