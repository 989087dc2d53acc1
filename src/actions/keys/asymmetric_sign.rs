//! AsymmetricSign: signs a digest.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::KEY_CODES;
use crate::actions::keys::shared::encoding::to_base64;
use crate::actions::keys::shared::key_pairs::{SignRequest, Signed};
use crate::actions::shared::dry_run::dry_run;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct AsymmetricSign;

impl Action for AsymmetricSign {
    const NAME: &'static str = "AsymmetricSign";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("KeyId"),
        Parameter::required("KeyVersionId"),
        Parameter::required("Algorithm"),
        Parameter::required("Digest"),
        Parameter::optional("DryRun"),
    ];
    const CODES: &'static [Code] = KEY_CODES;
    type Request = SignRequest;
    type Response = Signed<String>;

    fn decode(fields: Fields<'_>) -> Result<SignRequest, ApiError> {
        SignRequest::decode(fields, Vec::new())
    }

    async fn run(context: &Context, request: SignRequest) -> Result<Signed<String>, ApiError> {
        let keys = context.app.keys();
        let done = keys.sign(&context.scope, &request.pair, request.algorithm, &request.digest).await;
        let answer = done.map_err(ApiError::from).map(|done| Signed {
            key_id: done.key.key().id.to_string(),
            key_version_id: done.version,
            value: to_base64(&done.result),
        });
        dry_run(request.dry_run, answer)
    }
}
