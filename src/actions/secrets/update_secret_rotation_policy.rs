//! UpdateSecretRotationPolicy: turns the plan of a managed secret on or off (rules R2, R3).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::secrets::shared::named::SecretNamed;
use crate::actions::shared::rotation_facts::wanted;
use crate::domain::rotation::decide;
use crate::domain::{Op, Secret, SecretRef, Timestamp, writes};
use crate::wire::{ApiError, Code, Fields};

/// What is asked.
#[derive(Debug)]
pub(in crate::actions) struct Request {
    /// Name or ARN.
    secret: SecretRef,
    /// Whether the secret shall rotate by itself.
    enable: bool,
    /// How often; ignored when it shall not (rule R2.6).
    interval: Option<String>,
}

/// The action.
pub(in crate::actions) struct UpdateSecretRotationPolicy;

impl Action for UpdateSecretRotationPolicy {
    const NAME: &'static str = "UpdateSecretRotationPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("SecretName"),
        Parameter::required("EnableAutomaticRotation"),
        Parameter::optional("RotationInterval"),
    ];
    const CODES: &'static [Code] = &[
        Code::RejectedUnsupportedOperation,
        Code::ResourceNotFound,
        Code::RejectedResourceInDeleteWindow,
        Code::RejectedResourceInUse,
    ];
    type Request = Request;
    type Response = SecretNamed;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        const ENABLE: &str = "EnableAutomaticRotation";
        if fields.text(ENABLE)?.is_none() {
            return Err(fields.missing(ENABLE));
        }
        let enable = fields.flag(ENABLE, false)?;
        let interval = fields.text("RotationInterval")?.map(str::to_owned).filter(|_| enable);
        Ok(Request { secret: fields.required("SecretName")?, enable, interval })
    }

    async fn run(context: &Context, request: Request) -> Result<SecretNamed, ApiError> {
        let decide = |secret: &Secret, now: Timestamp| {
            secret.require_live()?;
            let managed = context.app.managed_for_call(secret)?;
            let shortest = context.app.limits().rotation_interval_min;
            let interval = wanted(request.enable, request.interval.as_deref(), shortest)?;
            let next = decide::set_plan(secret, &managed, interval)?;
            Ok(Some(writes::manage(secret, next, vec![Op::SetUpdated(now)])))
        };
        let changed = context.app.change(&context.scope, &request.secret, decide).await?;
        if let Some(loaded) = changed {
            // A date that is past is due at once (rule R3.8).
            context.app.rotate_if_due(&loaded.secret.scope, &loaded.secret.name).await;
        }
        Ok(SecretNamed::of(&request.secret))
    }
}
