//! Versions of keys in answers.

use serde::Serialize;

use crate::domain::keys::{Key, KeyVersion};

/// OneVersion version of a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct VersionRow {
    key_id: String,
    key_version_id: String,
    creation_date: String,
}

impl VersionRow {
    pub(in crate::actions) fn of(key: &Key, version: &KeyVersion) -> Self {
        Self {
            key_id: key.id.to_string(),
            key_version_id: version.id.to_string(),
            creation_date: version.created.to_string(),
        }
    }
}

/// OneVersion version, as an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct OneVersion {
    pub(in crate::actions) key_version: VersionRow,
}
