//! ImportKeyMaterial: imports key material.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::encoding::required_base64;
use crate::actions::keys::shared::key_id;
use crate::actions::shared::empty::Empty;
use crate::app::keys::id_only;
use crate::domain::Timestamp;
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    key: KeyRef,
    wrapped: Vec<u8>,
    token: Vec<u8>,
    /// When the material expires; `None` for never.
    expires: Option<Timestamp>,
}

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
    type Request = Request;
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let expires: u32 = fields.optional("KeyMaterialExpireUnix")?.unwrap_or_default();
        Ok(Request {
            key: key_id(fields, "KeyId")?,
            wrapped: required_base64(fields, "EncryptedKeyMaterial", 4096)?,
            token: required_base64(fields, "ImportToken", 8192)?,
            expires: (expires != 0).then(|| Timestamp::from_millis(i64::from(expires) * 1000)),
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Empty, ApiError> {
        let keys = context.app.keys();
        let held = keys.find(&context.scope, &request.key).await?;
        let material = keys.unwrap_import(&held, &request.token, &request.wrapped)?;
        keys.import(&context.scope, id_only(&request.key)?, &material, request.expires).await?;
        Ok(Empty {})
    }
}
