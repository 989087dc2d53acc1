//! Decisions as tables. Each group names the public page that it follows; a group marked *inferred* follows none.

use super::Expected::{Allow, Deny, No};
use super::*;
use crate::domain::policy::{Mismatch, Trace};

/// Name, caller, action and resource, identity policies, session policy, policy of the resource, outcome.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, Expected);

fn run(rows: &[Row]) {
    for (name, caller, asked, by_identity, by_session, by_resource, expected) in rows {
        let (action, resource) = asked.split_once(' ').unwrap();
        let (caller, resource, owner) = (principal(caller), arn(resource), account("1111"));
        let by_identity = identity(by_identity);
        let by_session = (*by_session != "-").then(|| parse(by_session, PolicyKind::Session));
        let by_resource = match *by_resource {
            "-" => None,
            "default" => {
                Some(PolicyDocument::parse(&default_secret_policy(&owner), resource_kind()).unwrap())
            }
            statements if action.starts_with("sts:") => Some(parse(statements, PolicyKind::Trust)),
            statements => Some(parse(statements, resource_kind())),
        };
        let policies =
            Policies { identity: &by_identity, session: by_session.as_ref(), resource: by_resource.as_ref() };
        let context = context(&[]);
        let request = AccessRequest {
            action,
            resource: &resource,
            owner: &owner,
            principal: &caller,
            context: &context,
        };
        assert_eq!(outcome(&policies, &request), format!("{expected:?}"), "{name}");
    }
}

const GET: &str = "kms:GetSecretValue secret/a";
const PUT: &str = "kms:PutSecretValue secret/a";
const NO: Expected = No(MissingAllow::Both);

#[rustfmt::skip]
#[test]
fn rule_10_5_identity_policies_allow_deny_or_say_nothing() {
    // https://www.alibabacloud.com/help/en/ram/policy-evaluation-process
    run(&[
        ("nothing allows", "ann", GET, "-", "-", "-", NO),
        ("one policy allows", "ann", GET, "Allow kms:GetSecretValue on *", "-", "-", Allow),
        ("another action is allowed", "ann", GET, "Allow kms:DescribeSecret on *", "-", "-", NO),
        ("another resource is allowed", "ann", GET, "Allow kms:GetSecretValue on secret/b", "-", "-", NO),
        ("one of two policies allows", "ann", GET, "Allow kms:Encrypt on * | Allow kms:* on *", "-", "-", Allow),
        ("one of two statements allows", "ann", GET, "Allow kms:Encrypt on * ; Allow kms:* on *", "-", "-", Allow),
        ("deny goes before allow", "ann", GET, "Allow kms:* on * ; Deny kms:Get* on *", "-", "-", Deny("p0[1]")),
        ("the order does not matter", "ann", GET, "Deny kms:Get* on * ; Allow kms:* on *", "-", "-", Deny("p0[0]")),
        ("deny in another policy", "ann", GET, "Allow kms:* on * | Deny kms:Get* on *", "-", "-", Deny("p1[0]")),
        ("deny without allow", "ann", GET, "Deny kms:* on *", "-", "-", Deny("p0[0]")),
        ("the first deny is named", "ann", GET, "Allow * on * | Deny kms:G* on * | Deny kms:* on *", "-", "-", Deny("p1[0]")),
        ("deny of another action", "ann", GET, "Allow kms:* on * ; Deny kms:Put* on *", "-", "-", Allow),
        ("deny of another resource", "ann", GET, "Allow kms:* on * ; Deny kms:* on secret/b", "-", "-", Allow),
        ("a role session has the role's policies", "role:r", GET, "Allow kms:* on *", "-", "-", Allow),
        ("a role session without policies", "role:r", GET, "-", "-", "-", NO),
        ("a list of actions", "ann", GET, "Allow kms:Encrypt,kms:GetSecretValue on *", "-", "-", Allow),
        ("a list of resources", "ann", GET, "Allow kms:* on secret/b,secret/a", "-", "-", Allow),
        ("action and resource must both fit", "ann", GET, "Allow kms:Get* on secret/b ; Allow kms:Put* on *", "-", "-", NO),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_wildcards_in_actions_and_resources() {
    // https://www.alibabacloud.com/help/en/ram/policy-structure-and-syntax
    run(&[
        ("* as an action", "ann", GET, "Allow * on *", "-", "-", Allow),
        ("a whole service", "ann", GET, "Allow kms:* on *", "-", "-", Allow),
        ("another service", "ann", GET, "Allow oss:* on *", "-", "-", NO),
        ("the service by wildcard", "ann", GET, "Allow *:GetSecretValue on *", "-", "-", Allow),
        ("a beginning", "ann", GET, "Allow kms:Get* on *", "-", "-", Allow),
        ("an end", "ann", GET, "Allow kms:*Value on *", "-", "-", Allow),
        ("a middle", "ann", GET, "Allow kms:*Secret* on *", "-", "-", Allow),
        ("* matches nothing as well", "ann", GET, "Allow kms:GetSecretValue* on *", "-", "-", Allow),
        ("? is one character", "ann", GET, "Allow kms:GetSecretValu? on *", "-", "-", Allow),
        ("? is not none", "ann", GET, "Allow kms:GetSecretValue? on *", "-", "-", NO),
        ("? is not two", "ann", GET, "Allow kms:GetSecretVal? on *", "-", "-", NO),
        ("no part without wildcard", "ann", GET, "Allow kms:GetSecret on *", "-", "-", NO),
        ("a secret's name by *", "ann", GET, "Allow kms:* on secret/*", "-", "-", Allow),
        ("a secret's name by ?", "ann", GET, "Allow kms:* on secret/?", "-", "-", Allow),
        ("any region and account", "ann", GET, "Allow kms:* on acs:kms:*:*:secret/a", "-", "-", Allow),
        ("another region", "ann", GET, "Allow kms:* on acs:kms:cn-beijing:*:secret/a", "-", "-", NO),
        ("another account", "ann", GET, "Allow kms:* on acs:kms:*:2222:secret/a", "-", "-", NO),
        ("a part of a region", "ann", GET, "Allow kms:* on acs:*:cn-*:*:*", "-", "-", Allow),
        ("* crosses slashes", "ann", "kms:GetSecretValue secret/a/b/c", "Allow kms:* on secret/a*", "-", "-", Allow),
        ("keys are not secrets", "ann", GET, "Allow kms:* on key/*", "-", "-", NO),
        ("the container is not its secrets", "ann", GET, "Allow kms:* on secret", "-", "-", NO),
        ("secrets are not the container", "ann", "kms:ListSecrets secret", "Allow kms:* on secret/*", "-", "-", NO),
        ("secret* is both", "ann", "kms:ListSecrets secret", "Allow kms:* on secret*", "-", "-", Allow),
        ("no resource needs *", "ann", "kms:GetRandomPassword *", "Allow kms:* on secret/*", "-", "-", NO),
        ("no resource, *", "ann", "kms:GetRandomPassword *", "Allow kms:* on *", "-", "-", Allow),
        // Variables are not documented: ${...} is plain text.
        ("variables are plain text", "ann", "kms:GetSecretValue secret/ann", "Allow kms:* on secret/${acs:username}", "-", "-", NO),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_actions_ignore_case_and_resources_do_not() {
    // https://www.alibabacloud.com/help/doc-detail/93738.htm for actions; resources are inferred
    run(&[
        ("action in lower case", "ann", GET, "Allow kms:getsecretvalue on *", "-", "-", Allow),
        ("action in upper case", "ann", GET, "Allow KMS:GETSECRETVALUE on *", "-", "-", Allow),
        ("action with wildcard", "ann", GET, "Allow kms:get* on *", "-", "-", Allow),
        ("denied in other case", "ann", GET, "Allow kms:* on * ; Deny KMS:get* on *", "-", "-", Deny("p0[1]")),
        ("resource in other case", "ann", GET, "Allow kms:* on secret/A", "-", "-", NO),
        ("resource in other case with wildcard", "ann", GET, "Allow kms:* on SECRET/*", "-", "-", NO),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_not_action_and_not_resource() {
    // https://www.alibabacloud.com/help/doc-detail/93738.htm (NotAction), doc-detail/93739.htm (NotResource)
    run(&[
        ("all but others", "ann", GET, "Allow !ram:* on *", "-", "-", Allow),
        ("all but this", "ann", GET, "Allow !kms:GetSecretValue on *", "-", "-", NO),
        ("all but some, this among them", "ann", GET, "Allow !ram:*,kms:Get* on *", "-", "-", NO),
        ("all but this, in other case", "ann", GET, "Allow !KMS:* on *", "-", "-", NO),
        ("deny all but this", "ann", GET, "Allow * on * ; Deny !kms:Get* on *", "-", "-", Allow),
        ("deny all but others", "ann", GET, "Allow * on * ; Deny !ram:* on *", "-", "-", Deny("p0[1]")),
        ("every resource but others", "ann", GET, "Allow kms:* on !secret/b", "-", "-", Allow),
        ("every resource but this", "ann", GET, "Allow kms:* on !secret/a", "-", "-", NO),
        ("every resource but some, this among them", "ann", GET, "Allow kms:* on !secret/b,secret/*", "-", "-", NO),
        ("deny every resource but this", "ann", GET, "Allow kms:* on * ; Deny kms:* on !secret/a", "-", "-", Allow),
        ("deny every resource but another", "ann", GET, "Allow kms:* on * ; Deny kms:* on !secret/b", "-", "-", Deny("p0[1]")),
        ("both at once", "ann", GET, "Allow !ram:* on !secret/b", "-", "-", Allow),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_a_session_policy_narrows() {
    // https://www.alibabacloud.com/help/en/ram/policy-evaluation-process, step 2
    run(&[
        ("both allow", "role:r", GET, "Allow kms:* on *", "Allow kms:Get* on *", "-", Allow),
        ("the session does not allow", "role:r", GET, "Allow kms:* on *", "Allow kms:Put* on *", "-", No(MissingAllow::Session)),
        ("the session allows more", "role:r", GET, "Allow kms:Put* on *", "Allow * on *", "-", NO),
        ("the session denies", "role:r", GET, "Allow kms:* on *", "Allow * on * ; Deny kms:Get* on *", "-", Deny("session[1]")),
        ("the session only denies others", "role:r", GET, "Allow kms:* on *", "Deny kms:Put* on *", "-", No(MissingAllow::Session)),
        ("the identity denies", "role:r", GET, "Deny kms:* on *", "Allow * on *", "-", Deny("p0[0]")),
        ("both deny: the session is named", "role:r", GET, "Deny kms:* on *", "Deny kms:* on *", "-", Deny("session[0]")),
        ("it narrows the secret's policy too", "role:r", GET, "-", "Allow kms:Put* on *", "Allow kms:* on * to role/r", No(MissingAllow::Session)),
        ("the secret's policy with the session", "role:r", GET, "-", "Allow kms:Get* on secret/a", "Allow kms:* on * to role/r", Allow),
        ("the secret's policy denies", "role:r", GET, "Allow kms:* on *", "Allow * on *", "Deny kms:* on * to role/r", Deny("resource[0]")),
        ("in another account all three", "2222:role:r", GET, "Allow kms:* on *", "Allow kms:Get* on *", "Allow kms:* on * to 2222:role/r", Allow),
        ("in another account without the session", "2222:role:r", GET, "Allow kms:* on *", "Allow kms:Put* on *", "Allow kms:* on * to 2222:role/r", No(MissingAllow::Session)),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_in_one_account_either_side_allows() {
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/overview-of-secret-policies
    run(&[
        ("the secret's policy alone", "ann", GET, "-", "-", "Allow kms:* on * to user/ann", Allow),
        ("the identity's policy alone", "ann", GET, "Allow kms:* on *", "-", "Allow kms:* on * to user/bob", Allow),
        ("both", "ann", GET, "Allow kms:* on *", "-", "Allow kms:* on * to user/ann", Allow),
        ("neither", "ann", GET, "Allow kms:Put* on *", "-", "Allow kms:* on * to user/bob", NO),
        ("the secret's policy denies", "ann", GET, "Allow kms:* on *", "-", "Deny kms:* on * to user/ann", Deny("resource[0]")),
        ("the identity's policy denies", "ann", GET, "Deny kms:* on *", "-", "Allow kms:* on * to user/ann", Deny("p0[0]")),
        ("it denies somebody else", "ann", GET, "Allow kms:* on *", "-", "Deny kms:* on * to user/bob", Allow),
        ("it denies another action", "ann", GET, "Allow kms:* on *", "-", "Deny kms:Put* on * to user/ann", Allow),
        ("one of several principals", "ann", GET, "-", "-", "Allow kms:* on * to user/bob,user/ann", Allow),
        ("a role", "role:r", GET, "-", "-", "Allow kms:* on * to role/r", Allow),
        ("another role", "role:r", GET, "-", "-", "Allow kms:* on * to role/s", NO),
        ("a user is not the role of that name", "r", GET, "-", "-", "Allow kms:* on * to role/r", NO),
        ("a role is not the user of that name", "role:r", GET, "-", "-", "Allow kms:* on * to user/r", NO),
        // Observed: ARNs have role names in lower case.
        ("case of a role does not count", "role:Reader", GET, "-", "-", "Allow kms:* on * to role/reader", Allow),
        // inferred
        ("case of a user counts", "Ann", GET, "-", "-", "Allow kms:* on * to user/ann", NO),
        ("the user of another account with that name", "2222:ann", GET, "Allow kms:* on *", "-", "Allow kms:* on * to user/ann", No(MissingAllow::Resource)),
        ("a key's policy", "ann", "kms:Decrypt key/k", "-", "-", "Allow kms:Decrypt on * to user/ann", Allow),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_1_actions_that_a_secret_policy_cannot_rule_have_no_effect() {
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/modify-a-secret-policy
    let all = "Allow kms:* on * to user/ann";
    let none = "Deny kms:* on * to user/ann";
    run(&[
        ("values", "ann", GET, "-", "-", all, Allow),
        ("new values", "ann", PUT, "-", "-", all, Allow),
        ("description", "ann", "kms:DescribeSecret secret/a", "-", "-", all, Allow),
        ("versions", "ann", "kms:ListSecretVersionIds secret/a", "-", "-", all, Allow),
        ("update", "ann", "kms:UpdateSecretVersionStage secret/a", "-", "-", all, Allow),
        ("deletion", "ann", "kms:DeleteSecret secret/a", "-", "-", all, Allow),
        ("restoring", "ann", "kms:RestoreSecret secret/a", "-", "-", all, Allow),
        ("rotation", "ann", "kms:RotateSecret secret/a", "-", "-", all, Allow),
        ("tags", "ann", "kms:TagResource secret/a", "-", "-", all, Allow),
        ("the policy itself", "ann", "kms:SetSecretPolicy secret/a", "-", "-", all, NO),
        ("a deny has no effect either", "ann", "kms:SetSecretPolicy secret/a", "Allow kms:* on *", "-", none, Allow),
        ("nor on the account's owner", "root", "kms:SetSecretPolicy secret/a", "-", "-", "Deny kms:* on * to *", Allow),
        ("a key's actions on a secret", "ann", "kms:Decrypt secret/a", "-", "-", all, NO),
        ("the container has no policy", "ann", "kms:CreateSecret secret", "-", "-", all, NO),
        ("a key's own policy", "ann", "kms:SetKeyPolicy key/k", "-", "-", all, Allow),
        ("a key's deletion", "ann", "kms:ScheduleKeyDeletion key/k", "-", "-", all, Allow),
        ("a secret's actions on a key", "ann", "kms:RotateSecret key/k", "-", "-", all, NO),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_and_10_6_from_another_account_both_sides_must_allow() {
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/overview-of-secret-policies
    let bob = "Allow kms:* on * to 2222:user/bob";
    run(&[
        ("both allow", "2222:bob", GET, "Allow kms:* on *", "-", bob, Allow),
        ("only the secret's policy", "2222:bob", GET, "-", "-", bob, No(MissingAllow::Identity)),
        ("only the identity's policy", "2222:bob", GET, "Allow kms:* on *", "-", "Allow kms:* on * to user/ann", No(MissingAllow::Resource)),
        ("neither", "2222:bob", GET, "-", "-", "Allow kms:* on * to user/ann", NO),
        ("no policy on the secret", "2222:bob", GET, "Allow kms:* on *", "-", "-", No(MissingAllow::Resource)),
        ("the secret's policy denies", "2222:bob", GET, "Allow kms:* on *", "-", "Deny kms:* on * to 2222:user/bob", Deny("resource[0]")),
        ("the identity's policy denies", "2222:bob", GET, "Deny kms:* on *", "-", bob, Deny("p0[0]")),
        ("an identity policy for the own account only", "2222:bob", GET, "Allow kms:* on acs:kms:*:2222:*", "-", bob, No(MissingAllow::Identity)),
        ("a role", "2222:role:r", GET, "Allow kms:* on *", "-", "Allow kms:* on * to 2222:role/r", Allow),
        ("the other account's owner is not named", "2222:root", GET, "-", "-", bob, NO),
        ("the default policy is about the own account", "2222:bob", GET, "Allow kms:* on *", "-", "default", No(MissingAllow::Resource)),
        ("a key", "2222:bob", "kms:Decrypt key/k", "Allow kms:* on *", "-", bob, Allow),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_6_identities_of_other_accounts_use_and_never_administer() {
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/modify-a-secret-policy
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/modify-a-key-policy
    let (mine, bob) = ("Allow kms:* on *", "Allow kms:* on * to 2222:user/bob");
    let never = No(MissingAllow::OtherAccount);
    run(&[
        ("describing", "2222:bob", "kms:DescribeSecret secret/a", mine, "-", bob, Allow),
        ("listing versions", "2222:bob", "kms:ListSecretVersionIds secret/a", mine, "-", bob, Allow),
        ("putting", "2222:bob", PUT, mine, "-", bob, never),
        ("updating", "2222:bob", "kms:UpdateSecret secret/a", mine, "-", bob, never),
        ("moving labels", "2222:bob", "kms:UpdateSecretVersionStage secret/a", mine, "-", bob, never),
        ("deleting", "2222:bob", "kms:DeleteSecret secret/a", mine, "-", bob, never),
        ("restoring", "2222:bob", "kms:RestoreSecret secret/a", mine, "-", bob, never),
        ("tagging", "2222:bob", "kms:TagResource secret/a", mine, "-", bob, never),
        ("setting its policy", "2222:bob", "kms:SetSecretPolicy secret/a", mine, "-", bob, never),
        ("creating", "2222:bob", "kms:CreateSecret secret", mine, "-", "-", never),
        ("listing", "2222:bob", "kms:ListSecrets secret", mine, "-", "-", never),
        ("encrypting", "2222:bob", "kms:Encrypt key/k", mine, "-", bob, Allow),
        ("data keys", "2222:bob", "kms:GenerateDataKey key/k", mine, "-", bob, Allow),
        ("re-encrypting", "2222:bob", "kms:ReEncryptFrom key/k", mine, "-", bob, Allow),
        ("signing", "2222:bob", "kms:AsymmetricSign key/k", mine, "-", bob, Allow),
        ("disabling a key", "2222:bob", "kms:DisableKey key/k", mine, "-", bob, never),
        ("deleting a key", "2222:bob", "kms:ScheduleKeyDeletion key/k", mine, "-", bob, never),
        ("the owner of another account", "2222:root", "kms:DeleteSecret secret/a", "-", "-", bob, never),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_5_and_10_2_the_account_itself() {
    // https://www.alibabacloud.com/help/doc-detail/28953.htm for its rights, modify-a-secret-policy for the meaning of
    // the default policy; what a Deny about the account does is inferred
    run(&[
        ("its own needs no policy", "root", GET, "-", "-", "-", Allow),
        ("nor does administering", "root", "kms:DeleteSecret secret/a", "-", "-", "-", Allow),
        ("nor do actions without resource", "root", "kms:GetRandomPassword *", "-", "-", "-", Allow),
        ("under the default policy", "root", GET, "-", "-", "default", Allow),
        ("under a policy about others", "root", GET, "-", "-", "Allow kms:* on * to user/ann", Allow),
        ("a Deny about the account", "root", GET, "-", "-", "Deny kms:Get* on * to *", Deny("resource[0]")),
        ("a Deny about a user", "root", GET, "-", "-", "Deny kms:* on * to user/ann", Allow),
        ("what another account owns", "2222:root", GET, "-", "-", "default", NO),
        ("the default policy lets no user in", "ann", GET, "-", "-", "default", NO),
        ("nor a role", "role:r", GET, "-", "-", "default", NO),
        ("with the default policy RAM decides", "ann", GET, "Allow kms:Get* on *", "-", "default", Allow),
        ("a Deny about the account binds users", "ann", GET, "Allow kms:* on *", "-", "Deny kms:* on * to *", Deny("resource[0]")),
        ("a Deny about the account leaves others alone", "2222:bob", GET, "Allow kms:* on *", "-", "Allow kms:* on * to 2222:user/bob ; Deny kms:* on * to *", Allow),
    ]);
}

#[rustfmt::skip]
#[test]
fn rule_10_10_system_policies_give_what_they_are_named_for() {
    // https://www.alibabacloud.com/help/en/kms/key-management-service/security-and-compliance/kms-1
    let full = "AliyunKMSFullAccess";
    let read = "AliyunKMSReadOnlyAccess";
    let (secret_admin, secret_user) = ("AliyunKMSSecretAdminAccess", "AliyunKMSSecretUserAccess");
    let (key_admin, key_user) = ("AliyunKMSCryptoAdminAccess", "AliyunKMSCryptoUserAccess");
    run(&[
        ("full: values", "ann", GET, full, "-", "-", Allow),
        ("full: creating", "ann", "kms:CreateSecret secret", full, "-", "-", Allow),
        ("full: keys", "ann", "kms:ScheduleKeyDeletion key/k", full, "-", "-", Allow),
        ("full: no other service", "ann", "sts:AssumeRole acs:ram::1111:role/r", full, "-", "Allow sts:AssumeRole to root", No(MissingAllow::Identity)),
        ("read: description", "ann", "kms:DescribeSecret secret/a", read, "-", "-", Allow),
        ("read: list", "ann", "kms:ListSecrets secret", read, "-", "-", Allow),
        ("read: policy", "ann", "kms:GetSecretPolicy secret/a", read, "-", "-", Allow),
        ("read: no values", "ann", GET, read, "-", "-", NO),
        ("read: no change", "ann", PUT, read, "-", "-", NO),
        ("secret admin: creating", "ann", "kms:CreateSecret secret", secret_admin, "-", "-", Allow),
        ("secret admin: values", "ann", GET, secret_admin, "-", "-", Allow),
        ("secret admin: passwords", "ann", "kms:GetRandomPassword *", secret_admin, "-", "-", Allow),
        ("secret admin: no keys", "ann", "kms:Decrypt key/k", secret_admin, "-", "-", NO),
        ("secret user: values", "ann", GET, secret_user, "-", "-", Allow),
        ("secret user: description", "ann", "kms:DescribeSecret secret/a", secret_user, "-", "-", Allow),
        ("secret user: versions", "ann", "kms:ListSecretVersionIds secret/a", secret_user, "-", "-", Allow),
        ("secret user: no list", "ann", "kms:ListSecrets secret", secret_user, "-", "-", NO),
        ("secret user: no put", "ann", PUT, secret_user, "-", "-", NO),
        ("key admin: creating", "ann", "kms:CreateKey key", key_admin, "-", "-", Allow),
        ("key admin: aliases", "ann", "kms:CreateAlias alias/x", key_admin, "-", "-", Allow),
        ("key admin: no secrets", "ann", GET, key_admin, "-", "-", NO),
        ("key user: decrypting", "ann", "kms:Decrypt key/k", key_user, "-", "-", Allow),
        ("key user: no disabling", "ann", "kms:DisableKey key/k", key_user, "-", "-", NO),
        ("administrator: all", "ann", "kms:DeleteSecret secret/a", "AdministratorAccess", "-", "-", Allow),
        ("assume role: no values", "ann", GET, "AliyunSTSAssumeRoleAccess", "-", "-", NO),
        ("two together", "ann", "kms:Decrypt key/k", "AliyunKMSSecretUserAccess | AliyunKMSCryptoUserAccess", "-", "-", Allow),
        ("denied by a policy of one's own", "ann", GET, "AliyunKMSFullAccess | Deny kms:Get* on secret/a", "-", "-", Deny("p1[0]")),
    ]);
}

#[rustfmt::skip]
#[test]
fn assuming_a_role_needs_the_trust_policy_and_a_right() {
    // https://www.alibabacloud.com/help/en/ram/user-guide/edit-the-trust-policy-of-a-ram-role and the evaluation of
    // assuming a role, where both sides must allow in the same account as well
    let (ask, right) = ("sts:AssumeRole acs:ram::1111:role/r", "AliyunSTSAssumeRoleAccess");
    run(&[
        ("both allow", "ann", ask, right, "-", "Allow sts:AssumeRole to root", Allow),
        ("only trust", "ann", ask, "-", "-", "Allow sts:AssumeRole to root", No(MissingAllow::Identity)),
        ("only a right", "ann", ask, right, "-", "Allow sts:AssumeRole to user/bob", No(MissingAllow::Resource)),
        ("trust in a user", "ann", ask, right, "-", "Allow sts:AssumeRole to user/ann", Allow),
        ("trust in a role", "role:q", ask, right, "-", "Allow sts:AssumeRole to role/q", Allow),
        ("trust in another account", "2222:bob", ask, right, "-", "Allow sts:AssumeRole to 2222:root", Allow),
        ("trust in the own account only", "2222:bob", ask, right, "-", "Allow sts:AssumeRole to root", No(MissingAllow::Resource)),
        ("trust denies", "ann", ask, right, "-", "Allow sts:AssumeRole to root ; Deny sts:* to user/ann", Deny("trust[1]")),
        ("another action", "ann", ask, right, "-", "Allow sts:AssumeRoleWithOIDC to root", No(MissingAllow::Resource)),
        ("an account assumes no role", "root", ask, right, "-", "Allow sts:AssumeRole to root", No(MissingAllow::Resource)),
    ]);
}

#[test]
fn an_explanation_names_for_every_statement_the_first_part_that_does_not_fit() {
    let condition = r#"{"Bool":{"acs:SecureTransport":"true"}}"#;
    let statements = format!(
        "Allow kms:Put* on * ; Allow kms:* on secret/b ; Allow kms:* on * if {condition} ; Deny kms:* on *"
    );
    let own = identity(&statements);
    let by_resource =
        parse("Allow kms:* on * to user/bob ; Allow kms:Get* on * to user/ann", resource_kind());
    let policies = Policies { identity: &own, session: None, resource: Some(&by_resource) };
    let (caller, resource, owner, context) =
        (principal("ann"), arn("secret/a"), account("1111"), context(&[]));
    let mut request = AccessRequest {
        action: "kms:GetSecretValue",
        resource: &resource,
        owner: &owner,
        principal: &caller,
        context: &context,
    };
    let explanation = explain(&policies, &request);
    let found: Vec<_> =
        explanation.statements.iter().map(|t: &Trace<'_>| (t.statement, t.mismatch)).collect();
    let bool_condition = Mismatch::Condition { operator: "Bool", key: "acs:SecureTransport" };
    let wanted = [
        (0, Some(Mismatch::Action)),
        (1, Some(Mismatch::Resource)),
        (2, Some(bool_condition)),
        (3, None),
        (0, Some(Mismatch::Principal)),
        (1, None),
    ];
    assert_eq!(found, wanted);
    assert_eq!(
        explanation.statements[3].source,
        Source::Identity { name: "p0", policy_type: PolicyType::Custom }
    );
    assert_eq!(explanation.statements[4].source, Source::Resource);
    assert!(matches!(explanation.decision, Decision::ExplicitDeny(denial) if denial.statement == 3));
    assert!(!explanation.decision.is_allowed());

    request.action = "kms:SetSecretPolicy";
    assert_eq!(explain(&policies, &request).statements[4].mismatch, Some(Mismatch::NoEffect));
}

#[test]
fn a_denial_carries_its_sid() {
    let text =
        r#"{"Version":"1","Statement":{"Sid":"no values","Effect":"Deny","Action":"kms:*","Resource":"*"}}"#;
    let own = [attached("p", PolicyType::Inline, PolicyDocument::parse(text, PolicyKind::Identity).unwrap())];
    let policies = Policies { identity: &own, session: None, resource: None };
    let (caller, owner, context) = (principal("ann"), account("1111"), context(&[]));
    let request = AccessRequest {
        action: "kms:ListKeys",
        resource: "*",
        owner: &owner,
        principal: &caller,
        context: &context,
    };
    let Decision::ExplicitDeny(denial) = decide(&policies, &request) else { panic!("not denied") };
    assert_eq!((denial.sid, denial.statement), (Some("no values"), 0));
    assert_eq!(denial.source, Source::Identity { name: "p", policy_type: PolicyType::Inline });
}
