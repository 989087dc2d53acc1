//! CreateSecret: makes a secret with its first version, which becomes `ACSCurrent` (rule 2.1).

use serde::Serialize;

use super::endpoint::{Action, Context, Kind, Parameter, Resource};
use super::tagging;
use crate::app::Creation;
use crate::domain::limits::DESCRIPTION_CHARS;
use crate::domain::{DataType, SecretName, SecretType, Tags, VersionId};
use crate::wire::{ApiError, Code, Fields, SecretText};

/// What is asked.
#[derive(Debug)]
pub(super) struct Request {
    /// Unique in account and region; 1 to 192 characters.
    name: SecretName,
    /// Id of the first version; 1 to 64 characters.
    version: VersionId,
    /// The value, at most 30,720 bytes.
    data: SecretText,
    /// `text` (default) or `binary`.
    data_type: DataType,
    /// `Generic` (default) or a dynamic type.
    secret_type: SecretType,
    /// Free text, default empty.
    description: String,
    /// Tags.
    tags: Tags,
    /// A CMK.
    encryption_key: Option<String>,
    /// A KMS instance.
    instance: Option<String>,
    /// A secret policy.
    policy: Option<String>,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
    secret_type: &'static str,
}

/// The action.
pub(super) struct CreateSecret;

impl Action for CreateSecret {
    const NAME: &'static str = "CreateSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secrets;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::required("VersionId"),
        Parameter::required("SecretData"),
        Parameter::optional("SecretDataType"),
        Parameter::optional("SecretType"),
        Parameter::optional("Description"),
        Parameter::optional("Tags"),
        Parameter::optional("EncryptionKeyId"),
        Parameter::optional("DKMSInstanceId"),
        Parameter::optional("Policy"),
        Parameter::optional("ExtendedConfig"),
        Parameter::optional("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
    ];
    const CODES: &'static [Code] = &[
        Code::UnsupportedOperation,
        Code::RejectedLimitExceeded,
        Code::DkmsInstanceNotFound,
        Code::KeyNotFound,
        Code::KeyPolicyUnsupported,
        Code::RejectedResourceExist,
        Code::RejectedResourceInDeleteWindow,
        Code::ResourceNotFound,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            name: fields.required("SecretName")?,
            version: fields.required("VersionId")?,
            data: fields.required("SecretData")?,
            data_type: fields.optional("SecretDataType")?.unwrap_or(DataType::Text),
            secret_type: fields.optional("SecretType")?.unwrap_or(SecretType::Generic),
            description: description(fields)?.unwrap_or_default(),
            tags: tagging::from_json(fields, "Tags")?.into_iter().flatten().collect(),
            encryption_key: not_blank(fields.optional("EncryptionKeyId")?),
            instance: not_blank(fields.optional("DKMSInstanceId")?),
            policy: not_blank(fields.optional("Policy")?),
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        if request.data.as_bytes().len() > context.app.limits().secret_data_bytes {
            return Err(ApiError::invalid("SecretData"));
        }
        if request.secret_type != SecretType::Generic {
            return Err(ApiError::new(Code::UnsupportedOperation));
        }
        // There are no instances, no keys of the user's own and no policies yet: what names one cannot be found.
        if request.instance.is_some() {
            return Err(ApiError::new(Code::DkmsInstanceNotFound));
        }
        if request.encryption_key.is_some() {
            return Err(ApiError::new(Code::KeyNotFound));
        }
        if request.policy.is_some() {
            return Err(ApiError::new(Code::KeyPolicyUnsupported));
        }
        let creation = Creation {
            name: request.name,
            version: request.version.clone(),
            data_type: request.data_type,
            description: request.description,
            encryption_key: None,
            tags: request.tags,
        };
        let created = context.app.create(&context.scope, creation, request.data.as_bytes()).await?;
        Ok(Response {
            arn: created.secret.arn(),
            secret_name: created.secret.name.to_string(),
            version_id: request.version.to_string(),
            secret_type: created.secret.secret_type.as_str(),
        })
    }
}

/// The description, at most 8,192 characters (rule 1.11).
pub(super) fn description(fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    let text = fields.text("Description")?;
    if text.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS) {
        return Err(ApiError::invalid("Description"));
    }
    Ok(text.map(str::to_owned))
}

/// Clients send optional ids blank when their user gave none.
fn not_blank(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
