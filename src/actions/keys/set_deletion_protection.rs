//! SetDeletionProtection: protects a key from deletion, or stops protecting it.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::key_id;
use crate::actions::keys::shared::metadata::description;
use crate::actions::shared::empty::Empty;
use crate::actions::shared::unsupported::NO_INSTANCES;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct SetDeletionProtection;

impl Action for SetDeletionProtection {
    const NAME: &'static str = "SetDeletionProtection";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::ProtectedKey;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("EnableDeletionProtection"),
        Parameter::optional("ProtectedResourceArn"),
        Parameter::optional("KeyId"),
        Parameter::optional("KmsInstanceId"),
        Parameter::optional("DeletionProtectionDescription"),
    ];
    const CODES: &'static [Code] = &[
        Code::KeyNotFound,
        Code::AliasUnsupported,
        Code::UnsupportedOperation,
        Code::RejectedPendingDeletion,
        Code::DkmsInstanceNotFound,
    ];
    /// The key, and the description of its protection; `None` removes the protection.
    type Request = (KeyRef, Option<String>);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError> {
        let missing = || fields.missing("EnableDeletionProtection");
        fields.text("EnableDeletionProtection")?.ok_or_else(missing)?;
        let protect = fields.flag("EnableDeletionProtection", false)?;
        let because = description(fields, "DeletionProtectionDescription")?.unwrap_or_default();
        let because = protect.then_some(because);
        if fields.text("ProtectedResourceArn")?.is_some() {
            return Ok((key_id(fields, "ProtectedResourceArn")?, because));
        }
        if fields.text("KmsInstanceId")?.is_some() {
            return Err(ApiError::new(Code::DkmsInstanceNotFound, NO_INSTANCES));
        }
        Ok((key_id(fields, "KeyId")?, because))
    }

    async fn run(context: &Context, (key, because): Self::Request) -> Result<Empty, ApiError> {
        context
            .app
            .keys()
            .change(&context.scope, &key, |key| decisions::protect(key, because.clone()))
            .await?;
        Ok(Empty {})
    }
}
