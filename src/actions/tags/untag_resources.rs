//! UntagResources: removes tags of several resources, in the new style (rule 11.4).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::actions::shared::tagged::Resources;
use crate::actions::shared::tags::{self, MAX_TAGS};
use crate::domain::TagKey;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    resources: Resources,
    /// The keys of the tags to remove; `None` removes all tags.
    keys: Option<Vec<TagKey>>,
}

pub(in crate::actions) struct UntagResources;

impl Action for UntagResources {
    const NAME: &'static str = "UntagResources";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Tagged;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("RegionId"),
        Parameter::required("ResourceType"),
        Parameter::required("ResourceId.N"),
        Parameter::optional("TagKey.N"),
        Parameter::optional("All"),
    ];
    const CODES: &'static [Code] = &[
        Code::InvalidParameterTagKey,
        Code::InvalidResourceIdNotFound,
        Code::ResourceNotFound,
        Code::KeyNotFound,
        Code::UnsupportedOperation,
    ];
    type Request = Request;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let resources = Resources::decode_some(fields)?;
        let keys = fields.list("TagKey", MAX_TAGS)?;
        let keys: Vec<TagKey> = keys.into_iter().map(tags::key).collect::<Result<_, _>>()?;
        // All counts only when no key is sent.
        let all = fields.flag("All", false)?;
        match (keys.is_empty(), all) {
            (true, false) => Err(ApiError {
                reason: "neither TagKey.1 nor All=true was sent; TagKey.N names the tags to remove".into(),
                ..fields.missing("TagKey.1")
            }),
            (true, true) => Ok(Request { resources, keys: None }),
            (false, _) => Ok(Request { resources, keys: Some(keys) }),
        }
    }

    async fn run(context: &Context, request: Request) -> Result<Empty, ApiError> {
        for target in request.resources.find(context).await? {
            target.untag(context, request.keys.as_deref()).await?;
        }
        Ok(Empty {})
    }
}
