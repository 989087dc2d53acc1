//! GetCallerIdentity: returns the identity that signed the request. It needs no permission.

use serde::Serialize;

use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::policy::Identity;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    account_id: String,
    arn: String,
    identity_type: &'static str,
    principal_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<String>,
}

pub(in crate::actions) struct GetCallerIdentity;

impl Action for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::Unchecked;
    const PARAMETERS: &'static [Parameter] = &[];
    const CODES: &'static [Code] = &[];
    type Request = ();
    type Response = Response;

    fn decode(_fields: Fields<'_>) -> Result<(), ApiError> {
        Ok(())
    }

    async fn run(context: &Context, (): ()) -> Result<Response, ApiError> {
        let principal = &context.access.caller.principal;
        let identities = context.app.directory().current();
        let account = identities.account(&principal.account);
        let account_id = principal.account.to_string();
        let (identity_type, principal_id, user_id, role_id) = match &principal.identity {
            Identity::User { name } => {
                let id = account.and_then(|account| account.users.get(name)).map(|user| user.id.clone());
                ("RAMUser", id.clone().unwrap_or_default(), id, None)
            }
            Identity::RoleSession { role, session } => {
                let id = account.and_then(|account| account.roles.get(role)).map(|role| role.id.clone());
                let principal_id = format!("{}:{session}", id.clone().unwrap_or_default());
                ("AssumedRoleUser", principal_id, None, id)
            }
            _ => ("Account", account_id.clone(), Some(account_id.clone()), None),
        };
        Ok(Response { account_id, arn: principal.arn(), identity_type, principal_id, user_id, role_id })
    }
}
