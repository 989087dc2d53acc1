//! CreateAlias: creates an alias.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::aliases::{ALIAS_CODES, NAME_AND_KEY, name_and_key};
use crate::actions::shared::empty::Empty;
use crate::domain::keys::{AliasName, KeyRef};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct CreateAlias;

impl Action for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::AliasAndKey;
    const PARAMETERS: &'static [Parameter] = NAME_AND_KEY;
    const CODES: &'static [Code] = ALIAS_CODES;
    type Request = (AliasName, KeyRef);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<(AliasName, KeyRef), ApiError> {
        name_and_key(fields)
    }

    async fn run(context: &Context, (name, key): (AliasName, KeyRef)) -> Result<Empty, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        context.app.keys().create_alias(&context.scope, name, &held.key().id).await?;
        Ok(Empty {})
    }
}
