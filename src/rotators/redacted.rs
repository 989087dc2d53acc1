//! Messages of databases without the passwords that they repeat.

/// The shortest part of a secret that is removed: a server may cut the statement that it quotes.
const LEAST: usize = 6;
/// What stands in its place.
const MARK: &str = "[redacted]";

/// The message without the secrets, and without parts of them of six characters or more.
pub fn redacted(message: &str, secrets: &[&str]) -> String {
    let text: Vec<char> = message.chars().collect();
    let mut hidden = vec![false; text.len()];
    for secret in secrets {
        let secret: Vec<char> = secret.chars().collect();
        let length = LEAST.min(secret.len());
        if length == 0 {
            continue;
        }
        for (at, window) in text.windows(length).enumerate() {
            if secret.windows(length).any(|part| part == window) {
                hidden.iter_mut().skip(at).take(length).for_each(|hidden| *hidden = true);
            }
        }
    }
    let mut made = String::with_capacity(message.len());
    let mut was_hidden = false;
    for (one, is_hidden) in text.into_iter().zip(hidden) {
        match (is_hidden, was_hidden) {
            (false, _) => made.push(one),
            (true, false) => made.push_str(MARK),
            (true, true) => {}
        }
        was_hidden = is_hidden;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_dy11_7_a_password_is_removed_whole_cut_or_more_than_once() {
        let secret = "tW9-xyz_LongPassword";
        for (message, wanted) in [
            ("near 'tW9-xyz_LongPassword' at line 1", "near '[redacted]' at line 1"),
            ("near 'tW9-xyz_Lo", "near '[redacted]"),
            ("gPassword' tW9-xyz_LongPassword", "[redacted]' [redacted]"),
            ("nothing of it", "nothing of it"),
            ("", ""),
        ] {
            assert_eq!(redacted(message, &[secret]), wanted);
        }
        assert_eq!(redacted("é pw1 ü", &["pw1", ""]), "é [redacted] ü");
        assert_eq!(
            redacted("a one-secret and two-secret", &["one-secret", "two-secret"]),
            "a [redacted] and [redacted]"
        );
    }
}
