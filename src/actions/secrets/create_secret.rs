//! CreateSecret: makes a secret with its first version, which becomes `ACSCurrent` (rule 2.1).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::limits::{check_length, description};
use crate::actions::shared::resource_policies;
use crate::actions::shared::tags;
use crate::actions::shared::unsupported::NO_INSTANCES;
use crate::app::{AppError, Creation};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::{DataType, KeyId, SecretName, SecretType, Tags, VersionId};
use crate::wire::{ApiError, Code, Fields, SecretText};

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
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
    encryption_key: Option<KeyRef>,
    /// A KMS instance.
    instance: Option<String>,
    /// A secret policy.
    policy: Option<String>,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
    secret_type: &'static str,
}

/// The action.
pub(in crate::actions) struct CreateSecret;

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
        Code::RejectedDisabled,
        Code::RejectedPendingDeletion,
        Code::RejectedPendingImport,
        Code::KeyPolicyUnsupported,
        Code::RejectedResourceExist,
        Code::RejectedResourceInDeleteWindow,
        Code::ResourceNotFound,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        // The type decides which names there are (rule 14.13).
        let secret_type = fields.optional("SecretType")?.unwrap_or(SecretType::Generic);
        if secret_type == SecretType::RamCredentials && fields.text("SecretName")? == Some(AUTO) {
            return Err(unsupported_type());
        }
        Ok(Request {
            name: fields.required("SecretName")?,
            version: fields.required("VersionId")?,
            data: fields.required("SecretData")?,
            data_type: fields.optional("SecretDataType")?.unwrap_or(DataType::Text),
            secret_type,
            description: description(fields)?.unwrap_or_default(),
            tags: tags::from_json(fields, "Tags")?.into_iter().flatten().collect(),
            encryption_key: fields.optional("EncryptionKeyId")?,
            instance: fields.optional("DKMSInstanceId")?,
            policy: fields.optional("Policy")?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        check_length(context, request.data.as_bytes())?;
        if request.secret_type != SecretType::Generic {
            return Err(unsupported_type());
        }
        // There are no instances: what names one cannot be found.
        if request.instance.is_some() {
            return Err(ApiError::new(Code::DkmsInstanceNotFound, NO_INSTANCES));
        }
        let policy = match &request.policy {
            None => None,
            Some(text) => {
                resource_policies::require_policies(context)?;
                Some(resource_policies::parse(context, text, &context.scope.account)?)
            }
        };
        let encryption_key = match &request.encryption_key {
            None => None,
            Some(key) => Some(usable_key(context, key).await?),
        };
        let creation = Creation {
            name: request.name,
            version: request.version.clone(),
            data_type: request.data_type,
            description: request.description,
            encryption_key,
            tags: request.tags,
            policy,
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

/// The name to send for RAMCredentials: the service makes one from the RAM user's (rule 1.2).
const AUTO: &str = "$Auto";

fn unsupported_type() -> ApiError {
    ApiError::new(Code::UnsupportedOperation, "only secrets with SecretType Generic can be created")
}

/// The id of the key that a secret shall be under: enabled, symmetric, and the user's own (rules 7.2, 7.3).
async fn usable_key(context: &Context, key: &KeyRef) -> Result<KeyId, ApiError> {
    // A secret stays with the keys of its own account; permission comes before existence.
    let own = key.scope.as_ref().is_none_or(|scope| scope.account == context.scope.account);
    if !own {
        return Err(ApiError::naming(
            Code::ForbiddenNoPermission,
            &key.arn(&context.scope),
            "EncryptionKeyId names a key of another account; a secret can only be encrypted with a key of its own account",
        ));
    }
    context.permit_named_key("kms:GenerateDataKey", key).await?;
    let found = context.app.keys().find(&context.scope, key).await;
    let held = found.map_err(|error| match error {
        // This action speaks of keys only (rule 7.3).
        AppError::Key(KeyRefusal::AliasNotFound) => KeyRefusal::NotFound.into(),
        other => other,
    })?;
    held.key().require_symmetric()?;
    held.key().require_enabled()?;
    Ok(held.key().id.clone())
}
