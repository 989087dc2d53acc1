//! What the actions of Sts share.

use serde::Serialize;

use crate::actions::endpoint::Context;
use crate::app::{Credentials, NewSession, warn_of_unknown_actions};
use crate::domain::AccountId;
use crate::domain::policy::{PolicyDocument, PolicyKind};
use crate::identities::Role;
use crate::wire::{ApiError, Code, Disclosed, Fields};

/// The length of a session in seconds: minimum, default, and maximum for a session that begins in another session.
pub(super) const SECONDS: (u32, u32, u32) = (900, 3_600, 3_600);
/// The maximum length of a session policy, in characters.
const POLICY_CHARS: usize = 2_048;

/// The ARN of a role.
#[derive(Debug, Clone)]
pub(in crate::actions) struct RoleArn {
    pub(super) account: AccountId,
    name: String,
}

impl RoleArn {
    pub(super) fn decode(fields: Fields<'_>) -> Result<Self, ApiError> {
        let text = required(fields, "RoleArn")?;
        let reason = "RoleArn is not the ARN of a role such as acs:ram::1000000000000001:role/app";
        let wrong = || ApiError::new(Code::InvalidParameterRoleArn, reason);
        let (account, name) =
            text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/")).ok_or_else(wrong)?;
        let account = account.parse().map_err(|_invalid| wrong())?;
        if name.is_empty() { Err(wrong()) } else { Ok(Self { account, name: name.to_owned() }) }
    }

    /// Finds the role. Upper and lower case do not differ, as in the cloud's ARNs.
    pub(super) fn find(&self, context: &Context) -> Result<(String, Role), ApiError> {
        let identities = context.app.directory().current();
        let account = identities.account(&self.account);
        let found =
            account.and_then(|a| a.roles.iter().find(|(name, _)| name.eq_ignore_ascii_case(&self.name)));
        let unknown = || {
            let reason = if account.is_none() {
                "there is no account of this id; accounts are written down in the configuration file or put by \
                 PUT /_sesame/accounts/ID"
            } else {
                "the account has no role of this name; GET /_sesame/accounts lists the existing ones"
            };
            ApiError::naming(Code::EntityNotExistRole, &self.arn(), reason)
        };
        found.map(|(name, role)| (name.clone(), role.clone())).ok_or_else(unknown)
    }

    fn arn(&self) -> String {
        format!("acs:ram::{}:role/{}", self.account, self.name)
    }
}

/// The parameters of a new session.
#[derive(Debug, Clone)]
pub(in crate::actions) struct Wish {
    name: String,
    seconds: u32,
    policy: Option<String>,
}

impl Wish {
    pub(super) fn decode(fields: Fields<'_>) -> Result<Self, ApiError> {
        let name = required(fields, "RoleSessionName")?;
        if !fits(name, 2..=64, b".@-_") {
            let reason = "RoleSessionName is not 2 to 64 characters of A-Z a-z 0-9 . @ - _";
            return Err(ApiError::new(Code::InvalidParameterRoleSessionName, reason));
        }
        let seconds = match fields.text("DurationSeconds")? {
            None => SECONDS.1,
            Some(text) => {
                let digits = Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let seconds = digits.and_then(|text| text.parse().ok());
                let reason = "DurationSeconds is not a whole number such as 3600";
                seconds.ok_or_else(|| ApiError::new(Code::InvalidParameterDurationSeconds, reason))?
            }
        };
        Ok(Self { name: name.to_owned(), seconds, policy: policy(fields)? })
    }

    /// A session in this role, if the role allows its length.
    pub(super) fn session(
        self,
        role: (&str, &Role),
        account: &AccountId,
        longest: u32,
    ) -> Result<NewSession, ApiError> {
        let (least, most) = (SECONDS.0, role.1.max_session_seconds.min(longest));
        if !(least..=most).contains(&self.seconds) {
            let reason = format!(
                "DurationSeconds is out of range; expected {least} to {most} (max_session_seconds of the role; at most \
                 {} when the caller is in a role already)",
                SECONDS.2
            );
            return Err(ApiError::new(Code::InvalidParameterDurationSeconds, reason));
        }
        Ok(NewSession {
            account: account.clone(),
            role: role.0.to_owned(),
            name: self.name,
            seconds: self.seconds,
            policy: self.policy,
            source_identity: None,
        })
    }
}

pub(super) fn required<'a>(fields: Fields<'a>, name: &'static str) -> Result<&'a str, ApiError> {
    fields.text(name)?.ok_or_else(|| ApiError::missing_from_gateway(name, fields.missing(name).reason))
}

/// Whether a text has this length and consists of letters, digits and these signs.
pub(super) fn fits(text: &str, length: std::ops::RangeInclusive<usize>, signs: &[u8]) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || signs.contains(&b))
}

/// Reads and checks the policy of a session.
fn policy(fields: Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(text) = fields.text("Policy")? else { return Ok(None) };
    let length = text.chars().count();
    if length > POLICY_CHARS {
        let reason = format!("Policy has {length} characters; at most {POLICY_CHARS} are allowed");
        return Err(ApiError::new(Code::InvalidParameterPolicySize, reason));
    }
    match PolicyDocument::parse(text, PolicyKind::Session) {
        Ok(policy) => {
            warn_of_unknown_actions(&policy, "a session");
            Ok(Some(text.to_owned()))
        }
        Err(error) => {
            let plain = ApiError::new(
                Code::InvalidParameterPolicyGrammar,
                format!("Policy is not a policy: {error}"),
            );
            Err(ApiError { message: format!("{} {error}", plain.message).into(), ..plain })
        }
    }
}

/// The identity of a session in a role.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct AssumedRoleUser {
    arn: String,
    assumed_role_id: String,
}

impl AssumedRoleUser {
    pub(super) fn of(role: &Role, session: &NewSession) -> Self {
        Self {
            arn: format!("acs:ram::{}:role/{}/{}", session.account, session.role, session.name),
            assumed_role_id: format!("{}:{}", role.id, session.name),
        }
    }
}

/// Temporary credentials in answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Given {
    access_key_id: String,
    access_key_secret: Disclosed,
    security_token: Disclosed,
    expiration: String,
}

impl From<Credentials> for Given {
    fn from(given: Credentials) -> Self {
        Self {
            access_key_id: given.access_key,
            access_key_secret: given.secret.as_str().to_owned().into(),
            security_token: given.token.into(),
            expiration: given.expires.to_string(),
        }
    }
}
