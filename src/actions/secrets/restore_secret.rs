//! RestoreSecret: takes a scheduled deletion back (rules 6.7, 6.8).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::{SecretRef, writes};
use crate::wire::{ApiError, Code, Fields};

/// What is answered by actions that only say which secret it was.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_name: String,
}

impl Response {
    /// Names the secret, by its plain name even when the request had its ARN (rule 1.5).
    pub(in crate::actions) fn of(secret: &SecretRef) -> Self {
        Self { secret_name: secret.name.to_string() }
    }
}

/// The action.
pub(in crate::actions) struct RestoreSecret;

impl Action for RestoreSecret {
    const NAME: &'static str = "RestoreSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretName")];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::RejectedResourceInUse];
    type Request = SecretRef;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<SecretRef, ApiError> {
        fields.required("SecretName")
    }

    async fn run(context: &Context, request: SecretRef) -> Result<Response, ApiError> {
        let decide = |secret: &_, now| writes::restore(secret, now).map(Some);
        context.app.change(&context.scope, &request, decide).await?;
        Ok(Response::of(&request))
    }
}
