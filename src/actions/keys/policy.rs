//! GetKeyPolicy and SetKeyPolicy: who may do what with a key.

use super::key_id;
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::shared::resource_policies::{self as policy, Nothing, POLICY_NAME, Response};
use crate::domain::ResourcePolicy;
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::{KeyOwner, KeyRef};
use crate::domain::policy::default_key_policy;
use crate::wire::{ApiError, Code, Fields};

const CODES: &[Code] = &[
    Code::KeyNotFound,
    Code::AliasUnsupported,
    Code::UnsupportedOperation,
    Code::KeyPolicyUnsupported,
    Code::ResourceNotFound,
];

/// Tells a key's policy.
pub(in crate::actions) struct GetKeyPolicy;

impl Action for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] = &[Parameter::required("KeyId"), POLICY_NAME];
    const CODES: &'static [Code] = CODES;
    type Request = KeyRef;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<KeyRef, ApiError> {
        let key = key_id(fields, "KeyId")?;
        policy::check_name(fields)?;
        Ok(key)
    }

    async fn run(context: &Context, key: KeyRef) -> Result<Response, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        policy::require_policies(context)?;
        let key = held.key();
        let own = key.policy.as_ref().map(ResourcePolicy::as_str);
        let policy = own.map_or_else(|| default_key_policy(&key.scope.account), str::to_owned);
        Ok(Response { policy })
    }
}

/// Sets a key's policy.
pub(in crate::actions) struct SetKeyPolicy;

impl Action for SetKeyPolicy {
    const NAME: &'static str = "SetKeyPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), POLICY_NAME, Parameter::required("Policy")];
    const CODES: &'static [Code] = CODES;
    /// The key, and the text of its policy.
    type Request = (KeyRef, String);
    type Response = Nothing;

    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError> {
        let request = (key_id(fields, "KeyId")?, fields.required("Policy")?);
        policy::check_name(fields)?;
        Ok(request)
    }

    async fn run(context: &Context, (key, text): Self::Request) -> Result<Nothing, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        if held.key().owner == KeyOwner::Service {
            return Err(KeyRefusal::UnsupportedKey("the service's own key has no policy").into());
        }
        policy::require_policies(context)?;
        let policy = policy::parse(context, &text, &held.key().scope.account)?;
        context
            .app
            .keys()
            .change(&context.scope, &key, |key| decisions::set_policy(key, policy.clone()))
            .await?;
        Ok(Nothing {})
    }
}
