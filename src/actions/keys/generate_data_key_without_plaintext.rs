//! GenerateDataKeyWithoutPlaintext: makes a data key and returns only its ciphertext.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::Ciphertext;
use crate::actions::keys::shared::data_keys::{self, DATA_KEY_PARAMETERS, DataKeyRequest, generate};
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct GenerateDataKeyWithoutPlaintext;

impl Action for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = DATA_KEY_PARAMETERS;
    const CODES: &'static [Code] = KEY_CODES;
    type Request = DataKeyRequest;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<DataKeyRequest, ApiError> {
        data_keys::decode(fields)
    }

    async fn run(context: &Context, request: DataKeyRequest) -> Result<Ciphertext, ApiError> {
        dry_run(request.dry_run, generate(context, &request).await.map(|(ciphertext, _)| ciphertext))
    }
}
