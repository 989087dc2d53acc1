//! RotateSecret: rotates a managed secret now (rules R4).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::{SecretRef, VersionId};
use crate::wire::{ApiError, Code, Fields};

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    secret: SecretRef,
    /// The id of the new version; one that is there makes the call say nothing (rule R4.3).
    version: VersionId,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
}

/// The action.
pub(in crate::actions) struct RotateSecret;

impl Action for RotateSecret {
    const NAME: &'static str = "RotateSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("SecretName"), Parameter::required("VersionId")];
    const CODES: &'static [Code] = &[
        Code::RejectedUnsupportedOperation,
        Code::ResourceNotFound,
        Code::RejectedResourceInDeleteWindow,
        Code::RejectedResourceInUse,
        Code::KeyNotFound,
        Code::RejectedDisabled,
        Code::RejectedPendingDeletion,
        Code::RejectedPendingImport,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        Ok(Request { secret: fields.required("SecretName")?, version: fields.required("VersionId")? })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let key = context.access.caller.access_key.clone();
        let app = &context.app;
        let started = app.rotate(&context.scope, &request.secret, &request.version, key).await?;
        Ok(Response {
            arn: started.arn,
            secret_name: started.name.to_string(),
            version_id: request.version.to_string(),
        })
    }
}
