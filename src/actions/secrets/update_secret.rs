//! UpdateSecret: changes a secret's description, and the `CustomData` of a managed one (rule 8.12).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::limits::description;
use crate::actions::secrets::shared::named::SecretNamed;
use crate::domain::SecretRef;
use crate::domain::writes;
use crate::wire::{ApiError, Code, Fields};

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
    secret: SecretRef,
    /// The new description; absent or empty leaves the old one (rule 14.10).
    description: Option<String>,
    /// The new `CustomData`, as a JSON object. On a Generic secret it says nothing.
    custom_data: Option<String>,
}

/// Both forms in which clients send it: one JSON text, or a parameter for each pair.
fn custom_data(fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    const NAME: &str = "ExtendedConfig.CustomData";
    if let Some(text) = fields.text(NAME)? {
        return Ok(Some(text.to_owned()));
    }
    let pairs = fields.flattened(NAME)?;
    Ok(if pairs.is_empty() { None } else { Some(serde_json::json!(pairs).to_string()) })
}

pub(in crate::actions) struct UpdateSecret;

impl Action for UpdateSecret {
    const NAME: &'static str = "UpdateSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("Description"),
        Parameter::ignored("ExtendedConfig.CustomData"),
    ];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::RejectedResourceInDeleteWindow];
    type Request = Request;
    type Response = SecretNamed;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request {
            secret: fields.required("SecretName")?,
            description: description(fields)?,
            custom_data: custom_data(fields)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<SecretNamed, ApiError> {
        let data = request.custom_data.as_deref();
        let decide =
            |secret: &_, now| writes::update(secret, request.description.clone(), data, now).map(Some);
        context.app.change(&context.scope, &request.secret, decide).await?;
        Ok(SecretNamed::of(&request.secret))
    }
}
