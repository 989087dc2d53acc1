//! AsymmetricVerify: says whether a signature is valid.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::MAX_CIPHERTEXT;
use crate::actions::keys::shared::encoding::required_base64;
use crate::actions::keys::shared::key_pairs::{SignRequest, Signed};
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct AsymmetricVerify;

impl Action for AsymmetricVerify {
    const NAME: &'static str = "AsymmetricVerify";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Digest"),
        Parameter::required("Value"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = SignRequest;
    type Response = Signed<bool>;

    fn decode(fields: Fields<'_>) -> Result<SignRequest, ApiError> {
        SignRequest::decode(fields, required_base64(fields, "Value", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: SignRequest) -> Result<Signed<bool>, ApiError> {
        let SignRequest { pair, algorithm, digest, value, dry_run: dry } = &request;
        let done = context.app.keys().verify(&context.scope, pair, *algorithm, digest, value).await;
        let answer = done.map_err(ApiError::from).map(|done| Signed {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            value: done.result,
        });
        dry_run(*dry, answer)
    }
}
