//! AssumeRole: issues temporary credentials to a RAM user or to a session of another role.

use serde::Serialize;

use super::shared::{AssumedRoleUser, Given, RoleArn, SECONDS, Wish, fits};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::policy::Identity;
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    role: RoleArn,
    wish: Wish,
    external_id: Option<String>,
    source_identity: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    assumed_role_user: AssumedRoleUser,
    credentials: Given,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

const EXTERNAL_ID: &str = "ExternalId is not 2 to 1224 characters of A-Z a-z 0-9 _ + = , . @ : / -";
const SOURCE_IDENTITY: &str = "SourceIdentity is not 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -, or begins with \
    acs:, aliyun: or alibabacloud:, which are reserved";

pub(in crate::actions) struct AssumeRole;

impl Action for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("RoleArn"),
        Parameter::required("RoleSessionName"),
        Parameter::optional("DurationSeconds"),
        Parameter::optional("Policy"),
        Parameter::optional("ExternalId"),
        Parameter::optional("SourceIdentity"),
    ];
    const CODES: &'static [Code] = &[
        Code::MissingGatewayParameter,
        Code::InvalidParameterRoleArn,
        Code::InvalidParameterRoleSessionName,
        Code::InvalidParameterDurationSeconds,
        Code::InvalidParameterPolicyGrammar,
        Code::InvalidParameterPolicySize,
        Code::InvalidParameterExternalId,
        Code::InvalidParameterSourceIdentity,
        Code::EntityNotExistRole,
        Code::NoPermission,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let external_id = fields.text("ExternalId")?;
        if external_id.is_some_and(|text| !fits(text, 2..=1224, b"_+=,.@:/-")) {
            return Err(ApiError::new(Code::InvalidParameterExternalId, EXTERNAL_ID));
        }
        let source = fields.text("SourceIdentity")?;
        let reserved = |text: &str| ["acs:", "aliyun:", "alibabacloud:"].iter().any(|p| text.starts_with(p));
        if source.is_some_and(|text| !fits(text, 2..=64, b"_+=,.@-") || reserved(text)) {
            return Err(ApiError::new(Code::InvalidParameterSourceIdentity, SOURCE_IDENTITY));
        }
        Ok(Request {
            role: RoleArn::decode(fields)?,
            wish: Wish::decode(fields)?,
            external_id: external_id.map(str::to_owned),
            source_identity: source.map(str::to_owned),
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        let caller = &context.access.caller;
        if context.access.enforced && caller.principal.identity == Identity::Root {
            let message = "Roles may not be assumed by root accounts.";
            let reason =
                "a root access key signed the request; sign with a RAM user's key, or from within a role";
            return Err(ApiError::with_message(Code::NoPermission, message, reason));
        }
        let (name, role) = request.role.find(context)?;
        let external_id = request.external_id.as_deref();
        let permitted =
            context.app.permit_role(&context.access, &request.role.account, (&name, &role), external_id);
        permitted.map_err(|denied| ApiError::denied(Code::NoPermission, denied))?;
        let longest = if caller.session.is_some() { SECONDS.2 } else { u32::MAX };
        let mut session = request.wish.session((&name, &role), &request.role.account, longest)?;
        // The source identity is kept when a session begins another one.
        let before = caller.session.as_ref().and_then(|session| session.source_identity.clone());
        session.source_identity = before.or(request.source_identity);
        let given = context.app.issue(&session)?;
        Ok(Response {
            assumed_role_user: AssumedRoleUser::of(&role, &session),
            credentials: given.into(),
            source_identity: session.source_identity,
        })
    }
}
