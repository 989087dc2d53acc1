//! The secret that a command names, and the nearest one when there is none of that name.

use serde_json::Value;

use super::version_list as versions;
use crate::cli::remote::api::Api;
use crate::cli::remote::failure::{Failure, Kind, refusal};
use crate::domain::nearest::hint;

/// The code of the service for a secret, a version or a label that does not exist.
pub(in crate::cli) const NOT_FOUND: &str = "Forbidden.ResourceNotFound";

/// Calls an action about a secret. When the secret does not exist, the error names the nearest one.
///
/// # Errors
/// As [`Api::call`].
pub(in crate::cli) async fn call(
    api: &Api,
    action: &str,
    name: &str,
    more: &[(&str, &str)],
) -> anyhow::Result<Value> {
    changed(api, action, name, more, &[]).await
}

/// The same for a change. After a lost answer, one of the codes `done` says that an earlier attempt has succeeded; the answer
/// has no members then.
///
/// # Errors
/// As [`Api::call`].
pub(super) async fn changed(
    api: &Api,
    action: &str,
    name: &str,
    more: &[(&str, &str)],
    done: &[&str],
) -> anyhow::Result<Value> {
    let asked = [&[("SecretName", name)], more].concat();
    match api.attempted(action, &asked).await {
        Ok(answer) => Ok(answer),
        Err((error, attempts)) => {
            let is_done = |failure: &Failure| done.iter().any(|code| failure.is(code));
            if attempts > 1 && refusal(&error).is_some_and(is_done) {
                return Ok(Value::Object(serde_json::Map::new()));
            }
            Err(explained(api, name, more, error).await)
        }
    }
}

/// Adds the name that was probably meant.
pub(in crate::cli) async fn explained(
    api: &Api,
    name: &str,
    more: &[(&str, &str)],
    error: anyhow::Error,
) -> anyhow::Error {
    if !refusal(&error).is_some_and(|failure| failure.is(NOT_FOUND)) {
        return error;
    }
    let text = match versions::listed(api, name).await.ok() {
        Some(versions) => absent_version(name, more, &versions),
        None => {
            let all = api.list("ListSecrets", &[], ("SecretList", "Secret")).await.unwrap_or_default();
            let names = all.iter().filter_map(|row| row.get("SecretName")?.as_str());
            let hint = hint(name, names);
            format!("there is no secret \"{name}\"{hint}")
        }
    };
    let mut failure = Failure::new(Kind::NotFound, format!("{text} ({NOT_FOUND})"));
    failure.code = Some(NOT_FOUND.to_owned());
    failure.into()
}

fn absent_version(name: &str, more: &[(&str, &str)], versions: &[Value]) -> String {
    let asked = |parameter: &str| more.iter().find(|(given, _)| *given == parameter).map(|(_, value)| *value);
    let near = |word: &str, known: &[&str]| hint(word, known.iter().copied());
    let label = asked("VersionStage");
    let version = asked("VersionId").or_else(|| asked("MoveToVersion"));
    match (version, label) {
        (Some(version), _) => {
            let ids: Vec<&str> = versions.iter().filter_map(|row| row.get("VersionId")?.as_str()).collect();
            format!("{name} has no version \"{version}\"{}", near(version, &ids))
        }
        (None, Some(label)) => {
            let labels: Vec<String> = versions.iter().flat_map(versions::labels).collect();
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            format!("no version of {name} has the label \"{label}\"{}", near(label, &labels))
        }
        (None, None) => format!("{name} has nothing of this kind"),
    }
}
