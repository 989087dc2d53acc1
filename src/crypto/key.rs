//! A 256-bit key.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rand::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::CryptoError;

/// Length of a key in bytes.
pub(super) const KEY_LEN: usize = 32;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// 32 secret bytes. Wiped when dropped, never shown by `Debug`, neither comparable nor clonable; share it in an `Arc`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SymmetricKey(Box<[u8; KEY_LEN]>);

impl SymmetricKey {
    /// A key of these bytes. The array that is passed in is wiped; other copies of the caller are not.
    pub fn from_bytes(mut bytes: [u8; KEY_LEN]) -> Self {
        let key = Self(Box::new(bytes));
        bytes.zeroize();
        key
    }

    /// Generates a random key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Self::zero();
        rng.fill_bytes(key.0.as_mut_slice());
        key
    }

    /// Parses a key from a setting or a key file: 64 hex digits, or 32 bytes in base64 (standard or URL-safe, padding
    /// optional). White space around it is ignored.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] when it is neither, or has another length. The error does not contain the text.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let text = text.trim();
        if text.len() == 2 * KEY_LEN {
            let mut key = Self::zero();
            const_hex::decode_to_slice(text, key.0.as_mut_slice())
                .map_err(|_invalid| CryptoError::Malformed)?;
            return Ok(key);
        }
        // Slightly longer than a key, because the decoder requires some spare room.
        let mut decoded = Zeroizing::new([0; KEY_LEN + 4]);
        let url_safe = text.contains(['-', '_']);
        let engine = if url_safe { BASE64_URL } else { BASE64 };
        let length =
            engine.decode_slice(text, decoded.as_mut_slice()).map_err(|_invalid| CryptoError::Malformed)?;
        Self::from_slice(decoded.get(..length).unwrap_or_default())
    }

    /// The key as 64 lower-case hex digits: one line of a key file, without the line end. Wiped when dropped.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(const_hex::encode(self.0.as_slice()))
    }

    /// A key of exactly these bytes.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] for any other length than 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        Self::filled(|key| {
            let source: &[u8; KEY_LEN] = bytes.try_into().map_err(|_length| CryptoError::Malformed)?;
            key.copy_from_slice(source);
            Ok(())
        })
    }

    /// A key whose bytes are written in place.
    pub(super) fn filled<E>(write: impl FnOnce(&mut [u8; KEY_LEN]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self::zero();
        write(&mut key.0)?;
        Ok(key)
    }

    /// The bytes, for wrapping.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn zero() -> Self {
        Self(Box::new([0; KEY_LEN]))
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::super::testing::random;
    use super::*;

    fn sample() -> [u8; 32] {
        std::array::from_fn(|i| 0xff - u8::try_from(i).unwrap())
    }

    #[test]
    fn parses_every_way_of_writing_it() {
        let bytes = sample();
        let hex = const_hex::encode(bytes);
        let texts = [
            hex.clone(),
            hex.to_uppercase(),
            format!("  {hex}\n"),
            format!("{hex}\r\n"),
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
        ];
        for text in texts {
            assert_eq!(SymmetricKey::parse(&text).unwrap().as_bytes(), &bytes, "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        let hex = const_hex::encode(sample());
        let texts = [
            String::new(),
            " ".to_owned(),
            hex[..62].to_owned(),
            hex[..63].to_owned(),
            format!("{hex}0"),
            format!("{hex}00"),
            format!("0x{hex}"),
            format!("0x{}", &hex[..62]),
            format!("{}zz", &hex[..62]),
            format!("{} {}", &hex[..32], &hex[32..]),
            "é".repeat(32),
            STANDARD.encode([1; 31]),
            STANDARD.encode([1; 33]),
            STANDARD.encode([1; 48]),
            STANDARD.encode([1; 300]),
            format!("+-{}", &STANDARD.encode(sample())[2..]),
        ];
        for text in texts {
            assert_eq!(SymmetricKey::parse(&text).unwrap_err(), CryptoError::Malformed, "{text}");
        }
    }

    #[test]
    fn generated_keys_differ() {
        let mut random = random();
        let (a, b) = (SymmetricKey::generate(&mut random), SymmetricKey::generate(&mut random));
        assert_ne!(a.as_bytes(), b.as_bytes());
        assert_ne!(a.as_bytes(), &[0; 32]);
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut key = SymmetricKey::from_bytes(sample());
        key.zeroize();
        assert_eq!(key.as_bytes(), &[0; 32]);
    }

    proptest! {
        #[test]
        fn hex_round_trip(bytes in any::<[u8; 32]>()) {
            let text = SymmetricKey::from_bytes(bytes).to_hex();
            prop_assert_eq!(text.len(), 64);
            prop_assert!(!text.contains(|c: char| c.is_uppercase() || c.is_whitespace()));
            let parsed = SymmetricKey::parse(&text).unwrap();
            prop_assert_eq!(parsed.as_bytes(), &bytes);
        }

        #[test]
        fn parse_never_panics(text in "\\PC{0,80}") {
            drop(SymmetricKey::parse(&text));
        }
    }
}
