//! DeleteSecret: schedules a secret for deletion, or removes it at once (rules 6.1 to 6.6).

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::limits::DEFAULT_RECOVERY_DAYS;
use crate::domain::writes::{self, Deletion};
use crate::domain::{Secret, SecretRef};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    secret: SecretRef,
    /// At once or after a window.
    how: Deletion,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    secret_name: String,
    planned_delete_time: String,
}

pub(in crate::actions) struct DeleteSecret;

impl Action for DeleteSecret {
    const NAME: &'static str = "DeleteSecret";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::optional("ForceDeleteWithoutRecovery"),
        Parameter::optional("RecoveryWindowInDays"),
    ];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::RejectedResourceInDeleteWindow];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let secret = fields.required("SecretName")?;
        // Terraform sends a window together with force: it is ignored then, whatever it says (rule 6.4).
        let how = if fields.flag("ForceDeleteWithoutRecovery", false)? {
            Deletion::Force
        } else {
            Deletion::After(fields.optional("RecoveryWindowInDays")?.unwrap_or(DEFAULT_RECOVERY_DAYS))
        };
        Ok(Request { secret, how })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let decide = |secret: &Secret, now| {
            let (change, planned) = writes::delete(secret, request.how, now)?;
            Ok((Some(change), planned))
        };
        let (_, planned) = context.app.change_with(&context.scope, &request.secret, decide).await?;
        Ok(Response {
            secret_name: request.secret.name.to_string(),
            planned_delete_time: planned.to_string(),
        })
    }
}
