//! UntagResource: removes tags of one resource, in the old style. Keys that the resource does not have are skipped.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::actions::shared::tagged::Target;
use crate::actions::shared::tags::MAX_TAGS;
use crate::domain::TagKey;
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    target: Target,
    keys: Vec<TagKey>,
}

pub(in crate::actions) struct UntagResource;

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
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let text = fields.text("TagKeys")?.ok_or_else(|| fields.missing("TagKeys"))?;
        let keys = keys(text).map_err(|invalid| ApiError::invalid("TagKeys", invalid))?;
        if !(1..=MAX_TAGS).contains(&keys.len()) {
            let why = format!("has {} keys; expected 1 to {MAX_TAGS}", keys.len());
            return Err(ApiError::invalid("TagKeys", why));
        }
        Ok(Request { target: Target::decode_one(fields)?, keys })
    }

    async fn run(context: &Context, request: Request) -> Result<Empty, ApiError> {
        request.target.untag(context, Some(&request.keys)).await?;
        Ok(Empty {})
    }
}

/// Reads `["k1","k2"]`, as the examples have it, or `k1,k2`, as the prose says.
fn keys(text: &str) -> Result<Vec<TagKey>, Invalid> {
    let numbered = |(at, key): (usize, Result<TagKey, Invalid>)| {
        key.map_err(|invalid| Invalid::new(format!("has a key, number {}, that {invalid}", at + 1)))
    };
    if text.trim_start().starts_with(['[', '{']) {
        let list: Option<Vec<String>> = serde_json::from_str(text).ok();
        let wrong = || Invalid::new("is not a JSON array of texts, such as [\"env\",\"team\"]");
        return list.ok_or_else(wrong)?.iter().map(|key| key.parse()).enumerate().map(numbered).collect();
    }
    text.split(',').map(|key| key.trim().parse()).enumerate().map(numbered).collect()
}
