//! ListResourceTags: the tags of a key.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::keys::KeyRef;
use crate::domain::{TagKey, TagValue};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    tags: Tags,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    tag: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    key_id: String,
    tag_key: String,
    tag_value: String,
}

pub(in crate::actions) struct ListResourceTags;

impl Action for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = &[Code::KeyNotFound, Code::AliasNotFound];
    type Request = KeyRef;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        fields.required("KeyId")
    }

    async fn run(context: &Context, key: KeyRef) -> Result<Response, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let row = |(name, value): (&TagKey, &TagValue)| Row {
            key_id: held.key().id.to_string(),
            tag_key: name.to_string(),
            tag_value: value.to_string(),
        };
        Ok(Response { tags: Tags { tag: held.key().tags.iter().map(row).collect() } })
    }
}
