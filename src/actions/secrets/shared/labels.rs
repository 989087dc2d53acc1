//! Labels of versions, as answers show them.

use serde::Serialize;

use crate::domain::StageLabel;

/// Labels in the wrapper that the wire uses (rule 4.5).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct VersionStages {
    version_stage: Vec<String>,
}

impl<'a> FromIterator<&'a StageLabel> for VersionStages {
    fn from_iter<I: IntoIterator<Item = &'a StageLabel>>(labels: I) -> Self {
        Self { version_stage: labels.into_iter().map(ToString::to_string).collect() }
    }
}
