//! UpdateSecretVersionStage: moves a label between versions (rules 3.20 to 3.36).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::named::SecretNamed;
use crate::domain::SecretRef;
use crate::domain::writes::{self, MoveStage};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    secret: SecretRef,
    command: MoveStage,
}

pub(in crate::actions) struct UpdateSecretVersionStage;

impl Action for UpdateSecretVersionStage {
    const NAME: &'static str = "UpdateSecretVersionStage";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::required("VersionStage"),
        Parameter::optional("RemoveFromVersion"),
        Parameter::optional("MoveToVersion"),
    ];
    const CODES: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::RejectedInvalidRequest,
        Code::RejectedLimitExceeded,
        Code::RejectedResourceInDeleteWindow,
        Code::RejectedUnsupportedOperation,
    ];
    type Request = Request;
    type Response = SecretNamed;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            secret: fields.required("SecretName")?,
            command: MoveStage {
                label: fields.required("VersionStage")?,
                remove_from: fields.optional("RemoveFromVersion")?,
                move_to: fields.optional("MoveToVersion")?,
            },
        })
    }

    async fn run(context: &Context, request: Request) -> Result<SecretNamed, ApiError> {
        let limits = context.app.limits();
        let decide = |secret: &_, now| writes::move_stage(secret, &request.command, limits, now);
        context.app.change(&context.scope, &request.secret, decide).await?;
        Ok(SecretNamed::of(&request.secret))
    }
}
