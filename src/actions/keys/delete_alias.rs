//! DeleteAlias: deletes an alias.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::aliases::ALIAS_CODES;
use crate::actions::shared::empty::Empty;
use crate::domain::keys::AliasName;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct DeleteAlias;

impl Action for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Alias;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("AliasName")];
    const CODES: &'static [Code] = ALIAS_CODES;
    type Request = AliasName;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<AliasName, ApiError> {
        fields.required("AliasName")
    }

    async fn run(context: &Context, name: AliasName) -> Result<Empty, ApiError> {
        context.app.keys().delete_alias(&context.scope, name).await?;
        Ok(Empty {})
    }
}
