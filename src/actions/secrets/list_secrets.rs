//! ListSecrets: pages of the secrets of an account and region, newest first (section 5).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::tagging::TagList;
use crate::domain::filter::UnknownKey;
use crate::domain::names::Invalid;
use crate::domain::{Page, SecretFilter, SecretName};
use crate::wire::{ApiError, Code, Fields};

/// The most filters, and the most values of one (rule 5.4).
const MAX_FILTERS: usize = 10;

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
    page: Page,
    fetch_tags: bool,
    filter: Option<SecretFilter>,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
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
            page: page(fields, 10)?,
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
pub(in crate::actions) fn page(fields: Fields<'_>, default_size: u32) -> Result<Page, ApiError> {
    Ok(Page {
        number: fields.number("PageNumber", 1..=u32::MAX, 1)?,
        size: fields.number("PageSize", 1..=Page::MAX_SIZE, default_size)?,
    })
}

/// A filter: its key and its values.
pub(in crate::actions) type Filter = (String, Vec<String>);

/// Reads `[{"Key":…,"Values":[…]}, …]`; `None` when the parameter is absent.
///
/// # Errors
/// InvalidParameter naming `Filters`.
pub(in crate::actions) fn filters(fields: Fields<'_>) -> Result<Option<Vec<Filter>>, ApiError> {
    let Some(json) = fields.json("Filters")? else { return Ok(None) };
    let form = || {
        let why = "is not a list such as [{\"Key\":\"SecretName\",\"Values\":[\"app/db\"]}]";
        ApiError::invalid("Filters", why)
    };
    let count = |what, number| {
        let why =
            format!("has {number} {what}; at most {MAX_FILTERS} are allowed, and a filter needs a value");
        ApiError::invalid("Filters", why)
    };
    let list = json.as_array().ok_or_else(form)?;
    if list.len() > MAX_FILTERS {
        return Err(count("filters", list.len()));
    }
    let filter = |item: &Value| {
        let key = item.get("Key").and_then(Value::as_str).ok_or_else(form)?;
        let values = item.get("Values").and_then(Value::as_array).ok_or_else(form)?;
        if !(1..=MAX_FILTERS).contains(&values.len()) {
            return Err(count("values in one filter", values.len()));
        }
        let values: Option<Vec<String>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        Ok((key.to_owned(), values.ok_or_else(form)?))
    };
    list.iter().map(filter).collect::<Result<_, _>>().map(Some)
}

/// A key of a filter that the service does not know.
pub(in crate::actions) fn unknown_filter(key: &str, known: &[&str]) -> ApiError {
    let invalid = Invalid::not_one_of(key, known.iter().copied());
    ApiError::invalid("Filters", format!("has a Key that {invalid}"))
}

fn filter(filters: Vec<Filter>) -> Result<SecretFilter, ApiError> {
    let mut filter = SecretFilter::default();
    for (key, values) in filters {
        filter.add(&key, values).map_err(|UnknownKey| unknown_filter(&key, SecretFilter::KEYS))?;
    }
    Ok(filter)
}
