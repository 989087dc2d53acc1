//! ListAliasesByKeyId: lists the aliases of a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::aliases::{AliasPage, alias_page};
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::domain::Page;
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct ListAliasesByKeyId;

impl Action for ListAliasesByKeyId {
    const NAME: &'static str = "ListAliasesByKeyId";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Page);
    type Response = AliasPage;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Page), ApiError> {
        Ok((key_id(fields, "KeyId")?, alias_page(fields)?))
    }

    async fn run(context: &Context, (key, page): (KeyRef, Page)) -> Result<AliasPage, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let keys = context.app.keys().of(&context.scope).await?;
        let of_key = keys.aliases().iter().filter(|alias| alias.key == held.key().id).collect();
        Ok(AliasPage::of(&context.scope, of_key, page))
    }
}
