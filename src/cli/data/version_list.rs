//! The versions of a secret as the service lists them, and their labels.

use serde_json::Value;

use super::output::{member, texts};
use crate::cli::remote::api::Api;

/// All versions of a secret, newest first, those without a label too.
///
/// # Errors
/// As [`Api::call`].
pub(in crate::cli) async fn listed(api: &Api, name: &str) -> anyhow::Result<Vec<Value>> {
    let asked = [("SecretName", name), ("IncludeDeprecated", "true")];
    api.list("ListSecretVersionIds", &asked, ("VersionIds", "VersionId")).await
}

/// The labels of a version.
pub(in crate::cli) fn labels(version: &Value) -> Vec<String> {
    texts(version.pointer("/VersionStages/VersionStage"))
}

/// The id of the version that has a label.
pub(in crate::cli) fn labelled(versions: &[Value], label: &str) -> Option<String> {
    versions.iter().find(|version| labels(version).iter().any(|l| l == label)).map(|v| member(v, "VersionId"))
}
