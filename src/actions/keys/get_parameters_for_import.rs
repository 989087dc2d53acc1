//! GetParametersForImport: makes the public key that material is wrapped with, and the token that goes with it. Both
//! are good for a day.

use std::str::FromStr;

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::encoding::to_base64;
use crate::actions::keys::shared::{KEY_CODES, key_id};
use crate::app::keys::WrappingAlgorithm;
use crate::domain::keys::KeyRef;
use crate::domain::names::Invalid;
use crate::wire::{ApiError, Code, Fields};

/// The algorithm that wraps the material.
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    key_id: String,
    import_token: String,
    /// The public key, DER in base64.
    public_key: String,
    token_expire_time: String,
}

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
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, Wrapping), ApiError> {
        let wrapping = fields.required("WrappingAlgorithm")?;
        match fields.text("WrappingKeySpec")? {
            Some("RSA_2048") => Ok((key_id(fields, "KeyId")?, wrapping)),
            Some(_) => Err(ApiError::invalid("WrappingKeySpec", "is not RSA_2048, the only supported value")),
            None => Err(fields.missing("WrappingKeySpec")),
        }
    }

    async fn run(context: &Context, (key, wrapping): (KeyRef, Wrapping)) -> Result<Response, ApiError> {
        let keys = context.app.keys();
        let parameters = keys.import_parameters(&context.scope, &key, wrapping.0).await?;
        Ok(Response {
            key_id: parameters.key.to_string(),
            import_token: to_base64(&parameters.token),
            public_key: parameters.public_key,
            token_expire_time: parameters.expires.to_string(),
        })
    }
}
