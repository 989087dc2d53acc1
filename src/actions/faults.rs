//! Faults in terms of the API: valid names in rules, the secrets in a call, the wording of injected errors.

use serde_json::Value;

use super::endpoint::Endpoint;
use crate::domain::faults::MOST_RULES;
use crate::domain::nearest::hint;
use crate::domain::{FaultRule, Scope, SecretRef};
use crate::wire::code::TABLE;
use crate::wire::{ApiError, Code, Fields};

/// Checks rules: the actions and codes exist, and each rule is valid.
///
/// # Errors
/// The first wrong rule: its number from 1, the field, and what is wrong.
pub fn check_faults(rules: &[FaultRule]) -> Result<(), String> {
    if rules.len() > MOST_RULES {
        return Err(format!("there are more than {MOST_RULES} rules"));
    }
    for (at, rule) in rules.iter().enumerate() {
        checked(rule).map_err(|why| format!("rule {}: {why}", at + 1))?;
    }
    Ok(())
}

fn checked(rule: &FaultRule) -> Result<(), String> {
    let FaultRule { action, code, .. } = rule;
    let known = super::all().any(|known| known.name() == action);
    if action != "*" && !known {
        let hint = hint(action, super::all().map(Endpoint::name));
        return Err(format!("action: there is no action \"{action}\"{hint}"));
    }
    let unknown = |code: &&String| Code::spelled(code).is_none() && !rule.has_code_of_rotators();
    if let Some(code) = code.as_ref().filter(unknown) {
        let hint = hint(code, TABLE.iter().map(|row| row.wire));
        return Err(format!("code: \"{code}\" is not a code of the service{hint}"));
    }
    rule.check()
}

/// The valid secret names in a call.
pub fn secrets_named(fields: Fields<'_>) -> Vec<String> {
    let text = |name| fields.text(name).ok().flatten();
    let list = fields.json("SecretsList").ok().flatten();
    let batch = list.as_ref().and_then(Value::as_array).into_iter().flatten();
    let batch = batch.filter_map(|item| item.get("SecretName")?.as_str());
    let tagged = if text("ResourceType") == Some("secret") {
        fields.list("ResourceId", usize::MAX).unwrap_or_default()
    } else {
        Vec::new()
    };
    let named = text("SecretName").into_iter().chain(batch).chain(tagged);
    named.filter_map(|text| Some(text.parse::<SecretRef>().ok()?.name.to_string())).collect()
}

/// The error that a rule injects, worded as the service would. `rule` is its id. The name in the wording comes from
/// the call: the action's first parameter, or the secret.
pub fn injected_error(
    rule: u64,
    code: &str,
    action: &dyn Endpoint,
    scope: &Scope,
    fields: Fields<'_>,
) -> ApiError {
    let code = Code::spelled(code).unwrap_or(Code::InternalFailure);
    let parameter = action.parameters().first().map_or("Action", |parameter| parameter.name);
    let wanted = format!("fault rule {rule} injects this code; GET /_sesame/faults lists the rules");
    if matches!(code, Code::InvalidParameter | Code::MissingParameter) {
        return ApiError::naming(code, parameter, format!("nothing is wrong with {parameter}: {wanted}"));
    }
    let name = match secrets_named(fields).first() {
        Some(secret) => format!("acs:kms:{}:{}:secret/{secret}", scope.region, scope.account),
        None => "*".to_owned(),
    };
    ApiError::naming(code, &name, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::params::Pairs;

    #[test]
    fn secrets_are_named_by_name_by_arn_in_lists_and_as_resources() {
        let of = |query: &str| secrets_named(Fields::new(&Pairs::parse(query).unwrap()));
        assert_eq!(of("SecretName=a/b"), ["a/b"]);
        assert_eq!(of("SecretName=acs:kms:cn-hangzhou:1:secret/a"), ["a"]);
        assert_eq!(of("SecretsList=[{\"SecretName\":\"a\"},{\"SecretName\":\"b\"},7]"), ["a", "b"]);
        assert_eq!(of("ResourceType=secret&ResourceId.1=a&ResourceId.2=b"), ["a", "b"]);
        for none in ["ResourceType=key&ResourceId.1=a", "SecretName=a&SecretName=b", "SecretName=%20", ""] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
    }
}
