//! CreateAlias, UpdateAlias, DeleteAlias, ListAliases, ListAliasesByKeyId.

use serde::Serialize;

use super::{KEY_CODES, Nothing, key_id};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::list_secrets::page;
use crate::domain::keys::{Alias, AliasName, KeyRef};
use crate::domain::{Page, Scope};
use crate::wire::{ApiError, Code, Fields};

const CODES: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasNotFound,
    Code::AliasExists,
    Code::AliasUnsupported,
    Code::UnsupportedOperation,
    Code::RejectedLimitExceeded,
    Code::RejectedPendingDeletion,
    Code::RejectedStateModifiedFailed,
];
const BOTH: &[Parameter] = &[Parameter::required("AliasName"), Parameter::required("KeyId")];

fn name_and_key(fields: Fields<'_>) -> Result<(AliasName, KeyRef), ApiError> {
    Ok((fields.required("AliasName")?, key_id(fields, "KeyId")?))
}

/// Makes an alias.
pub(in crate::actions) struct CreateAlias;

impl Action for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::AliasAndKey;
    const PARAMETERS: &'static [Parameter] = BOTH;
    const CODES: &'static [Code] = CODES;
    type Request = (AliasName, KeyRef);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<(AliasName, KeyRef), ApiError> {
        name_and_key(fields)
    }

    async fn run(context: &Context, (name, key): (AliasName, KeyRef)) -> Result<Nothing, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        context.app.keys().create_alias(&context.scope, name, &held.key().id).await?;
        Ok(Nothing {})
    }
}

/// Lets an alias stand for another key.
pub(in crate::actions) struct UpdateAlias;

impl Action for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::AliasAndKey;
    const PARAMETERS: &'static [Parameter] = BOTH;
    const CODES: &'static [Code] = CODES;
    type Request = (AliasName, KeyRef);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<(AliasName, KeyRef), ApiError> {
        name_and_key(fields)
    }

    async fn run(context: &Context, (name, key): (AliasName, KeyRef)) -> Result<Nothing, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        context.app.keys().update_alias(&context.scope, name, &held.key().id).await?;
        Ok(Nothing {})
    }
}

/// Removes an alias.
pub(in crate::actions) struct DeleteAlias;

impl Action for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Alias;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("AliasName")];
    const CODES: &'static [Code] = CODES;
    type Request = AliasName;
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<AliasName, ApiError> {
        fields.required("AliasName")
    }

    async fn run(context: &Context, name: AliasName) -> Result<Nothing, ApiError> {
        context.app.keys().delete_alias(&context.scope, name).await?;
        Ok(Nothing {})
    }
}

/// A page of aliases.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    aliases: AliasList,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

/// The rows, wrapped as the wire has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AliasList {
    alias: Vec<Row>,
}

/// One alias.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    alias_name: String,
    key_id: String,
    alias_arn: String,
}

impl Response {
    fn of(scope: &Scope, aliases: Vec<&Alias>, page: Page) -> Self {
        let total_count = aliases.len();
        let row = |alias: &Alias| Row {
            alias_name: alias.name.to_string(),
            key_id: alias.key.to_string(),
            alias_arn: format!("acs:kms:{}:{}:{}", scope.region, scope.account, alias.name),
        };
        Self {
            aliases: AliasList { alias: page.cut(aliases).into_iter().map(row).collect() },
            page_number: page.number,
            page_size: page.size,
            total_count,
        }
    }
}

/// A page whose size 0 stands for the default (question 19).
fn alias_page(fields: Fields<'_>) -> Result<Page, ApiError> {
    if fields.text("PageSize")? == Some("0") {
        return Ok(Page { number: fields.number("PageNumber", 1..=u32::MAX, 1)?, size: 10 });
    }
    page(fields, 10)
}

/// Lists the aliases of an account and region.
pub(in crate::actions) struct ListAliases;

impl Action for ListAliases {
    const NAME: &'static str = "ListAliases";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Aliases;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = &[];
    type Request = Page;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Page, ApiError> {
        alias_page(fields)
    }

    async fn run(context: &Context, page: Page) -> Result<Response, ApiError> {
        let keys = context.app.keys().of(&context.scope).await?;
        Ok(Response::of(&context.scope, keys.aliases().iter().collect(), page))
    }
}

/// Lists the aliases of a key.
pub(in crate::actions) struct ListAliasesByKeyId;

impl Action for ListAliasesByKeyId {
    const NAME: &'static str = "ListAliasesByKeyId";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Page);
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Page), ApiError> {
        Ok((key_id(fields, "KeyId")?, alias_page(fields)?))
    }

    async fn run(context: &Context, (key, page): (KeyRef, Page)) -> Result<Response, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let keys = context.app.keys().of(&context.scope).await?;
        let of_key = keys.aliases().iter().filter(|alias| alias.key == held.key().id).collect();
        Ok(Response::of(&context.scope, of_key, page))
    }
}
