//! BatchGetSecretValue: up to 20 values at once; what fails is listed beside them (rule 4.11).

use serde::Serialize;
use serde_json::{Map, Value};

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::get_secret_value::{self, READ_CODES, read};
use crate::wire::{ApiError, Code, Fields};

/// The most entries of one call.
const MAX_ENTRIES: usize = 20;

/// One entry of the list.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    request: get_secret_value::Request,
}

/// What is answered: plain arrays, unlike every older list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response {
    secret_values: Vec<get_secret_value::Response>,
    errors: Vec<Failure>,
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
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretsList")];
    const CODES: &'static [Code] = READ_CODES;
    type Request = Vec<Entry>;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Vec<Entry>, ApiError> {
        let wrong = || ApiError::invalid("SecretsList");
        let list = fields.json("SecretsList")?.ok_or_else(|| ApiError::missing("SecretsList"))?;
        let Value::Array(list) = list else { return Err(wrong()) };
        if !(1..=MAX_ENTRIES).contains(&list.len()) {
            return Err(wrong());
        }
        let entries: Option<Vec<Entry>> = list.iter().map(|item| item.as_object().and_then(entry)).collect();
        let entries = entries.ok_or_else(wrong)?;
        // The list is of different secrets (question 34).
        let mut names: Vec<&str> = entries.iter().map(|e| e.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() == entries.len() { Ok(entries) } else { Err(wrong()) }
    }

    async fn run(context: &Context, request: Vec<Entry>) -> Result<Response, ApiError> {
        let mut response = Response { secret_values: Vec::new(), errors: Vec::new() };
        for entry in request {
            match read(context, &entry.request).await {
                Ok(value) => response.secret_values.push(value),
                Err(error) => response.errors.push(Failure {
                    secret_name: entry.name,
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
fn entry(item: &Map<String, Value>) -> Option<Entry> {
    let text = |name| match item.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    let name = text("SecretName")??;
    let version = text("VersionId")?.map(str::parse).transpose().ok()?;
    let stage = text("VersionStage")?.map(str::parse).transpose().ok()?;
    let request = get_secret_value::Request::new(name.parse().ok()?, version, stage);
    Some(Entry { name: name.to_owned(), request })
}
