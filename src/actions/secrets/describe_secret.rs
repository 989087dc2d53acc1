//! DescribeSecret: returns the metadata of a secret, even in its recovery window (rule 6.6), and never a value.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::rotation_facts::RotationFacts;
use crate::actions::shared::tags::TagList;
use crate::domain::SecretRef;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    secret: SecretRef,
    /// Whether the answer contains the tags; default false.
    fetch_tags: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    arn: String,
    secret_name: String,
    secret_type: &'static str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key_id: Option<String>,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_delete_time: Option<String>,
    /// The API's own spelling; empty for a user's secret.
    owing_service: &'static str,
    #[serde(flatten)]
    rotation: RotationFacts,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<TagList>,
}

pub(in crate::actions) struct DescribeSecret;

impl Action for DescribeSecret {
    const NAME: &'static str = "DescribeSecret";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("SecretName"), Parameter::optional("FetchTags")];
    const CODES: &'static [Code] = &[Code::ResourceNotFound];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request { secret: fields.required("SecretName")?, fetch_tags: fields.flag("FetchTags", false)? })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let loaded = context.find_secret(&request.secret).await?;
        let secret = &loaded.secret;
        Ok(Response {
            arn: secret.arn(),
            secret_name: secret.name.to_string(),
            secret_type: secret.secret_type.as_str(),
            description: secret.description.clone(),
            encryption_key_id: secret.encryption_key.as_ref().map(ToString::to_string),
            create_time: secret.created.to_string(),
            update_time: secret.updated.to_string(),
            planned_delete_time: secret.planned_deletion.map(|at| at.to_string()),
            owing_service: "",
            rotation: RotationFacts::of(&context.app, secret, true),
            tags: request.fetch_tags.then(|| secret.tags.iter().collect()),
        })
    }
}
