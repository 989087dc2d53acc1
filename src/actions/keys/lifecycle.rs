//! EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion, UpdateKeyDescription, SetDeletionProtection.

use super::metadata::description;
use super::{KEY_CODES, Nothing, key_id};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::create_secret::{NO_INSTANCES, short_enough};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::{self, DELETION_DAYS, DESCRIPTION_CHARS};
use crate::wire::{ApiError, Code, Fields};

/// Declares an action that takes a key id and changes the key's state.
macro_rules! state_action {
    ($(#[$doc:meta])* $name:ident, $decide:expr) => {
        $(#[$doc])*
        pub(in crate::actions) struct $name;

        impl Action for $name {
            const NAME: &'static str = stringify!($name);
            const KIND: Kind = Kind::Write;
            const RESOURCE: Resource = Resource::Key;
            const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
            const CODES: &'static [Code] = KEY_CODES;
            type Request = KeyRef;
            type Response = Nothing;

            fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
                key_id(fields, "KeyId")
            }

            async fn run(context: &Context, request: KeyRef) -> Result<Nothing, ApiError> {
                context.app.keys().change(&context.scope, &request, $decide).await?;
                Ok(Nothing {})
            }
        }
    };
}

state_action!(
    /// Switches a key on.
    EnableKey,
    |key| decisions::set_enabled(key, true)
);
state_action!(
    /// Switches a key off.
    DisableKey,
    |key| decisions::set_enabled(key, false)
);
state_action!(
    /// Takes a scheduled deletion back.
    CancelKeyDeletion,
    decisions::cancel_deletion
);

/// Schedules a key for deletion.
pub(in crate::actions) struct ScheduleKeyDeletion;

impl Action for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("PendingWindowInDays")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, u32);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, u32), ApiError> {
        let key = key_id(fields, "KeyId")?;
        let days: u32 = fields.required("PendingWindowInDays")?;
        let (min, max) = DELETION_DAYS;
        if (min..=max).contains(&days) {
            Ok((key, days))
        } else {
            Err(ApiError::invalid(
                "PendingWindowInDays",
                format!("is out of range; expected {min} to {max} days"),
            ))
        }
    }

    async fn run(context: &Context, (key, days): (KeyRef, u32)) -> Result<Nothing, ApiError> {
        let now = context.app.clock().now();
        let decide = |key: &_| decisions::schedule_deletion(key, days, now);
        context.app.keys().change(&context.scope, &key, decide).await?;
        Ok(Nothing {})
    }
}

/// Changes a key's description.
pub(in crate::actions) struct UpdateKeyDescription;

impl Action for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required_or_empty("Description")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, String);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, String), ApiError> {
        // An empty one takes the description away, as documented.
        let text = fields.given("Description")?.ok_or_else(|| fields.missing("Description"))?;
        let text = short_enough("Description", text, DESCRIPTION_CHARS)?;
        Ok((key_id(fields, "KeyId")?, text))
    }

    async fn run(context: &Context, (key, text): (KeyRef, String)) -> Result<Nothing, ApiError> {
        context.app.keys().change(&context.scope, &key, |key| decisions::describe(key, text.clone())).await?;
        Ok(Nothing {})
    }
}

/// Lets deletion be refused, or not.
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
    /// The key, and why it shall be protected, if it shall.
    type Request = (KeyRef, Option<String>);
    type Response = Nothing;

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

    async fn run(context: &Context, (key, because): Self::Request) -> Result<Nothing, ApiError> {
        context
            .app
            .keys()
            .change(&context.scope, &key, |key| decisions::protect(key, because.clone()))
            .await?;
        Ok(Nothing {})
    }
}
