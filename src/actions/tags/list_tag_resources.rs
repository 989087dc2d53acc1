//! ListTagResources: tags of secrets or keys, 200 rows a page (rule 5.11).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::tagged::{Resources, Target};
use crate::actions::shared::tags::{self, MAX_TAGS};
use crate::app::AppError;
use crate::domain::{SecretRef, TagKey, TagValue, Tags};
use crate::store::TagRow;
use crate::wire::{ApiError, Code, Fields};

/// The maximum number of rows on a page.
const PAGE: usize = 200;

#[derive(Debug)]
pub(in crate::actions) struct Request {
    resources: Resources,
    /// The tags that a resource must carry; a tag without a value matches every value.
    tags: Vec<(TagKey, Option<TagValue>)>,
    /// Where the page before ended: name and key.
    after: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    /// Where the next page begins; empty on the last one.
    next_token: String,
    tag_resources: TagResourceList,
}

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

pub(in crate::actions) struct ListTagResources;

impl Action for ListTagResources {
    const NAME: &'static str = "ListTagResources";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Tagged;
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
        Code::KeyNotFound,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let mut tags: Vec<(TagKey, Option<TagValue>)> = Vec::new();
        for [key, value] in fields.structs("Tag", ["Key", "Value"], MAX_TAGS)? {
            let key = key.ok_or_else(|| fields.missing("Tag.N.Key"))?;
            let value = value.map(tags::value).transpose()?;
            tags.push((tags::key(key)?, value));
        }
        if tags::has_twice(tags.iter().map(|(key, _)| key)) {
            return Err(ApiError::new(Code::DuplicateTagKey, "two of Tag.N.Key are the same"));
        }
        let after = match fields.text("NextToken")? {
            None => None,
            Some(token) => Some(read_token(token).ok_or_else(|| ApiError::invalid("NextToken", TOKEN))?),
        };
        Ok(Request { resources: Resources::decode(fields)?, tags, after })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let mut rows = if !request.resources.ids.is_empty() {
            of_resources(context, &request).await?
        } else if !request.resources.secrets {
            of_all_keys(context, &request).await?
        } else if request.tags.is_empty() {
            let after = request.after.as_ref().map(|(name, key)| (name.as_str(), key.as_str()));
            let (store, now) = (context.app.store(), context.app.clock().now());
            let limit = u32::try_from(PAGE + 1).unwrap_or(u32::MAX);
            let rows = store.list_tags(&context.scope, after, limit, now).await.map_err(AppError::from)?;
            let found = |row: TagRow| Found { id: row.name.to_string(), key: row.key, value: row.value };
            rows.into_iter().map(found).collect()
        } else {
            with_tags(context, &request).await?
        };
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next_token = rows.last().filter(|_| more).map(write_token).unwrap_or_default();
        let resource_type = if request.resources.secrets { "secret" } else { "key" };
        let tag_resource = rows.into_iter().map(|row| Row {
            resource_id: row.id,
            resource_type,
            tag_key: row.key.to_string(),
            tag_value: row.value.to_string(),
        });
        Ok(Response { next_token, tag_resources: TagResourceList { tag_resource: tag_resource.collect() } })
    }
}

/// A tag that was found, and where.
#[derive(Debug)]
struct Found {
    /// The secret's name or the key's id.
    id: String,
    key: TagKey,
    value: TagValue,
}

/// The tags of one resource after the previous page, if it carries all wanted tags.
fn rows_of(request: &Request, id: &str, tags: &Tags) -> Vec<Found> {
    let carries = |(key, value): &(TagKey, Option<TagValue>)| {
        tags.get(key).is_some_and(|has| value.as_ref().is_none_or(|wanted| wanted == has))
    };
    if !request.tags.iter().all(carries) {
        return Vec::new();
    }
    let behind = |key: &TagKey| {
        request.after.as_ref().is_none_or(|(i, k)| (id, key.as_str()) > (i.as_str(), k.as_str()))
    };
    let rows = tags.iter().filter(|(key, _)| behind(key));
    rows.map(|(key, value)| Found { id: id.to_owned(), key: key.clone(), value: value.clone() }).collect()
}

/// The tags of the named resources, which must exist.
async fn of_resources(context: &Context, request: &Request) -> Result<Vec<Found>, ApiError> {
    let mut rows = Vec::new();
    for target in request.resources.find(context).await? {
        match target {
            Target::Secret(secret) => rows.extend(of_secret(context, request, &secret).await?),
            Target::Key(key) => {
                let held = context.app.keys().find(&context.scope, &key).await?;
                rows.extend(rows_of(request, held.key().id.as_str(), &held.key().tags));
            }
        }
    }
    rows.sort_by(|a, b| (&a.id, &a.key).cmp(&(&b.id, &b.key)));
    Ok(rows)
}

/// The tags of all keys.
async fn of_all_keys(context: &Context, request: &Request) -> Result<Vec<Found>, ApiError> {
    let keys = context.app.keys().of(&context.scope).await?;
    let mut rows: Vec<Found> = keys
        .newest_first()
        .iter()
        .flat_map(|held| rows_of(request, held.key().id.as_str(), &held.key().tags))
        .collect();
    rows.sort_by(|a, b| (&a.id, &a.key).cmp(&(&b.id, &b.key)));
    Ok(rows)
}

/// The tags of all secrets that carry the wanted tags, up to one row more than a page.
async fn with_tags(context: &Context, request: &Request) -> Result<Vec<Found>, ApiError> {
    let Some((key, value)) = request.tags.first() else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    // The previous page may have ended in the middle of a secret's tags, so that secret comes first.
    let mut after = request.after.as_ref().map_or("", |(name, _)| name.as_str()).to_owned();
    if let Ok(secret) = after.parse::<SecretRef>() {
        rows.extend(of_secret(context, request, &secret).await?);
    }
    loop {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let store = context.app.store();
        let tag = (key, value.as_ref());
        let names = store.names_with_tag(&context.scope, tag, &after, limit).await.map_err(AppError::from)?;
        let Some(last) = names.last() else { return Ok(rows) };
        last.as_str().clone_into(&mut after);
        for name in names {
            rows.extend(of_secret(context, request, &SecretRef { scope: None, name }).await?);
            if rows.len() > PAGE {
                return Ok(rows);
            }
        }
    }
}

/// The tags of one secret.
async fn of_secret(context: &Context, request: &Request, secret: &SecretRef) -> Result<Vec<Found>, ApiError> {
    match context.find_secret(secret).await {
        Ok(loaded) => Ok(rows_of(request, loaded.secret.name.as_str(), &loaded.secret.tags)),
        // Deleted since it was listed.
        Err(AppError::Refused(_)) => Ok(Vec::new()),
        Err(other) => Err(other.into()),
    }
}

/// A token is the id and key of the last row; neither names nor ids contain a colon.
fn write_token(row: &Found) -> String {
    const_hex::encode(format!("{}:{}", row.id, row.key))
}

const TOKEN: &str = "did not come from this action; send the NextToken of the previous answer unchanged";

fn read_token(token: &str) -> Option<(String, String)> {
    let text = String::from_utf8(const_hex::decode(token).ok()?).ok()?;
    text.split_once(':').map(|(name, key)| (name.to_owned(), key.to_owned()))
}
