//! BatchGetSecretValue: returns up to 20 values at once, and lists the entries that failed (rule 4.11).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::reading::{READ_CODES, ReadRequest, SecretValue, read};
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Fields, RequestId};

/// The maximum number of entries of one call.
const MAX_ENTRIES: usize = 20;

/// The answer has plain arrays, unlike every older list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_values: Vec<Item>,
    errors: Vec<Failure>,
}

/// A value; each repeats the id of the request.
#[derive(Debug, Serialize)]
struct Item {
    #[serde(flatten)]
    value: SecretValue,
    #[serde(rename = "RequestId")]
    request_id: RequestId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    secret_name: String,
    code: String,
    http_status: u16,
    message: String,
}

pub(in crate::actions) struct BatchGetSecretValue;

impl Action for BatchGetSecretValue {
    const NAME: &'static str = "BatchGetSecretValue";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretsList")];
    const CODES: &'static [Code] = READ_CODES;
    type Request = Vec<ReadRequest>;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Vec<ReadRequest>, ApiError> {
        let list = fields.json("SecretsList")?.ok_or_else(|| fields.missing("SecretsList"))?;
        let Value::Array(list) = list else { return Err(ApiError::invalid("SecretsList", FORM)) };
        if !(1..=MAX_ENTRIES).contains(&list.len()) {
            let why = format!("has {} entries; expected 1 to {MAX_ENTRIES}", list.len());
            return Err(ApiError::invalid("SecretsList", why));
        }
        let wrong = |(at, invalid): (usize, Invalid)| {
            ApiError::invalid("SecretsList", format!("has an entry, number {}, that {invalid}", at + 1))
        };
        let entry = |(at, item): (usize, &Value)| request(item).map_err(|invalid| wrong((at, invalid)));
        list.iter().enumerate().map(entry).collect()
    }

    async fn run(context: &Context, requests: Vec<ReadRequest>) -> Result<Response, ApiError> {
        // The secrets of the list must differ (guess G54); a name and an ARN can mean the same secret (rule 1.5).
        let place = |request: &ReadRequest| {
            let secret = &request.secret;
            (secret.scope.clone().unwrap_or_else(|| context.scope.clone()), secret.name.clone())
        };
        if requests.iter().map(place).collect::<BTreeSet<_>>().len() < requests.len() {
            return Err(ApiError::invalid("SecretsList", "names the same secret more than once"));
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

const FORM: &str = "is not a list such as [{\"SecretName\":\"app/db\"}]";

fn request(item: &Value) -> Result<ReadRequest, Invalid> {
    let text = |name: &str| match item.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Invalid::new(format!("has a {name} that is not a text"))),
    };
    let of =
        |name: &'static str| move |invalid: Invalid| Invalid::new(format!("has a {name} that {invalid}"));
    let secret = text("SecretName")?.ok_or_else(|| Invalid::new("has no SecretName"))?;
    let secret = secret.parse().map_err(of("SecretName"))?;
    let version = text("VersionId")?.map(str::parse).transpose().map_err(of("VersionId"))?;
    let stage = text("VersionStage")?.map(str::parse).transpose().map_err(of("VersionStage"))?;
    let fetch_config = fetches_config(item)?;
    Ok(ReadRequest::new(secret, version, stage, fetch_config))
}

/// `FetchExtendedConfig`, which clients send as a text or as a boolean.
fn fetches_config(item: &Value) -> Result<bool, Invalid> {
    let wrong = || Invalid::new("has a FetchExtendedConfig that is neither true nor false");
    match item.get("FetchExtendedConfig") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text.is_empty() => Ok(false),
        Some(Value::String(text)) => text.to_ascii_lowercase().parse().map_err(|_neither| wrong()),
        Some(_) => Err(wrong()),
    }
}
