//! AsymmetricEncrypt: encrypts to a public key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::{Ciphertext, MAX_CIPHERTEXT};
use crate::actions::keys::shared::encoding::{required_base64, to_base64};
use crate::actions::keys::shared::key_pairs::PairRequest;
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct AsymmetricEncrypt;

impl Action for AsymmetricEncrypt {
    const NAME: &'static str = "AsymmetricEncrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Plaintext"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = PairRequest;
    type Response = Ciphertext;

    fn decode(fields: Fields<'_>) -> Result<PairRequest, ApiError> {
        PairRequest::decode(fields, required_base64(fields, "Plaintext", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: PairRequest) -> Result<Ciphertext, ApiError> {
        let keys = context.app.keys();
        let PairRequest { pair, algorithm, bytes, dry_run: dry } = &request;
        let done = keys.encrypt_to_public(&context.scope, pair, *algorithm, bytes).await;
        let answer = done.map_err(ApiError::from).map(|done| Ciphertext {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            ciphertext_blob: to_base64(&done.result),
        });
        dry_run(*dry, answer)
    }
}
