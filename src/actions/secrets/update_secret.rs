//! UpdateSecret: changes a secret's description.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::limits::description;
use crate::actions::secrets::shared::named::SecretNamed;
use crate::domain::SecretRef;
use crate::domain::writes;
use crate::wire::{ApiError, Code, Fields};

/// What is asked. `ExtendedConfig.CustomData` says nothing about a generic secret and is ignored (rule 8.12).
#[derive(Debug)]
pub(in crate::actions) struct Request {
    secret: SecretRef,
    /// The new description; absent or empty leaves the old one (rule 14.10).
    description: Option<String>,
}

/// The action.
pub(in crate::actions) struct UpdateSecret;

impl Action for UpdateSecret {
    const NAME: &'static str = "UpdateSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("Description"),
        Parameter::optional("ExtendedConfig.CustomData"),
    ];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::RejectedResourceInDeleteWindow];
    type Request = Request;
    type Response = SecretNamed;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request { secret: fields.required("SecretName")?, description: description(fields)? })
    }

    async fn run(context: &Context, request: Request) -> Result<SecretNamed, ApiError> {
        let decide = |secret: &_, now| writes::update(secret, request.description.clone(), now).map(Some);
        context.app.change(&context.scope, &request.secret, decide).await?;
        Ok(SecretNamed::of(&request.secret))
    }
}
