//! SetKeyPolicy: sets a key's policy.

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::actions::keys::shared::key_id;
use crate::actions::keys::shared::policies::KEY_POLICY_CODES;
use crate::actions::shared::empty::Empty;
use crate::actions::shared::resource_policies::{self, POLICY_NAME};
use crate::domain::keys::decisions::{self, KeyRefusal};
use crate::domain::keys::{KeyOwner, KeyRef};
use crate::wire::{ApiError, Code, Fields};

pub(in crate::actions) struct SetKeyPolicy;

impl Action for SetKeyPolicy {
    const NAME: &'static str = "SetKeyPolicy";
    const KIND: Kind = Kind::Write;
    const RESOURCE: Resource = Resource::Key;
    const PARAMETERS: &'static [Parameter] =
        &[Parameter::required("KeyId"), POLICY_NAME, Parameter::required("Policy")];
    const CODES: &'static [Code] = KEY_POLICY_CODES;
    /// The key, and the text of its policy.
    type Request = (KeyRef, String);
    type Response = Empty;

    fn decode(fields: Fields<'_>) -> Result<Self::Request, ApiError> {
        let request = (key_id(fields, "KeyId")?, fields.required("Policy")?);
        resource_policies::check_name(fields)?;
        Ok(request)
    }

    async fn run(context: &Context, (key, text): Self::Request) -> Result<Empty, ApiError> {
        let held = context.app.keys().find(&context.scope, &key).await?;
        if held.key().owner == KeyOwner::Service {
            return Err(KeyRefusal::UnsupportedKey("the service's own key has no policy").into());
        }
        resource_policies::require_policies(context)?;
        let policy = resource_policies::parse(context, &text, &held.key().scope.account)?;
        context
            .app
            .keys()
            .change(&context.scope, &key, |key| decisions::set_policy(key, policy.clone()))
            .await?;
        Ok(Empty {})
    }
}
