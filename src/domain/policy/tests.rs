//! Tests of policies: what they share, and small ones. Tables of decisions are in `tests/`.

use super::{PolicyDocument, PolicyKind, SYSTEM_POLICIES, default_secret_policy};

#[test]
fn rule_10_10_system_policies_are_valid_and_sorted() {
    for policy in SYSTEM_POLICIES {
        PolicyDocument::parse(policy.document, PolicyKind::Identity).unwrap();
    }
    assert!(SYSTEM_POLICIES.is_sorted_by_key(|policy| policy.name));
}

#[test]
fn rule_10_2_the_default_policy_is_valid_and_names_its_account() {
    let account: crate::domain::AccountId = "119285303511".parse().unwrap();
    let text = default_secret_policy(&account);
    let kind = PolicyKind::Resource { account: account.clone() };
    let document = PolicyDocument::parse(&text, kind).unwrap();
    let named: Vec<_> = document.accounts().collect();
    assert_eq!(named, [("Statement[0].Principal.RAM[0]", &account)]);
}
