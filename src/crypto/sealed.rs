//! The encoding of sealed bytes, and the cipher that seals and opens them.
//!
//! ```text
//! format 1 | algorithm 1 | nonce 12 | ciphertext, as long as the plaintext | tag 16
//! ```

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Nonce, Tag};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{CryptoError, SymmetricKey};

const FORMAT: u8 = 1;
const AES_256_GCM: u8 = 1;
const HEADER: [u8; 2] = [FORMAT, AES_256_GCM];
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// How many bytes the sealed form is longer than the plaintext.
pub const OVERHEAD: usize = HEADER.len() + NONCE_LEN + TAG_LEN;

/// Sealed bytes in a known form, stored as they are. Not secret; `Debug` shows only the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Box<[u8]>);

impl Sealed {
    /// Accepts stored bytes after checking format, algorithm and minimum length. Whether they open is checked when they are
    /// opened.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when they cannot be sealed bytes.
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Result<Self, CryptoError> {
        let bytes = bytes.into();
        Parts::of(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store, without copying.
    pub fn into_bytes(self) -> Box<[u8]> {
        self.0
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

struct Parts<'a> {
    nonce: &'a [u8; NONCE_LEN],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_LEN],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, CryptoError> {
        let (header, rest) = bytes.split_first_chunk::<2>().ok_or(CryptoError::Malformed)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(CryptoError::Malformed)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(CryptoError::Malformed)?;
        if *header != HEADER {
            return Err(CryptoError::Malformed);
        }
        Ok(Self { nonce, ciphertext, tag })
    }
}

/// AES-256-GCM with its expanded key schedule, for as long as a value is sealed or opened. About 1 KiB of secret memory,
/// wiped when dropped.
pub struct Cipher(Aes256Gcm);

impl Cipher {
    /// Expands a key.
    pub fn new(key: &SymmetricKey) -> Self {
        Self(Aes256Gcm::new(key.as_bytes().into()))
    }

    /// Seals a plaintext of any length with the associated data `aad`, under a new random nonce.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when the plaintext is longer than AES-GCM allows (64 GiB).
    pub fn seal(&self, aad: &[u8], plaintext: &[u8], rng: &mut dyn CryptoRng) -> Result<Sealed, CryptoError> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        self.seal_with_nonce(&nonce, aad, plaintext)
    }

    /// Opens sealed bytes with the associated data `aad`. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when they are not sealed bytes, [`CryptoError::CannotOpen`] when the key, the bytes
    /// or `aad` differ from those of the sealing.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let parts = Parts::of(sealed)?;
        let mut plaintext = Zeroizing::new(vec![0; parts.ciphertext.len()]);
        let buffer = InOutBuf::new(parts.ciphertext, plaintext.as_mut_slice())
            .map_err(|_length| CryptoError::CannotOpen)?;
        // Checks the tag first and decrypts only authentic bytes.
        self.0
            .decrypt_inout_detached(&Nonce::from(*parts.nonce), aad, buffer, &Tag::from(*parts.tag))
            .map_err(|_opaque| CryptoError::CannotOpen)?;
        Ok(plaintext)
    }

    /// Seals under a given nonce, which must never be used twice with the same key.
    fn seal_with_nonce(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, CryptoError> {
        let mut sealed = vec![0; plaintext.len() + OVERHEAD].into_boxed_slice();
        let (header, rest) = sealed.split_at_mut(HEADER.len());
        let (nonce_place, rest) = rest.split_at_mut(NONCE_LEN);
        let (ciphertext, tag_place) = rest.split_at_mut(plaintext.len());
        let buffer = InOutBuf::new(plaintext, ciphertext).map_err(|_length| CryptoError::Malformed)?;
        let tag = self
            .0
            .encrypt_inout_detached(&Nonce::from(*nonce), aad, buffer)
            .map_err(|_too_long| CryptoError::Malformed)?;
        header.copy_from_slice(&HEADER);
        nonce_place.copy_from_slice(nonce);
        tag_place.copy_from_slice(&tag);
        Ok(Sealed(sealed))
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::testing::{open, random, seal};
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        const_hex::decode(text.replace(char::is_whitespace, "")).unwrap()
    }

    fn key() -> SymmetricKey {
        SymmetricKey::generate(&mut random())
    }

    /// `McGrew` and Viega, "The Galois/Counter Mode of Operation", appendix B. Cases 17 and 18 have nonces of other lengths
    /// than 96 bits, which this module does not support.
    #[test]
    fn aes_256_gcm_known_answers() {
        let zero_key = "00".repeat(32);
        let zero_nonce = "00".repeat(12);
        let key = "feffe9928665731c6d6a8f9467308308".repeat(2);
        let nonce = "cafebabefacedbaddecaf888";
        let plaintext = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
        let ciphertext = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                          8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
        let shorter = |text: &str| const_hex::encode(&hex(text)[..60]);
        let (short_plaintext, short_ciphertext) = (shorter(plaintext), shorter(ciphertext));
        let aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
        let zeros = "00".repeat(16);
        let cases: [[&str; 6]; 4] = [
            [&zero_key, &zero_nonce, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
            [
                &zero_key,
                &zero_nonce,
                "",
                &zeros,
                "cea7403d4d606b6e074ec5d3baf39d18",
                "d0d1c8a799996bf0265b98b5d48ab919",
            ],
            [&key, nonce, "", plaintext, ciphertext, "b094dac5d93471bdec1a502270e3cc6c"],
            [&key, nonce, aad, &short_plaintext, &short_ciphertext, "76fc6ece0f4e1768cddf8853bb2d551b"],
        ];
        for (number, [key, nonce, aad, plaintext, ciphertext, tag]) in (13..).zip(cases) {
            let cipher = Cipher::new(&SymmetricKey::parse(key).unwrap());
            let nonce: [u8; 12] = hex(nonce).try_into().unwrap();
            let (aad, plaintext) = (hex(aad), hex(plaintext));
            let expected = [vec![1, 1], nonce.to_vec(), hex(ciphertext), hex(tag)].concat();
            let sealed = cipher.seal_with_nonce(&nonce, &aad, &plaintext).unwrap();
            assert_eq!(const_hex::encode(sealed.as_bytes()), const_hex::encode(&expected), "case {number}");
            assert_eq!(*cipher.open(&aad, &expected).unwrap(), plaintext, "case {number}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (key, plaintext) = (key(), [0x5a; 64]);
        let sealed = seal(&key, b"place", &plaintext, &mut random()).unwrap();
        let cipher = Cipher::new(&key);
        for bit in 0..sealed.as_bytes().len() * 8 {
            let mut altered = sealed.as_bytes().to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            let expected = if bit < 16 { CryptoError::Malformed } else { CryptoError::CannotOpen };
            assert_eq!(cipher.open(b"place", &altered).unwrap_err(), expected, "bit {bit}");
        }
        assert_eq!(*cipher.open(b"place", sealed.as_bytes()).unwrap(), plaintext);
    }

    #[test]
    fn every_truncation_and_extension_is_noticed() {
        let key = key();
        let sealed = seal(&key, b"place", &[0x5a; 64], &mut random()).unwrap();
        for length in 0..sealed.as_bytes().len() {
            let cut = &sealed.as_bytes()[..length];
            let expected = if length < OVERHEAD { CryptoError::Malformed } else { CryptoError::CannotOpen };
            assert_eq!(open(&key, b"place", cut).unwrap_err(), expected, "length {length}");
            assert_eq!(Sealed::from_bytes(cut).is_ok(), length >= OVERHEAD, "length {length}");
        }
        let longer = [sealed.as_bytes(), b"\0"].concat();
        assert_eq!(open(&key, b"place", &longer).unwrap_err(), CryptoError::CannotOpen);
    }

    #[test]
    fn another_key_or_place_does_not_open() {
        let mut random = random();
        let (one, two) = (SymmetricKey::generate(&mut random), SymmetricKey::generate(&mut random));
        let sealed = seal(&one, b"here", b"x", &mut random).unwrap();
        assert_eq!(open(&two, b"here", sealed.as_bytes()).unwrap_err(), CryptoError::CannotOpen);
        for place in [&b"there"[..], b"", b"her", b"here\0"] {
            assert_eq!(open(&one, place, sealed.as_bytes()).unwrap_err(), CryptoError::CannotOpen);
        }
    }

    #[test]
    fn nonces_do_not_repeat() {
        let (cipher, mut random) = (Cipher::new(&key()), random());
        let mut nonces = HashSet::new();
        let mut sealed = HashSet::new();
        for _ in 0..10_000 {
            let bytes = cipher.seal(b"place", b"the same", &mut random).unwrap().into_bytes();
            assert!(nonces.insert(bytes[2..14].to_vec()));
            assert!(sealed.insert(bytes[14..].to_vec()));
        }
    }

    #[test]
    fn other_formats_and_algorithms_are_malformed() {
        let key = key();
        let sealed = seal(&key, b"", b"x", &mut random()).unwrap();
        for at in 0..2 {
            for value in (0..=255).filter(|value| *value != 1) {
                let mut bytes = sealed.as_bytes().to_vec();
                bytes[at] = value;
                assert_eq!(Sealed::from_bytes(bytes.clone()).unwrap_err(), CryptoError::Malformed);
                assert_eq!(open(&key, b"", &bytes).unwrap_err(), CryptoError::Malformed);
            }
        }
        assert_eq!(Sealed::from_bytes(sealed.as_bytes()).unwrap(), sealed);
    }

    #[test]
    fn the_key_schedule_is_wiped_on_drop() {
        fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<Aes256Gcm>();
        wiped::<SymmetricKey>();
    }

    proptest! {
        #[test]
        fn round_trip(
            key in any::<[u8; 32]>(),
            aad in prop::collection::vec(any::<u8>(), 0..80),
            plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let key = SymmetricKey::from_bytes(key);
            let sealed = seal(&key, &aad, &plaintext, &mut random()).unwrap();
            prop_assert_eq!(sealed.as_bytes().len(), plaintext.len() + OVERHEAD);
            prop_assert_eq!(sealed.as_bytes().len(), plaintext.len() + OVERHEAD);
            let restored = Sealed::from_bytes(sealed.as_bytes()).unwrap();
            prop_assert_eq!(&*open(&key, &aad, restored.as_ref()).unwrap(), &plaintext);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_open(
            plausible in any::<bool>(),
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if plausible && bytes.len() >= 2 {
                bytes[..2].copy_from_slice(&HEADER);
            }
            let known = Sealed::from_bytes(bytes.clone()).is_ok();
            prop_assert_eq!(known, bytes.len() >= OVERHEAD && bytes[..2] == HEADER);
            let expected = if known { CryptoError::CannotOpen } else { CryptoError::Malformed };
            prop_assert_eq!(open(&key(), b"", &bytes).unwrap_err(), expected);
        }
    }
}
