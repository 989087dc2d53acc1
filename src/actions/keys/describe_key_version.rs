//! DescribeKeyVersion: returns one version of a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::versions::{OneVersion, VersionRow};
use crate::domain::keys::KeyRef;
use crate::domain::keys::decisions::KeyRefusal;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct DescribeKeyVersion;

impl Action for DescribeKeyVersion {
    const NAME: &'static str = "DescribeKeyVersion";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("KeyVersionId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (KeyRef, String);
    type Response = OneVersion;

    fn decode(fields: Fields<'_>) -> Result<(KeyRef, String), ApiError> {
        Ok((fields.required("KeyId")?, fields.required("KeyVersionId")?))
    }

    async fn run(context: &Context, (key, version): (KeyRef, String)) -> Result<OneVersion, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        let version = held.key().version(&version).ok_or(KeyRefusal::VersionNotFound)?;
        Ok(OneVersion { key_version: VersionRow::of(held.key(), version) })
    }
}
