//! ListTagResources: tags of secrets, 200 rows a page (rule 5.11).

use serde::Serialize;

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::tagging::{self, MAX_TAGS, Resources};
use crate::app::AppError;
use crate::domain::{SecretRef, TagKey, TagValue};
use crate::store::TagRow;
use crate::wire::{ApiError, Code, Fields};

/// Rows a page.
const PAGE: usize = 200;

/// What is asked.
#[derive(Debug)]
pub(super) struct Request {
    resources: Resources,
    /// Tags that a resource must all carry; a tag without a value matches any.
    tags: Vec<(TagKey, Option<TagValue>)>,
    /// Where the page before ended: name and key.
    after: Option<(String, String)>,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response {
    /// Where the next page begins; empty on the last one.
    next_token: String,
    tag_resources: TagResourceList,
}

/// The rows, wrapped as the wire has them.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagResourceList {
    tag_resource: Vec<Row>,
}

/// One tag of one resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    resource_id: String,
    resource_type: &'static str,
    tag_key: String,
    tag_value: String,
}

/// The action.
pub(super) struct ListTagResources;

impl Action for ListTagResources {
    const NAME: &'static str = "ListTagResources";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("RegionId"),
        Parameter::required("ResourceType"),
        Parameter::optional("ResourceId.N"),
        Parameter::optional("Tag.N.Key"),
        Parameter::optional("Tag.N.Value"),
        Parameter::optional("NextToken"),
    ];
    const CODES: &'static [Code] = &[
        Code::InvalidParameterTagKey,
        Code::InvalidParameterTagValue,
        Code::DuplicateTagKey,
        Code::InvalidResourceIdNotFound,
        Code::ResourceNotFound,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let mut tags: Vec<(TagKey, Option<TagValue>)> = Vec::new();
        for [key, value] in fields.structs("Tag", ["Key", "Value"], MAX_TAGS)? {
            let key = key.ok_or_else(|| ApiError::missing("Tag.N.Key"))?;
            let value = value.map(tagging::value).transpose()?;
            tags.push((tagging::key(key)?, value));
        }
        if tagging::has_twice(tags.iter().map(|(key, _)| key)) {
            return Err(ApiError::new(Code::DuplicateTagKey));
        }
        let after = match fields.text("NextToken")? {
            None | Some("") => None,
            Some(token) => Some(read_token(token).ok_or_else(|| ApiError::invalid("NextToken"))?),
        };
        Ok(Request { resources: Resources::decode(fields)?, tags, after })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let mut rows = if !request.resources.ids.is_empty() {
            of_resources(context, &request).await?
        } else if !request.resources.secrets {
            // There are no keys of the user's own yet.
            Vec::new()
        } else if request.tags.is_empty() {
            let after = request.after.as_ref().map(|(name, key)| (name.as_str(), key.as_str()));
            let (store, now) = (context.app.store(), context.app.clock().now());
            let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
            store.list_tags(&context.scope, after, limit, now).await.map_err(AppError::from)?
        } else {
            with_tags(context, &request).await?
        };
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next_token = rows.last().filter(|_| more).map(write_token).unwrap_or_default();
        let tag_resource = rows.iter().map(|row| Row {
            resource_id: row.name.to_string(),
            resource_type: "secret",
            tag_key: row.key.to_string(),
            tag_value: row.value.to_string(),
        });
        Ok(Response { next_token, tag_resources: TagResourceList { tag_resource: tag_resource.collect() } })
    }
}

/// The tags of the named secrets, which must exist.
async fn of_resources(context: &Context, request: &Request) -> Result<Vec<TagRow>, ApiError> {
    let mut secrets = request.resources.find(context).await?;
    secrets.sort_by(|a, b| a.name.cmp(&b.name));
    let mut rows = Vec::new();
    for secret in secrets {
        rows.extend(tags_of(context, request, &secret).await?);
    }
    Ok(rows)
}

/// The tags of all secrets that carry the wanted ones, up to one row more than a page.
async fn with_tags(context: &Context, request: &Request) -> Result<Vec<TagRow>, ApiError> {
    let Some((key, value)) = request.tags.first() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    // A page may have ended amid a secret's tags, so that secret is asked first, before those behind it.
    let mut after = request.after.as_ref().map_or("", |(name, _)| name.as_str()).to_owned();
    if let Ok(secret) = after.parse::<SecretRef>() {
        rows.extend(tags_of(context, request, &secret).await?);
    }
    loop {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let store = context.app.store();
        let tag = (key, value.as_ref());
        let names = store.names_with_tag(&context.scope, tag, &after, limit).await.map_err(AppError::from)?;
        let Some(last) = names.last() else { return Ok(rows) };
        last.as_str().clone_into(&mut after);
        for name in names {
            rows.extend(tags_of(context, request, &SecretRef { scope: None, name }).await?);
            if rows.len() > PAGE {
                return Ok(rows);
            }
        }
    }
}

/// The tags of one secret behind the page before, if it carries all wanted ones.
async fn tags_of(context: &Context, request: &Request, secret: &SecretRef) -> Result<Vec<TagRow>, ApiError> {
    let loaded = match context.app.find(&context.scope, secret).await {
        Ok(loaded) => loaded,
        // Gone since it was listed.
        Err(AppError::Refused(_)) => return Ok(Vec::new()),
        Err(other) => return Err(other.into()),
    };
    let secret = &loaded.secret;
    let carries = |(key, value): &(TagKey, Option<TagValue>)| {
        secret.tags.get(key).is_some_and(|has| value.as_ref().is_none_or(|wanted| wanted == has))
    };
    if !request.tags.iter().all(carries) {
        return Ok(Vec::new());
    }
    let behind = |key: &TagKey| {
        request
            .after
            .as_ref()
            .is_none_or(|(n, k)| (secret.name.as_str(), key.as_str()) > (n.as_str(), k.as_str()))
    };
    let rows = secret.tags.iter().filter(|(key, _)| behind(key));
    Ok(rows
        .map(|(key, value)| TagRow { name: secret.name.clone(), key: key.clone(), value: value.clone() })
        .collect())
}

/// A token is the last row's name and key; a name cannot hold a colon.
fn write_token(row: &TagRow) -> String {
    const_hex::encode(format!("{}:{}", row.name, row.key))
}

fn read_token(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(const_hex::decode(token).ok()?).ok()?;
    text.split_once(':').map(|(name, key)| (name.to_owned(), key.to_owned()))
}
