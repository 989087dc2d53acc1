//! Permissions. [`App::permit`] decides every permission of every action.

use core::net::IpAddr;
use std::fmt;
use std::sync::{Arc, OnceLock};

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

/// The facts about a request that permissions depend on.
#[derive(Debug)]
pub struct Access {
    /// The caller.
    pub caller: Arc<Caller>,
    /// Whether policies decide. If not, callers may do everything in their own account and nothing in others.
    pub enforced: bool,
    /// The address of the client.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection uses TLS.
    pub secure_transport: bool,
    /// The secret that was looked up for this request.
    pub found: SecretMemo,
}

/// The secret that a request looked up to decide its permission, so that its answer is of the same state and needs no
/// second lookup. Only requests whose permission policies decide look one up early. It keeps the first one.
#[derive(Debug, Default)]
pub struct SecretMemo(OnceLock<Arc<Loaded>>);

impl SecretMemo {
    fn get(&self, scope: &Scope, name: &SecretName) -> Option<Arc<Loaded>> {
        let same = |loaded: &&Arc<Loaded>| loaded.secret.name == *name && loaded.secret.scope == *scope;
        self.0.get().filter(same).map(Arc::clone)
    }

    fn set(&self, loaded: &Arc<Loaded>) {
        self.0.get_or_init(|| Arc::clone(loaded));
    }
}

/// The resource of an action.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its ARN, or `*`.
    pub arn: &'a str,
    /// The ARN that the caller used. It differs from `arn` if the caller named an alias.
    pub named: &'a str,
    /// The account that owns it.
    pub owner: &'a AccountId,
    /// Its resource policy, if it has one.
    pub policy: Option<&'a ResourcePolicy>,
    /// Its tags.
    pub tags: Option<&'a Tags>,
}

/// A refused permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPermission {
    /// The action, such as `kms:GetSecretValue`.
    pub action: String,
    /// The ARN of the resource.
    pub arn: String,
    /// Whether a statement denies it. If not, no statement allows it.
    pub explicit: bool,
    /// The kind of policy that decided, as RAM names it.
    pub policy_type: &'static str,
    /// The caller as RAM shows it: kind, account, name.
    pub principal: (&'static str, String, String),
    /// Whether the resource belongs to the caller's account.
    pub own: bool,
    /// The statement that denies, if one does.
    pub denied_by: Option<StatementTrace>,
    /// Every statement that was evaluated.
    pub statements: Vec<StatementTrace>,
    /// What the caller is told instead: the refusal for a resource that does not exist, with the name that the caller
    /// used. This way a refusal does not reveal whether another account has a secret, key or alias. `None` if the
    /// caller may see this refusal.
    pub told: Option<Box<Self>>,
}

/// An evaluated statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementTrace {
    /// The name of the policy, or the kind of its owner.
    pub policy: String,
    /// Whether it is the policy of the resource.
    pub of_resource: bool,
    /// The index of the statement in the policy, from 0.
    pub statement: usize,
    /// The statement's Sid.
    pub sid: Option<String>,
    /// Its effect: `Allow` or `Deny`.
    pub effect: &'static str,
    /// Why it does not apply. `None` if it applies.
    pub mismatch: Option<String>,
}

impl App {
    /// [`App::find`] for a request. If policies decide its permission, the secret is looked up only once.
    ///
    /// # Errors
    /// Those of [`App::find`].
    pub async fn find_once(
        &self,
        access: &Access,
        scope: &Scope,
        reference: &SecretRef,
    ) -> Result<Arc<Loaded>, AppError> {
        let named = reference.scope.as_ref().unwrap_or(scope);
        if access.enforced
            && let Some(loaded) = access.found.get(named, &reference.name)
        {
            return Ok(loaded);
        }
        let loaded = self.find(scope, reference).await?;
        if access.enforced {
            access.found.set(&loaded);
        }
        Ok(loaded)
    }

    /// Decides one permission.
    ///
    /// # Errors
    /// [`NoPermission`], with every evaluated statement.
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
        // A policy that was stored while resource policies were on cannot be read or changed now, so it must not decide
        // (rule 10.4).
        let policy = policy.filter(|_| self.resource_policies()).map(ResourcePolicy::document);
        let question = Question { action, arn, owner, policy, facts: &facts };
        let mut denied = match self.judge(access, &caller.principal, &question) {
            Err(denied) if !denied.own => denied,
            decided => return decided,
        };
        let absent = Question { action, arn: subject.named, owner, policy: None, facts: &[] };
        // Without a resource policy, a secret or key is never open to other accounts.
        denied.told = self.judge(access, &caller.principal, &absent).err();
        Err(denied)
    }

    /// Decides whether a caller may assume a role. The caller's policies and the role's trust policy must both allow it.
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
        let question = Question { action, arn: &arn, owner: account, policy, facts: &facts };
        self.judge(access, &access.caller.principal, &question)
    }

    /// Decides whether the bearer of an OIDC token may assume a role. The role's trust policy must allow it in every
    /// mode, because nothing else identifies the bearer.
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
        let question = Question { action, arn: &arn, owner: account, policy, facts: &facts };
        self.judge(access, &principal, &question)
    }

    /// Decides whether a caller may have RAM make the role by which a service acts in the account (rule DY7.2).
    ///
    /// # Errors
    /// [`NoPermission`].
    pub(super) fn permit_linked_role(
        &self,
        access: &Access,
        account: &AccountId,
        service: &str,
    ) -> Result<(), Box<NoPermission>> {
        let (action, arn) = ("ram:CreateServiceLinkedRole", role_arn(account, "*"));
        let facts = [("ram:ServiceName", service)];
        let question = Question { action, arn: &arn, owner: account, policy: None, facts: &facts };
        self.judge(access, &access.caller.principal, &question)
    }

    fn judge(
        &self,
        access: &Access,
        principal: &Principal,
        question: &Question<'_>,
    ) -> Result<(), Box<NoPermission>> {
        let identities = self.directory().current();
        let context = ConditionContext {
            source_ip: access.source_ip,
            current_time: self.clock().now(),
            secure_transport: access.secure_transport,
            source_vpc: None,
            mfa_present: None,
            more: question.facts,
        };
        // The session belongs to the caller. The bearer of a token is a different principal.
        let session = access.caller.session.as_ref().filter(|_| *principal == access.caller.principal);
        let policies = Policies {
            identity: identities.policies_of(principal),
            session: session.and_then(|session| session.policy.as_deref()),
            resource: question.policy,
        };
        let request = AccessRequest {
            action: question.action,
            resource: question.arn,
            owner: question.owner,
            principal,
            context: &context,
        };
        if policy::decide(&policies, &request).is_allowed() {
            return Ok(());
        }
        Err(Box::new(NoPermission::explained(&identities, &policies, &request)))
    }
}

/// Logs the actions in a policy that KMS does not have. Like the cloud, Sesame accepts such a policy.
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
struct Question<'a> {
    action: &'a str,
    arn: &'a str,
    owner: &'a AccountId,
    /// The policy of the resource.
    policy: Option<&'a PolicyDocument>,
    /// Condition keys of the service, with values.
    facts: &'a [(&'a str, &'a str)],
}

/// Tags as condition keys (rule 10.9).
fn tag_facts(tags: &Tags) -> Vec<(String, &str)> {
    tags.iter().map(|(key, value)| (format!("kms:tag/{}", key.as_str()), value.as_str())).collect()
}

/// The refusal of a resource of another account where policies do not decide.
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
    /// The refusal as the caller may see it.
    pub fn to_caller(&self) -> &Self {
        self.told.as_deref().unwrap_or(self)
    }

    /// Whether the caller may see a statement. The policy of another account's resource is shown only to its owner (rule
    /// 10.12).
    pub fn may_see(&self, looked: &StatementTrace) -> bool {
        self.own || !looked.of_resource
    }

    /// The reason in a sentence for developers: the statement that denies, or that none allows and which statements
    /// nearly did. It does not name the resource, which the reader may not be allowed to know.
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
            "no statement allows {action} ({kind}; {count} statements were evaluated){}",
            near.collect::<String>()
        )
    }

    /// The refusal of a request, with every evaluated statement.
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

/// The kind of a policy as RAM names it.
fn type_of(source: Source<'_>) -> &'static str {
    match source {
        Source::Identity { .. } => "AccountLevelIdentityBasedPolicy",
        Source::Session => "SessionPolicy",
        Source::Resource => "ResourceBasedPolicy",
        Source::Trust => "AssumeRolePolicy",
    }
}

/// An evaluated statement in words.
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
        Mismatch::NoEffect => "this policy's resource does not cover the action".to_owned(),
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

/// A principal as RAM shows it: users by id, sessions by role and name.
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
