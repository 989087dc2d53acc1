//! Envelope encryption: bytes in, bytes out. No I/O, no clock; randomness comes from the caller.
//!
//! ```text
//! root key                      outside the database: a file, an environment variable or a passphrase
//!  └─ customer master keys      numbered versions, wrapped by the root key         (RootKey)
//!      └─ data keys             each belongs to exactly one secret, wrapped by
//!          │                    one version of one customer master key             (KeyRing)
//!          └─ values            each version of a secret, sealed by a data key     (Cipher)
//! ```
//!
//! Every level is sealed by the one above it, with AES-256-GCM and a new random 96-bit nonce. The associated data ([`ValueContext`] and its siblings)
//! names the row that the bytes belong to: bytes that are moved to another account, region, secret, version or key do not
//! open. By the usual bound for random nonces one key may seal 2³² times. A data key serves one secret and stays far below
//! that.
//!
//! Protected: someone who reads the database, a backup or the disk without the root key learns the lengths of values and
//! who has which secret, but no value. Someone who can also write there can delete rows or restore older ones. An altered
//! or exchanged value fails to open ([`CryptoError::CannotOpen`]). The marker detects a wrong root key at start
//! ([`RootKey::check_marker`]), before anything is written under it.
//!
//! Not protected: someone who reads the memory of the running process, or has both the root key and the database. Keys, key
//! schedules and opened values are wiped when dropped. Copies that callers make of them are the callers' responsibility.

pub mod asymmetric;
mod compare;
mod context;
mod key;
mod keyring;
mod login_key;
mod root;
mod sealed;
mod short_hash;
pub mod symmetric_blob;

pub use compare::same_bytes;
pub use context::{
    AccountContext, DataKeyContext, KeyMaterialContext, MarkerContext, SessionContext, ValueContext,
};
pub use key::SymmetricKey;
pub use keyring::KeyRing;
pub use login_key::LoginKey;
pub use root::RootKey;
pub use sealed::{Cipher, OVERHEAD, Sealed};
pub use short_hash::ShortHash;

/// Why something could not be sealed or opened. Contains nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Another key, altered bytes or another row. It does not say which.
    #[error("cannot open")]
    CannotOpen,
    /// The key ring does not have this version of the customer master key.
    #[error("unknown key version {0}")]
    UnknownKeyVersion(u32),
    /// Cannot be a key, a passphrase or sealed bytes, judging by its form.
    #[error("malformed key or sealed data")]
    Malformed,
}

#[cfg(test)]
mod testing {
    use std::fmt::Debug;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use rand::{CryptoRng, SeedableRng};
    use rand_chacha::ChaCha20Rng;
    use zeroize::Zeroizing;

    use super::{Cipher, CryptoError, Sealed, SymmetricKey};

    /// Seals once under a key.
    pub(super) fn seal(
        key: &SymmetricKey,
        aad: &[u8],
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Sealed, CryptoError> {
        Cipher::new(key).seal(aad, plaintext, rng)
    }

    /// Opens once under a key.
    pub(super) fn open(
        key: &SymmetricKey,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Cipher::new(key).open(aad, sealed)
    }

    /// A seeded random number generator.
    pub(super) fn random() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(7)
    }

    /// Asserts that Debug output contains no four successive bytes of a secret: raw, as hex, as base64 or as a list of
    /// numbers.
    #[track_caller]
    pub(super) fn assert_hidden(shown: &dyn Debug, secret: &[u8]) {
        for text in [format!("{shown:?}"), format!("{shown:#?}")] {
            let squeezed: String = text.split_whitespace().collect();
            for window in secret.windows(4) {
                let list = |write: fn(&u8) -> String| window.iter().map(write).collect::<Vec<_>>().join(",");
                let hidden = [
                    const_hex::encode(window),
                    const_hex::encode_upper(window),
                    list(u8::to_string),
                    list(|byte| format!("{byte:x}")),
                    list(|byte| format!("{byte:#x}")),
                    list(|byte| format!("{byte:X}")),
                ];
                for form in hidden {
                    assert!(!squeezed.contains(&form), "{form} in {text}");
                }
            }
            for window in secret.windows(6) {
                let form = STANDARD_NO_PAD.encode(window);
                assert!(!squeezed.contains(&form), "{form} in {text}");
            }
            assert!(!text.as_bytes().windows(4).any(|w| secret.windows(4).any(|s| s == w)), "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{assert_hidden, random};
    use super::*;

    #[test]
    fn a_value_travels_down_the_whole_hierarchy() {
        let mut random = random();
        let root = RootKey::from_key(&SymmetricKey::generate(&mut random)).unwrap();
        let at = KeyMaterialContext { account: "1", region: "r", key_id: "k", key_version: 3 };
        let wrapped_cmk =
            root.wrap_key_material(&at, SymmetricKey::generate(&mut random).as_bytes(), &mut random).unwrap();
        let cmk = root.unwrap_key_material(&at, wrapped_cmk.as_bytes()).unwrap();
        let ring = KeyRing::new(symmetric_blob::SymmetricAlgorithm::Aes256, 3, &cmk).unwrap();
        let of = DataKeyContext {
            account: "1",
            region: "r",
            secret_id: "s",
            data_key_id: "d",
            key_id: "k",
            key_version: 3,
        };
        let data_key = SymmetricKey::generate(&mut random);
        let wrapped = ring.wrap_data_key(&of, &data_key, &mut random).unwrap();
        let place = ValueContext {
            account: "1",
            region: "r",
            secret_id: "s",
            version_id: "v1",
            data_type: "text",
            data_key_id: "d",
        };
        let value = Cipher::new(&data_key).seal(&place.encode(), b"hello", &mut random).unwrap();
        let unwrapped = ring.unwrap_data_key(&of, &wrapped).unwrap();
        let opened = Cipher::new(&unwrapped).open(&place.encode(), value.as_bytes()).unwrap();
        assert_eq!(opened.as_slice(), b"hello");
    }

    #[test]
    fn debug_output_shows_no_key_and_no_plaintext() {
        let mut random = random();
        let bytes: [u8; 32] = std::array::from_fn(|i| 0xd1 ^ u8::try_from(i * 7).unwrap());
        let key = SymmetricKey::from_bytes(bytes);
        let cipher = Cipher::new(&key);
        let sealed = cipher.seal(b"", &bytes, &mut random).unwrap();
        let ring = KeyRing::new(symmetric_blob::SymmetricAlgorithm::Aes256, 1, key.as_bytes()).unwrap();
        let root = RootKey::from_key(&key).unwrap();
        let error = cipher.open(b"x", sealed.as_bytes());
        for shown in [&key as &dyn std::fmt::Debug, &cipher, &sealed, &ring, &root, &error] {
            assert_hidden(shown, &bytes);
            assert_hidden(shown, sealed.as_bytes());
        }
        let malformed = SymmetricKey::parse(&const_hex::encode(&bytes[..31]));
        assert_hidden(&malformed, &bytes);
    }

    #[test]
    fn everything_may_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<SymmetricKey>();
        shared::<Cipher>();
        shared::<KeyRing>();
        shared::<RootKey>();
        shared::<Sealed>();
        shared::<CryptoError>();
    }
}
