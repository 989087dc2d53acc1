//! GetPublicKey: returns the public key of a key version in PEM.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::key_pairs::pair;
use crate::actions::shared::dry_run::dry_run;
use crate::app::keys::PairRef;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    key_id: String,
    key_version_id: String,
    public_key: String,
}

pub(in crate::actions) struct GetPublicKey;

impl Action for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), Parameter::required("KeyVersionId"), Parameter::optional("DryRun")];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = (PairRef, bool);
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<(PairRef, bool), ApiError> {
        Ok((pair(fields)?, fields.flag("DryRun", false)?))
    }

    async fn run(context: &Context, (pair, dry): (PairRef, bool)) -> Result<Response, ApiError> {
        let done = context.app.keys().public_key(&context.scope, &pair).await;
        let answer = done.map_err(ApiError::from).map(|done| Response {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            public_key: done.result,
        });
        dry_run(dry, answer)
    }
}
