//! AsymmetricDecrypt: decrypts with a private key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::ciphertext::{MAX_CIPHERTEXT, Plaintext};
use crate::actions::keys::shared::encoding::{required_base64, to_base64};
use crate::actions::keys::shared::key_pairs::PairRequest;
use crate::actions::shared::dry_run::dry_run;
use crate::actions::shared::unsupported::no_recipient;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct AsymmetricDecrypt;

impl Action for AsymmetricDecrypt {
    const NAME: &'static str = "AsymmetricDecrypt";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("CiphertextBlob"),
        Parameter::optional("DryRun"),
        Parameter::optional("Recipient"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = PairRequest;
    type Response = Plaintext;

    fn decode(fields: Fields<'_>) -> Result<PairRequest, ApiError> {
        no_recipient(fields)?;
        PairRequest::decode(fields, required_base64(fields, "CiphertextBlob", MAX_CIPHERTEXT)?)
    }

    async fn run(context: &Context, request: PairRequest) -> Result<Plaintext, ApiError> {
        let keys = context.app.keys();
        let PairRequest { pair, algorithm, bytes, dry_run: dry } = &request;
        let done = keys.decrypt_with_private(&context.scope, pair, *algorithm, bytes).await;
        let answer = done.map_err(ApiError::from).map(|done| Plaintext {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            plaintext: to_base64(&done.result).into(),
        });
        dry_run(*dry, answer)
    }
}
