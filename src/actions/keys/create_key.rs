//! CreateKey: makes a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::metadata::{MetadataResponse, description};
use crate::actions::keys::shared::rotation::interval_ms;
use crate::actions::shared::resource_policies;
use crate::actions::shared::tags;
use crate::actions::shared::unsupported::NO_INSTANCES;
use crate::app::keys::KeyCreation;
use crate::domain::keys::{KeySpec, Origin, ProtectionLevel};
use crate::wire::{ApiError, Code, Fields};

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
        Parameter::ignored("KeyStorageMechanism"),
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
    type Response = MetadataResponse;

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
            tags: tags::from_json(fields, "Tags")?.into_iter().flatten().collect(),
            policy: None,
        };
        Ok((creation, policy))
    }

    async fn run(
        context: &Context,
        (mut creation, policy): Self::Request,
    ) -> Result<MetadataResponse, ApiError> {
        if let Some(text) = policy {
            resource_policies::require_policies(context)?;
            creation.policy = Some(resource_policies::parse(context, &text, &context.scope.account)?);
        }
        let held = context.app.keys().create(&context.scope, creation).await?;
        Ok(MetadataResponse::of(&held))
    }
}
