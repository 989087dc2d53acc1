//! ListKeys: lists the keys of an account and region, newest first.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::filters::{Filter, filters, unknown_filter};
use crate::actions::shared::paging::page;
use crate::domain::Page;
use crate::domain::keys::filter::KeyFilter;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    keys: KeyList,
    page_number: u32,
    page_size: u32,
    total_count: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyList {
    key: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    key_id: String,
    key_arn: String,
}

pub(in crate::actions) struct ListKeys;

impl Action for ListKeys {
    const NAME: &'static str = "ListKeys";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Keys;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::optional("PageNumber"), Parameter::optional("PageSize"), Parameter::optional("Filters")];
    const CODES: &'static [Code] = &[];
    type Request = (Page, KeyFilter);
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<(Page, KeyFilter), ApiError> {
        let filter = filters(fields)?.map(filter).transpose()?.unwrap_or_default();
        Ok((page(fields, Page::DEFAULT_SIZE)?, filter))
    }

    async fn run(context: &Context, (page, filter): (Page, KeyFilter)) -> Result<Response, ApiError> {
        let keys = context.app.keys().of(&context.scope).await?;
        let mut matching = keys.newest_first();
        matching.retain(|held| filter.matches(held.key(), keys.aliases()));
        let total_count = matching.len();
        let row = |held: &std::sync::Arc<crate::app::keys::HeldKey>| Row {
            key_id: held.key().id.to_string(),
            key_arn: held.key().arn(),
        };
        let key = page.cut(matching).iter().map(row).collect();
        Ok(Response { keys: KeyList { key }, page_number: page.number, page_size: page.size, total_count })
    }
}

fn filter(filters: Vec<Filter>) -> Result<KeyFilter, ApiError> {
    let mut filter = KeyFilter::default();
    for (name, values) in filters {
        if !filter.add(&name, values) {
            return Err(unknown_filter(&name, KeyFilter::NAMES));
        }
    }
    Ok(filter)
}
