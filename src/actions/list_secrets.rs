//! ListSecrets: pages of the secrets of an account and region, newest first (section 5).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::tagging::TagList;
use crate::domain::{Page, SecretFilter, SecretName};
use crate::wire::{ApiError, Code, Fields};

/// The most filters, and the most values of one (rule 5.4).
const MAX_FILTERS: usize = 10;

/// What is asked.
#[derive(Debug)]
pub(super) struct Request {
    page: Page,
    fetch_tags: bool,
    filter: Option<SecretFilter>,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response {
    secret_list: SecretList,
    page_number: u32,
    page_size: u32,
    total_count: u64,
}

/// The rows, wrapped as the wire has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecretList {
    secret: Vec<Row>,
}

/// One secret.
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

/// The action.
pub(super) struct ListSecrets;

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
            page: page(fields, 10)?,
            fetch_tags: fields.flag("FetchTags", false)?,
            filter: fields.json("Filters")?.map(|json| filter(&json)).transpose()?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let (store, scope) = (context.app.store(), &context.scope);
        let now = context.app.clock().now();
        let listing = store
            .list_secrets(scope, request.filter.as_ref(), request.page, now)
            .await
            .map_err(crate::app::AppError::from)?;
        let mut tags: BTreeMap<SecretName, TagList> = BTreeMap::new();
        if request.fetch_tags {
            let names: Vec<SecretName> = listing.rows.iter().map(|row| row.name.clone()).collect();
            for tag in store.tags_of(&names, scope).await.map_err(crate::app::AppError::from)? {
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

/// The page asked for; number from 1, size from 1 to 100.
pub(super) fn page(fields: Fields<'_>, default_size: u32) -> Result<Page, ApiError> {
    Ok(Page {
        number: fields.number("PageNumber", 1..=u32::MAX, 1)?,
        size: fields.number("PageSize", 1..=Page::MAX_SIZE, default_size)?,
    })
}

/// Reads `[{"Key":…,"Values":[…]}, …]`.
fn filter(json: &Value) -> Result<SecretFilter, ApiError> {
    let wrong = || ApiError::invalid("Filters");
    let list = json.as_array().filter(|list| list.len() <= MAX_FILTERS).ok_or_else(wrong)?;
    let mut filter = SecretFilter::default();
    for item in list {
        let key = item.get("Key").and_then(Value::as_str).ok_or_else(wrong)?;
        let values = item.get("Values").and_then(Value::as_array).ok_or_else(wrong)?;
        if !(1..=MAX_FILTERS).contains(&values.len()) {
            return Err(wrong());
        }
        let values: Option<Vec<String>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        filter.add(key, values.ok_or_else(wrong)?).map_err(|_unknown| wrong())?;
    }
    Ok(filter)
}
