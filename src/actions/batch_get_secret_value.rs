//! BatchGetSecretValue: up to 20 values at once; what fails is listed beside them (rule 4.11).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::get_secret_value::{self, READ_CODES, Request, read};
use crate::wire::{ApiError, Code, Fields, RequestId};

/// The most entries of one call.
const MAX_ENTRIES: usize = 20;

/// What is answered: plain arrays, unlike every older list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response {
    secret_values: Vec<Item>,
    errors: Vec<Failure>,
}

/// A value, with the id of the request again.
#[derive(Debug, Serialize)]
struct Item {
    #[serde(flatten)]
    value: get_secret_value::Response,
    #[serde(rename = "RequestId")]
    request_id: RequestId,
}

/// An entry that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    secret_name: String,
    code: String,
    http_status: u16,
    message: String,
}

/// The action.
pub(super) struct BatchGetSecretValue;

impl Action for BatchGetSecretValue {
    const NAME: &'static str = "BatchGetSecretValue";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretsList")];
    const CODES: &'static [Code] = READ_CODES;
    type Request = Vec<Request>;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Vec<Request>, ApiError> {
        let wrong = || ApiError::invalid("SecretsList");
        let list = fields.json("SecretsList")?.ok_or_else(|| ApiError::missing("SecretsList"))?;
        let Value::Array(list) = list else { return Err(wrong()) };
        if !(1..=MAX_ENTRIES).contains(&list.len()) {
            return Err(wrong());
        }
        let requests: Option<Vec<_>> = list.iter().map(|item| item.as_object().and_then(request)).collect();
        requests.ok_or_else(wrong)
    }

    async fn run(context: &Context, requests: Vec<Request>) -> Result<Response, ApiError> {
        // The list is of different secrets (question 34); a name and its ARN are the same one (rule 1.5).
        let place = |request: &Request| {
            let secret = &request.secret;
            (secret.scope.clone().unwrap_or_else(|| context.scope.clone()), secret.name.clone())
        };
        if requests.iter().map(place).collect::<BTreeSet<_>>().len() < requests.len() {
            return Err(ApiError::invalid("SecretsList"));
        }
        let mut response = Response { secret_values: Vec::new(), errors: Vec::new() };
        for request in requests {
            let read = match context.permit_secret("kms:GetSecretValue", &request.secret).await {
                Ok(()) => read(context, &request).await,
                Err(refusal) => Err(refusal),
            };
            match read {
                Ok(value) => {
                    let request_id = context.request_id;
                    response.secret_values.push(Item { value, request_id });
                }
                Err(error) => response.errors.push(Failure {
                    secret_name: request.secret.name.to_string(),
                    code: error.wire.into_owned(),
                    http_status: error.code.status(),
                    message: error.message.into_owned(),
                }),
            }
        }
        Ok(response)
    }
}

/// Reads one entry; none when any member of it is not valid.
fn request(item: &Map<String, Value>) -> Option<Request> {
    let text = |name| match item.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    let secret = text("SecretName")??.parse().ok()?;
    let version = text("VersionId")?.map(str::parse).transpose().ok()?;
    let stage = text("VersionStage")?.map(str::parse).transpose().ok()?;
    Some(Request::new(secret, version, stage))
}
