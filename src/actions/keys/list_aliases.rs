//! ListAliases: lists the aliases of an account and region.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::aliases::{AliasPage, alias_page};
use crate::domain::Page;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct ListAliases;

impl Action for ListAliases {
    const NAME: &'static str = "ListAliases";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Aliases;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = &[];
    type Request = Page;
    type Response = AliasPage;

    fn decode(fields: Fields<'_>) -> Result<Page, ApiError> {
        alias_page(fields)
    }

    async fn run(context: &Context, page: Page) -> Result<AliasPage, ApiError> {
        let keys = context.app.keys().of(&context.scope).await?;
        Ok(AliasPage::of(&context.scope, keys.aliases().iter().collect(), page))
    }
}
