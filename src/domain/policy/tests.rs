//! Tests of policies: the short notation of the tables in `tests/`, and how it is expanded.
//!
//! A policy is statements separated by `;`, each `<Effect> <actions> [on <resources>] [to <principals>] [if <JSON>]`.
//! Lists are separated by commas; a leading `!` makes it `NotAction` or `NotResource`. Resources and principals may omit
//! their prefix: `secret/a` is in account 1111 and cn-hangzhou, `user/ann` is in account 1111, `2222:user/bob` in
//! account 2222, and `*` as a principal is the whole of account 1111.

mod condition_tests;
mod decision_tests;
mod law_tests;
mod malformed_tests;

use std::sync::Arc;

use super::{
    AccessRequest, AttachedPolicy, ConditionContext, Decision, Identity, MissingAllow, Policies,
    PolicyDocument, PolicyKind, PolicyType, Principal, SYSTEM_POLICIES, Source, decide,
    default_secret_policy, explain,
};
use crate::domain::{AccountId, Timestamp};

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

fn resource_kind() -> PolicyKind {
    PolicyKind::Resource { account: account("1111") }
}

/// 2024-02-21T15:39:26.789Z, the time of every request that does not set another.
const NOW: Timestamp = Timestamp::from_millis(1_708_529_966_789);

fn document(statements: &str) -> String {
    let statements: Vec<String> = statements.split(';').map(|s| statement(s.trim())).collect();
    format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","))
}

fn statement(text: &str) -> String {
    let (text, condition) = text.split_once(" if ").map_or((text, None), |(t, c)| (t, Some(c)));
    let (text, principals) = text.split_once(" to ").map_or((text, None), |(t, p)| (t, Some(p)));
    let (text, resources) = text.split_once(" on ").map_or((text, None), |(t, r)| (t, Some(r)));
    let (effect, actions) = text.split_once(' ').unwrap();
    let list = |name: &str, text: &str, full: &dyn Fn(&str) -> String| {
        let (not, text) = text.strip_prefix('!').map_or(("", text), |text| ("Not", text));
        let items: Vec<String> = text.split(',').map(|item| format!("{:?}", full(item.trim()))).collect();
        format!(r#""{not}{name}":[{}]"#, items.join(","))
    };
    let mut members = vec![format!(r#""Effect":"{effect}""#), list("Action", actions, &str::to_owned)];
    if let Some(resources) = resources {
        members.push(list("Resource", resources, &|r| arn(r)));
    }
    if let Some(principals) = principals {
        let full = |p: &str| match p.split_once(':') {
            Some((account, name)) => format!("acs:ram::{account}:{name}"),
            None => format!("acs:ram::1111:{p}"),
        };
        members.push(format!(r#""Principal":{{{}}}"#, list("RAM", principals, &full)));
    }
    if let Some(condition) = condition {
        members.push(format!(r#""Condition":{condition}"#));
    }
    format!("{{{}}}", members.join(","))
}

fn arn(resource: &str) -> String {
    if resource.starts_with("acs:") || resource == "*" {
        resource.to_owned()
    } else {
        format!("acs:kms:cn-hangzhou:1111:{resource}")
    }
}

/// `ann`, `root`, `role:reader`, prefixed with `2222:` for that account.
fn principal(text: &str) -> Principal {
    let (id, text) = text.strip_prefix("2222:").map_or(("1111", text), |text| ("2222", text));
    let identity = match text.split_once(':') {
        Some(("role", role)) => Identity::RoleSession { role: role.to_owned(), session: "s".to_owned() },
        _ if text == "root" => Identity::Root,
        _ => Identity::User { name: text.to_owned() },
    };
    Principal { account: account(id), identity }
}

fn parse(statements: &str, kind: PolicyKind) -> PolicyDocument {
    let text = document(statements);
    PolicyDocument::parse(&text, kind).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn attached(name: &str, policy_type: PolicyType, document: PolicyDocument) -> AttachedPolicy {
    AttachedPolicy { name: name.into(), policy_type, document: Arc::new(document) }
}

/// Policies separated by `|`: statements, or the name of a system policy.
fn identity(policies: &str) -> Vec<AttachedPolicy> {
    let one = |(i, text): (usize, &str)| match SYSTEM_POLICIES.iter().find(|p| p.name == text) {
        Some(system) => {
            let document = PolicyDocument::parse(system.document, PolicyKind::Identity).unwrap();
            attached(system.name, PolicyType::System, document)
        }
        None => attached(&format!("p{i}"), PolicyType::Custom, parse(text, PolicyKind::Identity)),
    };
    policies.split('|').map(str::trim).filter(|p| *p != "-").enumerate().map(one).collect()
}

fn context<'a>(more: &'a [(&'a str, &'a str)]) -> ConditionContext<'a> {
    ConditionContext {
        source_ip: None,
        current_time: NOW,
        secure_transport: false,
        source_vpc: None,
        mfa_present: None,
        more,
    }
}

/// The expected outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The request is allowed.
    Allow,
    /// The request is not allowed because this Allow is missing.
    No(MissingAllow),
    /// This statement denies the request: `p0[1]`, `session[0]`, `resource[0]`, `trust[0]`.
    Deny(&'static str),
}

/// Decides, checks that the explanation agrees, and returns the outcome in the notation of the tables.
fn outcome(policies: &Policies<'_>, request: &AccessRequest<'_>) -> String {
    let decision = decide(policies, request);
    let explanation = explain(policies, request);
    assert_eq!(decision, explanation.decision);
    match decision {
        Decision::Allowed => format!("{:?}", Expected::Allow),
        Decision::ImplicitDeny(missing) => format!("{:?}", Expected::No(missing)),
        Decision::ExplicitDeny(denial) => {
            let source = match denial.source {
                Source::Identity { name, .. } => name,
                Source::Session => "session",
                Source::Resource => "resource",
                Source::Trust => "trust",
            };
            format!("Deny({:?})", format!("{source}[{}]", denial.statement))
        }
    }
}

#[test]
fn rule_10_10_system_policies_are_valid_and_sorted() {
    for policy in SYSTEM_POLICIES {
        PolicyDocument::parse(policy.document, PolicyKind::Identity).unwrap();
    }
    assert!(SYSTEM_POLICIES.is_sorted_by_key(|policy| policy.name));
}

#[test]
fn rule_10_2_the_default_policy_is_valid_and_names_its_account() {
    let own = account("119285303511");
    let text = default_secret_policy(&own);
    let document = PolicyDocument::parse(&text, PolicyKind::Resource { account: own.clone() }).unwrap();
    let named: Vec<_> = document.accounts().collect();
    assert_eq!(named, [("Statement[0].Principal.RAM[0]", &own)]);
}

#[test]
fn principals_have_arns() {
    assert_eq!(principal("root").arn(), "acs:ram::1111:root");
    assert_eq!(principal("2222:bob").arn(), "acs:ram::2222:user/bob");
    assert_eq!(principal("role:reader").arn(), "acs:ram::1111:assumed-role/reader/s");
    assert_eq!(principal("role:reader").policy_arn(), "acs:ram::1111:role/reader");
}

#[test]
fn rule_10_1_the_accounts_of_principals_are_listed_with_their_places() {
    let text = document("Allow kms:* on * to *,user/ann ; Deny kms:* on * to 2222:role/r");
    let document = PolicyDocument::parse(&text, resource_kind()).unwrap();
    let named: Vec<_> = document.accounts().map(|(place, account)| (place, account.as_str())).collect();
    let wanted = [
        ("Statement[0].Principal.RAM[0]", "1111"),
        ("Statement[0].Principal.RAM[1]", "1111"),
        ("Statement[1].Principal.RAM[0]", "2222"),
    ];
    assert_eq!(named, wanted);
}
