//! TagResource: tags one resource, in the old style.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::actions::shared::tagged::Target;
use crate::actions::shared::tags;
use crate::domain::{TagKey, TagValue};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    target: Target,
    tags: Vec<(TagKey, TagValue)>,
}

pub(in crate::actions) struct TagResource;

impl Action for TagResource {
    const NAME: &'static str = "TagResource";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::OneTagged;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::optional("SecretName"),
        Parameter::optional("KeyId"),
        Parameter::optional("CertificateId"),
        Parameter::required("Tags"),
    ];
    const CODES: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::KeyNotFound,
        Code::AliasNotFound,
        Code::RejectedLimitExceeded,
        Code::UnsupportedOperation,
    ];
    type Request = Request;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let tags = tags::from_json(fields, "Tags")?.ok_or_else(|| fields.missing("Tags"))?;
        if tags.is_empty() {
            return Err(ApiError::invalid("Tags", "is an empty list; at least one tag is needed"));
        }
        Ok(Request { target: Target::decode_one(fields)?, tags })
    }

    async fn run(context: &Context, request: Request) -> Result<Empty, ApiError> {
        request.target.tag(context, &request.tags).await?;
        Ok(Empty {})
    }
}
