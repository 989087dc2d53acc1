//! What the four actions on policies of secrets and keys share.

use serde::Serialize;

use crate::actions::endpoint::{Context, Parameter};
use crate::app::warn_of_unknown_actions;
use crate::domain::policy::{PolicyDocument, PolicyKind};
use crate::domain::{AccountId, ResourcePolicy};
use crate::wire::{ApiError, Code, Fields};

/// The answer of GetSecretPolicy and GetKeyPolicy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct PolicyResponse {
    /// The policy as a JSON text.
    pub(in crate::actions) policy: String,
}

/// The name of a policy; there is only `default`.
pub(in crate::actions) const POLICY_NAME: Parameter = Parameter::optional("PolicyName");

/// Checks `PolicyName`. Only `default` exists (rule 10.3).
///
/// # Errors
/// 404 Forbidden.ResourceNotFound.
pub(in crate::actions) fn check_name(fields: Fields<'_>) -> Result<(), ApiError> {
    match fields.text("PolicyName")? {
        None | Some("" | "default") => Ok(()),
        Some(_) => {
            let reason = "PolicyName is not default, the only policy of a secret or key";
            Err(ApiError::with_message(Code::ResourceNotFound, "Policy not found.", reason))
        }
    }
}

/// Refuses the call when policies of secrets and keys are switched off (rule 10.4).
///
/// # Errors
/// 400 Forbidden.KeyPolicyUnSupported.
pub(in crate::actions) fn require_policies(context: &Context) -> Result<(), ApiError> {
    if context.app.resource_policies() {
        return Ok(());
    }
    let reason =
        "policies of secrets and keys are switched off (service.resource_policies in the configuration file)";
    Err(ApiError::new(Code::KeyPolicyUnsupported, reason))
}

/// One sentence about the actions in the request's policy that KMS does not have; `None` when there are none. The policy
/// is accepted all the same, as on the cloud.
pub fn unknown_actions(fields: Fields<'_>, owner: &AccountId) -> Option<String> {
    let text = fields.text("Policy").ok()??;
    let kinds = [PolicyKind::Resource { account: owner.clone() }, PolicyKind::Session];
    let document = kinds.into_iter().find_map(|kind| PolicyDocument::parse(text, kind).ok())?;
    let unknown: Vec<String> = document.unknown_actions().map(|unknown| unknown.to_string()).collect();
    (!unknown.is_empty())
        .then(|| format!("the policy was accepted with unknown actions: {}", unknown.join("; ")))
}

/// Parses and checks the policy of a secret or key of `owner` (rule 10.1).
///
/// # Errors
/// 400 InvalidParameter naming `Policy`, with the position of the mistake and what is wrong.
pub(in crate::actions) fn parse(
    context: &Context,
    text: &str,
    owner: &AccountId,
) -> Result<ResourcePolicy, ApiError> {
    let policy = ResourcePolicy::parse(text, owner).map_err(|error| wrong(&error.to_string()))?;
    let identities = context.app.directory().current();
    let unknown =
        |(_, account): &(&str, &AccountId)| *account != owner && identities.account(account).is_none();
    if let Some((place, account)) = policy.document().accounts().find(unknown) {
        return Err(wrong(&format!("{place}: there is no account {account}")));
    }
    warn_of_unknown_actions(policy.document(), "a secret or key");
    Ok(policy)
}

fn wrong(what: &str) -> ApiError {
    let plain = ApiError::invalid("Policy", format!("is not a policy: {what}"));
    ApiError { message: format!("{} {what}", plain.message).into(), ..plain }
}
