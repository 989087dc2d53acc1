//! Reading the value of a secret.

use serde::Serialize;

use crate::actions::endpoint::Context;
use crate::actions::secrets::shared::labels::VersionStages;
use crate::actions::shared::rotation_facts::RotationFacts;
use crate::actions::shared::unsupported::NO_ENCLAVES;
use crate::domain::{SecretRef, StageLabel, VersionId};
use crate::wire::{ApiError, Code, Disclosed};

#[derive(Debug, Clone)]
pub(in crate::actions) struct ReadRequest {
    /// Name or ARN.
    pub(in crate::actions) secret: SecretRef,
    /// The version; default the one with the stage.
    pub(in crate::actions) version: Option<VersionId>,
    /// The label the version must carry; default `ACSCurrent` unless a version is named.
    pub(in crate::actions) stage: Option<StageLabel>,
    /// Whether only to check that the read would succeed.
    pub(in crate::actions) dry_run: bool,
    /// An enclave's attestation.
    pub(in crate::actions) recipient: Option<String>,
    /// Whether the answer shall hold `ExtendedConfig`; it says nothing about a Generic secret (rule 4.6).
    pub(in crate::actions) fetch_config: bool,
}

impl ReadRequest {
    /// A read without dry run or enclave.
    pub(in crate::actions) fn new(
        secret: SecretRef,
        version: Option<VersionId>,
        stage: Option<StageLabel>,
        fetch_config: bool,
    ) -> Self {
        Self { secret, version, stage, dry_run: false, recipient: None, fetch_config }
    }
}

/// The value and its version. Rotation and extended config are absent for generic secrets (rule 4.7).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct SecretValue {
    secret_name: String,
    secret_type: &'static str,
    secret_data: Disclosed,
    secret_data_type: &'static str,
    version_id: String,
    version_stages: VersionStages,
    create_time: String,
    #[serde(flatten)]
    rotation: RotationFacts,
}

/// Error codes of reading a value.
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

/// Reads a value.
pub(in crate::actions) async fn read(
    context: &Context,
    request: &ReadRequest,
) -> Result<SecretValue, ApiError> {
    if request.recipient.is_some() {
        // Enclaves: guess G21.
        return Err(ApiError::new(Code::UnsupportedOperation, NO_ENCLAVES));
    }
    let loaded = context.find_secret(&request.secret).await?;
    let secret = &loaded.secret;
    let key = secret.encryption_key.as_ref();
    context.permit_encryption_key("kms:Decrypt", &secret.scope, key).await?;
    let version = secret.select(request.version.as_ref(), request.stage.as_ref())?;
    let value = context.app.value(&loaded, version).await?;
    let value =
        Disclosed::from_bytes(value).ok_or_else(|| ApiError::internal("a stored value is not UTF-8"))?;
    context.answered.note(secret, &version.id);
    Ok(SecretValue {
        secret_name: secret.name.to_string(),
        secret_type: secret.secret_type.as_str(),
        secret_data: value,
        secret_data_type: version.data_type.as_str(),
        version_id: version.id.to_string(),
        version_stages: secret.stages.labels_of(&version.id).collect(),
        // The creation time of the secret, not of the version, as documented (guess G12).
        create_time: secret.created.to_string(),
        rotation: RotationFacts::of(&context.app, secret, request.fetch_config),
    })
}
