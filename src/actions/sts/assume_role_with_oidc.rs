//! AssumeRoleWithOIDC: issues temporary credentials to the bearer of a token of an issuer that the account trusts. The
//! request is not signed; the token proves who the caller is.

use serde::Serialize;

use super::shared::{AssumedRoleUser, Given, RoleArn, Wish, required};
use crate::actions::endpoint::{Action, Context, Kind, Parameter, Resource};
use crate::domain::AccountId;
use crate::identities::{OidcFailure, Token, TokenInfo};
use crate::wire::{ApiError, Code, Fields};

#[derive(Debug)]
pub(in crate::actions) struct Request {
    account: AccountId,
    provider: String,
    role: RoleArn,
    token: String,
    wish: Wish,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Response {
    assumed_role_user: AssumedRoleUser,
    credentials: Given,
    #[serde(rename = "OIDCTokenInfo")]
    token: TokenFacts,
}

/// The claims of the token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TokenFacts {
    subject: String,
    issuer: String,
    client_ids: String,
    expiration_time: String,
    issuance_time: String,
    verification_info: &'static str,
}

impl From<&TokenInfo> for TokenFacts {
    fn from(info: &TokenInfo) -> Self {
        Self {
            subject: info.subject.clone(),
            issuer: info.issuer.clone(),
            client_ids: info.audience.join(","),
            expiration_time: info.expires.to_string(),
            issuance_time: info.issued.to_string(),
            verification_info: "Success",
        }
    }
}

pub(in crate::actions) struct AssumeRoleWithOidc;

impl Action for AssumeRoleWithOidc {
    const NAME: &'static str = "AssumeRoleWithOIDC";
    const KIND: Kind = Kind::Read;
    const RESOURCE: Resource = Resource::AskedLater;
    const ANONYMOUS: bool = true;
    const PARAMETERS: &'static [Parameter] = &[
        Parameter::required("OIDCProviderArn"),
        Parameter::required("RoleArn"),
        Parameter::required("OIDCToken"),
        Parameter::required("RoleSessionName"),
        Parameter::optional("DurationSeconds"),
        Parameter::optional("Policy"),
    ];
    const CODES: &'static [Code] = &[
        Code::MissingGatewayParameter,
        Code::InvalidParameterRoleArn,
        Code::InvalidParameterRoleSessionName,
        Code::InvalidParameterDurationSeconds,
        Code::InvalidParameterPolicyGrammar,
        Code::InvalidParameterPolicySize,
        Code::EntityNotExistRole,
        Code::AuthenticationFailNoPermission,
        Code::OidcAudienceNotMatch,
        Code::OidcExpired,
        Code::OidcInvalid,
        Code::OidcInvalidSignature,
        Code::OidcIssuerConfigurationBroken,
        Code::OidcIssuerNotMatch,
    ];
    type Request = Request;
    type Response = Response;

    fn decode(fields: Fields<'_>) -> Result<Request, ApiError> {
        let arn = required(fields, "OIDCProviderArn")?;
        let parts = arn.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":oidc-provider/"));
        let (account, provider) = parts.ok_or_else(no_provider)?;
        Ok(Request {
            account: account.parse().map_err(|_invalid| no_provider())?,
            provider: provider.to_owned(),
            role: RoleArn::decode(fields)?,
            // A token read from a file ends in a line feed.
            token: fields.text("OIDCToken")?.unwrap_or_default().trim().to_owned(),
            wish: Wish::decode(fields)?,
        })
    }

    async fn run(context: &Context, request: Request) -> Result<Response, ApiError> {
        // As on the cloud, the form of the token is checked before its issuer is looked up.
        let token = Token::read(&request.token).map_err(refused)?;
        let identities = context.app.directory().current();
        let account = identities.account(&request.account);
        let provider = account.and_then(|account| account.providers.get(&request.provider));
        let provider = provider.ok_or_else(no_provider)?;
        let info = token.verify(provider, context.app.clock().now()).map_err(refused)?;
        let (name, role) = request.role.find(context)?;
        let by = (&request.account, request.provider.as_str());
        let trusted =
            context.app.permit_bearer(&context.access, by, &request.role.account, (&name, &role), &info);
        trusted.map_err(|denied| ApiError::denied(Code::AuthenticationFailNoPermission, denied))?;
        let session = request.wish.session((&name, &role), &request.role.account, u32::MAX)?;
        let given = context.app.issue(&session)?;
        Ok(Response {
            assumed_role_user: AssumedRoleUser::of(&role, &session),
            credentials: given.into(),
            token: (&info).into(),
        })
    }
}

fn no_provider() -> ApiError {
    let reason = "OIDCProviderArn is not that of a provider of an account, such as \
                  acs:ram::1000000000000001:oidc-provider/cluster; GET /_sesame/accounts lists the existing ones";
    ApiError::with_message(Code::AuthenticationFailNoPermission, "No such OIDC Provider registered.", reason)
}

fn refused(failure: OidcFailure) -> ApiError {
    let invalid = |message: &'static str, reason: &'static str| {
        ApiError::with_message(Code::OidcInvalid, message, reason)
    };
    match failure {
        OidcFailure::Empty => invalid("The OIDCToken can not empty.", "OIDCToken is empty"),
        OidcFailure::Parts => invalid(
            "The number of Jwt field should be divided into 3 parts with '.' .",
            "OIDCToken is not three parts with a dot between them",
        ),
        OidcFailure::Encoding => invalid(
            "Cannot decode base64 encoded response(format invalided).",
            "a part of OIDCToken is not base64url",
        ),
        OidcFailure::Algorithm(name) => {
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
            let message = format!("The algorithm {name} that be specified in Jwt header is unknown.");
            let reason = format!("the token is signed with {name}; expected RS256, RS384 or RS512");
            ApiError::with_message(Code::OidcInvalid, message, reason)
        }
        OidcFailure::Content => invalid(
            "The Jwt content is invalid that cannot be recognized.",
            "the token's header or claims are not JSON with alg, and iss, sub, aud, exp and iat",
        ),
        OidcFailure::Critical => invalid(
            "The Jwt content is invalid that cannot be recognized.",
            "the token's header demands an extension by crit; no extension is supported",
        ),
        OidcFailure::Issuer => {
            ApiError::new(Code::OidcIssuerNotMatch, "the token's claim iss is not the provider's issuer")
        }
        OidcFailure::NoKey(issuer) => ApiError::naming(
            Code::OidcIssuerConfigurationBroken,
            &issuer,
            "the provider's jwks holds no key with the token's kid",
        ),
        OidcFailure::Signature => ApiError::new(
            Code::OidcInvalidSignature,
            "the token's signature was not made with a key of the provider's jwks",
        ),
        OidcFailure::Expired => ApiError::new(
            Code::OidcExpired,
            "by the server's clock the token is over (exp), not valid yet (nbf, iat), or older than the provider's \
             issuance_limit_hours; GET /_sesame/clock shows that clock",
        ),
        OidcFailure::Audience => ApiError::new(
            Code::OidcAudienceNotMatch,
            "the token's claim aud is not one of the provider's client_ids",
        ),
    }
}
