//! AssumeRole and GetCallerIdentity: who gets temporary credentials, for how long, and what they allow.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::{
    PARTNER, Refused, Signer, TEAM, allow, arn, deny, enforced, key, no_permission, one_user, policy, put,
};
use crate::support::sign::Acs;
use crate::support::{ACCOUNT, Options, Server, refusal, text};

pub const ASSUME: &str = "sts:AssumeRole";

pub fn role_arn(account: &str, role: &str) -> String {
    format!("acs:ram::{account}:role/{role}")
}

/// A statement of a trust policy, for `<account>:<root, user or role>`.
pub fn trust(effect: &str, principal: &str) -> Value {
    json!({"Effect": effect, "Action": ASSUME, "Principal": {"RAM": [format!("acs:ram::{principal}")]}})
}

/// A role that can read secrets.
pub fn role(name: &str, trust: &[Value]) -> Value {
    json!({"name": name, "trust": policy(trust), "policies": ["readers"]})
}

/// The team: `ann`, who can also create secrets, and `eve`, who has no permissions, with these roles.
pub fn team(ann: &[Value], roles: &[Value]) -> Value {
    let mut account = one_user(TEAM, "ann", &[ann, &[allow("kms:CreateSecret", "*")]].concat());
    let readers =
        json!({"name": "readers", "document": policy(&[allow("kms:Get*", "*"), allow(ASSUME, "*")])});
    account["policies"].as_array_mut().unwrap().push(readers);
    account["users"].as_array_mut().unwrap().push(json!({"name": "eve", "access_keys": [key("eve")]}));
    account["roles"] = json!(roles);
    account
}

/// A server with that team. Its users can assume the role `app`. Returned with its root and `ann`, who can assume any role.
async fn start() -> (Server, Signer, Signer) {
    let server = enforced().await;
    let roles = [role("app", &[trust("Allow", &format!("{TEAM}:root"))])];
    put(&server, &team(&[allow(ASSUME, "*")], &roles)).await;
    let root = Signer::of(TEAM);
    root.create(&server, "s", &[]).await;
    (server, root, Signer::of("ann"))
}

/// Assumes the role `app` of the team.
async fn assume(server: &Server, who: &Signer, more: &[(&str, &str)]) -> Result<Value, Refused> {
    assume_role(server, who, &role_arn(TEAM, "app"), more).await
}

async fn assume_role(
    server: &Server,
    who: &Signer,
    role: &str,
    more: &[(&str, &str)],
) -> Result<Value, Refused> {
    let mut parameters = vec![("RoleArn", role), ("RoleSessionName", "alice")];
    parameters.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    parameters.extend(more);
    let answer = who.sts(server, "AssumeRole", &parameters).await;
    if answer.status == 200 { Ok(answer.ok()) } else { Err(answer.refused()) }
}

fn not_authorized() -> Refused {
    refusal(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
}

fn no_role(arn: &str) -> Refused {
    refusal(404, "EntityNotExist.Role", &format!("The role not exists: {arn}. "))
}

#[tokio::test]
async fn a_user_in_a_role_has_the_rights_of_the_role_and_not_its_own() {
    let (server, _, ann) = start().await;
    assert_eq!(ann.read(&server, "s").await.refused(), no_permission(&arn(TEAM, "secret/s")));
    let answer = assume(&server, &ann, &[]).await.unwrap();
    let user = &answer["AssumedRoleUser"];
    assert_eq!(user["Arn"], format!("acs:ram::{TEAM}:role/app/alice"));
    let (id, session) = text(&user["AssumedRoleId"]).split_once(':').unwrap();
    assert!(id.len() == 18 && id.bytes().all(|b| b.is_ascii_digit()) && session == "alice", "{user}");
    assert_eq!(answer["Credentials"]["Expiration"], "2026-11-24T04:30:00Z");
    assert!(answer.get("SourceIdentity").is_none(), "{answer}");
    let alice = Signer::in_role(&answer);
    assert!(alice.id.starts_with("STS."), "{}", alice.id);
    assert_eq!(alice.read(&server, "s").await.ok()["SecretData"], "one");
    let creation = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "1")];
    assert_eq!(alice.refused(&server, "CreateSecret", &creation).await, no_permission(&arn(TEAM, "secret")));
    ann.ok(&server, "CreateSecret", &creation).await;
    // The credentials are different each time; earlier ones stay valid.
    let again = Signer::in_role(&assume(&server, &ann, &[]).await.unwrap());
    assert!(again.id != alice.id && again.secret != alice.secret && again.token != alice.token);
    for signer in [&alice, &again] {
        signer.read(&server, "s").await.ok();
    }
    // With header signatures the token is sent in a header.
    let token = alice.token.clone().unwrap();
    for (n, region) in [None, Some("cn-hangzhou")].into_iter().enumerate() {
        let nonce = format!("n{n}");
        let mut request = Acs::new("GetSecretValue", &nonce, &[("SecretName", "s")]);
        request.key = (&alice.id, &alice.secret);
        request.acs4_region = region;
        request.headers = vec![("x-acs-security-token", &token)];
        assert_eq!(request.send(&server).await.ok()["SecretData"], "one");
    }
}

#[tokio::test]
async fn sts_answers_in_xml_and_to_header_signatures_too() {
    let (server, _, ann) = start().await;
    let arn = role_arn(TEAM, "app");
    let xml = [("RoleArn", arn.as_str()), ("RoleSessionName", "alice"), ("Format", "XML")];
    let body = ann.sts(&server, "AssumeRole", &xml).await.body;
    for part in ["<AssumeRoleResponse>", "<AssumedRoleUser><Arn>", "<Credentials><AccessKeyId>STS."] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    let body = ann.sts(&server, "GetCallerIdentity", &[("Format", "XML")]).await.body;
    assert!(body.contains("<GetCallerIdentityResponse>"), "{body}");
    let request =
        Acs { version: "2015-04-01", key: ("ann", "ann-secret"), ..Acs::new("AssumeRole", "n", &xml[..2]) };
    assert!(Signer::in_role(&request.send(&server).await.ok()).id.starts_with("STS."));
    // Each product has its own actions.
    assert_eq!(ann.call(&server, "AssumeRole", &xml[..2]).await.refused().1, "InvalidAction.NotFound");
    assert_eq!(ann.sts(&server, "ListSecrets", &[]).await.refused().1, "InvalidAction.NotFound");
}

#[tokio::test]
async fn the_root_of_an_account_assumes_no_role() {
    let (server, root, _) = start().await;
    let refused = refusal(403, "NoPermission", "Roles may not be assumed by root accounts.");
    assert_eq!(assume(&server, &root, &[]).await.unwrap_err(), refused);
}

#[tokio::test]
async fn a_role_must_exist_and_trust_the_caller_and_the_caller_must_be_allowed() {
    let (server, _, ann) = start().await;
    let eve = Signer::of("eve");
    assert_eq!(assume(&server, &eve, &[]).await.unwrap_err(), not_authorized());
    for absent in [role_arn(TEAM, "absent"), role_arn("1000000000000099", "app")] {
        assert_eq!(assume_role(&server, &ann, &absent, &[]).await.unwrap_err(), no_role(&absent));
    }
    let app = role_arn(TEAM, "app");
    for (ram, by_trust, assumes) in [
        (vec![allow(ASSUME, &app)], vec![trust("Allow", &format!("{TEAM}:root"))], true),
        (vec![allow(ASSUME, &app)], vec![trust("Allow", &format!("{TEAM}:user/ann"))], true),
        (vec![allow(ASSUME, &app)], vec![trust("Allow", &format!("{TEAM}:user/eve"))], false),
        (vec![allow(ASSUME, &app)], vec![trust("Allow", &format!("{PARTNER}:root"))], false),
        (vec![allow(ASSUME, &app)], vec![trust("Allow", &format!("{TEAM}:role/app"))], false),
        (vec![allow(ASSUME, &role_arn(TEAM, "other"))], vec![trust("Allow", &format!("{TEAM}:root"))], false),
        (vec![allow("sts:GetCallerIdentity", "*")], vec![trust("Allow", &format!("{TEAM}:root"))], false),
        (vec![allow(ASSUME, "*"), deny(ASSUME, &app)], vec![trust("Allow", &format!("{TEAM}:root"))], false),
        (
            vec![allow(ASSUME, "*")],
            vec![trust("Allow", &format!("{TEAM}:root")), trust("Deny", &format!("{TEAM}:user/ann"))],
            false,
        ),
        (vec![], vec![trust("Allow", &format!("{TEAM}:user/ann"))], false),
    ] {
        put(&server, &team(&ram, &[role("app", &by_trust)])).await;
        let answer = assume(&server, &ann, &[]).await;
        assert_eq!(answer.clone().err(), (!assumes).then(not_authorized), "{ram:?} {by_trust:?}");
    }
}

#[tokio::test]
async fn a_role_of_another_account_is_assumed_when_both_sides_allow() {
    let (server, ..) = start().await;
    let bob = Signer::of("bob");
    let app = role_arn(TEAM, "app");
    for (ram, principal, assumes) in [
        (vec![allow(ASSUME, &app)], format!("{PARTNER}:root"), true),
        (vec![allow(ASSUME, "*")], format!("{PARTNER}:user/bob"), true),
        (vec![], format!("{PARTNER}:user/bob"), false),
        (vec![allow(ASSUME, "*")], format!("{TEAM}:root"), false),
        (vec![allow(ASSUME, "*")], format!("{TEAM}:user/bob"), false),
        (vec![allow(ASSUME, &role_arn(PARTNER, "app"))], format!("{PARTNER}:root"), false),
    ] {
        put(&server, &one_user(PARTNER, "bob", &ram)).await;
        put(&server, &team(&[], &[role("app", &[trust("Allow", &principal)])])).await;
        let answer = assume(&server, &bob, &[]).await;
        assert_eq!(answer.clone().err(), (!assumes).then(not_authorized), "{ram:?} {principal}");
        if let Ok(answer) = answer {
            let session = Signer::in_role(&answer);
            // In the account of the role.
            assert_eq!(session.read(&server, "s").await.ok()["SecretData"], "one");
            let asked = session.sts(&server, "GetCallerIdentity", &[]).await.ok();
            assert_eq!(asked["AccountId"], TEAM);
        }
    }
}

#[tokio::test]
async fn a_session_begins_another_one_for_an_hour_at_the_most() {
    let server = enforced().await;
    let long = |name: &str, principal: &str| {
        let mut role = role(name, &[trust("Allow", principal)]);
        role["max_session_seconds"] = json!(43_200);
        role
    };
    let roles = [long("app", &format!("{TEAM}:user/ann")), long("next", &format!("{TEAM}:role/app"))];
    put(&server, &team(&[allow(ASSUME, "*")], &roles)).await;
    Signer::of(TEAM).create(&server, "s", &[]).await;
    let (ann, next) = (Signer::of("ann"), role_arn(TEAM, "next"));
    assert_eq!(assume_role(&server, &ann, &next, &[]).await.unwrap_err(), not_authorized());
    let who = [("SourceIdentity", "Alice"), ("DurationSeconds", "43200")];
    let first = assume(&server, &ann, &who).await.unwrap();
    assert_eq!(first["SourceIdentity"], "Alice");
    assert_eq!(first["Credentials"]["Expiration"], "2026-11-24T15:30:00Z");
    let first = Signer::in_role(&first);
    let longer = [("DurationSeconds", "3601")];
    let refused = assume_role(&server, &first, &next, &longer).await.unwrap_err();
    assert_eq!(refused.1, "InvalidParameter.DurationSeconds");
    // The original caller stays known, whatever later requests say.
    let again =
        [("SourceIdentity", "Mallory"), ("RoleSessionName", "bo.b@x_y-z"), ("DurationSeconds", "3600")];
    let second = assume_role(&server, &first, &next, &again).await.unwrap();
    assert_eq!(second["SourceIdentity"], "Alice");
    let second = Signer::in_role(&second);
    assert_eq!(second.read(&server, "s").await.ok()["SecretData"], "one");
    let asked = second.sts(&server, "GetCallerIdentity", &[]).await.ok();
    assert_eq!(asked["Arn"], format!("acs:ram::{TEAM}:assumed-role/next/bo.b@x_y-z"));
    // The trust policy of `app` names only a user.
    assert_eq!(assume(&server, &second, &[]).await.unwrap_err(), not_authorized());
}

#[tokio::test]
async fn a_sessions_policy_narrows_and_never_widens() {
    let (server, root, ann) = start().await;
    root.create(&server, "t", &[]).await;
    let session = async |statements: &[Value]| {
        let policy = policy(statements);
        Signer::in_role(&assume(&server, &ann, &[("Policy", &policy)]).await.unwrap())
    };
    let secret = arn(TEAM, "secret/s");
    let narrow = session(&[allow("kms:GetSecretValue", &secret)]).await;
    assert_eq!(narrow.read(&server, "s").await.ok()["SecretData"], "one");
    assert_eq!(narrow.read(&server, "t").await.refused(), no_permission(&arn(TEAM, "secret/t")));
    let wide = session(&[allow("*", "*")]).await;
    wide.read(&server, "t").await.ok();
    assert_eq!(wide.refused(&server, "ListSecrets", &[]).await, no_permission(&arn(TEAM, "secret")));
    let denied = session(&[allow("*", "*"), deny("kms:GetSecretValue", &secret)]).await;
    assert_eq!(denied.read(&server, "s").await.refused(), no_permission(&secret));
    denied.read(&server, "t").await.ok();
    // Another session does not widen it either; it must be allowed too.
    assert_eq!(assume(&server, &narrow, &[]).await.unwrap_err(), not_authorized());
    assume(&server, &wide, &[]).await.unwrap();
    // A policy of the secret does not widen it either.
    let own = super::about("Allow", &format!("{TEAM}:role/app"), "kms:*");
    root.ok(&server, "SetSecretPolicy", &[("SecretName", "t"), ("Policy", &policy(&[own]))]).await;
    assert_eq!(narrow.read(&server, "t").await.refused(), no_permission(&arn(TEAM, "secret/t")));
    let describe = [("SecretName", "t")];
    Signer::in_role(&assume(&server, &ann, &[]).await.unwrap())
        .ok(&server, "DescribeSecret", &describe)
        .await;

    let grammar = |why: &str| {
        let message = format!("The parameter Policy has not passed grammar check. {why}");
        refusal(400, "InvalidParameter.PolicyGrammar", &message)
    };
    let with_operator = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"Like":{"a:b":"c"}}}]}"#;
    let long = |length: usize| format!("{}{}", policy(&[allow("*", "*")]), " ".repeat(length));
    let too_long = long(2_048 - long(0).len() + 1);
    let size = "The size of Policy must be smaller than 2048 bytes.";
    for (text, refused) in [
        ("{", grammar("document: not JSON (line 1, column 1)")),
        (r#"{"Version":"1"}"#, grammar("Statement: missing")),
        (with_operator, grammar("Statement[0].Condition.Like: unknown condition operator")),
        (too_long.as_str(), refusal(400, "InvalidParameter.PolicySize", size)),
    ] {
        assert_eq!(assume(&server, &ann, &[("Policy", text)]).await.unwrap_err(), refused);
    }
    let longest = long(2_048 - long(0).len());
    assume(&server, &ann, &[("Policy", &longest)]).await.unwrap();
}

#[tokio::test]
async fn parameters_of_assume_role_are_bounded() {
    let (server, _, ann) = start().await;
    let wrong = |name: &str| {
        let message = match name {
            "DurationSeconds" => "The Min/Max value of DurationSeconds is 15min/1hr.".to_owned(),
            _ => format!("The parameter {name} is wrongly formed."),
        };
        refusal(400, &format!("InvalidParameter.{name}"), &message)
    };
    let (short, long, longer) = ("x".repeat(2), "x".repeat(64), "x".repeat(65));
    let external = ["x".repeat(1_224), "x".repeat(1_225)];
    let rows: &[(&str, &[&str], &[&str])] = &[
        (
            "DurationSeconds",
            &["900", "3600", ""],
            &["899", "3601", "0", "-900", "+900", "1h", "900.0", "99999999999"],
        ),
        ("RoleSessionName", &[&short, &long, "a.b@c-d_e"], &["x", &longer, "a b", "a/b", "名字", "a:b"]),
        (
            "RoleArn",
            &[],
            &[
                "app",
                "acs:ram::app",
                "acs:ram::x:role/app",
                "acs:ram::1000000000000003:role/",
                "acs:ram::1000000000000003:user/ann",
            ],
        ),
        ("ExternalId", &["x=,.@:/-_+", &external[0], ""], &["x", &external[1], "a b"]),
        ("SourceIdentity", &["ab", &long, ""], &["a", &longer, "a:b", "acs:x", "aliyun:x"]),
    ];
    for (name, good, bad) in rows {
        for value in *good {
            assume(&server, &ann, &[(name, value)]).await.unwrap();
        }
        for value in *bad {
            assert_eq!(assume(&server, &ann, &[(name, value)]).await.unwrap_err(), wrong(name), "{value:?}");
        }
    }
    for name in ["RoleArn", "RoleSessionName"] {
        let missing =
            refusal(400, &format!("Missing{name}"), &format!("{name} is mandatory for this action."));
        assert_eq!(assume(&server, &ann, &[(name, "")]).await.unwrap_err(), missing);
    }
}

#[tokio::test]
async fn a_role_may_ask_for_an_external_id() {
    let server = enforced().await;
    let mut asking = trust("Allow", &format!("{PARTNER}:root"));
    asking["Condition"] = json!({"StringEquals": {"sts:ExternalId": "x-123"}});
    put(&server, &team(&[], &[role("app", &[asking])])).await;
    put(&server, &one_user(PARTNER, "bob", &[allow(ASSUME, "*")])).await;
    let bob = Signer::of("bob");
    assume(&server, &bob, &[("ExternalId", "x-123")]).await.unwrap();
    for more in
        [&[][..], &[("ExternalId", "X-123")], &[("ExternalId", "x-1234")], &[("SourceIdentity", "x-123")]]
    {
        assert_eq!(assume(&server, &bob, more).await.unwrap_err(), not_authorized(), "{more:?}");
    }
}

#[tokio::test]
async fn get_caller_identity_answers_every_kind_of_caller() {
    let (server, root, ann) = start().await;
    let of = async |who: &Signer| {
        let mut answer = who.sts(&server, "GetCallerIdentity", &[]).await.ok();
        answer.as_object_mut().unwrap().remove("RequestId");
        answer
    };
    let me = json!({
        "AccountId": TEAM, "Arn": format!("acs:ram::{TEAM}:root"), "IdentityType": "Account",
        "PrincipalId": TEAM, "UserId": TEAM,
    });
    assert_eq!(of(&root).await, me);
    let user = of(&ann).await;
    let id = text(&user["UserId"]);
    assert!(id.len() == 18 && id.bytes().all(|b| b.is_ascii_digit()), "{user}");
    let me = json!({
        "AccountId": TEAM, "Arn": format!("acs:ram::{TEAM}:user/ann"), "IdentityType": "RAMUser",
        "PrincipalId": id, "UserId": id,
    });
    assert_eq!(user, me);
    assert_ne!(of(&Signer::of("eve")).await["UserId"], id);
    let answer = assume(&server, &ann, &[]).await.unwrap();
    let assumed = text(&answer["AssumedRoleUser"]["AssumedRoleId"]);
    let me = json!({
        "AccountId": TEAM, "Arn": format!("acs:ram::{TEAM}:assumed-role/app/alice"),
        "IdentityType": "AssumedRoleUser", "PrincipalId": assumed,
        "RoleId": assumed.split(':').next().unwrap(),
    });
    assert_eq!(of(&Signer::in_role(&answer)).await, me);
}

#[tokio::test]
async fn in_signed_a_session_is_its_account_and_policies_do_not_decide() {
    let server = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    put(&server, &team(&[], &[role("app", &[trust("Allow", &format!("{PARTNER}:root"))])])).await;
    let (root, eve) = (Signer::of(TEAM), Signer::of("eve"));
    root.create(&server, "s", &[]).await;
    for who in [&root, &eve] {
        let session = Signer::in_role(&assume(&server, who, &[]).await.unwrap());
        assert_eq!(session.read(&server, "s").await.ok()["SecretData"], "one");
        session.ok(&server, "UpdateSecret", &[("SecretName", "s"), ("Description", "d")]).await;
        let foreign = arn(ACCOUNT, "secret/s");
        assert_eq!(session.read(&server, &foreign).await.refused(), no_permission(&foreign));
        let other = Signer { secret: "wrong".to_owned(), ..session };
        assert_eq!(other.read(&server, "s").await.refused().1, "SignatureDoesNotMatch");
    }
}

#[tokio::test]
async fn in_open_and_signed_nobody_gets_into_another_account_by_a_role() {
    for mode in [AuthMode::Open, AuthMode::Signed] {
        let server = Server::with(Options { mode, ..Options::default() }).await;
        let trusting = trust("Allow", &format!("{PARTNER}:root"));
        put(&server, &team(&[], &[role("app", &[trusting])])).await;
        put(&server, &one_user(PARTNER, "bob", &[allow(ASSUME, "*")])).await;
        for who in ["bob", PARTNER, "other"] {
            let refused = assume(&server, &Signer::of(who), &[]).await.unwrap_err();
            assert_eq!(refused, not_authorized(), "{who} in {mode:?}");
        }
    }
}
