//! DescribeKey: returns the metadata of a key in any state.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::metadata::MetadataResponse;
use crate::domain::keys::KeyRef;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct DescribeKey;

impl Action for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = KeyRef;
    type Response = MetadataResponse;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        fields.required("KeyId")
    }

    async fn run(context: &Context, request: KeyRef) -> Result<MetadataResponse, ApiError> {
        let held = context.app.keys().find(&context.scope, &request).await?;
        Ok(MetadataResponse::of(&held))
    }
}
