//! Which known name a misspelt one was probably meant to be.

/// The known name that takes the fewest changes of single characters to reach, if that is not more than `most`. Upper and
/// lower case letters are equal. Of two that are equally near the first one counts.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, most: usize) -> Option<&'a str> {
    let near = |name: &'a str| {
        let distance = distance(word, name);
        (distance <= most).then_some((distance, name))
    };
    known.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many characters must be put in, taken out, replaced, or exchanged with the next one, to make one word of the other.
pub fn distance(one: &str, other: &str) -> usize {
    let [one, other] = [one, other].map(|text| text.to_ascii_lowercase().chars().collect::<Vec<char>>());
    // Rows of the table of distances between beginnings of both words: the last two are all that the next one needs.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let mut fewest =
                (at(&last, j + 1) + 1).min(at(&row, j) + 1).min(at(&last, j) + usize::from(a != b));
            let exchanged = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if exchanged {
                fewest = fewest.min(at(&before, j - 1) + 1);
            }
            row.push(fewest);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_single_changes() {
        for (one, other, want) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("ABC", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ab", 1),
            ("abc", "acb", 1),
            ("SESAME_REGOIN", "SESAME_REGION", 1),
            ("SESAME_ADMINTOKN", "SESAME_ADMIN_TOKEN", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (want, want), "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_known_name_is_found_if_it_is_near() {
        let known = ["GetSecretValue", "PutSecretValue", "ListSecrets"];
        assert_eq!(nearest("GetSecretValu", known, 2), Some("GetSecretValue"));
        assert_eq!(nearest("ListSecret", known, 2), Some("ListSecrets"));
        assert_eq!(nearest("DescribeKey", known, 2), None);
    }
}
