//! UpdateKeyDescription: changes a key's description.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::actions::shared::bounded_text::short_enough;
use crate::actions::shared::empty::Empty;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::{self, DESCRIPTION_CHARS};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct UpdateKeyDescription;

impl Action for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required_or_empty("Description")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, String);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, String), ApiError> {
        // An empty description removes the old one, as documented.
        let text = fields.given("Description")?.ok_or_else(|| fields.missing("Description"))?;
        let text = short_enough("Description", text, DESCRIPTION_CHARS)?;
        Ok((key_id(fields, "KeyId")?, text))
    }

    async fn run(context: &Context, (key, text): (KeyRef, String)) -> Result<Empty, ApiError> {
        context.app.keys().change(&context.scope, &key, |key| decisions::describe(key, text.clone())).await?;
        Ok(Empty {})
    }
}
