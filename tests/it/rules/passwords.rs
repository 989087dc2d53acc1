//! Section 9: GetRandomPassword.

use std::collections::BTreeSet;

use crate::support::{Server, invalid, text};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
/// As documented: 31 characters, no space and no backtick.
const SIGNS: &str = r##"!"#$%&'()*+,-./:;<=>?@[\]^_{|}~"##;

async fn password(server: &Server, parameters: &[(&str, &str)]) -> String {
    text(&server.ok("GetRandomPassword", parameters).await["RandomPassword"]).to_owned()
}

/// Whether a password contains a character of a class.
fn has(password: &str, class: &str) -> bool {
    password.chars().any(|c| class.contains(c))
}

/// This many passwords, one after another.
async fn many(server: &Server, count: usize, parameters: &[(&str, &str)]) -> Vec<String> {
    let mut passwords = Vec::with_capacity(count);
    for _ in 0..count {
        passwords.push(password(server, parameters).await);
    }
    passwords
}

#[tokio::test]
async fn rule_9_1_a_password_has_8_to_128_characters_and_32_by_default() {
    let server = Server::start().await;
    assert_eq!(password(&server, &[]).await.len(), 32);
    for (length, want) in [("8", 8), ("33", 33), ("128", 128)] {
        assert_eq!(password(&server, &[("PasswordLength", length)]).await.len(), want);
    }
    for length in ["7", "129", "0", "-8", "8.5", "long", "4294967304"] {
        let refused = server.refused("GetRandomPassword", &[("PasswordLength", length)]).await;
        assert_eq!(refused, invalid("PasswordLength"), "{length}");
    }
    let two = many(&server, 2, &[]).await;
    assert_ne!(two[0], two[1]);
}

#[tokio::test]
async fn rule_9_2_the_alphabet_is_letters_digits_and_31_signs() {
    let server = Server::start().await;
    let seen: BTreeSet<char> =
        many(&server, 40, &[("PasswordLength", "128")]).await.concat().chars().collect();
    let alphabet: BTreeSet<char> = [LOWER, UPPER, DIGITS, SIGNS].concat().chars().collect();
    assert_eq!(alphabet.len(), 26 + 26 + 10 + 31);
    assert_eq!(seen, alphabet);
}

#[tokio::test]
async fn rule_9_3_classes_and_characters_are_left_out() {
    let server = Server::start().await;
    let all = [
        ("ExcludeLowercase", LOWER),
        ("ExcludeUppercase", UPPER),
        ("ExcludeNumbers", DIGITS),
        ("ExcludePunctuation", SIGNS),
    ];
    for (parameter, class) in all {
        for (flag, there) in [("true", false), ("True", false), ("false", true)] {
            let got = password(&server, &[("PasswordLength", "128"), (parameter, flag)]).await;
            for (_, other) in all {
                assert_eq!(has(&got, other), there || other != class, "{parameter}={flag}: {got}");
            }
        }
        let refused = server.refused("GetRandomPassword", &[(parameter, "1")]).await;
        assert_eq!(refused, invalid(parameter));
    }
    let left_out = r#"abcXYZ019"'\<&"#;
    for got in many(&server, 20, &[("PasswordLength", "128"), ("ExcludeCharacters", left_out)]).await {
        assert!(!has(&got, left_out), "{got}");
    }
    let one_class =
        [("ExcludeUppercase", "true"), ("ExcludeNumbers", "true"), ("ExcludePunctuation", "true")];
    assert!(password(&server, &one_class).await.chars().all(|c| LOWER.contains(c)));
}

#[tokio::test]
async fn rule_9_4_each_class_occurs_unless_excluded() {
    let server = Server::start().await;
    let complete = |got: &String| [LOWER, UPPER, DIGITS, SIGNS].iter().all(|class| has(got, class));
    let shortest = ("PasswordLength", "8");
    for required in [&[shortest][..], &[shortest, ("RequireEachIncludedType", "true")]] {
        assert!(many(&server, 40, required).await.iter().all(complete));
    }
    let not_required = [shortest, ("RequireEachIncludedType", "false")];
    assert!(!many(&server, 40, &not_required).await.iter().all(complete));
    // Only of the classes that are not excluded.
    let left = [shortest, ("ExcludePunctuation", "true"), ("ExcludeLowercase", "true")];
    for got in many(&server, 40, &left).await {
        assert!(has(&got, UPPER) && has(&got, DIGITS), "{got}");
    }
    let refused = server.refused("GetRandomPassword", &[("RequireEachIncludedType", "1")]).await;
    assert_eq!(refused, invalid("RequireEachIncludedType"));
}

#[tokio::test]
async fn rule_9_5_nothing_left_or_a_foreign_character_is_refused() {
    let server = Server::start().await;
    let wrong = invalid("ExcludeCharacters");
    for foreign in [" ", "`", "é", "a\n", "\0", "中"] {
        let refused = server.refused("GetRandomPassword", &[("ExcludeCharacters", foreign)]).await;
        assert_eq!(refused, wrong, "{foreign:?}");
    }
    let everything = [LOWER, UPPER, DIGITS, SIGNS].concat();
    let classes = [
        ("ExcludeLowercase", "true"),
        ("ExcludeUppercase", "true"),
        ("ExcludeNumbers", "true"),
        ("ExcludePunctuation", "true"),
    ];
    let rest = [&classes[..3], &[("ExcludeCharacters", SIGNS)]].concat();
    for none in [&classes[..], &[("ExcludeCharacters", &everything)], &rest] {
        // It is not defined which of the parameters is named.
        let (status, code, _) = server.refused("GetRandomPassword", none).await;
        assert_eq!((status, code.as_str()), (400, "InvalidParameter"), "{none:?}");
    }
    assert!(!password(&server, &[("ExcludeCharacters", "")]).await.is_empty());
}

#[tokio::test]
async fn rule_9_6_a_class_emptied_by_characters_counts_as_excluded() {
    let server = Server::start().await;
    for class in [LOWER, UPPER, DIGITS, SIGNS] {
        let got =
            password(&server, &[("ExcludeCharacters", class), ("RequireEachIncludedType", "true")]).await;
        for other in [LOWER, UPPER, DIGITS, SIGNS] {
            assert_eq!(has(&got, other), other != class, "{got}");
        }
    }
}

#[tokio::test]
async fn rule_9_7_without_punctuation_the_default_is_32_letters_and_digits() {
    let server = Server::start().await;
    let got = password(&server, &[("ExcludePunctuation", "true")]).await;
    assert!(got.len() == 32 && got.chars().all(|c| c.is_ascii_alphanumeric()), "{got}");
}
