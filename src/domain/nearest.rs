//! The known name nearest to a misspelled one, for messages with "did you mean".

use strsim::damerau_levenshtein;

/// Longer words are not compared: the cost grows with the product of both lengths.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, if it is near enough to be what was meant. The first one wins a tie.
///
/// Case is ignored. A candidate is near when at most two letters in five (of the longer word) are missing, added,
/// replaced or swapped, or when it contains `word` and that has at least three characters.
/// So `getSecretValu` is near `GetSecretValue`, and `Encode` is not.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted: String = word.chars().take(LONGEST + 1).collect::<String>().to_lowercase();
    let length = wanted.chars().count();
    if length == 0 || length > LONGEST {
        return None;
    }
    let mut best: Option<((u8, usize), &str)> = None;
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let longer = length.max(lower.chars().count());
        let distance = damerau_levenshtein(&wanted, &lower);
        // A typing error is most likely; next comes a name with a part left out.
        let how_far = match distance {
            0..=2 if distance <= longer * 2 / 5 => 0,
            _ if length >= 3 && lower.contains(&wanted) => 1,
            _ if distance <= longer * 2 / 5 => 2,
            _ => continue,
        };
        if best.is_none_or(|(least, _)| (how_far, distance) < least) {
            best = Some(((how_far, distance), candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The end of a message about an unknown word: `; did you mean …?`, or nothing when no candidate is near.
pub fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The candidate with the smallest edit distance to `word`, if that is at most `most`. Case is ignored. The first one
/// wins a tie.
pub fn within<'c>(word: &str, most: usize, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let near = |candidate: &'c str| {
        let distance = damerau_levenshtein(&word, &candidate.to_lowercase());
        (distance <= most).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Appends the nearest known name to an error of serde about an unknown field or an unknown variant. Any other error is
/// returned as it is.
pub fn with_suggestion(finding: &str) -> String {
    suggested(finding).map_or_else(|| finding.to_owned(), |name| format!("{finding}; did you mean {name}?"))
}

/// These errors have one form: the unknown name, then the known ones, in backticks (serde) or bare (YAML).
fn suggested(finding: &str) -> Option<&str> {
    let (_, rest) =
        finding.split_once("unknown field `").or_else(|| finding.split_once("unknown variant `"))?;
    let (unknown, rest) = rest.split_once("`, expected ")?;
    let known = rest.split(" at line ").next().unwrap_or_default();
    let known = known.split(['`', ',', ' ']).filter(|word| !matches!(*word, "" | "one" | "of" | "or"));
    nearest(unknown, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [&str; 6] =
        ["CreateSecret", "Decrypt", "Encrypt", "GetSecretPolicy", "GetSecretValue", "ListSecrets"];

    #[test]
    fn a_misspelled_word_has_a_nearest_one() {
        for (word, want) in [
            ("GetSecretValue", "GetSecretValue"),
            ("getsecretvalue", "GetSecretValue"),
            ("GetSecretValues", "GetSecretValue"),
            ("GetSecertValue", "GetSecretValue"),
            ("GetSecret", "GetSecretValue"),
            ("ListSecret", "ListSecrets"),
            ("CreatSecrets", "CreateSecret"),
            ("ListSecretNames", "ListSecrets"),
            ("Decript", "Decrypt"),
            ("ENCRYPT", "Encrypt"),
        ] {
            assert_eq!(nearest(word, ACTIONS), Some(want), "{word}");
        }
    }

    #[test]
    fn an_unrelated_word_has_no_nearest_one() {
        for word in ["", "x", "Ge", "Rotate", "CreateInstance", "加密", &"G".repeat(65), &"G".repeat(100_000)]
        {
            assert_eq!(nearest(word, ACTIONS), None, "{word:.20}");
        }
        assert_eq!(nearest("Encrypt", []), None);
    }

    #[test]
    fn a_serde_error_gets_a_suggestion() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "lowercase")]
        #[expect(dead_code, reason = "only how it fails matters")]
        struct Sample {
            advance: Option<u8>,
            set: Option<u8>,
            to: Option<To>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum To {
            Empty,
            Seed,
        }
        let said =
            |json: &str| with_suggestion(&serde_json::from_str::<Sample>(json).unwrap_err().to_string());
        assert!(
            said(r#"{"advanse":1}"#).ends_with("; did you mean advance?"),
            "{}",
            said(r#"{"advanse":1}"#)
        );
        assert!(said(r#"{"to":"sede"}"#).ends_with("; did you mean seed?"), "{}", said(r#"{"to":"sede"}"#));
        assert!(!said(r#"{"frobnicate":1}"#).contains("did you mean"));
        assert!(!said("{").contains("did you mean"));
        let yaml = "unknown field `secret`, expected one of version, keys, secrets at line 1, column 1";
        assert!(with_suggestion(yaml).ends_with("; did you mean secrets?"), "{}", with_suggestion(yaml));
        assert!(serde_json::from_str::<Sample>(r#"{"to":"empty"}"#).is_ok());
    }

    #[test]
    fn of_two_equally_near_the_first_is_taken() {
        assert_eq!(nearest("-crypt", ["Encrypt", "Decrypt"]), Some("Encrypt"));
        assert_eq!(nearest("-crypt", ["Decrypt", "Encrypt"]), Some("Decrypt"));
    }
}
