//! GetKeyPolicy: returns the policy of a key.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::key_id;
use crate::actions::keys::shared::policies::KEY_POLICY_CODES;
use crate::actions::shared::resource_policies::{self, POLICY_NAME, PolicyResponse};
use crate::domain::ResourcePolicy;
use crate::domain::keys::KeyRef;
use crate::domain::policy::default_key_policy;
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct GetKeyPolicy;

impl Action for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId"), POLICY_NAME];
    const CODES: &'static [Code] = KEY_POLICY_CODES;
    type Request = KeyRef;
    type Response = PolicyResponse;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        let key = key_id(fields, "KeyId")?;
        resource_policies::check_name(fields)?;
        Ok(key)
    }

    async fn run(context: &Context, key: KeyRef) -> Result<PolicyResponse, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        resource_policies::require_policies(context)?;
        let key = held.key();
        let own = key.policy.as_ref().map(ResourcePolicy::as_str);
        let policy = own.map_or_else(|| default_key_policy(&key.scope.account), str::to_owned);
        Ok(PolicyResponse { policy })
    }
}
