//! RestoreSecret: cancels a scheduled deletion (rules 6.7, 6.8).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::named::SecretNamed;
use crate::domain::SecretRef;
use crate::domain::writes;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct RestoreSecret;

impl Action for RestoreSecret {
    const NAME: &'static str = "RestoreSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretName")];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::RejectedResourceInUse];
    type Request = SecretRef;
    type Response = SecretNamed;

    fn decode(fields: Fields<'_>) -> Result<SecretRef, ApiError> {
        fields.required("SecretName")
    }

    async fn run(context: &Context, request: SecretRef) -> Result<SecretNamed, ApiError> {
        let decide = |secret: &_, now| writes::restore(secret, now).map(Some);
        let restored = context.app.change(&context.scope, &request, decide).await?;
        if let Some(loaded) = restored.filter(|loaded| loaded.secret.managed.is_some()) {
            // A date that passed in the window is due at once (rule R3.16).
            context.app.rotate_if_due(&loaded.secret.scope, &loaded.secret.name).await;
        }
        Ok(SecretNamed::of(&request))
    }
}
