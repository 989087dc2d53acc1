//! CreateSecret: makes a secret with its first version, which becomes `ACSCurrent` (rule 2.1).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::limits::{check_length, description};
use crate::actions::shared::resource_policies;
use crate::actions::shared::rotation_facts::{RotationFacts, wanted};
use crate::actions::shared::tags;
use crate::actions::shared::unsupported::NO_INSTANCES;
use crate::app::{AppError, Creation, NewManaged, Prepared};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::KeyRefusal;
use crate::domain::rotation::value::AUTO;
use crate::domain::{DataType, KeyId, SecretName, SecretType, Tags, VersionId};
use crate::wire::{ApiError, Code, Fields, SecretText};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Unique in account and region; 1 to 192 characters. `None` for `$Auto`: the service makes it.
    name: Option<SecretName>,
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
    tags: Tags,
    /// A CMK.
    encryption_key: Option<KeyRef>,
    /// A KMS instance.
    instance: Option<String>,
    /// A secret policy.
    policy: Option<String>,
    /// `ExtendedConfig`; needed by managed types, ignored for Generic.
    config: Option<String>,
    /// Whether it shall rotate by itself, and how often; both are ignored for Generic (rules R1.5, R1.6).
    rotation: Option<(bool, Option<String>)>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
    secret_type: &'static str,
    #[serde(flatten)]
    rotation: RotationFacts,
}

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
        Code::RamRoleNotFound,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        // The type decides which names are valid (rule 14.13).
        let secret_type = fields.optional("SecretType")?.unwrap_or(SecretType::Generic);
        let is_ram = secret_type == SecretType::RamCredentials;
        let name = match fields.text("SecretName")? {
            Some(AUTO) if is_ram => None,
            Some(_) if is_ram => {
                let why = "is not $Auto; the service names secrets of type RAMCredentials itself";
                return Err(ApiError::invalid("SecretName", why));
            }
            _ => Some(fields.required("SecretName")?),
        };
        let is_managed = secret_type != SecretType::Generic;
        Ok(Request {
            name,
            version: fields.required("VersionId")?,
            data: fields.required("SecretData")?,
            data_type: fields.optional("SecretDataType")?.unwrap_or(DataType::Text),
            secret_type,
            description: description(fields)?.unwrap_or_default(),
            tags: tags::from_json(fields, "Tags")?.into_iter().flatten().collect(),
            encryption_key: fields.optional("EncryptionKeyId")?,
            instance: fields.optional("DKMSInstanceId")?,
            policy: fields.optional("Policy")?,
            config: extended_config(fields)?,
            rotation: if is_managed { Some(rotation(fields)?) } else { None },
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        check_length(context, request.data.as_bytes())?;
        // There are no KMS instances, so none can be found.
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
        let prepared = prepared(context, &request).await?;
        let made = prepared.as_ref().map(|new| new.name.clone());
        let name = request.name.or(made).ok_or_else(|| ApiError::missing("SecretName"))?;
        let mut creation = Creation {
            data_type: request.data_type,
            description: request.description,
            encryption_key,
            tags: request.tags,
            policy,
            secret_type: request.secret_type,
            ..Creation::generic(name, request.version.clone())
        };
        let created = match prepared {
            None => context.app.create(&context.scope, creation, request.data.as_bytes()).await?,
            Some(Prepared { managed, values, access_keys, .. }) => {
                creation.managed = Some(managed);
                creation.previous = match values.previous {
                    None => None,
                    Some(value) => Some((context.app.fresh_version_id()?, value)),
                };
                creation.access_keys = access_keys;
                context.app.create(&context.scope, creation, values.current.reveal().as_bytes()).await?
            }
        };
        Ok(Response {
            arn: created.secret.arn(),
            secret_name: created.secret.name.to_string(),
            version_id: request.version.to_string(),
            secret_type: created.secret.secret_type.as_str(),
            rotation: RotationFacts::of(&context.app, &created.secret, true),
        })
    }
}

/// `ExtendedConfig` as a JSON text. Clients send it as one, or, as generic ones do with objects, a parameter for each member.
fn extended_config(fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    const NAME: &str = "ExtendedConfig";
    if let Some(text) = fields.text(NAME)? {
        return Ok(Some(text.to_owned()));
    }
    let mut members = serde_json::Map::new();
    for (name, value) in fields.flattened(NAME)? {
        let (target, name) = match name.strip_prefix("CustomData.") {
            Some(name) => {
                let data = members.entry("CustomData").or_insert_with(|| serde_json::json!({}));
                (data.as_object_mut(), name)
            }
            None => (Some(&mut members), name),
        };
        if let Some(target) = target {
            target.insert(name.to_owned(), value.into());
        }
    }
    Ok(if members.is_empty() { None } else { Some(serde_json::Value::Object(members).to_string()) })
}

/// Whether a managed secret shall rotate by itself, and how often.
fn rotation(fields: Fields<'_>) -> Result<(bool, Option<String>), ApiError> {
    let enable = fields.flag("EnableAutomaticRotation", false)?;
    let interval = fields.text("RotationInterval")?.filter(|_| enable);
    Ok((enable, interval.map(str::to_owned)))
}

/// What a managed secret is created with; `None` for Generic.
async fn prepared(context: &Context, request: &Request) -> Result<Option<Prepared>, ApiError> {
    let Some((enable, interval)) = &request.rotation else { return Ok(None) };
    if request.data_type != DataType::Text {
        let why = "is not text, which is the only type of data that managed secrets have";
        return Err(ApiError::invalid("SecretDataType", why));
    }
    context.app.require_service_role(&context.access, &context.scope.account, request.secret_type)?;
    let shortest = context.app.limits().rotation_interval_min;
    let new = NewManaged {
        secret_type: request.secret_type,
        name: request.name.as_ref(),
        config: request.config.as_deref(),
        data: request.data.as_text(),
        interval: wanted(*enable, interval.as_deref(), shortest)?,
    };
    Ok(Some(context.app.prepare_managed(&context.scope, new).await?))
}

/// The id of the key that is to encrypt a secret: enabled, symmetric, of the caller's account (rules 7.2, 7.3).
async fn usable_key(context: &Context, key: &KeyRef) -> Result<KeyId, ApiError> {
    // Only keys of the secret's own account can encrypt it. Permission is checked before existence.
    let own = key.scope.as_ref().is_none_or(|scope| scope.account == context.scope.account);
    if !own {
        return Err(ApiError::naming(
            Code::ForbiddenNoPermission,
            &key.arn(&context.scope),
            "EncryptionKeyId names a key of another account; a secret can only be encrypted with a key of its own account",
        ));
    }
    context.permit_key_ref("kms:GenerateDataKey", key).await?;
    let found = context.app.keys().find(&context.scope, key).await;
    let held = found.map_err(|error| match error {
        // This action reports a missing alias as a missing key (rule 7.3).
        AppError::Key(KeyRefusal::AliasNotFound) => KeyRefusal::NotFound.into(),
        other => other,
    })?;
    held.key().require_symmetric()?;
    held.key().require_enabled()?;
    Ok(held.key().id.clone())
}
