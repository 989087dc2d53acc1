//! GenerateDataKey: makes a data key.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::Ciphertext;
use crate::actions::keys::shared::data_keys::{self, DATA_KEY_PARAMETERS, DataKeyRequest, generate};
use crate::actions::keys::shared::encoding::to_base64;
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Disclosed, Fields};

#[derive(Debug, Serialize)]
pub(in crate::actions) struct Response {
    #[serde(flatten)]
    ciphertext: Ciphertext,
    #[serde(rename = "Plaintext")]
    plaintext: Disclosed,
}

pub(in crate::actions) struct GenerateDataKey;

impl Action for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = DATA_KEY_PARAMETERS;
    const CODES: &'static [Code] = KEY_CODES;
    type Request = DataKeyRequest;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<DataKeyRequest, ApiError> {
        data_keys::decode(fields)
    }

    async fn run(context: &Context, request: DataKeyRequest) -> Result<Response, ApiError> {
        let made = generate(context, &request).await;
        let answer =
            made.map(|(ciphertext, bytes)| Response { ciphertext, plaintext: to_base64(&bytes).into() });
        dry_run(request.dry_run, answer)
    }
}
