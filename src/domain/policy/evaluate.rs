//! How policies combine into a decision (rules 10.5 and 10.6).
//!
//! The order of <https://www.alibabacloud.com/help/en/ram/policy-evaluation-process>: the policy of the role's session
//! must allow; then identity policies and the resource's policy are evaluated together. A matching Deny always wins.

use std::sync::Arc;

use super::actions::{Reach, reach};
use super::context::ConditionContext;
use super::document::{Effect, PolicyDocument, PolicyKind, Statement};
use super::principal::{Identity, Named, Principal};
use crate::domain::AccountId;

/// A request for access.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The action, such as `kms:GetSecretValue`, spelled as documented.
    pub action: &'a str,
    /// The ARN of the resource, or `*` for actions without a resource (rule 10.7).
    pub resource: &'a str,
    /// The account that owns the resource. Without a resource, the caller's account.
    pub owner: &'a AccountId,
    /// The caller.
    pub principal: &'a Principal,
    /// The properties that conditions compare.
    pub context: &'a ConditionContext<'a>,
}

/// A policy attached to the caller: to the user, to one of its groups, or to the role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AttachedPolicy {
    /// Its name.
    pub name: Arc<str>,
    /// Where it comes from.
    pub policy_type: PolicyType,
    /// The parsed policy.
    pub document: Arc<PolicyDocument>,
}

/// Where an attached policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyType {
    /// Built into the service.
    System,
    /// Created by the account.
    Custom,
    /// Embedded in the identity itself.
    Inline,
}

/// All policies that apply to a request. Each must have been parsed as the kind that its field says.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'a> {
    /// Attached to the caller, those of its groups included.
    pub identity: &'a [AttachedPolicy],
    /// Passed when the caller assumed its role.
    pub session: Option<&'a PolicyDocument>,
    /// The policy of the secret or key. To assume a role: the role's trust policy.
    pub resource: Option<&'a PolicyDocument>,
}

/// The decision on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// The request is allowed.
    Allowed,
    /// No statement denies, but a required Allow is missing.
    ImplicitDeny(MissingAllow),
    /// A statement denies.
    ExplicitDeny(Denial<'a>),
}

impl Decision<'_> {
    /// Whether the request is allowed.
    pub fn is_allowed(self) -> bool {
        self == Decision::Allowed
    }
}

/// The first statement that denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial<'a> {
    /// The policy it is in.
    pub source: Source<'a>,
    /// Its index in the policy, from 0.
    pub statement: usize,
    /// Its Sid.
    pub sid: Option<&'a str>,
}

/// Which Allow is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MissingAllow {
    /// The session's policy does not allow.
    #[error("the session's policy does not allow it")]
    Session,
    /// No identity policy allows.
    #[error("no policy of the caller allows it")]
    Identity,
    /// The resource's policy does not allow, or there is none.
    #[error("the resource's policy does not allow it")]
    Resource,
    /// Neither identity policies nor the resource's policy allow.
    #[error("neither a policy of the caller nor the resource's policy allows it")]
    Both,
    /// The action administers the resource, which other accounts can never be allowed (rule 10.6).
    #[error("other accounts cannot administer it")]
    OtherAccount,
}

/// Which policy a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A policy attached to the caller.
    Identity {
        /// Its name.
        name: &'a str,
        /// Where it comes from.
        policy_type: PolicyType,
    },
    /// The policy of the caller's session.
    Session,
    /// The policy of the secret or key.
    Resource,
    /// The role's trust policy.
    Trust,
}

/// A decision with every statement that was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// The decision that [`decide`] returns.
    pub decision: Decision<'a>,
    /// Every statement of every policy, in the order of evaluation.
    pub statements: Vec<Trace<'a>>,
}

/// An evaluated statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace<'a> {
    /// The policy it is in.
    pub source: Source<'a>,
    /// Its index in the policy, from 0.
    pub statement: usize,
    /// Its Sid.
    pub sid: Option<&'a str>,
    /// Its effect if it applies.
    pub effect: Effect,
    /// Why it does not apply. `None` if it applies.
    pub mismatch: Option<Mismatch<'a>>,
}

/// The first element of a statement that does not match the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch<'a> {
    /// `Action` or `NotAction`.
    Action,
    /// The policy's resource does not cover this action (rule 10.1).
    NoEffect,
    /// `Resource` or `NotResource`.
    Resource,
    /// `Principal`.
    Principal,
    /// A condition.
    Condition {
        /// Its operator, as written.
        operator: &'a str,
        /// Its key, as written.
        key: &'a str,
    },
}

/// Decides a request. Allocates only for the values of unusual conditions.
pub fn decide<'a>(policies: &Policies<'a>, request: &AccessRequest<'_>) -> Decision<'a> {
    judge(policies, request, &mut |_| {})
}

/// Decides a request and reports for every statement whether it applied.
pub fn explain<'a>(policies: &Policies<'a>, request: &AccessRequest<'_>) -> Explanation<'a> {
    let mut statements = Vec::new();
    let decision = judge(policies, request, &mut |trace| statements.push(trace));
    Explanation { decision, statements }
}

/// The combined result of one policy, or of several of the same standing.
#[derive(Debug, Default, Clone, Copy)]
struct Verdict<'a> {
    allows: bool,
    denial: Option<Denial<'a>>,
}

fn judge<'a>(
    policies: &Policies<'a>,
    request: &AccessRequest<'_>,
    look: &mut dyn FnMut(Trace<'a>),
) -> Decision<'a> {
    let mut session = Verdict::default();
    if let Some(document) = policies.session {
        session.add(document, Source::Session, request, look);
    }
    let mut identity = Verdict::default();
    for attached in policies.identity {
        let source = Source::Identity { name: &attached.name, policy_type: attached.policy_type };
        identity.add(&attached.document, source, request, look);
    }
    let mut resource = Verdict::default();
    if let Some(document) = policies.resource {
        debug_assert!(
            document.kind.has_principals(),
            "a statement without principals would apply to every caller"
        );
        let trust = document.kind == PolicyKind::Trust;
        resource.add(document, if trust { Source::Trust } else { Source::Resource }, request, look);
    }
    let denial = session.denial.or(identity.denial).or(resource.denial);
    if let Some(denial) = denial {
        return Decision::ExplicitDeny(denial);
    }
    if policies.session.is_some() && !session.allows {
        return Decision::ImplicitDeny(MissingAllow::Session);
    }
    match missing_allow(policies, request, identity.allows, resource.allows) {
        None => Decision::Allowed,
        Some(missing) => Decision::ImplicitDeny(missing),
    }
}

/// Which Allow is missing for a request that no statement denies.
fn missing_allow(
    policies: &Policies<'_>,
    request: &AccessRequest<'_>,
    by_identity: bool,
    by_resource: bool,
) -> Option<MissingAllow> {
    let caller = request.principal;
    let trust = policies.resource.is_some_and(|document| document.kind == PolicyKind::Trust);
    let own = caller.account == *request.owner;
    // An account needs no policy for what it owns (https://www.alibabacloud.com/help/doc-detail/28953.htm). It is not
    // documented that a Deny in a secret's policy applies to it nevertheless; this follows from the rule that a Deny
    // wins. An account cannot assume roles, not even its own.
    if own && !trust && caller.identity == Identity::Root {
        return None;
    }
    // The bearer of a token has no policies: only the trust policy of the role counts.
    if trust && matches!(caller.identity, Identity::Federated { .. }) {
        return (!by_resource).then_some(MissingAllow::Resource);
    }
    let both_needed = trust || !own;
    if !trust && !own && reach(request.action, request.resource) != Reach::Everyone {
        return Some(MissingAllow::OtherAccount);
    }
    match (by_identity, by_resource) {
        (true, true) => None,
        (true, false) => both_needed.then_some(MissingAllow::Resource),
        (false, true) => both_needed.then_some(MissingAllow::Identity),
        (false, false) => Some(MissingAllow::Both),
    }
}

impl<'a> Verdict<'a> {
    fn add(
        &mut self,
        document: &'a PolicyDocument,
        source: Source<'a>,
        request: &AccessRequest<'_>,
        look: &mut dyn FnMut(Trace<'a>),
    ) {
        for (index, statement) in document.statements.iter().enumerate() {
            let (sid, effect) = (statement.sid.as_deref(), statement.effect);
            let mismatch = statement.mismatch(&document.kind, request);
            look(Trace { source, statement: index, sid, effect, mismatch });
            match (mismatch, effect) {
                (Some(_), _) => {}
                (None, Effect::Allow) => self.allows = true,
                (None, Effect::Deny) => {
                    self.denial.get_or_insert(Denial { source, statement: index, sid });
                }
            }
        }
    }
}

impl Statement {
    /// The first element that does not match. `None` if the statement applies.
    fn mismatch(&self, kind: &PolicyKind, request: &AccessRequest<'_>) -> Option<Mismatch<'_>> {
        if !self.actions.takes(request.action) {
            return Some(Mismatch::Action);
        }
        let ruled = !matches!(kind, PolicyKind::Resource { .. })
            || reach(request.action, request.resource) != Reach::None;
        if !ruled {
            return Some(Mismatch::NoEffect);
        }
        if self.resources.as_ref().is_some_and(|resources| !resources.takes(request.resource)) {
            return Some(Mismatch::Resource);
        }
        let denies = self.effect == Effect::Deny;
        let covers = |(_, named): &(String, Named)| named.covers(request.principal, denies);
        if self.principals.as_ref().is_some_and(|principals| !principals.iter().any(covers)) {
            return Some(Mismatch::Principal);
        }
        let failing = self.conditions.iter().find(|c| !c.holds(request.context, request.principal));
        failing.map(|c| Mismatch::Condition { operator: &c.operator, key: &c.name })
    }
}
