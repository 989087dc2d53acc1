//! PutSecretValue: stores a new version and moves labels to it (rules 2.3 to 2.10, 3.3 to 3.12).

use serde::Serialize;
use serde_json::Value;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::labels::VersionStages;
use crate::actions::secrets::shared::limits::check_length;
use crate::app::Put;
use crate::domain::names::Invalid;
use crate::domain::{DataType, SecretRef, StageLabel};
use crate::wire::{ApiError, Code, Fields, SecretText};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    secret: SecretRef,
    /// The value, at most 30,720 bytes.
    data: SecretText,
    /// Version, type and labels.
    put: Put,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_name: String,
    version_id: String,
    version_stages: VersionStages,
}

pub(in crate::actions) struct PutSecretValue;

impl Action for PutSecretValue {
    const NAME: &'static str = "PutSecretValue";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::required("VersionId"),
        Parameter::required("SecretData"),
        Parameter::optional("SecretDataType"),
        Parameter::optional("VersionStages"),
    ];
    const CODES: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::RejectedResourceExist,
        Code::RejectedLimitExceeded,
        Code::RejectedResourceInDeleteWindow,
        Code::RejectedUnsupportedOperation,
        Code::KeyNotFound,
        Code::RejectedDisabled,
        Code::RejectedPendingDeletion,
        Code::RejectedPendingImport,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            secret: fields.required("SecretName")?,
            data: fields.required("SecretData")?,
            put: Put {
                version: fields.required("VersionId")?,
                data_type: fields.optional("SecretDataType")?.unwrap_or(DataType::Text),
                stages: stages(fields)?,
            },
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let data = request.data.as_bytes();
        check_length(context, data)?;
        context.permit_encryption_key_of("kms:GenerateDataKey", &request.secret).await?;
        let loaded = context.app.put(&context.scope, &request.secret, &request.put, data).await?;
        context.answered.note(&loaded.secret, &request.put.version);
        Ok(Response {
            secret_name: loaded.secret.name.to_string(),
            version_id: request.put.version.to_string(),
            // When an equal re-put was ignored, these are the labels that the version has now (rule 2.7).
            version_stages: loaded.secret.stages.labels_of(&request.put.version).collect(),
        })
    }
}

/// Reads `["a","b"]`, or `{"VersionStage":["a","b"]}` as old examples have it (rule 3.4); default `ACSCurrent`.
fn stages(fields: Fields<'_>) -> Result<Vec<StageLabel>, ApiError> {
    let form =
        || ApiError::invalid("VersionStages", "is not a list of labels such as [\"ACSCurrent\",\"Blue\"]");
    let Some(json) = fields.json("VersionStages")? else { return Ok(vec![StageLabel::current()]) };
    let list = json.get("VersionStage").unwrap_or(&json).as_array().ok_or_else(form)?;
    let wrong = |invalid: Invalid| ApiError::invalid("VersionStages", format!("has a label that {invalid}"));
    let label = |item: &Value| item.as_str().ok_or_else(form)?.parse().map_err(wrong);
    let labels: Vec<StageLabel> = list.iter().map(label).collect::<Result<_, ApiError>>()?;
    if labels.is_empty() {
        return Err(ApiError::invalid(
            "VersionStages",
            "is an empty list; leave it out for [\"ACSCurrent\"]",
        ));
    }
    Ok(labels)
}
