//! ListKeyVersions: lists the versions of a key, newest first.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::versions::VersionRow;
use crate::actions::shared::paging::page;
use crate::domain::Page;
use crate::domain::keys::{KeyRef, KeyVersion};
use crate::wire::{ApiError, Code, Fields};

/// A page of versions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    key_versions: Rows,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rows {
    key_version: Vec<VersionRow>,
}

pub(in crate::actions) struct ListKeyVersions;

impl Action for ListKeyVersions {
    const NAME: &'static str = "ListKeyVersions";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::optional("PageNumber"), Parameter::optional("PageSize")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Page);
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Page), ApiError> {
        Ok((fields.required("KeyId")?, page(fields, Page::DEFAULT_SIZE)?))
    }

    async fn run(context: &Context, (key, page): (KeyRef, Page)) -> Result<Response, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let versions: Vec<&KeyVersion> = held.key().versions.iter().rev().collect();
        let total_count = versions.len();
        let rows =
            page.cut(versions).into_iter().map(|version| VersionRow::of(held.key(), version)).collect();
        Ok(Response {
            key_versions: Rows { key_version: rows },
            page_number: page.number,
            page_size: page.size,
            total_count,
        })
    }
}
