//! Names and passwords as parts of statements.

use crate::domain::rotation::Failure;
use crate::domain::rotation::value::Hidden;

use super::refused;

/// A name of PostgreSQL: `a"b` becomes `"a""b"`.
///
/// # Errors
/// `Kms:TargetRefused` for a text with a zero byte.
pub fn postgres_name(name: &str) -> Result<String, Failure> {
    Ok(format!("\"{}\"", without_zero(name)?.replace('"', "\"\"")))
}

/// A text of PostgreSQL, whatever `standard_conforming_strings` is.
///
/// # Errors
/// `Kms:TargetRefused` for a text with a zero byte.
pub fn postgres_text(text: &str) -> Result<Hidden, Failure> {
    let text = without_zero(text)?.replace('\'', "''");
    Ok(Hidden::new(if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\"))
    } else {
        format!("'{text}'")
    }))
}

/// A text or the name of an account at MySQL, in a session whose `sql_mode` is empty.
///
/// # Errors
/// `Kms:TargetRefused` for a text with a zero byte.
pub fn mysql_text(text: &str) -> Result<Hidden, Failure> {
    let text = without_zero(text)?.replace('\\', "\\\\").replace('\'', "''");
    Ok(Hidden::new(format!("'{text}'")))
}

/// The name of a database at MySQL.
///
/// # Errors
/// `Kms:TargetRefused` for a text with a zero byte.
pub fn mysql_name(name: &str) -> Result<String, Failure> {
    Ok(format!("`{}`", without_zero(name)?.replace('`', "``")))
}

/// A word of a Redis command. Only rules of accounts need this: a blank would begin another rule there.
///
/// # Errors
/// `Kms:TargetRefused` for a text with blanks or control characters.
pub fn redis_word(word: &str) -> Result<&str, Failure> {
    if word.is_empty() || word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(refused("a name or password for Redis must not be empty or have blanks"));
    }
    Ok(word)
}

fn without_zero(text: &str) -> Result<&str, Failure> {
    if text.contains('\0') {
        return Err(refused("a name or password with a zero byte cannot be sent to a database"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_dy11_2_a_hostile_name_or_password_stays_inside_its_quotes() {
        let text = |text| postgres_text(text).unwrap().reveal().to_owned();
        for (given, name, text_of) in [
            ("app", "\"app\"", "'app'"),
            ("a\"; DROP ROLE b; --", "\"a\"\"; DROP ROLE b; --\"", "'a\"; DROP ROLE b; --'"),
            ("a'b", "\"a'b\"", "'a''b'"),
            ("a\\' OR 1", "\"a\\' OR 1\"", "E'a\\\\'' OR 1'"),
            ("{{password}}", "\"{{password}}\"", "'{{password}}'"),
            ("é\n", "\"é\n\"", "'é\n'"),
        ] {
            assert_eq!(postgres_name(given).unwrap(), name);
            assert_eq!(text(given), text_of);
        }
        for (given, wanted) in [
            ("app", "'app'"),
            ("a'b", "'a''b'"),
            ("a\\", "'a\\\\'"),
            ("a\\'; DROP USER b; -- ", "'a\\\\''; DROP USER b; -- '"),
        ] {
            assert_eq!(mysql_text(given).unwrap().reveal(), wanted);
        }
        assert_eq!(mysql_name("a`b").unwrap(), "`a``b`");
        for zero in
            [postgres_name("a\0").map(drop), postgres_text("a\0").map(drop), mysql_text("a\0").map(drop)]
        {
            assert!(zero.unwrap_err().message.contains("zero byte"));
        }
        assert_eq!(redis_word("app_1"), Ok("app_1"));
        for word in ["", "a b", "a\n", "a\0", "a\u{a0}b"] {
            assert!(redis_word(word).is_err(), "{word:?}");
        }
    }
}
