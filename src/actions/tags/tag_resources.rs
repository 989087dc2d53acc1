//! TagResources: tags several resources, in the new style.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::actions::shared::tagged::Resources;
use crate::actions::shared::tags::{self, MAX_TAGS};
use crate::domain::{TagKey, TagValue};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    resources: Resources,
    tags: Vec<(TagKey, TagValue)>,
}

pub(in crate::actions) struct TagResources;

impl Action for TagResources {
    const NAME: &'static str = "TagResources";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Tagged;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("RegionId"),
        Parameter::required("ResourceType"),
        Parameter::required("ResourceId.N"),
        Parameter::required("Tag.N.Key"),
        Parameter::optional("Tag.N.Value"),
    ];
    const CODES: &'static [Code] = &[
        Code::InvalidParameterTagKey,
        Code::InvalidParameterTagValue,
        Code::DuplicateTagKey,
        Code::InvalidResourceIdNotFound,
        Code::RejectedLimitExceeded,
        Code::ResourceNotFound,
        Code::KeyNotFound,
        Code::UnsupportedOperation,
    ];
    type Request = Request;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let resources = Resources::decode_some(fields)?;
        let mut tags: Vec<(TagKey, TagValue)> = Vec::new();
        for [key, value] in fields.structs("Tag", ["Key", "Value"], MAX_TAGS)? {
            let key = key.ok_or_else(|| fields.missing("Tag.N.Key"))?;
            tags.push((tags::key(key)?, tags::value(value.unwrap_or_default())?));
        }
        if tags.is_empty() {
            return Err(fields.missing("Tag.1.Key"));
        }
        if tags::has_twice(tags.iter().map(|(key, _)| key)) {
            return Err(ApiError::new(Code::DuplicateTagKey, "two of Tag.N.Key are the same"));
        }
        Ok(Request { resources, tags })
    }

    async fn run(context: &Context, request: Request) -> Result<Empty, ApiError> {
        // All resources are found before the first is changed, so a wrong id changes nothing.
        for target in request.resources.find(context).await? {
            target.tag(context, &request.tags).await?;
        }
        Ok(Empty {})
    }
}
