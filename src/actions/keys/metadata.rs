//! CreateKey and DescribeKey.

use serde::Serialize;

use super::{KEY_CODES, interval_ms};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::create_secret::{NO_INSTANCES, bounded};
use crate::actions::shared::{resource_policies as policy, tagging};
use crate::app::keys::{HeldKey, KeyCreation};
use crate::domain::Timestamp;
use crate::domain::keys::decisions::DESCRIPTION_CHARS;
use crate::domain::keys::{KeyOwner, KeyRef, KeySpec, KeyState, Origin, ProtectionLevel};
use crate::wire::{ApiError, Code, Fields};

/// What is known of a key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct KeyMetadata {
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
    pub(in crate::actions) fn of(held: &HeldKey) -> Self {
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

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    key_metadata: KeyMetadata,
}

/// Makes a key.
pub(in crate::actions) struct CreateKey;

impl Action for CreateKey {
    const NAME: &'static str = "CreateKey";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Keys;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::optional("KeySpec"),
        Parameter::optional("KeyUsage"),
        Parameter::optional("Origin"),
        Parameter::optional("ProtectionLevel"),
        Parameter::optional("Description"),
        Parameter::optional("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
        Parameter::optional("Tags"),
        Parameter::optional("DKMSInstanceId"),
        Parameter::optional("KeyStorageMechanism"),
        Parameter::optional("Policy"),
    ];
    const CODES: &'static [Code] = &[
        Code::UnsupportedOperation,
        Code::RejectedLimitExceeded,
        Code::DkmsInstanceNotFound,
        Code::KeyPolicyUnsupported,
    ];
    /// The key, and the text of its policy.
    type Request = (KeyCreation, Option<String>);
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError> {
        if fields.text("DKMSInstanceId")?.is_some() {
            return Err(ApiError::new(Code::DkmsInstanceNotFound, NO_INSTANCES));
        }
        let rotates = fields.flag("EnableAutomaticRotation", false)?;
        let interval = interval_ms(fields)?;
        if rotates && interval.is_none() {
            return Err(fields.missing("RotationInterval"));
        }
        let policy = fields.optional("Policy")?;
        let creation = KeyCreation {
            spec: fields.optional("KeySpec")?.unwrap_or(KeySpec::Aes256),
            usage: fields.optional("KeyUsage")?,
            origin: fields.optional("Origin")?.unwrap_or(Origin::Kms),
            protection: fields.optional("ProtectionLevel")?.unwrap_or(ProtectionLevel::Software),
            description: description(fields, "Description")?.unwrap_or_default(),
            rotation_interval_ms: interval.filter(|_| rotates),
            tags: tagging::from_json(fields, "Tags")?.into_iter().flatten().collect(),
            policy: None,
        };
        Ok((creation, policy))
    }

    async fn run(context: &Context, (mut creation, policy): Self::Request) -> Result<Response, ApiError> {
        if let Some(text) = policy {
            policy::require_policies(context)?;
            creation.policy = Some(policy::parse(context, &text, &context.scope.account)?);
        }
        let held = context.app.keys().create(&context.scope, creation).await?;
        Ok(Response { key_metadata: KeyMetadata::of(&held) })
    }
}

/// A text about a key, at most 8,192 characters.
pub(super) fn description(fields: Fields<'_>, name: &'static str) -> Result<Option<String>, ApiError> {
    bounded(fields, name, DESCRIPTION_CHARS)
}

/// Tells what is known of a key, in every state.
pub(in crate::actions) struct DescribeKey;

impl Action for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        fields.required("KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<Response, ApiError> {
        let held = context.app.keys().find(&context.scope, &request).await?;
        Ok(Response { key_metadata: KeyMetadata::of(&held) })
    }
}
