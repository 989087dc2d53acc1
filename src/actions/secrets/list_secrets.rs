//! ListSecrets: pages of the secrets of an account and region, newest first (section 5).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::filters::{Filter, filters, unknown_filter};
use crate::actions::shared::paging::page;
use crate::actions::shared::tags::TagList;
use crate::app::AppError;
use crate::domain::filter::UnknownKey;
use crate::domain::{Page, SecretFilter, SecretName};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    page: Page,
    fetch_tags: bool,
    filter: Option<SecretFilter>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_list: SecretList,
    page_number: u32,
    page_size: u32,
    total_count: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecretList {
    secret: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    secret_name: String,
    secret_type: &'static str,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_delete_time: Option<String>,
    owing_service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<TagList>,
}

pub(in crate::actions) struct ListSecrets;

impl Action for ListSecrets {
    const NAME: &'static str = "ListSecrets";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secrets;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::optional("PageNumber"),
        Parameter::optional("PageSize"),
        Parameter::optional("FetchTags"),
        Parameter::optional("Filters"),
    ];
    const CODES: &'static [Code] = &[];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            page: page(fields, Page::DEFAULT_SIZE)?,
            fetch_tags: fields.flag("FetchTags", false)?,
            filter: filters(fields)?.map(filter).transpose()?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let (store, scope) = (context.app.store(), &context.scope);
        let now = context.app.clock().now();
        let listing = store
            .list_secrets(scope, request.filter.as_ref(), request.page, now)
            .await
            .map_err(AppError::from)?;
        let mut tags: BTreeMap<SecretName, TagList> = BTreeMap::new();
        if request.fetch_tags {
            let names: Vec<SecretName> = listing.rows.iter().map(|row| row.name.clone()).collect();
            for tag in store.tags_of(&names, scope).await.map_err(AppError::from)? {
                tags.entry(tag.name).or_default().push(&tag.key, &tag.value);
            }
        }
        let rows = listing.rows.into_iter().map(|row| Row {
            tags: request.fetch_tags.then(|| tags.remove(&row.name).unwrap_or_default()),
            secret_name: row.name.to_string(),
            secret_type: row.secret_type.as_str(),
            create_time: row.created.to_string(),
            update_time: row.updated.to_string(),
            planned_delete_time: row.planned_deletion.map(|at| at.to_string()),
            owing_service: "",
        });
        Ok(Response {
            secret_list: SecretList { secret: rows.collect() },
            page_number: request.page.number,
            page_size: request.page.size,
            total_count: listing.total,
        })
    }
}

fn filter(filters: Vec<Filter>) -> Result<SecretFilter, ApiError> {
    let mut filter = SecretFilter::default();
    for (key, values) in filters {
        filter.add(&key, values).map_err(|UnknownKey| unknown_filter(&key, SecretFilter::KEYS))?;
    }
    Ok(filter)
}
