//! GetRandomPassword (rules 9.1 to 9.7).

use rand::{CryptoRng, RngExt};

use super::Refusal;
use super::names::Invalid;

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
/// The punctuation of rule 9.2: 31 characters, without space and backtick.
const SIGNS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~";

/// Length of a password in characters: shortest, longest, default (rule 9.1).
pub const LENGTH: (u32, u32, u32) = (8, 128, 32);

/// What a password must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "these are the API's own switches")]
pub struct PasswordSpec {
    /// Characters, 8 to 128.
    pub length: u32,
    /// Characters to leave out.
    pub exclude_characters: String,
    /// Leave out `a-z`.
    pub exclude_lowercase: bool,
    /// Leave out `A-Z`.
    pub exclude_uppercase: bool,
    /// Leave out `0-9`.
    pub exclude_numbers: bool,
    /// Leave out punctuation.
    pub exclude_punctuation: bool,
    /// Require at least one character of every class that is not excluded (rule 9.4).
    pub require_each: bool,
}

/// Punctuation that must be escaped in the URL of a connection: all of it but `_` and `-`.
pub const UNSAFE_IN_URLS: &str = "!\"#$%&'()*+,./:;<=>?@[\\]^{|}~";

impl PasswordSpec {
    /// Passwords of this length with characters of every class, without those of `exclude`.
    pub fn new(length: u32, exclude: impl Into<String>) -> Self {
        Self {
            length,
            exclude_characters: exclude.into(),
            exclude_lowercase: false,
            exclude_uppercase: false,
            exclude_numbers: false,
            exclude_punctuation: false,
            require_each: true,
        }
    }
}

/// Generates a password.
///
/// # Errors
/// [`Refusal::Parameter`]: `ExcludeCharacters` when it has a character outside the alphabet or excludes every character
/// (rule 9.5), `PasswordLength` when it is out of bounds.
pub fn generate(spec: &PasswordSpec, rng: &mut dyn CryptoRng) -> Result<String, Refusal> {
    let classes = classes(spec)?;
    let all: Vec<char> = classes.iter().flatten().copied().collect();
    Ok(draw(spec, &classes, &all, rng))
}

/// Whether passwords of this kind can be made.
///
/// # Errors
/// Those of [`generate`].
pub fn check(spec: &PasswordSpec) -> Result<(), Refusal> {
    classes(spec).map(drop)
}

/// The classes of characters that are left; at least one, and none of them empty.
fn classes(spec: &PasswordSpec) -> Result<Vec<Vec<char>>, Refusal> {
    let (min, max, _) = LENGTH;
    if !(min..=max).contains(&spec.length) {
        let why = format!("is out of range; expected {min} to {max}");
        return Err(Refusal::parameter("PasswordLength", why));
    }
    let in_alphabet = |c: char| [LOWER, UPPER, DIGITS, SIGNS].iter().any(|class| class.contains(c));
    let allowed = "letters A-Z a-z, digits, and ASCII punctuation except ` and space";
    Invalid::check_characters(&spec.exclude_characters, in_alphabet, allowed)
        .map_err(|invalid| Refusal::parameter("ExcludeCharacters", invalid.to_string()))?;
    // A class whose characters are all excluded counts as excluded (rule 9.6).
    let classes: Vec<Vec<char>> = [
        (LOWER, spec.exclude_lowercase),
        (UPPER, spec.exclude_uppercase),
        (DIGITS, spec.exclude_numbers),
        (SIGNS, spec.exclude_punctuation),
    ]
    .iter()
    .filter(|(_, excluded)| !excluded)
    .map(|(class, _)| class.chars().filter(|c| !spec.exclude_characters.contains(*c)).collect())
    .filter(|class: &Vec<char>| !class.is_empty())
    .collect();
    if classes.is_empty() {
        let why = "leaves no character to draw from, together with the other Exclude parameters";
        return Err(Refusal::parameter("ExcludeCharacters", why));
    }
    Ok(classes)
}

/// Draws whole passwords until one has every required class, so that all valid passwords are equally likely. With 8
/// characters and four classes more than half of the draws succeed.
fn draw(spec: &PasswordSpec, classes: &[Vec<char>], all: &[char], rng: &mut dyn CryptoRng) -> String {
    loop {
        let text: String = (0..spec.length).filter_map(|_| all.get(rng.random_range(0..all.len()))).collect();
        let complete = classes.iter().all(|class| text.chars().any(|c| class.contains(&c)));
        if complete || !spec.require_each {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    fn spec() -> PasswordSpec {
        PasswordSpec {
            length: 32,
            exclude_characters: String::new(),
            exclude_lowercase: false,
            exclude_uppercase: false,
            exclude_numbers: false,
            exclude_punctuation: false,
            require_each: true,
        }
    }

    fn make(spec: &PasswordSpec) -> Result<String, Refusal> {
        generate(spec, &mut ChaCha20Rng::seed_from_u64(7))
    }

    #[test]
    fn rule_9_1_length_is_8_to_128() {
        for length in [8, 32, 128] {
            assert_eq!(make(&PasswordSpec { length, ..spec() }).unwrap().len(), length as usize);
        }
        for length in [0, 7, 129, u32::MAX] {
            let refused = make(&PasswordSpec { length, ..spec() }).unwrap_err();
            assert_eq!(refused.to_string(), "PasswordLength is out of range; expected 8 to 128");
        }
    }

    #[test]
    fn rule_9_2_the_alphabet_has_93_characters() {
        assert_eq!(SIGNS.len(), 31);
        let all: std::collections::BTreeSet<char> = [LOWER, UPPER, DIGITS, SIGNS].concat().chars().collect();
        assert_eq!(all.len(), 93);
        assert!(!all.contains(&' ') && !all.contains(&'`'));
    }

    #[test]
    fn rule_9_5_nothing_left_or_a_foreign_character_is_refused() {
        let is_wrong =
            |spec: &PasswordSpec| matches!(make(spec), Err(Refusal::Parameter("ExcludeCharacters", _)));
        for foreign in [" ", "`", "é", "a\n"] {
            assert!(is_wrong(&PasswordSpec { exclude_characters: foreign.into(), ..spec() }));
        }
        let none = PasswordSpec {
            exclude_lowercase: true,
            exclude_uppercase: true,
            exclude_punctuation: true,
            exclude_characters: DIGITS.into(),
            ..spec()
        };
        assert!(is_wrong(&none));
    }

    #[test]
    fn rule_9_6_a_class_emptied_by_characters_counts_as_excluded() {
        let got = make(&PasswordSpec { exclude_characters: DIGITS.into(), ..spec() }).unwrap();
        assert!(!got.chars().any(|c| c.is_ascii_digit()));
    }

    proptest! {
        #[test]
        fn rule_9_3_and_9_4_classes_are_left_out_or_present(seed: u64, length in 8u32..=128, out in 0u8..15, chars in "[a-m0-4!-/]{0,8}") {
            let spec = PasswordSpec {
                length,
                exclude_characters: chars.clone(),
                exclude_lowercase: out & 1 != 0,
                exclude_uppercase: out & 2 != 0,
                exclude_numbers: out & 4 != 0,
                exclude_punctuation: out & 8 != 0,
                require_each: true,
            };
            let got = generate(&spec, &mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
            prop_assert!(!got.chars().any(|c| chars.contains(c)));
            let classes = [(LOWER, 1), (UPPER, 2), (DIGITS, 4), (SIGNS, 8)];
            for (class, bit) in classes {
                prop_assert_eq!(got.chars().any(|c| class.contains(c)), out & bit == 0);
            }
        }
    }
}
