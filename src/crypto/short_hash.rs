//! A keyed hash of short texts.

use std::fmt;
use std::hash::Hasher as _;

use super::SymmetricKey;

#[expect(
    deprecated,
    reason = "the only keyed SipHash in the standard library; checked with the vectors of its authors"
)]
type SipHasher = std::hash::SipHasher;

/// SipHash-2-4 under a key of 128 bits: a hash of 64 bits that cannot be predicted or made to collide without the key. It
/// is the same on every machine and in every release, so it may be stored.
#[derive(Clone)]
pub struct ShortHash(SipHasher);

impl fmt::Debug for ShortHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShortHash")
    }
}

impl ShortHash {
    /// The hash under the first 128 bits of a key.
    pub(super) fn new(key: &SymmetricKey) -> Self {
        let (low, rest) = key.as_bytes().split_at(8);
        let word =
            |bytes: &[u8]| bytes.iter().take(8).rev().fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte));
        #[expect(deprecated, reason = "see above")]
        Self(SipHasher::new_with_keys(word(low), word(rest)))
    }

    /// The hash of two texts. They are separated by a byte that occurs in no text.
    pub fn of(&self, first: &str, second: &str) -> u64 {
        self.of_parts(first, &[second])
    }

    /// [`ShortHash::of`] for a second text that is given in parts.
    pub fn of_parts(&self, first: &str, second: &[&str]) -> u64 {
        let mut hasher = self.0.clone();
        hasher.write(first.as_bytes());
        hasher.write(&[0xFF]);
        for part in second {
            hasher.write(part.as_bytes());
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of SipHash's authors (`vectors_sip64`): the key is 00 to 0f, message n is 00 to n-1.
    #[test]
    fn siphash_2_4_known_answers() {
        let key: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let hash = ShortHash::new(&SymmetricKey::from_bytes(key));
        for (length, want) in [
            (0, "310e0edd47db6f72"),
            (1, "fd67dc93c539f874"),
            (7, "37d1018bf50002ab"),
            (8, "6224939a79f5f593"),
            (15, "e545be4961ca29a1"),
            (63, "724506eb4c328a95"),
        ] {
            let message: Vec<u8> = (0..length).collect();
            // In one piece and in three, as `of` writes it.
            for pieces in [[length, length], [length / 3, length / 2]] {
                let [a, b] = pieces.map(usize::from);
                let mut hasher = hash.0.clone();
                for piece in [&message[..a], &message[a..b], &message[b..]] {
                    hasher.write(piece);
                }
                assert_eq!(const_hex::encode(hasher.finish().to_le_bytes()), want, "{length}");
            }
        }
    }

    #[test]
    fn key_and_texts_all_count() {
        let hash = |byte| ShortHash::new(&SymmetricKey::from_bytes([byte; 32]));
        let all = [
            hash(1).of("ab", "c"),
            hash(1).of("a", "bc"),
            hash(1).of("", "abc"),
            hash(1).of("ab", "d"),
            hash(2).of("ab", "c"),
        ];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[..n].contains(one), "{n}");
        }
    }

    #[test]
    fn a_text_in_parts_has_the_hash_of_the_whole() {
        let hash = ShortHash::new(&SymmetricKey::from_bytes([7; 32]));
        let whole = hash.of("principal", "acs:ram::1000000000000001:user/ann");
        assert_eq!(hash.of_parts("principal", &["acs:ram::", "1000000000000001", ":user/", "ann"]), whole);
        assert_eq!(hash.of_parts("principal", &["", "acs:ram::1000000000000001:user/ann", ""]), whole);
    }
}
