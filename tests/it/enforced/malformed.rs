//! Invalid policies: InvalidParameter naming `Policy`, with the place and the error there, and nothing stored, for each of
//! the four actions that accept a policy.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::{Refused, Signer, TEAM, about, let_ann, policy, stored};
use crate::support::{Options, Server, refusal, text};

fn invalid_policy(why: &str) -> Refused {
    refusal(400, "InvalidParameter", &format!("The specified parameter \"Policy\" is not valid. {why}"))
}

/// The statement that all rows vary. It is valid.
fn good() -> Value {
    json!({
        "Sid": "ann",
        "Effect": "Allow",
        "Principal": {"RAM": [format!("acs:ram::{TEAM}:user/ann")]},
        "Action": ["kms:GetSecretValue"],
        "Resource": ["*"],
    })
}

/// A policy whose second statement has one member replaced or removed.
fn but(member: &str, value: Value) -> String {
    let mut first = good();
    first["Sid"] = json!("first");
    let mut second = good();
    if value.is_null() {
        second.as_object_mut().unwrap().remove(member);
    } else {
        second[member] = value;
    }
    policy(&[first, second])
}

fn ram(principal: &str) -> Value {
    json!({ "RAM": principal })
}

/// Name, text, and what the message says about it.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let fine = good().to_string();
    let padded = |length: usize| {
        let text = policy(&[good()]);
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    vec![
        ("no JSON", "allow ann".to_owned(), "document: not JSON (line 1, column 1)"),
        ("cut off", r#"{"Version":"1","Statement":["#.to_owned(), "document: not JSON (line 1, column 28)"),
        ("an array", format!("[{fine}]"), "document: not an object"),
        ("empty", "{}".to_owned(), "Version: missing"),
        ("one byte too long", padded(32_769), "document: longer than 32768 bytes"),
        ("another version", format!(r#"{{"Version":"2","Statement":[{fine}]}}"#), "Version: not \"1\""),
        ("no statement", r#"{"Version":"1","Statement":[]}"#.to_owned(), "Statement: empty"),
        (
            "unknown member",
            format!(r#"{{"Version":"1","Id":"x","Statement":[{fine}]}}"#),
            "Id: unknown element",
        ),
        (
            "a member twice",
            format!(r#"{{"Version":"1","Version":"1","Statement":[{fine}]}}"#),
            "Version: there twice",
        ),
        ("a Sid twice", policy(&[good(), good()]), "Statement[1].Sid: used by an earlier statement"),
    ]
}

/// The same for one statement.
fn statements() -> Vec<(&'static str, String, &'static str)> {
    let condition = |condition: Value| but("Condition", condition);
    let forms = "not acs:ram::<account>:*, acs:ram::<account>:user/<name> or acs:ram::<account>:role/<name>";
    let forms: &'static str = Box::leak(format!("Statement[1].Principal.RAM: {forms}").into_boxed_str());
    vec![
        ("no effect", but("Effect", Value::Null), "Statement[1].Effect: missing"),
        ("another effect", but("Effect", json!("allow")), "Statement[1].Effect: neither Allow nor Deny"),
        ("no principal", but("Principal", Value::Null), "Statement[1].Principal: missing"),
        ("everybody", but("Principal", json!("*")), "Statement[1].Principal: not an object"),
        (
            "a service",
            but("Principal", json!({"Service": "ecs.aliyuncs.com"})),
            "Statement[1].Principal.Service: unknown element",
        ),
        ("all users", but("Principal", ram("acs:ram::1000000000000003:user/*")), forms),
        ("no ARN", but("Principal", ram("ann")), forms),
        (
            "unknown account",
            but("Principal", ram("acs:ram::1000000000000099:user/ann")),
            "Statement[1].Principal.RAM: there is no account 1000000000000099",
        ),
        (
            "unknown account among others",
            but("Principal", json!({"RAM": [format!("acs:ram::{TEAM}:*"), "acs:ram::1000000000000099:*"]})),
            "Statement[1].Principal.RAM[1]: there is no account 1000000000000099",
        ),
        ("no action", but("Action", Value::Null), "Statement[1].Action: missing"),
        (
            "another service",
            but("Action", json!("oss:GetObject")),
            "Statement[1].Action: does not begin with kms:",
        ),
        ("NotAction", but("NotAction", json!("kms:*")), "Statement[1].NotAction: unknown element"),
        ("a resource", but("Resource", json!(["acs:kms:*:*:secret/s"])), "Statement[1].Resource[0]: not *"),
        ("unknown member", but("Conditions", json!({})), "Statement[1].Conditions: unknown element"),
        (
            "a Sid with signs",
            but("Sid", json!("a:b")),
            "Statement[1].Sid: not 1 to 128 characters of A-Z a-z 0-9 space _ / + = . @ -",
        ),
        (
            "unknown operator",
            condition(json!({"StringEqual": {"acs:SourceIp": "1.2.3.4"}})),
            "Statement[1].Condition.StringEqual: unknown condition operator",
        ),
        (
            "Null",
            condition(json!({"Null": {"acs:SourceVpc": "true"}})),
            "Statement[1].Condition.Null: the condition operator Null is not supported",
        ),
        (
            "no address",
            condition(json!({"IpAddress": {"acs:SourceIp": ["10.0.0.0/8", "here"]}})),
            "Statement[1].Condition.IpAddress.acs:SourceIp[1]: neither an IP address nor a CIDR block",
        ),
        (
            "no time",
            condition(json!({"DateLessThan": {"acs:CurrentTime": "soon"}})),
            "Statement[1].Condition.DateLessThan.acs:CurrentTime: not a time such as 2024-02-21T15:39:26Z",
        ),
    ]
}

#[tokio::test]
async fn an_invalid_policy_is_refused_with_the_place_and_nothing_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { mode: AuthMode::Enforced, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options).await;
    let_ann(&server, &[]).await;
    let root = Signer::of(TEAM);
    let kept = policy(&[good()]);
    root.create(&server, "s", &[("Policy", &kept)]).await;
    let key = root.make_key(&server, &[("Policy", &kept)]).await;
    for (name, text, why) in documents().into_iter().chain(statements()) {
        let given = ("Policy", text.as_str());
        let before = stored(dir.path());
        for (action, parameters) in [
            ("SetSecretPolicy", &[("SecretName", "s"), given][..]),
            ("CreateSecret", &[("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "1"), given]),
            ("SetKeyPolicy", &[("KeyId", key.as_str()), given]),
            ("CreateKey", &[given]),
        ] {
            let answer = root.refused(&server, action, parameters).await;
            assert_eq!(answer, invalid_policy(why), "{action}: {name}");
            assert_eq!(stored(dir.path()), before, "{action}: {name}");
        }
    }
    assert_eq!(root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await["Policy"], kept.as_str());
    assert_eq!(root.ok(&server, "GetKeyPolicy", &[("KeyId", &key)]).await["Policy"], kept.as_str());
    server.stop().await;
}

#[tokio::test]
async fn a_barely_valid_policy_is_stored() {
    let server = Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await;
    let_ann(&server, &[]).await;
    let root = Signer::of(TEAM);
    root.create(&server, "s", &[]).await;
    let longest = policy(&[good()]);
    let longest = format!("{longest}{}", " ".repeat(32_768 - longest.len()));
    let other = policy(&[about("Allow", "1000000000000002:*", "kms:*")]);
    for text in
        [longest, other, policy(&[about("Deny", &format!("{TEAM}:user/nobody-yet"), "kms:NoSuchAction")])]
    {
        root.ok(&server, "SetSecretPolicy", &[("SecretName", "s"), ("Policy", &text)]).await;
        let shown = root.ok(&server, "GetSecretPolicy", &[("SecretName", "s")]).await;
        assert_eq!(shown["Policy"], text.as_str());
    }
}

#[tokio::test]
async fn an_absent_policy_is_missing_and_a_blank_one_creates_without_a_policy() {
    let server = Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await;
    let_ann(&server, &[]).await;
    let root = Signer::of(TEAM);
    root.create(&server, "s", &[("Policy", "")]).await;
    let key = root.make_key(&server, &[("Policy", "")]).await;
    for (action, on) in [("SetSecretPolicy", ("SecretName", "s")), ("SetKeyPolicy", ("KeyId", key.as_str()))]
    {
        let refused = root.refused(&server, action, &[on]).await;
        assert_eq!(refused, crate::support::missing("Policy"), "{action}");
        let refused = root.refused(&server, action, &[on, ("Policy", "")]).await;
        assert_eq!(refused, crate::support::missing("Policy"), "{action}");
    }
    for (action, on) in [("GetSecretPolicy", ("SecretName", "s")), ("GetKeyPolicy", ("KeyId", key.as_str()))]
    {
        let shown = root.ok(&server, action, &[on]).await;
        assert!(text(&shown["Policy"]).contains("default"), "{shown}");
    }
}
