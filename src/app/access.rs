//! May the caller do this? Every permission of every action is decided by [`App::permit`].

use core::net::IpAddr;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::App;
use super::callers::Caller;
use super::error::AppError;
use super::loaded::Loaded;
use crate::domain::policy::{
    self, AccessRequest, ConditionContext, Decision, Identity, Mismatch, MissingAllow, Policies,
    PolicyDocument, PolicyType, Principal, ResourcePolicy, Source, Trace,
};
use crate::domain::{AccountId, Scope, SecretName, SecretRef, Tags};
use crate::identities::{Identities, Role, TokenInfo};

/// Who asks, from where, and whether policies decide.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// Whether policies decide; otherwise everybody may do everything in the own account, and nothing elsewhere.
    pub enforced: bool,
    /// Where the request came from.
    pub source_ip: Option<IpAddr>,
    /// Whether it came by TLS.
    pub secure_transport: bool,
    /// The secret that was looked up for this request.
    pub seen: Seen,
}

/// The secret that a request looked up to decide its permission, so that its answer is of the same state and needs no second
/// lookup. Only requests whose permission policies decide look one up early. A clone has seen nothing.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Option<Arc<Loaded>>>);

impl Clone for Seen {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Seen {
    fn locked(&self) -> MutexGuard<'_, Option<Arc<Loaded>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, scope: &Scope, name: &SecretName) -> Option<Arc<Loaded>> {
        let same = |loaded: &&Arc<Loaded>| loaded.secret.name == *name && loaded.secret.scope == *scope;
        self.locked().as_ref().filter(same).map(Arc::clone)
    }
}

/// What an action is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its ARN, or `*`.
    pub arn: &'a str,
    /// The ARN that the caller named it by: another one than `arn` when the caller named an alias.
    pub named: &'a str,
    /// Who owns it.
    pub owner: &'a AccountId,
    /// Its policy, if it has one of its own.
    pub policy: Option<&'a ResourcePolicy>,
    /// Its tags.
    pub tags: Option<&'a Tags>,
}

/// Why the caller may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPermission {
    /// The action, such as `kms:GetSecretValue`.
    pub action: String,
    /// What it is about.
    pub arn: String,
    /// Whether a statement denies, or just none allows.
    pub explicit: bool,
    /// The kind of policy that decided, as RAM names it.
    pub policy_type: &'static str,
    /// Who asked, as RAM shows it: the kind, the account, the name.
    pub principal: (&'static str, String, String),
    /// Whether it belongs to the caller's own account.
    pub own: bool,
    /// The statement that denies, if one does.
    pub denied_by: Option<StatementTrace>,
    /// Every statement that was looked at.
    pub statements: Vec<StatementTrace>,
    /// What the caller is told instead: the refusal of something that is not there, by the name that the caller used.
    /// So nobody learns from a refusal whether another account has a secret, key or alias. None where the caller may
    /// see this refusal itself.
    pub told: Option<Box<Self>>,
}

/// A statement that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementTrace {
    /// The policy: its name, or whose it is.
    pub policy: String,
    /// Whether that is the policy of what the action is about.
    pub of_resource: bool,
    /// The statement's place in it, from 0.
    pub statement: usize,
    /// The statement's Sid.
    pub sid: Option<String>,
    /// What it does when it applies: `Allow` or `Deny`.
    pub effect: &'static str,
    /// Why it does not apply; none when it does.
    pub mismatch: Option<String>,
}

impl App {
    /// The secret that a caller means, as [`App::find`] finds it; once for each request whose permission policies decide.
    ///
    /// # Errors
    /// Those of [`App::find`].
    pub async fn find_once(
        &self,
        access: &Access,
        caller: &Scope,
        reference: &SecretRef,
    ) -> Result<Arc<Loaded>, AppError> {
        if !access.enforced {
            return self.find(caller, reference).await;
        }
        let scope = reference.scope.as_ref().unwrap_or(caller);
        if let Some(loaded) = access.seen.get(scope, &reference.name) {
            return Ok(loaded);
        }
        let loaded = self.find(caller, reference).await?;
        *access.seen.locked() = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    /// Decides one permission.
    ///
    /// # Errors
    /// [`NoPermission`], with everything that was looked at.
    pub fn permit(
        &self,
        access: &Access,
        action: &str,
        subject: Subject<'_>,
    ) -> Result<(), Box<NoPermission>> {
        let caller = &access.caller;
        if !access.enforced {
            let own = caller.account() == subject.owner;
            return if own { Ok(()) } else { Err(Box::new(elsewhere(caller, action, subject))) };
        }
        let tags: Vec<(String, &str)> = subject.tags.map(tag_facts).unwrap_or_default();
        let facts: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        let Subject { arn, owner, policy, .. } = subject;
        // One that was stored while there were policies could no longer be seen or changed (rule 10.4).
        let policy = policy.filter(|_| self.resource_policies()).map(ResourcePolicy::document);
        let asked = Asked { action, arn, owner, policy, facts: &facts };
        let mut denied = match self.judge(access, &caller.principal, &asked) {
            Err(denied) if !denied.own => denied,
            decided => return decided,
        };
        let absent = Asked { action, arn: subject.named, owner, policy: None, facts: &[] };
        // Another account's secret or key is never open to anybody without a policy of its own.
        denied.told = self.judge(access, &caller.principal, &absent).err();
        Err(denied)
    }

    /// Decides whether a caller may assume a role: both its own policies and the role's trust must let it.
    ///
    /// # Errors
    /// [`NoPermission`].
    pub fn permit_role(
        &self,
        access: &Access,
        account: &AccountId,
        (name, role): (&str, &Role),
        external_id: Option<&str>,
    ) -> Result<(), Box<NoPermission>> {
        let arn = role_arn(account, name);
        if !access.enforced {
            let subject = Subject { arn: &arn, named: &arn, owner: account, policy: None, tags: None };
            return self.permit(access, ASSUME, subject);
        }
        let facts: Vec<(&str, &str)> = external_id.map(|id| ("sts:ExternalId", id)).into_iter().collect();
        let (action, policy) = (ASSUME, Some(&*role.trust));
        let asked = Asked { action, arn: &arn, owner: account, policy, facts: &facts };
        self.judge(access, &access.caller.principal, &asked)
    }

    /// Decides whether the bearer of a token may assume a role: the role's trust must let it, in every mode, as nothing
    /// else proves who that is.
    ///
    /// # Errors
    /// [`NoPermission`].
    pub fn permit_bearer(
        &self,
        access: &Access,
        (issuing, provider): (&AccountId, &str),
        account: &AccountId,
        (name, role): (&str, &Role),
        token: &TokenInfo,
    ) -> Result<(), Box<NoPermission>> {
        let identity = Identity::Federated { provider: provider.to_owned() };
        let principal = Principal { account: issuing.clone(), identity };
        let mut facts = vec![("oidc:iss", token.issuer.as_str()), ("oidc:sub", &token.subject)];
        facts.extend(token.audience.iter().map(|audience| ("oidc:aud", audience.as_str())));
        let arn = role_arn(account, name);
        let (action, policy) = (ASSUME, Some(&*role.trust));
        let asked = Asked { action, arn: &arn, owner: account, policy, facts: &facts };
        self.judge(access, &principal, &asked)
    }

    fn judge(
        &self,
        access: &Access,
        principal: &Principal,
        asked: &Asked<'_>,
    ) -> Result<(), Box<NoPermission>> {
        let identities = self.directory().current();
        let context = ConditionContext {
            source_ip: access.source_ip,
            current_time: self.clock().now(),
            secure_transport: access.secure_transport,
            source_vpc: None,
            mfa_present: None,
            more: asked.facts,
        };
        // That of the caller; the bearer of a token is somebody else.
        let session = access.caller.session.as_ref().filter(|_| *principal == access.caller.principal);
        let policies = Policies {
            identity: identities.policies_of(principal),
            session: session.and_then(|session| session.policy.as_deref()),
            resource: asked.policy,
        };
        let request = AccessRequest {
            action: asked.action,
            resource: asked.arn,
            owner: asked.owner,
            principal,
            context: &context,
        };
        if policy::decide(&policies, &request).is_allowed() {
            return Ok(());
        }
        Err(Box::new(NoPermission::explained(&identities, &policies, &request)))
    }
}

/// Logs the actions in a policy that KMS does not have. The policy is accepted, as on the cloud.
pub fn warn_of_unknown_actions(document: &PolicyDocument, whose: &'static str) {
    for unknown in document.unknown_actions() {
        tracing::warn!("a policy of {whose} was accepted that has an unknown action: {unknown}");
    }
}

/// The one permission of STS.
const ASSUME: &str = "sts:AssumeRole";

fn role_arn(account: &AccountId, name: &str) -> String {
    format!("acs:ram::{account}:role/{name}")
}

/// A question for policies.
struct Asked<'a> {
    action: &'a str,
    arn: &'a str,
    owner: &'a AccountId,
    /// That of what it is about.
    policy: Option<&'a PolicyDocument>,
    /// Condition keys of the service.
    facts: &'a [(&'a str, &'a str)],
}

/// Tags as condition keys (rule 10.9).
fn tag_facts(tags: &Tags) -> Vec<(String, &str)> {
    tags.iter().map(|(key, value)| (format!("kms:tag/{}", key.as_str()), value.as_str())).collect()
}

/// The refusal where policies do not decide: nothing opens another account.
fn elsewhere(caller: &Caller, action: &str, subject: Subject<'_>) -> NoPermission {
    NoPermission {
        action: action.to_owned(),
        arn: subject.named.to_owned(),
        explicit: false,
        policy_type: "AccountLevelIdentityBasedPolicy",
        principal: shown(None, &caller.principal),
        own: false,
        denied_by: None,
        statements: Vec::new(),
        told: None,
    }
}

impl NoPermission {
    /// What the caller may know of it.
    pub fn to_caller(&self) -> &Self {
        self.told.as_deref().unwrap_or(self)
    }

    /// Whether the caller may see what a statement says: the trust policy of another account's role is its owner's
    /// business (rule 10.12).
    pub fn may_see(&self, looked: &StatementTrace) -> bool {
        self.own || !looked.of_resource
    }

    /// Why, in a sentence for developers: the statement that denies, or that none allows, and which came near. It does not
    /// name what the action is about, which may be nobody else's business.
    pub fn reason(&self) -> String {
        let action = &self.action;
        if let Some(by) = &self.denied_by {
            return format!("{action} is denied by {by}");
        }
        if self.statements.is_empty() && !self.own {
            return format!(
                "{action}: the resource belongs to another account, and no policy opens it to this caller"
            );
        }
        let near = |looked: &&StatementTrace| {
            looked.effect == "Allow" && looked.mismatch.as_deref() != Some("Action")
        };
        let near = self.statements.iter().filter(near).take(3).map(|looked| {
            let mismatch =
                looked.mismatch.as_deref().unwrap_or("a policy of another kind must allow it, too");
            format!("; {looked} does not suffice: {mismatch}")
        });
        let count = self.statements.len();
        let kind = self.policy_type;
        format!(
            "no statement allows {action} ({kind}; {count} statements were looked at){}",
            near.collect::<String>()
        )
    }

    /// The refusal of a request with its reasons.
    pub fn explained(identities: &Identities, policies: &Policies<'_>, request: &AccessRequest<'_>) -> Self {
        let explanation = policy::explain(policies, request);
        let denial = match explanation.decision {
            Decision::ExplicitDeny(denial) => Some(denial),
            _ => None,
        };
        let is_it = |trace: &&Trace<'_>| {
            denial.is_some_and(|d| (d.source, d.statement) == (trace.source, trace.statement))
        };
        let by_trust = policies.resource.is_some_and(PolicyDocument::is_trust);
        let policy_type = match (denial, explanation.decision) {
            (Some(denial), _) => type_of(denial.source),
            (None, Decision::ImplicitDeny(MissingAllow::Session)) => "SessionPolicy",
            (None, Decision::ImplicitDeny(MissingAllow::Resource)) if by_trust => "AssumeRolePolicy",
            (None, Decision::ImplicitDeny(MissingAllow::Resource | MissingAllow::OtherAccount)) => {
                "ResourceBasedPolicy"
            }
            _ => "AccountLevelIdentityBasedPolicy",
        };
        Self {
            action: request.action.to_owned(),
            arn: request.resource.to_owned(),
            explicit: denial.is_some(),
            policy_type,
            principal: shown(Some(identities), request.principal),
            own: request.principal.account == *request.owner,
            denied_by: explanation.statements.iter().find(is_it).map(statement_trace),
            statements: explanation.statements.iter().map(statement_trace).collect(),
            told: None,
        }
    }
}

impl fmt::Display for StatementTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {} of {}", self.statement, self.policy)?;
        self.sid.as_ref().map_or(Ok(()), |sid| write!(f, " (Sid {sid})"))
    }
}

/// The kind of a policy, as RAM names it.
fn type_of(source: Source<'_>) -> &'static str {
    match source {
        Source::Identity { .. } => "AccountLevelIdentityBasedPolicy",
        Source::Session => "SessionPolicy",
        Source::Resource => "ResourceBasedPolicy",
        Source::Trust => "AssumeRolePolicy",
    }
}

/// A statement for people.
pub fn statement_trace(trace: &Trace<'_>) -> StatementTrace {
    let policy = match trace.source {
        Source::Identity { name, policy_type: PolicyType::System } => format!("system policy {name}"),
        Source::Identity { name, .. } => format!("policy {name}"),
        Source::Session => "session policy".to_owned(),
        Source::Resource => "resource policy".to_owned(),
        Source::Trust => "trust policy".to_owned(),
    };
    let mismatch = trace.mismatch.map(|mismatch| match mismatch {
        Mismatch::Action => "Action".to_owned(),
        Mismatch::NoEffect => "the action is none that this policy can rule".to_owned(),
        Mismatch::Resource => "Resource".to_owned(),
        Mismatch::Principal => "Principal".to_owned(),
        Mismatch::Condition { operator, key } => format!("Condition {operator} {key}"),
    });
    StatementTrace {
        policy,
        of_resource: matches!(trace.source, Source::Resource | Source::Trust),
        statement: trace.statement,
        sid: trace.sid.map(str::to_owned),
        effect: match trace.effect {
            policy::Effect::Allow => "Allow",
            policy::Effect::Deny => "Deny",
        },
        mismatch,
    }
}

/// A principal as RAM shows it: users by their number, sessions by role and name.
fn shown(identities: Option<&Identities>, principal: &Principal) -> (&'static str, String, String) {
    let account = &principal.account;
    let (kind, name) = match &principal.identity {
        Identity::Root => ("RootUser", account.to_string()),
        Identity::User { name } => {
            let user = identities.and_then(|all| all.account(account)).and_then(|a| a.users.get(name));
            ("SubUser", user.map_or_else(|| name.clone(), |user| user.id.clone()))
        }
        Identity::RoleSession { role, session } => ("AssumedRoleUser", format!("{role}:{session}")),
        Identity::Federated { provider } => ("Federated", provider.clone()),
    };
    (kind, account.to_string(), name)
}
