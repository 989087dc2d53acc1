//! GetParametersForImport, ImportKeyMaterial, DeleteKeyMaterial.

use std::str::FromStr;

use serde::Serialize;

use super::{KEY_CODES, Nothing, key_id, required_base64, to_base64};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::app::keys::{WrappingAlgorithm, id_only};
use crate::domain::Timestamp;
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions;
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Fields};

/// How the material will be wrapped.
#[derive(Debug, Clone, Copy)]
pub(in crate::actions) struct Wrapping(WrappingAlgorithm);

impl FromStr for Wrapping {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = WrappingAlgorithm::ALL.into_iter().find(|a| a.name() == text);
        found
            .map(Self)
            .ok_or_else(|| Invalid::not_one_of(text, WrappingAlgorithm::ALL.map(WrappingAlgorithm::name)))
    }
}

/// What GetParametersForImport answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Parameters {
    key_id: String,
    import_token: String,
    /// The public key, DER in base64.
    public_key: String,
    token_expire_time: String,
}

/// Makes the public key that material is wrapped with, and the token that goes with it. Both are good for a day.
pub(in crate::actions) struct GetParametersForImport;

impl Action for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("WrappingAlgorithm"),
        Parameter::required("WrappingKeySpec"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, Wrapping);
    type Response = Parameters;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Wrapping), ApiError> {
        let wrapping = fields.required("WrappingAlgorithm")?;
        match fields.text("WrappingKeySpec")? {
            Some("RSA_2048") => Ok((key_id(fields, "KeyId")?, wrapping)),
            Some(_) => Err(ApiError::invalid("WrappingKeySpec", "is not RSA_2048, the only supported value")),
            None => Err(fields.missing("WrappingKeySpec")),
        }
    }

    async fn run(context: &Context, (key, wrapping): (KeyRef, Wrapping)) -> Result<Parameters, ApiError> {
        let keys = context.app.keys();
        let parameters = keys.import_parameters(&context.scope, &key, wrapping.0).await?;
        Ok(Parameters {
            key_id: parameters.key.to_string(),
            import_token: to_base64(&parameters.token),
            public_key: parameters.public_key,
            token_expire_time: parameters.expires.to_string(),
        })
    }
}

/// What ImportKeyMaterial is asked.
#[derive(Debug)]
pub(in crate::actions) struct ImportRequest {
    key: KeyRef,
    wrapped: Vec<u8>,
    token: Vec<u8>,
    /// When the material expires; 0 or absent: never.
    expires: Option<Timestamp>,
}

/// Imports key material.
pub(in crate::actions) struct ImportKeyMaterial;

impl Action for ImportKeyMaterial {
    const NAME: &'static str = "ImportKeyMaterial";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("EncryptedKeyMaterial"),
        Parameter::required("ImportToken"),
        Parameter::optional("KeyMaterialExpireUnix"),
    ];
    const CODES: &'static [Code] = &[
        Code::KeyNotFound,
        Code::AliasUnsupported,
        Code::OriginUnsupported,
        Code::RejectedPendingDeletion,
        Code::InvalidKeyMaterial,
        Code::InvalidImportToken,
        Code::ExpiredImportToken,
    ];
    type Request = ImportRequest;
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<ImportRequest, ApiError> {
        let expires: u32 = fields.optional("KeyMaterialExpireUnix")?.unwrap_or_default();
        Ok(ImportRequest {
            key: key_id(fields, "KeyId")?,
            wrapped: required_base64(fields, "EncryptedKeyMaterial", 4096)?,
            token: required_base64(fields, "ImportToken", 8192)?,
            expires: (expires != 0).then(|| Timestamp::from_millis(i64::from(expires) * 1000)),
        })
    }

    async fn run(context: &Context, request: ImportRequest) -> Result<Nothing, ApiError> {
        let keys = context.app.keys();
        let held = keys.find(&context.scope, &request.key).await?;
        let material = keys.unwrap_import(&held, &request.token, &request.wrapped)?;
        keys.import(&context.scope, id_only(&request.key)?, &material, request.expires).await?;
        Ok(Nothing {})
    }
}

/// Destroys imported material; the key waits for it again.
pub(in crate::actions) struct DeleteKeyMaterial;

impl Action for DeleteKeyMaterial {
    const NAME: &'static str = "DeleteKeyMaterial";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        key_id(fields, "KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<Nothing, ApiError> {
        context.app.keys().change(&context.scope, &request, decisions::delete_material).await?;
        Ok(Nothing {})
    }
}
