//! Importing key material. The import token holds the wrapping key pair, sealed by the root key, so that nothing has to
//! be stored between the two calls.

use zeroize::Zeroizing;

use super::Keys;
use super::held::{HeldKey, algorithm};
use crate::app::error::AppError;
use crate::crypto::KeyMaterialContext;
use crate::crypto::asymmetric::{KeyPair, KeyPairSpec, WrappingAlgorithm};
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::keys::{Key, KeyRef, Origin};
use crate::domain::{KeyId, Scope, Timestamp};
use crate::store::{StoreError, Unavailable};

/// What a caller needs to import material.
#[derive(Debug)]
pub struct ImportParameters {
    /// The key.
    pub key: KeyId,
    /// The import token, which comes back with the material.
    pub token: Vec<u8>,
    /// The public key to wrap the material with: `SubjectPublicKeyInfo`, DER in base64.
    pub public_key: String,
    /// When the token expires.
    pub expires: Timestamp,
}

/// How long a token is valid, in milliseconds.
const TOKEN_MS: i64 = 24 * 60 * 60 * 1000;

/// A token is bound to its key like the material of version 0, which no key has.
fn token_context(key: &Key) -> KeyMaterialContext<'_> {
    KeyMaterialContext {
        account: key.scope.account.as_str(),
        region: key.scope.region.as_str(),
        key_id: key.id.as_str(),
        key_version: 0,
    }
}

impl Keys {
    /// Generates a wrapping key pair and its token.
    ///
    /// # Errors
    /// [`KeyRefusal::UnsupportedOrigin`] for a key whose material is generated here.
    pub async fn import_parameters(
        &self,
        caller: &Scope,
        reference: &KeyRef,
        wrapping: WrappingAlgorithm,
    ) -> Result<ImportParameters, AppError> {
        let held = self.find(caller, reference).await?;
        if held.key().origin != Origin::External {
            return Err(KeyRefusal::UnsupportedOrigin(held.key().origin).into());
        }
        let expires = self.clock.now().plus_millis(TOKEN_MS);
        let (root, entropy) = (std::sync::Arc::clone(&self.root), std::sync::Arc::clone(&self.entropy));
        let key = held.key().clone();
        let make = move || -> Result<ImportParameters, AppError> {
            let mut rng = entropy.rng();
            let pair = KeyPair::generate(KeyPairSpec::Rsa2048, &mut *rng)?;
            let mut inside = Zeroizing::new(expires.as_millis().to_be_bytes().to_vec());
            inside.push(number(wrapping));
            inside.extend_from_slice(&pair.to_pkcs8_der()?);
            let token = root.wrap_key_material(&token_context(&key), &inside, &mut *rng)?;
            let pem = pair.public_key_pem()?;
            let public_key = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            Ok(ImportParameters { key: key.id, token: token.as_bytes().to_vec(), public_key, expires })
        };
        let died =
            |e| StoreError::Unavailable(Unavailable::because("the task that makes the key ended early", e));
        tokio::task::spawn_blocking(make).await.map_err(died)?
    }

    /// Unwraps material with the key pair in the token.
    ///
    /// # Errors
    /// [`KeyRefusal::ImportToken`], [`KeyRefusal::ImportTokenExpired`], [`KeyRefusal::Material`].
    pub fn unwrap_import(
        &self,
        held: &HeldKey,
        token: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let key = held.key();
        if key.origin != Origin::External {
            return Err(KeyRefusal::UnsupportedOrigin(key.origin).into());
        }
        let wrong = |_| KeyRefusal::ImportToken;
        let inside = self.root.unwrap_key_material(&token_context(key), token).map_err(wrong)?;
        let (time, rest) = inside.split_first_chunk::<8>().ok_or(KeyRefusal::ImportToken)?;
        let (wrapping, pair) = rest.split_first().ok_or(KeyRefusal::ImportToken)?;
        if Timestamp::from_millis(i64::from_be_bytes(*time)) <= self.clock.now() {
            return Err(KeyRefusal::ImportTokenExpired.into());
        }
        let named = WrappingAlgorithm::ALL.into_iter().find(|a| number(*a) == *wrapping);
        let named = named.ok_or(KeyRefusal::ImportToken)?;
        let pair = KeyPair::from_pkcs8_der(KeyPairSpec::Rsa2048, pair)?;
        let length = algorithm(key.spec).material_len();
        let material = pair.unwrap_key_material(named, wrapped, length, &mut *self.entropy.rng());
        Ok(material.map_err(|_opaque| KeyRefusal::Material(WRAPPED))?)
    }
}

const WRAPPED: &str = "EncryptedKeyMaterial does not open with the public key and WrappingAlgorithm of ImportToken, or holds no 32 bytes";

/// The number of a wrapping algorithm in a token.
fn number(wrapping: WrappingAlgorithm) -> u8 {
    match wrapping {
        WrappingAlgorithm::RsaesOaepSha1 => 1,
        WrappingAlgorithm::RsaesOaepSha256 => 2,
        WrappingAlgorithm::RsaesPkcs1V15 => 3,
    }
}
