//! UntagResource: removes tags of one resource, in the old style. Keys that are not there are skipped.

use serde_json::Value;

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::tag_resource::Nothing;
use super::tagging::{MAX_TAGS, Target};
use crate::domain::TagKey;
use crate::wire::{ApiError, Code, Fields};

/// What is asked.
#[derive(Debug)]
pub(super) struct Request {
    target: Target,
    keys: Vec<TagKey>,
}

/// The action.
pub(super) struct UntagResource;

impl Action for UntagResource {
    const NAME: &'static str = "UntagResource";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::OneTagged;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::optional("SecretName"),
        Parameter::optional("KeyId"),
        Parameter::optional("CertificateId"),
        Parameter::required("TagKeys"),
    ];
    const CODES: &'static [Code] =
        &[Code::ResourceNotFound, Code::KeyNotFound, Code::AliasNotFound, Code::UnsupportedOperation];
    type Request = Request;
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let text = fields.text("TagKeys")?.ok_or_else(|| ApiError::missing("TagKeys"))?;
        let keys = keys(text).filter(|keys| (1..=MAX_TAGS).contains(&keys.len()));
        let keys = keys.ok_or_else(|| ApiError::invalid("TagKeys"))?;
        Ok(Request { target: Target::decode_one(fields)?, keys })
    }

    async fn run(context: &Context, request: Request) -> Result<Nothing, ApiError> {
        request.target.untag(context, Some(&request.keys)).await?;
        Ok(Nothing {})
    }
}

/// Reads `["k1","k2"]`, as the examples have it, or `k1,k2`, as the prose says.
fn keys(text: &str) -> Option<Vec<TagKey>> {
    if text.trim_start().starts_with(['[', '{']) {
        let list: Value = serde_json::from_str(text).ok()?;
        return list.as_array()?.iter().map(|item| item.as_str()?.parse().ok()).collect();
    }
    text.split(',').map(|key| key.trim().parse().ok()).collect()
}
