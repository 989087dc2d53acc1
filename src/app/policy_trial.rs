//! What policies would decide about a request that nobody sent: `sesame policy test` and `POST /_sesame/policy/test`.

use core::net::IpAddr;

use super::access::{StatementTrace, statement_trace};
use crate::domain::policy::{
    AccessRequest, ConditionContext, Decision, Identity, Policies, PolicyDocument, PolicyKind, Principal,
    explain,
};
use crate::domain::{AccountId, Timestamp, with_causes};
use crate::identities::Identities;

/// A request to decide about, as somebody wrote it down.
#[derive(Debug)]
pub struct PolicyTrial<'a> {
    /// The ARN of the caller, such as `acs:ram::1000000000000001:user/ann`.
    pub caller: &'a str,
    /// The permission, such as `kms:GetSecretValue`.
    pub action: &'a str,
    /// The ARN of the resource, or `*`. For `sts:AssumeRole` it is a role, whose trust policy is used.
    pub resource: &'a str,
    /// The policy of the caller's session.
    pub session_policy: Option<&'a str>,
    /// The policy of the secret or key.
    pub resource_policy: Option<&'a str>,
    /// Condition keys of the request with their values.
    pub context: &'a [(String, String)],
    /// The time, unless `context` has `acs:CurrentTime`.
    pub now: Timestamp,
    /// Reads the time of `acs:CurrentTime`, in milliseconds.
    pub parse_time: fn(&str) -> Option<i64>,
}

/// What was decided.
#[derive(Debug)]
pub struct Verdict {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The decision in words, such as `Denied by a statement`.
    pub decision: String,
    /// Every statement that was evaluated.
    pub statements: Vec<StatementTrace>,
    /// Actions in the given policies that do not exist: the member and the action.
    pub warnings: Vec<(&'static str, String)>,
}

/// A member of a [`PolicyTrial`] that is wrong.
#[derive(Debug)]
pub struct WrongTrial {
    /// The member.
    pub member: &'static str,
    /// What is wrong; it follows the name of the member in a sentence.
    pub text: String,
}

fn wrong(member: &'static str, text: impl Into<String>) -> WrongTrial {
    WrongTrial { member, text: text.into() }
}

impl PolicyTrial<'_> {
    /// Decides the request for these identities.
    ///
    /// # Errors
    /// [`WrongTrial`] names the member that is wrong.
    pub fn run(&self, identities: &Identities) -> Result<Verdict, WrongTrial> {
        let example = "is not the ARN of a caller, such as acs:ram::1000000000000001:user/ann";
        let caller = principal(self.caller)
            .ok_or_else(|| wrong("caller", format!("\"{}\" {example}", self.caller)))?;
        ensure_known(identities, &caller)?;
        let owner = self.owner(&caller)?;
        let session = document("session_policy", self.session_policy, PolicyKind::Session)?;
        let kind = PolicyKind::Resource { account: owner.clone() };
        let attached = document("resource_policy", self.resource_policy, kind)?;
        let role = self.resource.split_once(":role/").map(|(_, name)| name);
        let role = role.filter(|_| self.action == "sts:AssumeRole");
        let trust =
            role.and_then(|name| identities.account(&owner)?.roles.get(name)).map(|role| &*role.trust);
        if role.is_some() && trust.is_none() {
            return Err(wrong("resource", format!("\"{}\" is a role that does not exist", self.resource)));
        }
        let policies = Policies {
            identity: identities.policies_of(&caller),
            session: session.as_ref(),
            resource: attached.as_ref().or(trust),
        };
        let facts = self.facts()?;
        let request = AccessRequest {
            action: self.action,
            resource: self.resource,
            owner: &owner,
            principal: &caller,
            context: &facts.context(),
        };
        let given = [("session_policy", &session), ("resource_policy", &attached)];
        let unknown = |(member, document): (&'static str, &Option<PolicyDocument>)| {
            let all: Vec<_> = document.iter().flat_map(PolicyDocument::unknown_actions).collect();
            all.into_iter().map(move |unknown| (member, unknown.to_string()))
        };
        let explanation = explain(&policies, &request);
        Ok(Verdict {
            allowed: explanation.decision.is_allowed(),
            decision: match explanation.decision {
                Decision::Allowed => "Allowed".to_owned(),
                Decision::ImplicitDeny(missing) => format!("Denied: nothing allows it ({missing})"),
                Decision::ExplicitDeny(_) => "Denied by a statement".to_owned(),
            },
            statements: explanation.statements.iter().map(statement_trace).collect(),
            warnings: given.into_iter().flat_map(unknown).collect(),
        })
    }

    /// The account that owns the resource.
    fn owner(&self, caller: &Principal) -> Result<AccountId, WrongTrial> {
        let resource = self.resource;
        match resource.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["*"] => Ok(caller.account.clone()),
            ["acs", _, _, account, _] | ["acs", _, _, account, _, _] => account
                .parse()
                .map_err(|_invalid| wrong("resource", format!("\"{resource}\" names no account"))),
            _ => Err(wrong("resource", format!("\"{resource}\" is neither an ARN nor *"))),
        }
    }

    fn facts(&self) -> Result<Facts<'_>, WrongTrial> {
        let mut facts = Facts { all: Vec::new(), time: self.now, source_ip: None, secure: false, mfa: None };
        for (key, value) in self.context {
            let bad = || wrong("context", format!("\"{key}={value}\": the value does not fit the key"));
            match key.as_str() {
                "acs:SourceIp" => facts.source_ip = Some(value.parse().map_err(|_invalid| bad())?),
                "acs:SecureTransport" => facts.secure = value.parse().map_err(|_invalid| bad())?,
                "acs:MFAPresent" => facts.mfa = Some(value.parse().map_err(|_invalid| bad())?),
                "acs:CurrentTime" => {
                    facts.time = Timestamp::from_millis((self.parse_time)(value).ok_or_else(bad)?);
                }
                _ => facts.all.push((key, value)),
            }
        }
        Ok(facts)
    }
}

fn document(
    member: &'static str,
    text: Option<&str>,
    kind: PolicyKind,
) -> Result<Option<PolicyDocument>, WrongTrial> {
    let parsed = text.map(|text| PolicyDocument::parse(text, kind)).transpose();
    parsed.map_err(|error| wrong(member, format!("is not a policy: {}", with_causes(&error))))
}

/// The caller that an ARN names. A role is a session of it.
fn principal(arn: &str) -> Option<Principal> {
    let (account, identity) = arn.strip_prefix("acs:ram::")?.split_once(':')?;
    let mut parts = identity.splitn(3, '/');
    let identity = match (parts.next()?, parts.next(), parts.next()) {
        ("root", None, None) => Identity::Root,
        ("user", Some(name), None) => Identity::User { name: name.to_owned() },
        ("role", Some(role), None) => {
            Identity::RoleSession { role: role.to_owned(), session: "session".to_owned() }
        }
        ("assumed-role", Some(role), Some(session)) => {
            Identity::RoleSession { role: role.to_owned(), session: session.to_owned() }
        }
        _ => return None,
    };
    Some(Principal { account: account.parse().ok()?, identity })
}

/// Refuses a caller that does not exist, because a misspelt name would look like a missing permission.
fn ensure_known(identities: &Identities, caller: &Principal) -> Result<(), WrongTrial> {
    let unknown = |what: String| wrong("caller", format!("is unknown: there is no {what}"));
    let account = identities.account(&caller.account);
    let account = account.ok_or_else(|| unknown(format!("account {}", caller.account)))?;
    match &caller.identity {
        Identity::User { name } if !account.users.contains_key(name) => {
            Err(unknown(format!("user \"{name}\"")))
        }
        Identity::RoleSession { role, .. } if !account.roles.contains_key(role) => {
            Err(unknown(format!("role \"{role}\"")))
        }
        _ => Ok(()),
    }
}

/// The condition keys of the request.
struct Facts<'a> {
    all: Vec<(&'a str, &'a str)>,
    time: Timestamp,
    source_ip: Option<IpAddr>,
    secure: bool,
    mfa: Option<bool>,
}

impl Facts<'_> {
    fn context(&self) -> ConditionContext<'_> {
        let vpc = self.all.iter().find(|(key, _)| *key == "acs:SourceVpc");
        ConditionContext {
            source_ip: self.source_ip,
            current_time: self.time,
            secure_transport: self.secure,
            source_vpc: vpc.map(|(_, value)| *value),
            mfa_present: self.mfa,
            more: &self.all,
        }
    }
}
