//! GetSecretValue: the value of a version (rules 4.1 to 4.10).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::NO_ENCLAVES;
use crate::actions::keys::dry_run;
use crate::domain::{SecretRef, StageLabel, VersionId};
use crate::wire::{ApiError, Code, Disclosed, Fields};

/// What is asked.
#[derive(Debug, Clone)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    pub(in crate::actions) secret: SecretRef,
    /// The version; default the one with the stage.
    pub(in crate::actions) version: Option<VersionId>,
    /// The label the version must carry; default `ACSCurrent` unless a version is named.
    pub(in crate::actions) stage: Option<StageLabel>,
    /// Whether only to say if it would work.
    dry_run: bool,
    /// An enclave's attestation.
    recipient: Option<String>,
}

impl Request {
    /// A plain read.
    pub(in crate::actions) fn new(
        secret: SecretRef,
        version: Option<VersionId>,
        stage: Option<StageLabel>,
    ) -> Self {
        Self { secret, version, stage, dry_run: false, recipient: None }
    }
}

/// What is answered. Rotation and extended config are absent for generic secrets (rule 4.7).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_name: String,
    secret_type: &'static str,
    secret_data: Disclosed,
    secret_data_type: &'static str,
    version_id: String,
    version_stages: VersionStages,
    create_time: String,
}

/// Labels, wrapped as the wire has them (rule 4.5).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct VersionStages {
    version_stage: Vec<String>,
}

impl<'a> FromIterator<&'a StageLabel> for VersionStages {
    fn from_iter<I: IntoIterator<Item = &'a StageLabel>>(labels: I) -> Self {
        Self { version_stage: labels.into_iter().map(ToString::to_string).collect() }
    }
}

/// The action.
pub(in crate::actions) struct GetSecretValue;

/// What reading a value may answer.
pub(in crate::actions) const READ_CODES: &[Code] = &[
    Code::ResourceNotFound,
    Code::RejectedResourceInDeleteWindow,
    Code::UnsupportedOperation,
    Code::KeyNotFound,
    Code::RejectedDisabled,
    Code::RejectedPendingDeletion,
    Code::RejectedPendingImport,
    Code::DryRunOperation,
    Code::DryRunValidation,
    Code::DryRunAccessDenied,
];

impl Action for GetSecretValue {
    const NAME: &'static str = "GetSecretValue";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("VersionId"),
        Parameter::optional("VersionStage"),
        Parameter::optional("FetchExtendedConfig"),
        Parameter::optional("DryRun"),
        Parameter::optional("Recipient"),
    ];
    const CODES: &'static [Code] = READ_CODES;
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        // Checked although it says nothing about a generic secret (rule 4.6).
        fields.flag("FetchExtendedConfig", false)?;
        Ok(Request {
            secret: fields.required("SecretName")?,
            version: fields.optional("VersionId")?,
            stage: fields.optional("VersionStage")?,
            dry_run: fields.flag("DryRun", false)?,
            recipient: fields.optional("Recipient")?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        // A dry run never returns a value (rule 4.10, question 7).
        dry_run(request.dry_run, read(context, &request).await)
    }
}

/// Reads a value.
pub(in crate::actions) async fn read(context: &Context, request: &Request) -> Result<Response, ApiError> {
    if request.recipient.is_some() {
        // Enclaves: question 24.
        return Err(ApiError::new(Code::UnsupportedOperation, NO_ENCLAVES));
    }
    let loaded = context.find_secret(&request.secret).await?;
    let secret = &loaded.secret;
    let key = secret.encryption_key.as_ref();
    context.permit_key_of_secret("kms:Decrypt", &secret.scope, key).await?;
    let version = secret.select(request.version.as_ref(), request.stage.as_ref())?;
    let value = context.app.value(&loaded, version).await?;
    let value =
        Disclosed::from_bytes(value).ok_or_else(|| ApiError::internal("a stored value is not UTF-8"))?;
    Ok(Response {
        secret_name: secret.name.to_string(),
        secret_type: secret.secret_type.as_str(),
        secret_data: value,
        secret_data_type: version.data_type.as_str(),
        version_id: version.id.to_string(),
        version_stages: secret.stages.labels_of(&version.id).collect(),
        // Of the secret, as documented, not of the version (question 12).
        create_time: secret.created.to_string(),
    })
}
