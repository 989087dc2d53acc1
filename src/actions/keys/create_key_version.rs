//! CreateKeyVersion: adds a version to a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::versions::{OneVersion, VersionRow};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::KeyRefusal;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct CreateKeyVersion;

impl Action for CreateKeyVersion {
    const NAME: &'static str = "CreateKeyVersion";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = OneVersion;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        fields.required("KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<OneVersion, ApiError> {
        let held = context.app.keys().add_version(&context.scope, &request).await?;
        let version = held.key().primary().ok_or(KeyRefusal::VersionNotFound)?;
        Ok(OneVersion { key_version: VersionRow::of(held.key(), version) })
    }
}
