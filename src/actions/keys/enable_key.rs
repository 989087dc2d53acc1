//! EnableKey: enables a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::actions::shared::empty::Empty;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct EnableKey;

impl Action for EnableKey {
    const NAME: &'static str = "EnableKey";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        key_id(fields, "KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<Empty, ApiError> {
        context.app.keys().change(&context.scope, &request, |key| decisions::set_enabled(key, true)).await?;
        Ok(Empty {})
    }
}
