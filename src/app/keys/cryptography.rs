//! Use cases that use keys: encrypting, signing, and importing material.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::held::{HeldKey, Material, context};
use super::scope_keys::ScopeKeys;
use super::{Guard, Keys};
use crate::app::error::AppError;
use crate::app::retry::until_first;
use crate::crypto::asymmetric::{AsymmetricError, EncryptionAlgorithm, KeyPair, SignatureAlgorithm};
use crate::crypto::symmetric_blob::{Blob, Plaintext};
use crate::crypto::{CryptoError, same_bytes};
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::{KeyRef, KeyVersion};
use crate::domain::{KeyId, Scope, Timestamp};
use crate::store::KeyRecord;

/// Names and values that a ciphertext is bound to.
pub type EncryptionContext = BTreeMap<String, String>;

const ASYMMETRIC: &str = "the key is asymmetric, and this needs a symmetric one";
const SYMMETRIC: &str = "the key is symmetric, and this needs an asymmetric one (such as KeySpec RSA_2048)";
const OTHER_MATERIAL: &str =
    "the key had other material before; only the same material can be imported again";

/// A result, and the key version that it was made with.
#[derive(Debug)]
pub struct Done<T> {
    /// The key.
    pub key: Arc<HeldKey>,
    /// The id of the version.
    pub version: String,
    /// The result.
    pub result: T,
}

impl Keys {
    /// Encrypts under the primary version of a symmetric key.
    ///
    /// # Errors
    /// Those of [`Keys::find`]; [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`].
    pub async fn encrypt(
        &self,
        caller: &Scope,
        reference: &KeyRef,
        context: &EncryptionContext,
        plaintext: &Plaintext,
    ) -> Result<Done<Vec<u8>>, AppError> {
        let held = self.find(caller, reference).await?;
        held.key().require_symmetric()?;
        held.key().require_enabled()?;
        let version = held.key().primary().ok_or(KeyRefusal::VersionNotFound)?;
        let material = self.open(&held)?;
        let Material::Symmetric(ring) = &*material else {
            return Err(KeyRefusal::UnsupportedKey(ASYMMETRIC).into());
        };
        let cipher = ring.cipher(version.number)?;
        let (key, id) = (held.key().id.as_str(), version.id.as_str());
        let blob = Blob::encrypt(cipher, key, id, context, plaintext, &mut *self.entropy.rng())?;
        Ok(Done { version: id.to_owned(), result: blob.to_bytes(), key: Arc::clone(&held) })
    }

    /// The key that a ciphertext of [`Keys::encrypt`] names. It is in the caller's scope or, if `everywhere`, in any
    /// account of the same region.
    ///
    /// # Errors
    /// [`KeyRefusal::Parameter`] naming `CiphertextBlob` if it is not a ciphertext; [`KeyRefusal::NotFound`].
    pub async fn key_of(
        &self,
        caller: &Scope,
        ciphertext: &[u8],
        everywhere: bool,
    ) -> Result<Arc<HeldKey>, AppError> {
        let wrong = || {
            KeyRefusal::parameter(
                "CiphertextBlob",
                "is not a ciphertext that Encrypt or GenerateDataKey made here",
            )
        };
        let blob = Blob::parse(ciphertext).map_err(|_malformed| wrong())?;
        let id: KeyId = blob.key_id().parse().map_err(|_invalid| wrong())?;
        match self.by_id(caller, &id).await {
            Err(AppError::Key(KeyRefusal::NotFound)) if everywhere => {
                let scope = self.store.scope_of_key(&id).await?;
                let scope = scope.filter(|s| s.region == caller.region).ok_or(KeyRefusal::NotFound)?;
                self.by_id(&scope, &id).await
            }
            found => found,
        }
    }

    /// Decrypts what [`Keys::encrypt`] made under any version of a key, which [`Keys::key_of`] finds.
    ///
    /// # Errors
    /// [`KeyRefusal::Parameter`] naming `CiphertextBlob` if it was altered or made with another context;
    /// [`KeyRefusal::State`].
    pub fn decrypt(
        &self,
        held: &Arc<HeldKey>,
        ciphertext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Done<Plaintext>, AppError> {
        // The caller is not told whether it was altered, truncated or made with another context.
        let wrong = |_: CryptoError| {
            let why = "does not open: it was altered, or made with another EncryptionContext";
            KeyRefusal::parameter("CiphertextBlob", why)
        };
        let blob = Blob::parse(ciphertext).map_err(wrong)?;
        held.key().require_symmetric()?;
        held.key().require_enabled()?;
        let version = held.key().version(blob.version_id());
        let version = version.ok_or_else(|| wrong(CryptoError::CannotOpen))?;
        let material = self.open(held)?;
        let Material::Symmetric(ring) = &*material else {
            return Err(KeyRefusal::UnsupportedKey(ASYMMETRIC).into());
        };
        let result = blob.decrypt(ring.cipher(version.number)?, context).map_err(wrong)?;
        Ok(Done { version: version.id.to_string(), result, key: Arc::clone(held) })
    }

    /// Signs a digest with a version of an asymmetric key.
    ///
    /// # Errors
    /// Those of [`Keys::find`]; [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`], [`KeyRefusal::VersionNotFound`];
    /// [`KeyRefusal::Parameter`] naming `Digest` or `Algorithm`.
    pub async fn sign(
        &self,
        caller: &Scope,
        named: &PairRef,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Done<Vec<u8>>, AppError> {
        let sign = |pair: &KeyPair| pair.sign(algorithm, digest, &mut *self.entropy.rng());
        self.with_pair(caller, named, sign, of_parameter("Digest")).await
    }

    /// Verifies a signature over a digest with a version of an asymmetric key.
    ///
    /// # Errors
    /// As [`Keys::sign`].
    pub async fn verify(
        &self,
        caller: &Scope,
        named: &PairRef,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<Done<bool>, AppError> {
        let verify = |pair: &KeyPair| pair.verify(algorithm, digest, signature);
        self.with_pair(caller, named, verify, of_parameter("Digest")).await
    }

    /// Encrypts to the public key of a version of an asymmetric key.
    ///
    /// # Errors
    /// Those of [`Keys::find`]; [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`], [`KeyRefusal::VersionNotFound`];
    /// [`KeyRefusal::Parameter`] naming `Plaintext` or `Algorithm`.
    pub async fn encrypt_to_public(
        &self,
        caller: &Scope,
        named: &PairRef,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Done<Vec<u8>>, AppError> {
        let encrypt = |pair: &KeyPair| pair.encrypt(algorithm, plaintext, &mut *self.entropy.rng());
        self.with_pair(caller, named, encrypt, of_parameter("Plaintext")).await
    }

    /// Decrypts with the private key of a version of an asymmetric key.
    ///
    /// # Errors
    /// Those of [`Keys::find`]; [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`], [`KeyRefusal::VersionNotFound`];
    /// [`KeyRefusal::Parameter`] naming `CiphertextBlob` or `Algorithm`.
    pub async fn decrypt_with_private(
        &self,
        caller: &Scope,
        named: &PairRef,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Done<Zeroizing<Vec<u8>>>, AppError> {
        let decrypt = |pair: &KeyPair| pair.decrypt(algorithm, ciphertext, &mut *self.entropy.rng());
        self.with_pair(caller, named, decrypt, of_parameter("CiphertextBlob")).await
    }

    /// The public key of a version, as PEM text.
    ///
    /// # Errors
    /// Those of [`Keys::find`]; [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`], [`KeyRefusal::VersionNotFound`].
    pub async fn public_key(&self, caller: &Scope, named: &PairRef) -> Result<Done<String>, AppError> {
        let none = |_| KeyRefusal::UnsupportedKey("the key has no public key");
        self.with_pair(caller, named, KeyPair::public_key_pem, none).await
    }

    /// Runs an operation with a version of an enabled asymmetric key. If it fails for another reason than the
    /// algorithm, `name` gives the refusal.
    ///
    /// # Errors
    /// [`KeyRefusal::UnsupportedKey`], [`KeyRefusal::State`], [`KeyRefusal::VersionNotFound`].
    async fn with_pair<T>(
        &self,
        caller: &Scope,
        named: &PairRef,
        act: impl Fn(&KeyPair) -> Result<T, AsymmetricError> + Send + Sync,
        name: impl Fn(AsymmetricError) -> KeyRefusal + Send + Sync,
    ) -> Result<Done<T>, AppError> {
        let held = self.find(caller, &named.key).await?;
        if held.key().spec.is_symmetric() {
            return Err(KeyRefusal::UnsupportedKey(SYMMETRIC).into());
        }
        held.key().require_enabled()?;
        let version: &KeyVersion = held.key().version(&named.version).ok_or(KeyRefusal::VersionNotFound)?;
        let material = self.open(&held)?;
        let Material::Pairs(pairs) = &*material else {
            return Err(KeyRefusal::UnsupportedKey(SYMMETRIC).into());
        };
        let pair = pairs.get(&version.number).ok_or(KeyRefusal::VersionNotFound)?;
        let result = act(pair).map_err(|error| match error {
            AsymmetricError::UnsupportedAlgorithm => {
                let why = format!("does not fit a key of KeySpec {}", held.key().spec.as_str());
                KeyRefusal::parameter("Algorithm", why)
            }
            other => name(other),
        })?;
        Ok(Done { version: version.id.to_string(), result, key: Arc::clone(&held) })
    }

    /// Stores imported material as the only version of a key of external origin. If the key had material before, it
    /// must be the same.
    ///
    /// # Errors
    /// Those of [`decisions::import`]; [`KeyRefusal::Material`].
    pub async fn import(
        &self,
        caller: &Scope,
        id: &KeyId,
        material: &[u8],
        expires: Option<Timestamp>,
    ) -> Result<(), AppError> {
        until_first!(self, self.import_once(caller, id, material, expires))
    }

    async fn import_once(
        &self,
        caller: &Scope,
        id: &KeyId,
        material: &[u8],
        expires: Option<Timestamp>,
    ) -> Result<(), AppError> {
        let guard = self.lock().await;
        let (guard, keys) = self.settle(guard, caller).await?;
        let held = keys.keys.get(id).ok_or(KeyRefusal::NotFound)?;
        let next = decisions::import(held.key(), self.fresh_version_id()?, expires, self.clock.now())?;
        let fingerprint = fingerprint(id, material);
        if held.record().imported.as_ref().is_some_and(|known| !same_bytes(known, &fingerprint)) {
            return Err(KeyRefusal::Material(OTHER_MATERIAL).into());
        }
        let number = next.primary().ok_or(KeyRefusal::Material(OTHER_MATERIAL))?.number;
        let wrapped =
            self.root.wrap_key_material(&context(&next, number), material, &mut *self.entropy.rng())?;
        let material = vec![(number, Arc::from(wrapped.as_bytes()))];
        let record = KeyRecord { key: next, material, imported: Some(fingerprint) };
        self.replace(guard, &keys, record).await
    }

    async fn replace(&self, guard: Guard, keys: &ScopeKeys, record: KeyRecord) -> Result<(), AppError> {
        self.put(guard, keys, record).await.map(drop)
    }
}

/// The refusal of a parameter that a key pair cannot process.
fn of_parameter(name: &'static str) -> impl Fn(AsymmetricError) -> KeyRefusal + Send + Sync {
    move |error| match error {
        AsymmetricError::DigestLength(_)
        | AsymmetricError::PlaintextLength { .. }
        | AsymmetricError::CiphertextLength(_) => KeyRefusal::parameter(name, format!("is {error}")),
        _ => KeyRefusal::parameter(name, "does not match this KeyVersionId and Algorithm, or was altered"),
    }
}

/// A version of an asymmetric key.
#[derive(Debug, Clone)]
pub struct PairRef {
    /// The key.
    pub key: KeyRef,
    /// The id of the version.
    pub version: String,
}

/// A hash that recognizes material. Material of 256 random bits cannot be guessed from it.
fn fingerprint(id: &KeyId, material: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(b"sesame imported material 1\0");
    hash.update(id.as_str().as_bytes());
    hash.update([0]);
    hash.update(material);
    hash.finalize().to_vec()
}
