//! Kind generator: new random texts in a Generic secret (rule DY14.3).

use rand::CryptoRng;
use serde_json::Value;

use crate::domain::password;
use crate::domain::rotation::rotators::hooks::Generator;
use crate::domain::rotation::value::Hidden;
use crate::domain::rotation::{Cause, Failure};

/// The value with new random texts. Without fields, and where the value is not JSON, the whole value is replaced. Everything
/// else of it stays, the order of members included.
///
/// # Errors
/// `Kms:RotatorFailed` when the JSON has no such field, or an object or array in its place. The message never holds a value.
pub fn next(generator: &Generator, current: &Hidden, rng: &mut dyn CryptoRng) -> Result<Hidden, Failure> {
    let mut fresh = || {
        password::generate(&generator.password, rng)
            .map_err(|refusal| Failure::new(Cause::RotatorFailed, refusal.to_string()))
    };
    let parsed =
        serde_json::from_str::<Value>(current.reveal()).ok().filter(|_| !generator.fields.is_empty());
    let Some(mut value) = parsed else { return fresh().map(Hidden::new) };
    for field in &generator.fields {
        let failed = |why: &str| Failure::new(Cause::RotatorFailed, format!("the value {why} {field}"));
        let place = value.pointer_mut(field).ok_or_else(|| failed("is JSON without the field"))?;
        if place.is_object() || place.is_array() {
            return Err(failed("has an object or an array, and not a text, at"));
        }
        *place = Value::String(fresh()?);
    }
    Ok(Hidden::new(value.to_string()))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::domain::password::PasswordSpec;

    fn next_of(fields: &[&str], current: &str) -> Result<String, String> {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let generator = Generator { fields, password: PasswordSpec::new(20, password::UNSAFE_IN_URLS) };
        let current = Hidden::new(current.to_owned());
        let made = next(&generator, &current, &mut ChaCha20Rng::seed_from_u64(1));
        made.map(|value| value.reveal().to_owned()).map_err(|failure| failure.message)
    }

    #[test]
    fn rule_dy14_3_the_fields_are_replaced_and_the_rest_stays() {
        let current = r#"{"user":"app","password":"old","n":1.50,"more":[{"a/b":"old"}]}"#;
        let made: Value =
            serde_json::from_str(&next_of(&["/password", "/more/0/a~1b"], current).unwrap()).unwrap();
        assert_eq!((&made["user"], &made["n"]), (&"app".into(), &1.5.into()));
        let (one, two) = (made["password"].as_str().unwrap(), made["more"][0]["a/b"].as_str().unwrap());
        assert!(one.len() == 20 && two.len() == 20 && one != two, "{made}");
    }

    #[test]
    fn rule_dy14_3_what_is_not_json_is_replaced_whole() {
        for (fields, current) in
            [(&["/password"][..], "not JSON"), (&[], "not JSON"), (&[], r#"{"password":"old"}"#)]
        {
            let made = next_of(fields, current).unwrap();
            assert!(made.len() == 20 && !made.contains("old"), "{made}");
        }
    }

    #[test]
    fn a_field_that_is_not_there_or_no_text_is_a_failure_without_the_value() {
        for (field, current) in
            [("/b", r#"{"a":"hush"}"#), ("/a", r#"{"a":{"hush":1}}"#), ("/a", r#""hush""#)]
        {
            let why = next_of(&[field], current).unwrap_err();
            assert!(why.contains(field) && !why.contains("hush"), "{why}");
        }
    }
}
