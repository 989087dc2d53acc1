//! The metadata of a key, as CreateKey and DescribeKey answer it.

use serde::Serialize;

use crate::actions::shared::bounded_text::bounded;
use crate::app::keys::HeldKey;
use crate::domain::Timestamp;
use crate::domain::keys::decisions::DESCRIPTION_CHARS;
use crate::domain::keys::{KeyOwner, KeyState};
use crate::wire::{ApiError, Fields};

/// The metadata of a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    key_id: String,
    arn: String,
    key_state: &'static str,
    key_spec: &'static str,
    key_usage: &'static str,
    origin: &'static str,
    protection_level: &'static str,
    creator: String,
    creation_date: String,
    description: String,
    /// Empty while no deletion is scheduled.
    delete_date: String,
    /// Empty when the material does not expire.
    material_expire_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key_version: Option<String>,
    last_rotation_date: String,
    automatic_rotation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<String>,
    deletion_protection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_protection_description: Option<String>,
}

impl KeyMetadata {
    fn of(held: &HeldKey) -> Self {
        let key = held.key();
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let automatic_rotation = match (key.rotation_interval_ms, key.state) {
            (None, _) => "Disabled",
            (Some(_), KeyState::Enabled) => "Enabled",
            (Some(_), _) => "Suspended",
        };
        Self {
            key_id: key.id.to_string(),
            arn: key.arn(),
            key_state: key.state.as_str(),
            key_spec: key.spec.as_str(),
            key_usage: key.usage.as_str(),
            origin: key.origin.as_str(),
            protection_level: key.protection.as_str(),
            creator: match key.owner {
                KeyOwner::User => key.scope.account.to_string(),
                KeyOwner::Service => "secretsmanager".to_owned(),
            },
            creation_date: key.created.to_string(),
            description: key.description.clone(),
            delete_date: time(key.deletion),
            material_expire_time: time(key.material_expires),
            primary_key_version: key
                .primary()
                .filter(|_| key.spec.is_symmetric())
                .map(|version| version.id.to_string()),
            last_rotation_date: key.last_rotation.to_string(),
            automatic_rotation,
            rotation_interval: key.rotation_interval_ms.map(|ms| format!("{}s", ms / 1000)),
            next_rotation_date: key.next_rotation().map(|at| at.to_string()),
            deletion_protection: if key.protected.is_some() { "Enabled" } else { "Disabled" },
            deletion_protection_description: key.protected.clone().filter(|because| !because.is_empty()),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct MetadataResponse {
    key_metadata: KeyMetadata,
}

impl MetadataResponse {
    pub(in crate::actions) fn of(held: &HeldKey) -> Self {
        Self { key_metadata: KeyMetadata::of(held) }
    }
}

/// Reads a text about a key, at most 8,192 characters.
pub(in crate::actions) fn description(
    fields: Fields<'_>,
    name: &'static str,
) -> Result<Option<String>, ApiError> {
    bounded(fields, name, DESCRIPTION_CHARS)
}
