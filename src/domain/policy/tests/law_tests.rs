//! Laws that hold for all policies and requests, checked on random ones.

use proptest::prelude::*;

use super::super::pattern::Pattern;
use super::*;

/// A statement of identity and session policies, in the short notation.
fn plain_statement(effect: &'static str) -> impl Strategy<Value = String> {
    let actions =
        prop::sample::select(vec!["*", "kms:*", "kms:Get*", "kms:GetSecretValue", "!kms:Get*", "kms:Put?*"]);
    let resources = prop::sample::select(vec!["*", "secret/*", "secret/a", "!secret/a", "key/*"]);
    (actions, resources, condition()).prop_map(move |(a, r, c)| format!("{effect} {a} on {r}{c}"))
}

/// A statement of a secret's policy.
fn secret_statement(effect: &'static str) -> impl Strategy<Value = String> {
    let actions = prop::sample::select(vec!["kms:*", "kms:Get*", "kms:Put*", "kms:DescribeSecret"]);
    let principals = prop::sample::select(vec!["*", "user/ann", "role/r", "2222:user/ann", "2222:role/r"]);
    (actions, principals, condition()).prop_map(move |(a, p, c)| format!("{effect} {a} on * to {p}{c}"))
}

fn condition() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "",
        "",
        r#" if {"Bool":{"acs:SecureTransport":"true"}}"#,
        r#" if {"StringNotEquals":{"kms:tag/team":"a"}}"#,
        r#" if {"ForAnyValue:StringEquals":{"kms:tag/team":"b"}}"#,
        r#" if {"StringLike":{"acs:PrincipalARN":"*user*"}}"#,
    ])
    .prop_map(str::to_owned)
}

fn any_effect() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["Allow", "Allow", "Deny"])
}

fn some(one: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(one, 0..=most)
}

/// Statements of identity, session and secret policies. `None` means that there is no such policy.
#[derive(Debug, Clone)]
struct World {
    identity: Vec<String>,
    session: Option<Vec<String>>,
    secret: Vec<String>,
    caller: &'static str,
    action: &'static str,
    resource: &'static str,
    secure: bool,
    tags: Vec<(&'static str, &'static str)>,
}

fn world() -> impl Strategy<Value = World> {
    let statements = || any_effect().prop_flat_map(plain_statement);
    let policies = (
        some(statements(), 3),
        prop::option::of(prop::collection::vec(statements(), 1..=2)),
        some(any_effect().prop_flat_map(secret_statement), 3),
    );
    let request = (
        prop::sample::select(vec!["ann", "bob", "root", "role:r", "2222:ann", "2222:role:r", "2222:root"]),
        prop::sample::select(vec![
            "kms:GetSecretValue",
            "kms:PutSecretValue",
            "kms:DescribeSecret",
            "kms:SetSecretPolicy",
        ]),
        prop::sample::select(vec!["secret/a", "secret/b", "key/k", "*"]),
        any::<bool>(),
        prop::sample::subsequence(vec![("kms:tag/team", "a"), ("kms:tag/team", "b")], 0..=2),
    );
    (policies, request).prop_map(|((identity, session, secret), (caller, action, resource, secure, tags))| {
        World { identity, session, secret, caller, action, resource, secure, tags }
    })
}

impl World {
    /// Decides, after checking that the explanation agrees with the decision and with itself.
    fn allowed(&self) -> bool {
        let joined = |statements: &[String]| statements.join(" ; ");
        let by_identity =
            if self.identity.is_empty() { Vec::new() } else { identity(&joined(&self.identity)) };
        let session = self.session.as_ref().map(|s| parse(&joined(s), PolicyKind::Session));
        let secret = (!self.secret.is_empty()).then(|| parse(&joined(&self.secret), resource_kind()));
        let policies =
            Policies { identity: &by_identity, session: session.as_ref(), resource: secret.as_ref() };
        let (caller, resource, owner) = (principal(self.caller), arn(self.resource), account("1111"));
        let mut context = context(&self.tags);
        context.secure_transport = self.secure;
        let request = AccessRequest {
            action: self.action,
            resource: &resource,
            owner: &owner,
            principal: &caller,
            context: &context,
        };
        let decision = decide(&policies, &request);
        let explanation = explain(&policies, &request);
        assert_eq!(decision, explanation.decision);
        let applies =
            |effect| explanation.statements.iter().any(|t| t.mismatch.is_none() && t.effect == effect);
        let denied = matches!(decision, Decision::ExplicitDeny(_));
        assert_eq!(
            denied,
            applies(super::super::Effect::Deny),
            "an explicit deny is a statement that applies"
        );
        let owns = self.caller == "root";
        assert!(!decision.is_allowed() || owns || applies(super::super::Effect::Allow), "allowed by nothing");
        let count = self.identity.len() + self.session.as_ref().map_or(0, Vec::len) + self.secret.len();
        assert_eq!(explanation.statements.len(), count, "every statement is looked at");
        decision.is_allowed()
    }
}

/// A matcher that is simple enough to be checked by reading.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..])),
        (['?', rest @ ..], [_, text @ ..]) => naive(rest, text),
        ([p, rest @ ..], [t, text @ ..]) => p == t && naive(rest, text),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Holds for identity and secret policies, present or not, and for a session that has a policy. A session that gets its
    /// first policy loses access instead, which is the purpose of session policies.
    #[test]
    fn one_more_allow_never_takes_access_away(
        world in world(),
        plain in plain_statement("Allow"),
        secret in secret_statement("Allow"),
    ) {
        let before = world.allowed();
        let mut more = world.clone();
        more.identity.push(plain.clone());
        prop_assert!(!before || more.allowed(), "identity: {plain}");
        let mut more = world.clone();
        more.secret.push(secret.clone());
        prop_assert!(!before || more.allowed(), "secret: {secret}");
        let mut more = world;
        if let Some(session) = &mut more.session {
            session.push(plain.clone());
            prop_assert!(!before || more.allowed(), "session: {plain}");
        }
    }

    /// Holds for all three kinds, present or not.
    #[test]
    fn one_more_deny_never_gives_access(
        world in world(),
        plain in plain_statement("Deny"),
        secret in secret_statement("Deny"),
    ) {
        let before = world.allowed();
        let mut more = world.clone();
        more.identity.push(plain.clone());
        prop_assert!(before || !more.allowed(), "identity: {plain}");
        let mut more = world.clone();
        more.secret.push(secret.clone());
        prop_assert!(before || !more.allowed(), "secret: {secret}");
        let mut more = world;
        more.session.get_or_insert_default().push(plain.clone());
        prop_assert!(before || !more.allowed(), "session: {plain}");
    }

    #[test]
    fn a_session_policy_never_gives_access(world in world(), plain in plain_statement("Allow")) {
        let mut with = world.clone();
        with.session = Some(vec![plain]);
        let mut without = world;
        without.session = None;
        prop_assert!(without.allowed() || !with.allowed());
    }

    #[test]
    fn wildcards_match_what_the_naive_matcher_does(pattern in "[ab*?é]{0,8}", text in "[abAé]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert_eq!(Pattern::exact_case(&pattern).matches(&text), naive(&chars(&pattern), &chars(&text)));
        let lower = |text: &str| chars(&text.to_ascii_lowercase());
        prop_assert_eq!(Pattern::any_case(&pattern).matches(&text), naive(&lower(&pattern), &lower(&text)));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        for kind in [PolicyKind::Identity, PolicyKind::Session, resource_kind(), PolicyKind::Trust] {
            if let Err(error) = PolicyDocument::parse(&text, kind) {
                prop_assert!(!error.place.is_empty() && !error.problem.is_empty());
            }
        }
    }

    /// JSON that resembles a policy: known names and values in the wrong places.
    #[test]
    fn no_json_makes_the_reader_panic(text in json()) {
        for kind in [PolicyKind::Identity, PolicyKind::Session, resource_kind(), PolicyKind::Trust] {
            if let Err(error) = PolicyDocument::parse(&text, kind) {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }

    #[test]
    fn a_valid_policy_cut_short_is_refused(statements in some(plain_statement("Allow"), 3), at in any::<prop::sample::Index>()) {
        prop_assume!(!statements.is_empty());
        let text = document(&statements.join(" ; "));
        prop_assert!(PolicyDocument::parse(&text, PolicyKind::Identity).is_ok());
        let cut = &text[..at.index(text.len())];
        prop_assert!(PolicyDocument::parse(cut, PolicyKind::Identity).is_err());
    }
}

fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "Version",
        "1",
        "Statement",
        "Effect",
        "Allow",
        "Action",
        "kms:*",
        "Resource",
        "*",
        "Principal",
        "RAM",
        "acs:ram::1111:*",
        "Condition",
        "IpAddress",
        "acs:SourceIp",
        "10.0.0.0/8",
        "Sid",
        "DateEquals",
        "::/129",
        "",
        "2024-02-21T15:39:26Z",
        "\n",
    ]);
    let quoted = word.prop_map(|word| format!("{word:?}"));
    let leaf = prop_oneof![4 => quoted.clone(), 1 => Just("1".to_owned()), 1 => Just("null".to_owned()), 1 => Just("true".to_owned())];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let members = prop::collection::vec((quoted.clone(), inner.clone()), 0..6);
        let object = members.prop_map(|members| {
            let members: Vec<String> = members.into_iter().map(|(k, v)| format!("{k}:{v}")).collect();
            format!("{{{}}}", members.join(","))
        });
        let list = prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![3 => object, 1 => list]
    })
}

#[test]
fn long_patterns_full_of_stars_end() {
    let pattern = format!("{}b", "a*".repeat(2000));
    assert!(!Pattern::exact_case(&pattern).matches(&"a".repeat(20_000)));
}
