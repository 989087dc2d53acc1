//! RAM users, groups, system policies, access keys; conditions on address, time and tags.

use serde_json::{Value, json};

use super::{
    Signer, TEAM, allow, arn, deny, enforced, key, let_ann, no_permission, one_user, policy, put, with_ann,
};
use crate::support::sign::Acs;
use crate::support::{ACCOUNT, NOW, Server, refusal};

fn secret(name: &str) -> String {
    arn(TEAM, &format!("secret/{name}"))
}

/// The team's account with one custom policy for each of these names.
fn team_with(policies: &[(&str, Value)], users: &Value, groups: &Value) -> Value {
    let policies: Vec<Value> = policies
        .iter()
        .map(|(name, statement)| json!({"name": name, "document": policy(std::slice::from_ref(statement))}))
        .collect();
    json!({"id": TEAM, "access_keys": [key(TEAM)], "policies": policies, "users": users, "groups": groups})
}

fn user(name: &str, policies: &[&str]) -> Value {
    json!({"name": name, "policies": policies, "access_keys": [key(name)]})
}

/// Whether a caller can read a secret. If not, the refusal must name the secret.
async fn reads(server: &Server, who: &Signer, name: &str) -> bool {
    let answer = who.read(server, name).await;
    if answer.status == 200 {
        assert_eq!(answer.ok()["SecretData"], "one");
        return true;
    }
    assert_eq!(answer.refused(), no_permission(&secret(name)));
    false
}

#[tokio::test]
async fn the_root_of_an_account_needs_no_policy_and_a_user_without_one_may_do_nothing() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    assert!(reads(&server, &root, "s").await);
    assert!(!reads(&server, &ann, "s").await);
    assert_eq!(ann.refused(&server, "ListSecrets", &[]).await, no_permission(&arn(TEAM, "secret")));
    assert_eq!(ann.refused(&server, "CreateKey", &[]).await, no_permission(&arn(TEAM, "key")));
    ann.ok(&server, "DescribeRegions", &[]).await;
    // The built-in key belongs to the root of the default account, which has nothing to do with the team.
    let built_in = Signer { secret: "test".to_owned(), ..Signer::of("test") };
    built_in.create(&server, "s", &[]).await;
    assert_eq!(built_in.read(&server, &secret("s")).await.refused(), no_permission(&secret("s")));
    assert_eq!(built_in.read(&server, &arn(ACCOUNT, "secret/s")).await.ok()["SecretData"], "one");
}

#[tokio::test]
async fn an_unsigned_request_has_no_identity() {
    let server = enforced().await;
    let nobody = refusal(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.");
    assert_eq!(server.refused("ListSecrets", &[]).await, nobody);
    // Before the request itself is judged.
    assert_eq!(server.refused("GetSecretValue", &[]).await, nobody);
    let unknown = refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    assert_eq!(Signer::of("nobody").refused(&server, "ListSecrets", &[]).await, unknown);
}

#[tokio::test]
async fn a_user_has_the_policies_of_its_groups() {
    let server = enforced().await;
    let (root, ann, bob) = (Signer::of(TEAM), Signer::of("ann"), Signer::of("bob"));
    let policies =
        [("readers", allow("kms:Get*", "*")), ("no-keys", deny("kms:GetSecretValue", &secret("hidden")))];
    let users = json!([user("ann", &[]), user("bob", &["readers"])]);
    let group =
        |users: &[&str], policies: &[&str]| json!({"name": "g", "users": users, "policies": policies});
    put(&server, &team_with(&policies, &users, &json!([group(&["ann"], &["readers"])]))).await;
    for name in ["s", "hidden"] {
        root.create(&server, name, &[]).await;
    }
    assert!(reads(&server, &ann, "s").await && reads(&server, &bob, "s").await);
    // Removed from the group.
    put(&server, &team_with(&policies, &users, &json!([group(&["bob"], &["readers"])]))).await;
    assert!(!reads(&server, &ann, "s").await && reads(&server, &bob, "s").await);
    // A group's Deny applies to its members, whatever policies they have.
    put(&server, &team_with(&policies, &users, &json!([group(&["bob"], &["no-keys"])]))).await;
    assert!(reads(&server, &bob, "s").await && !reads(&server, &bob, "hidden").await);
    put(&server, &team_with(&policies, &users, &json!([group(&[], &["no-keys", "readers"])]))).await;
    assert!(reads(&server, &bob, "hidden").await && !reads(&server, &ann, "s").await);
}

#[tokio::test]
async fn a_deny_goes_before_every_allow() {
    let (server, root, ann) = with_ann(&[allow("kms:*", "*")]).await;
    for name in ["prod/db", "test/db"] {
        root.create(&server, name, &[]).await;
    }
    assert!(reads(&server, &ann, "prod/db").await);
    for denial in [
        deny("kms:GetSecretValue", &secret("prod/*")),
        deny("kms:Get*", &arn("*", "secret/prod/db")),
        json!({"Effect": "Deny", "NotAction": "kms:DescribeSecret", "Resource": secret("prod/db")}),
        json!({"Effect": "Deny", "Action": "*", "NotResource": [secret("test/*")]}),
    ] {
        for statements in
            [[allow("kms:*", "*"), denial.clone()], [denial.clone(), allow("kms:*", &secret("*"))]]
        {
            let_ann(&server, &statements).await;
            assert!(!reads(&server, &ann, "prod/db").await, "{denial}");
            assert!(reads(&server, &ann, "test/db").await, "{denial}");
        }
    }
}

#[tokio::test]
async fn resources_of_policies_are_matched_by_region_account_and_name() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "team/db", &[]).await;
    for (resource, reaches) in [
        ("*", true),
        ("acs:kms:*:*:secret/*", true),
        ("acs:kms:*:*:*", true),
        ("acs:kms:cn-hangzhou:1000000000000003:secret/team/??", true),
        ("acs:kms:cn-*:*:secret/team/db", true),
        ("acs:kms:cn-beijing:*:secret/team/db", false),
        ("acs:kms:*:1000000000000001:secret/team/db", false),
        ("acs:kms:*:*:secret/team/d", false),
        ("acs:kms:*:*:secret/Team/db", false),
        ("acs:kms:*:*:secret", false),
        ("acs:kms:*:*:key/*", false),
    ] {
        let_ann(&server, &[allow("KMS:getsecretVALUE", resource)]).await;
        assert_eq!(reads(&server, &ann, "team/db").await, reaches, "{resource}");
    }
}

#[tokio::test]
async fn every_active_key_of_a_user_signs_for_it_and_an_inactive_one_for_nobody() {
    let server = enforced().await;
    let keys = |statuses: [&str; 2]| {
        let [one, two] = statuses;
        let mut account = one_user(TEAM, "ann", &[allow("kms:*", "*")]);
        account["users"][0]["access_keys"] = json!([
            {"id": "ann-1", "secret": "ann-1-secret", "status": one},
            {"id": "ann-2", "secret": "ann-2-secret", "status": two},
        ]);
        account
    };
    let [one, two] = ["ann-1", "ann-2"].map(Signer::of);
    let inactive = refusal(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.");
    put(&server, &keys(["Active", "Active"])).await;
    one.create(&server, "s", &[]).await;
    for signer in [&one, &two] {
        assert!(reads(&server, signer, "s").await);
        let asked = signer.sts(&server, "GetCallerIdentity", &[]).await.ok();
        assert_eq!(asked["Arn"], format!("acs:ram::{TEAM}:user/ann"));
    }
    put(&server, &keys(["Inactive", "Active"])).await;
    assert_eq!(one.read(&server, "s").await.refused(), inactive);
    assert_eq!(one.sts(&server, "GetCallerIdentity", &[]).await.refused(), inactive);
    assert!(reads(&server, &two, "s").await);
    // A wrong secret gets no further information: the key is checked before the signature.
    let wrong = Signer { secret: "wrong".to_owned(), ..one.clone() };
    assert_eq!(wrong.read(&server, "s").await.refused(), inactive);
    put(&server, &keys(["Active", "Inactive"])).await;
    assert!(reads(&server, &one, "s").await);
    // The secret of one key does not work for another.
    let mixed = Signer { secret: two.secret.clone(), ..one.clone() };
    assert_eq!(mixed.read(&server, "s").await.refused().1, "SignatureDoesNotMatch");
    // The account is removed, and its keys with it.
    assert!(server.app.directory().remove(TEAM).await.unwrap());
    assert_eq!(one.read(&server, "s").await.refused().1, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn permissions_are_checked_for_every_way_of_signing() {
    let (server, root, _) = with_ann(&[allow("kms:DescribeSecret", &secret("s"))]).await;
    root.create(&server, "s", &[]).await;
    for (n, region) in [None, Some("cn-hangzhou")].into_iter().enumerate() {
        let nonces = [format!("allowed{n}"), format!("refused{n}")];
        let [allowed, refused] =
            [("DescribeSecret", &nonces[0]), ("GetSecretValue", &nonces[1])].map(|(action, nonce)| Acs {
                key: ("ann", "ann-secret"),
                acs4_region: region,
                ..Acs::new(action, nonce, &[("SecretName", "s")])
            });
        allowed.send(&server).await.ok();
        assert_eq!(refused.send(&server).await.refused(), no_permission(&secret("s")));
    }
}

#[tokio::test]
async fn a_condition_on_the_address_looks_at_the_connection() {
    let (server, root, ann) = with_ann(&[]).await;
    root.create(&server, "s", &[]).await;
    for (operator, addresses, holds) in [
        ("IpAddress", json!("127.0.0.1"), true),
        ("IpAddress", json!(["10.0.0.0/8", "127.0.0.0/8"]), true),
        ("IpAddress", json!(["10.0.0.0/8"]), false),
        ("IpAddress", json!("::/0"), false),
        ("NotIpAddress", json!("10.0.0.0/8"), true),
        ("NotIpAddress", json!("127.0.0.1/32"), false),
    ] {
        let mut statement = allow("kms:GetSecretValue", "*");
        statement["Condition"] = json!({operator: {"acs:SourceIp": addresses}});
        let_ann(&server, &[statement]).await;
        assert_eq!(reads(&server, &ann, "s").await, holds, "{operator} {addresses}");
    }
    // What a client says about its address is ignored.
    let mut statement = allow("kms:GetSecretValue", "*");
    statement["Condition"] = json!({"IpAddress": {"acs:SourceIp": "10.0.0.1"}});
    let_ann(&server, &[statement]).await;
    let mut claiming =
        Acs { key: ("ann", "ann-secret"), ..Acs::new("GetSecretValue", "n", &[("SecretName", "s")]) };
    claiming.headers = vec![("x-forwarded-for", "10.0.0.1"), ("x-real-ip", "10.0.0.1")];
    assert_eq!(claiming.send(&server).await.refused(), no_permission(&secret("s")));
}

#[tokio::test]
async fn a_condition_on_the_time_follows_the_clock() {
    let end = NOW.plus_millis(3_600_000).to_string();
    let mut statement = allow("kms:GetSecretValue", "*");
    statement["Condition"] = json!({"DateLessThan": {"acs:CurrentTime": end}});
    let (server, root, ann) = with_ann(&[statement]).await;
    root.create(&server, "s", &[]).await;
    assert!(reads(&server, &ann, "s").await);
    server.clock.advance(3_599_999);
    assert!(reads(&server, &ann, "s").await);
    server.clock.advance(1);
    assert!(!reads(&server, &ann, "s").await);
    assert!(reads(&server, &root, "s").await);
}

#[tokio::test]
async fn a_condition_on_a_tag_looks_at_the_tags_of_now() {
    let mut statement = allow("kms:*", "*");
    statement["Condition"] = json!({"StringEquals": {"kms:tag/team": "blue"}});
    let (server, root, ann) = with_ann(&[statement]).await;
    let tag = |value: &str| json!([{"TagKey": "team", "TagValue": value}]).to_string();
    root.create(&server, "s", &[("Tags", &tag("blue"))]).await;
    root.create(&server, "bare", &[]).await;
    assert!(reads(&server, &ann, "s").await && !reads(&server, &ann, "bare").await);
    root.ok(&server, "TagResource", &[("SecretName", "s"), ("Tags", &tag("red"))]).await;
    assert!(!reads(&server, &ann, "s").await);
    root.ok(&server, "TagResource", &[("SecretName", "bare"), ("Tags", &tag("blue"))]).await;
    assert!(reads(&server, &ann, "bare").await);
    // The same for a key.
    let key = root.make_key(&server, &[("Tags", &tag("red"))]).await;
    let named = arn(TEAM, &format!("key/{key}"));
    let describe = [("KeyId", key.as_str())];
    assert_eq!(ann.refused(&server, "DescribeKey", &describe).await, no_permission(&named));
    root.ok(&server, "TagResource", &[("KeyId", &key), ("Tags", &tag("blue"))]).await;
    ann.ok(&server, "DescribeKey", &describe).await;
    // Actions without a resource have no tags.
    assert_eq!(ann.refused(&server, "ListSecrets", &[]).await, no_permission(&arn(TEAM, "secret")));
}
