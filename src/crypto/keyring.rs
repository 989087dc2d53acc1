//! The unwrapped versions of one customer master key.

use std::collections::BTreeMap;
use std::fmt;

use rand::CryptoRng;

use super::symmetric_blob::{BlobCipher, SymmetricAlgorithm};
use super::{CryptoError, DataKeyContext, SymmetricKey};

/// The versions of one customer master key. The one with the highest number is the primary. Every version unwraps data
/// keys; the primary wraps new ones.
pub struct KeyRing {
    versions: BTreeMap<u32, BlobCipher>,
    algorithm: SymmetricAlgorithm,
    primary: u32,
}

impl KeyRing {
    /// A ring of one version.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when the material is not of the algorithm's length.
    pub fn new(algorithm: SymmetricAlgorithm, version: u32, material: &[u8]) -> Result<Self, CryptoError> {
        let first = BlobCipher::new(algorithm, material)?;
        Ok(Self { versions: BTreeMap::from([(version, first)]), algorithm, primary: version })
    }

    /// Adds a version, in any order. A version with the same number is replaced.
    ///
    /// # Errors
    /// As [`KeyRing::new`].
    pub fn add(&mut self, version: u32, material: &[u8]) -> Result<(), CryptoError> {
        self.versions.insert(version, BlobCipher::new(self.algorithm, material)?);
        self.primary = self.primary.max(version);
        Ok(())
    }

    /// The version that wraps new data keys.
    pub fn primary(&self) -> u32 {
        self.primary
    }

    /// All versions, ascending.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.versions.keys().copied()
    }

    /// The cipher of a version, for data that is encrypted under the key itself.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKeyVersion`] when the ring does not have that version.
    pub fn cipher(&self, version: u32) -> Result<&BlobCipher, CryptoError> {
        self.versions.get(&version).ok_or(CryptoError::UnknownKeyVersion(version))
    }

    /// Wraps a data key under the version given by the context, which should be the primary.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKeyVersion`] when the ring does not have that version.
    pub fn wrap_data_key(
        &self,
        context: &DataKeyContext<'_>,
        key: &SymmetricKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<[u8]>, CryptoError> {
        self.version(context)?.seal(&context.encode(), key.as_bytes(), rng)
    }

    /// Unwraps a data key that was wrapped under the version given by the context.
    ///
    /// # Errors
    /// [`CryptoError::UnknownKeyVersion`] when the ring does not have that version; otherwise as
    /// [`Cipher::open`](super::Cipher::open).
    pub fn unwrap_data_key(
        &self,
        context: &DataKeyContext<'_>,
        wrapped: &[u8],
    ) -> Result<SymmetricKey, CryptoError> {
        SymmetricKey::from_slice(&self.version(context)?.open(&context.encode(), wrapped)?)
    }

    fn version(&self, context: &DataKeyContext<'_>) -> Result<&BlobCipher, CryptoError> {
        let version = context.key_version;
        self.versions.get(&version).ok_or(CryptoError::UnknownKeyVersion(version))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("primary", &self.primary)
            .field("versions", &self.versions.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{open, random, seal};
    use super::super::{Sealed, ValueContext};
    use super::*;

    const AES: SymmetricAlgorithm = SymmetricAlgorithm::Aes256;
    const CONTEXT: DataKeyContext<'_> = DataKeyContext {
        account: "1000",
        region: "cn-hangzhou",
        secret_id: "sec-1",
        data_key_id: "dk-1",
        key_id: "key-1",
        key_version: 1,
    };

    fn ring(versions: &[u32]) -> KeyRing {
        let mut random = random();
        let mut ring =
            KeyRing::new(AES, versions[0], SymmetricKey::generate(&mut random).as_bytes()).unwrap();
        for version in &versions[1..] {
            ring.add(*version, SymmetricKey::generate(&mut random).as_bytes()).unwrap();
        }
        ring
    }

    #[test]
    fn the_highest_version_is_primary() {
        for versions in [[1, 2, 5], [5, 1, 2], [2, 5, 1]] {
            let ring = ring(&versions);
            assert_eq!(ring.primary(), 5);
            assert_eq!(ring.versions().collect::<Vec<_>>(), [1, 2, 5]);
        }
        assert_eq!(ring(&[4]).primary(), 4);
    }

    #[test]
    fn every_version_wraps_and_unwraps_its_own() {
        let (ring, mut random) = (ring(&[1, 2]), random());
        let key = SymmetricKey::generate(&mut random);
        for key_version in [1, 2] {
            let context = DataKeyContext { key_version, ..CONTEXT };
            let wrapped = ring.wrap_data_key(&context, &key, &mut random).unwrap();
            let unwrapped = ring.unwrap_data_key(&context, &wrapped).unwrap();
            assert_eq!(unwrapped.as_bytes(), key.as_bytes());
            let other = DataKeyContext { key_version: 3 - key_version, ..CONTEXT };
            assert_eq!(ring.unwrap_data_key(&other, &wrapped).unwrap_err(), CryptoError::CannotOpen);
        }
    }

    #[test]
    fn an_unknown_version_is_named() {
        let (ring, mut random) = (ring(&[1, 2]), random());
        let context = DataKeyContext { key_version: 3, ..CONTEXT };
        let key = SymmetricKey::generate(&mut random);
        let unknown = CryptoError::UnknownKeyVersion(3);
        assert_eq!(ring.wrap_data_key(&context, &key, &mut random).unwrap_err(), unknown);
        assert_eq!(ring.unwrap_data_key(&context, b"anything").unwrap_err(), unknown);
    }

    #[test]
    fn a_data_key_opens_at_its_place_alone() {
        // The same material under two numbers: only the context distinguishes them.
        let (material, mut random) = (SymmetricKey::from_bytes([3; 32]), random());
        let mut ring = KeyRing::new(AES, 1, material.as_bytes()).unwrap();
        ring.add(2, material.as_bytes()).unwrap();
        let wrapped =
            ring.wrap_data_key(&CONTEXT, &SymmetricKey::generate(&mut random), &mut random).unwrap();
        let others = [
            DataKeyContext { account: "1001", ..CONTEXT },
            DataKeyContext { region: "cn-beijing", ..CONTEXT },
            DataKeyContext { secret_id: "sec-2", ..CONTEXT },
            DataKeyContext { data_key_id: "dk-2", ..CONTEXT },
            DataKeyContext { key_id: "key-2", ..CONTEXT },
            DataKeyContext { key_version: 2, ..CONTEXT },
        ];
        for other in others {
            assert_eq!(ring.unwrap_data_key(&other, &wrapped).unwrap_err(), CryptoError::CannotOpen);
        }
        assert!(ring.unwrap_data_key(&CONTEXT, &wrapped).is_ok());
    }

    #[test]
    fn a_value_opens_at_its_place_alone() {
        let mut random = random();
        let key = SymmetricKey::generate(&mut random);
        let here = ValueContext {
            account: "1000",
            region: "cn-hangzhou",
            secret_id: "sec-1",
            version_id: "v1",
            data_type: "text",
            data_key_id: "dk-1",
        };
        let sealed = seal(&key, &here.encode(), b"hello", &mut random).unwrap();
        let others = [
            ValueContext { account: "1001", ..here },
            ValueContext { region: "cn-beijing", ..here },
            ValueContext { secret_id: "sec-2", ..here },
            ValueContext { version_id: "v2", ..here },
            ValueContext { data_type: "binary", ..here },
            ValueContext { data_key_id: "dk-2", ..here },
            ValueContext { secret_id: "sec-", version_id: "1v1", ..here },
        ];
        for other in others {
            assert_eq!(open(&key, &other.encode(), sealed.as_bytes()).unwrap_err(), CryptoError::CannotOpen);
        }
    }

    #[test]
    fn values_and_keys_swapped_between_two_secrets_do_not_open() {
        let (ring, mut random) = (ring(&[1]), random());
        let contexts = ["sec-1", "sec-2"].map(|secret_id| DataKeyContext { secret_id, ..CONTEXT });
        let wrapped = contexts.map(|context| {
            let key = SymmetricKey::generate(&mut random);
            ring.wrap_data_key(&context, &key, &mut random).unwrap()
        });
        let values = contexts.map(|context| ValueContext {
            account: context.account,
            region: context.region,
            secret_id: context.secret_id,
            version_id: "v1",
            data_type: "text",
            data_key_id: context.data_key_id,
        });
        let sealed: [Sealed; 2] = std::array::from_fn(|i| {
            let key = ring.unwrap_data_key(&contexts[i], &wrapped[i]).unwrap();
            seal(&key, &values[i].encode(), b"value", &mut random).unwrap()
        });
        for (i, j) in [(0, 1), (1, 0)] {
            // The wrapped key of the other secret, alone and together with its value.
            assert_eq!(ring.unwrap_data_key(&contexts[i], &wrapped[j]).unwrap_err(), CryptoError::CannotOpen);
            // The value of the other secret, under either key and in this place.
            for k in [i, j] {
                let key = ring.unwrap_data_key(&contexts[k], &wrapped[k]).unwrap();
                assert_eq!(
                    open(&key, &values[i].encode(), sealed[j].as_bytes()).unwrap_err(),
                    CryptoError::CannotOpen
                );
            }
        }
    }

    #[test]
    fn other_lengths_are_not_data_keys() {
        let (ring, mut random) = (ring(&[1]), random());
        let sealed = ring.versions[&1].seal(&CONTEXT.encode(), b"short", &mut random).unwrap();
        assert_eq!(ring.unwrap_data_key(&CONTEXT, &sealed).unwrap_err(), CryptoError::Malformed);
    }
}
