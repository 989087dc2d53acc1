//! The known name that is nearest to a misspelled one, for messages that ask "did you mean".

use strsim::damerau_levenshtein;

/// Longer words are not compared: the comparison takes time in the product of both lengths.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, if one is near enough to be what was meant; the first of several that are equally near.
///
/// Case does not count. Otherwise as many letters may be missing, added, replaced or swapped as a third of the longer word
/// has, and a candidate that begins with `word` (three characters or more) is near as well.
///
/// ```
/// use sesame::domain::nearest::nearest;
///
/// assert_eq!(nearest("getSecretValu", ["GetSecretPolicy", "GetSecretValue"]), Some("GetSecretValue"));
/// assert_eq!(nearest("Encode", ["GetSecretValue"]), None);
/// ```
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted: String = word.chars().take(LONGEST + 1).collect::<String>().to_lowercase();
    let length = wanted.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let longer = length.max(lower.chars().count());
        let distance = damerau_levenshtein(&wanted, &lower);
        let is_near = distance <= longer / 3 || length >= 3 && lower.starts_with(&wanted);
        if is_near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [&str; 5] = ["Decrypt", "Encrypt", "GetSecretPolicy", "GetSecretValue", "ListSecrets"];

    #[test]
    fn a_misspelled_word_has_a_nearest_one() {
        for (word, want) in [
            ("GetSecretValue", "GetSecretValue"),
            ("getsecretvalue", "GetSecretValue"),
            ("GetSecretValues", "GetSecretValue"),
            ("GetSecertValue", "GetSecretValue"),
            ("GetSecret", "GetSecretValue"),
            ("ListSecret", "ListSecrets"),
            ("Decript", "Decrypt"),
            ("ENCRYPT", "Encrypt"),
        ] {
            assert_eq!(nearest(word, ACTIONS), Some(want), "{word}");
        }
    }

    #[test]
    fn a_word_of_its_own_has_none() {
        for word in ["", "x", "Ge", "Rotate", "CreateInstance", "加密", &"G".repeat(65), &"G".repeat(100_000)]
        {
            assert_eq!(nearest(word, ACTIONS), None, "{word:.20}");
        }
        assert_eq!(nearest("Encrypt", []), None);
    }

    #[test]
    fn of_two_equally_near_the_first_is_taken() {
        assert_eq!(nearest("-crypt", ["Encrypt", "Decrypt"]), Some("Encrypt"));
        assert_eq!(nearest("-crypt", ["Decrypt", "Encrypt"]), Some("Decrypt"));
    }
}
