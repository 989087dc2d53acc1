//! SetSecretPolicy: sets the policy of a secret (rules 10.1 to 10.6).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::empty::Empty;
use crate::actions::shared::resource_policies::{self, POLICY_NAME};
use crate::domain::writes;
use crate::domain::{Secret, SecretRef};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct SetSecretPolicy;

impl Action for SetSecretPolicy {
    const NAME: &'static str = "SetSecretPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("SecretName"), POLICY_NAME, Parameter::required("Policy")];
    const CODES: &'static [Code] =
        &[Code::ResourceNotFound, Code::KeyPolicyUnsupported, Code::RejectedResourceInDeleteWindow];
    /// The secret, and the text of its policy.
    type Request = (SecretRef, String);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError> {
        let request = (fields.required("SecretName")?, fields.required("Policy")?);
        resource_policies::check_name(fields)?;
        Ok(request)
    }

    async fn run(context: &Context, (secret, text): Self::Request) -> Result<Empty, ApiError> {
        let loaded = context.find_secret(&secret).await?;
        loaded.secret.require_live()?;
        resource_policies::require_policies(context)?;
        let policy = resource_policies::parse(context, &text, &loaded.secret.scope.account)?;
        let decide = |secret: &Secret, _now| writes::set_policy(secret, policy.clone()).map(Some);
        context.app.change(&context.scope, &secret, decide).await?;
        Ok(Empty {})
    }
}
