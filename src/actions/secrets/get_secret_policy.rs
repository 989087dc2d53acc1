//! GetSecretPolicy: returns the policy of a secret (rules 10.1 to 10.4).

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::resource_policies::{self, POLICY_NAME, PolicyResponse};
use crate::domain::policy::default_secret_policy;
use crate::domain::{ResourcePolicy, SecretRef};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct GetSecretPolicy;

impl Action for GetSecretPolicy {
    const NAME: &'static str = "GetSecretPolicy";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Secret;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("SecretName"), POLICY_NAME];
    const CODES: &'static [Code] = &[Code::ResourceNotFound, Code::KeyPolicyUnsupported];
    type Request = SecretRef;
    type Response = PolicyResponse;

    fn decode(fields: Fields<'_>) -> Result<SecretRef, ApiError> {
        let secret = fields.required("SecretName")?;
        resource_policies::check_name(fields)?;
        Ok(secret)
    }

    async fn run(context: &Context, secret: SecretRef) -> Result<PolicyResponse, ApiError> {
        let loaded = context.find_secret(&secret).await?;
        resource_policies::require_policies(context)?;
        let secret = &loaded.secret;
        let own = secret.policy.as_ref().map(ResourcePolicy::as_str);
        let policy = own.map_or_else(|| default_secret_policy(&secret.scope.account), str::to_owned);
        Ok(PolicyResponse { policy })
    }
}
