//! Section 1: names, addresses and limits.

use serde_json::Value;
use sesame::testing::actions::ACTIONS;

use super::{put_labelled, refuses, versions};
use crate::support::{ACCOUNT, BEIJING, OTHER_ACCOUNT, Server, invalid, missing, not_found, refusal, text};

/// The names of all secrets, newest first.
async fn names(server: &Server) -> Vec<String> {
    let list = server.ok("ListSecrets", &[("PageSize", "100")]).await;
    let rows = list["SecretList"]["Secret"].as_array().unwrap();
    rows.iter().map(|row| text(&row["SecretName"]).to_owned()).collect()
}

/// A creation's parameters.
fn creation<'a>(name: &'a str, version: &'a str, data: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("SecretName", name), ("VersionId", version), ("SecretData", data)]
}

#[tokio::test]
async fn rule_1_1_a_secret_name_has_1_to_192_characters_of_the_set() {
    let server = Server::start().await;
    let all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/+=.-@";
    for good in ["a", all, "/", &"x".repeat(192)] {
        assert_eq!(server.create(good).await["SecretName"], good);
        assert_eq!(server.value(good, &[]).await, "one");
    }
    let made = names(&server).await;
    assert_eq!(server.refused("CreateSecret", &creation("", "v1", "one")).await, missing("SecretName"));
    for bad in [&"x".repeat(193), "a b", "a:b", "a*b", "a#b", "a,b", "a~b", "é", "名", "a\0b", "a\nb"] {
        let refused = server.refused("CreateSecret", &creation(bad, "v1", "one")).await;
        assert_eq!(refused, invalid("SecretName"), "{bad:?}");
    }
    assert_eq!(names(&server).await, made);
}

#[tokio::test]
async fn rule_1_1_a_name_is_unique_per_account_and_region() {
    let server = Server::start().await;
    server.create("s").await;
    let again = creation("s", "v9", "nine");
    refuses(
        &server,
        "CreateSecret",
        &again,
        &refusal(409, "Rejected.ResourceExist", "The resource already exists."),
    )
    .await;
    server.call_at(BEIJING, "CreateSecret", &creation("s", "v1", "beijing")).await.ok();
    let other = ("other", "other-secret");
    server.call_as(other, "CreateSecret", &creation("s", "v1", "other")).await.ok();
    let read = [("SecretName", "s")];
    assert_eq!(server.value("s", &[]).await, "one");
    let beijing = server.call_at(BEIJING, "GetSecretValue", &read).await.ok();
    assert_eq!(beijing["SecretData"], "beijing");
    assert_eq!(server.call_as(other, "GetSecretValue", &read).await.ok()["SecretData"], "other");
}

/// `$Auto` only names dynamic secrets.
#[tokio::test]
async fn rule_1_2_a_generic_name_does_not_start_with_acs() {
    let server = Server::start().await;
    for bad in ["acs/", "acs/x", "acs/ecs/i", "acs/ram/user/u", "$Auto"] {
        for secret_type in [None, Some(("SecretType", "Generic"))] {
            let parameters = creation(bad, "v1", "one").into_iter().chain(secret_type).collect::<Vec<_>>();
            let refused = server.refused("CreateSecret", &parameters).await;
            assert_eq!(refused, invalid("SecretName"), "{bad}");
        }
    }
    assert!(names(&server).await.is_empty());
    for good in ["acs", "acsx/y", "a/acs/", "/acs/"] {
        server.create(good).await;
    }
}

#[tokio::test]
async fn rule_1_4_the_arn_names_region_account_and_secret() {
    let server = Server::start().await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/a/b");
    assert_eq!(server.create("a/b").await["Arn"], arn.as_str());
    assert_eq!(server.ok("DescribeSecret", &[("SecretName", "a/b")]).await["Arn"], arn.as_str());
    let host = "kms.eu-central-1.aliyuncs.com";
    let there = server.call_at(host, "CreateSecret", &creation("c", "v1", "one")).await.ok();
    assert_eq!(there["Arn"], format!("acs:kms:eu-central-1:{ACCOUNT}:secret/c"));
    let others =
        server.call_as(("other", "other-secret"), "CreateSecret", &creation("d", "v1", "one")).await.ok();
    assert_eq!(others["Arn"], format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/d"));
}

/// Parameters, or other names with values.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// An action and its parameters besides `SecretName`.
type Call = (&'static str, Pairs<'static>);

/// Every action that works on one secret by name or ARN, in an order in which all of them succeed.
const ON_A_SECRET: &[Call] = &[
    ("DescribeSecret", &[]),
    ("GetSecretValue", &[]),
    ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "two")]),
    ("ListSecretVersionIds", &[]),
    ("UpdateSecret", &[("Description", "d")]),
    ("UpdateSecretVersionStage", &[("VersionStage", "Mine"), ("MoveToVersion", "v1")]),
    ("DeleteSecret", &[("RecoveryWindowInDays", "7")]),
    ("RestoreSecret", &[]),
];

/// The same for actions that no generic secret of the shared service supports: the code of the refusal.
const UNSUPPORTED: &[(Call, &str)] = &[
    (("RotateSecret", &[("VersionId", "v3")]), "Rejected.UnsupportedOperation"),
    (
        ("UpdateSecretRotationPolicy", &[("EnableAutomaticRotation", "false")]),
        "Rejected.UnsupportedOperation",
    ),
];

/// The same for actions whose answers do not name the secret.
const NAMELESS: &[Call] = &[
    ("GetSecretPolicy", &[]),
    (
        "SetSecretPolicy",
        &[(
            "Policy",
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Principal":{"RAM":["acs:ram::1000000000000001:*"]},"Action":["kms:*"],"Resource":["*"]}]}"#,
        )],
    ),
];

/// Every action on a secret.
fn calls() -> impl Iterator<Item = Call> {
    ON_A_SECRET.iter().chain(NAMELESS).copied().chain(UNSUPPORTED.iter().map(|(call, _)| *call))
}

#[tokio::test]
async fn rule_1_5_every_action_on_a_secret_takes_its_arn_and_answers_its_name() {
    let mut named: Vec<&str> = calls().map(|(action, _)| action).collect();
    named.extend(["CreateSecret", "TagResource", "UntagResource"]);
    for action in ACTIONS {
        let takes_name = action.parameters().iter().any(|p| p.name == "SecretName");
        assert_eq!(takes_name, named.contains(&action.name()), "{}", action.name());
    }

    let server = Server::start().await;
    server.create("a/b").await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/a/b");
    for (action, more) in ON_A_SECRET {
        let answer = server.ok(action, &[&[("SecretName", arn.as_str())], *more].concat()).await;
        assert_eq!(answer["SecretName"], "a/b", "{action}");
    }
    for (action, more) in NAMELESS {
        server.ok(action, &[&[("SecretName", arn.as_str())], *more].concat()).await;
    }
    for ((action, more), code) in UNSUPPORTED {
        let refused = server.refused(action, &[&[("SecretName", arn.as_str())], *more].concat()).await;
        assert_eq!((refused.0, refused.1.as_str()), (400, *code), "{action}");
    }
    let list = format!("[{{\"SecretName\":\"{arn}\"}}]");
    let batch = server.ok("BatchGetSecretValue", &[("SecretsList", &list)]).await;
    assert_eq!(batch["SecretValues"][0]["SecretName"], "a/b");
    // All of them worked on the one secret.
    assert_eq!(versions(&server, "a/b").await, "v2[ACSCurrent] v1[ACSPrevious,Mine]");
    assert_eq!(server.ok("DescribeSecret", &[("SecretName", "a/b")]).await["Description"], "d");
}

#[tokio::test]
async fn rule_1_5_creation_and_old_tag_actions_take_no_arn() {
    let server = Server::start().await;
    server.create("s").await;
    let before = server.stored("s").await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/s");
    let new = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/new");
    let tags = [("SecretName", arn.as_str()), ("Tags", "[{\"TagKey\":\"k\",\"TagValue\":\"v\"}]")];
    let untag = [("SecretName", arn.as_str()), ("TagKeys", "[\"k\"]")];
    for (action, parameters) in [
        ("CreateSecret", &creation(&new, "v1", "one")[..]),
        ("TagResource", &tags),
        ("UntagResource", &untag),
    ] {
        assert_eq!(server.refused(action, parameters).await, invalid("SecretName"), "{action}");
    }
    assert_eq!((names(&server).await, server.stored("s").await), (vec!["s".to_owned()], before));
}

#[tokio::test]
async fn rule_1_5_a_malformed_arn_is_not_valid() {
    let server = Server::start().await;
    server.create("s").await;
    for bad in [
        "acs:kms:".to_owned(),
        format!("acs:kms:cn-hangzhou:{ACCOUNT}:key/s"),
        format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/"),
        format!("acs:kms:cn-hangzhou:{ACCOUNT}:s"),
        format!("acs:oss:cn-hangzhou:{ACCOUNT}:secret/s"),
        format!("acs:kms::{ACCOUNT}:secret/s"),
        "acs:kms:cn-hangzhou:x:secret/s".to_owned(),
    ] {
        for (action, more) in calls() {
            let parameters = [&[("SecretName", bad.as_str())], more].concat();
            assert_eq!(server.refused(action, &parameters).await, invalid("SecretName"), "{action} {bad}");
        }
    }
}

/// Without policies no other account is admitted; the plain name never means another account's secret.
#[tokio::test]
async fn rule_1_5_another_accounts_secret_needs_its_arn() {
    let server = Server::start().await;
    server.call_as(("other", "other-secret"), "CreateSecret", &creation("theirs", "v1", "one")).await.ok();
    for name in ["theirs", "missing"] {
        let arn = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/{name}");
        let message = format!("This operation for {arn} is forbidden by permission system.");
        for (action, more) in calls() {
            let refused = server.refused(action, &[&[("SecretName", arn.as_str())], more].concat()).await;
            assert_eq!(refused, refusal(403, "Forbidden.NoPermission", &message), "{action}");
            let refused = server.refused(action, &[&[("SecretName", name)], more].concat()).await;
            assert_eq!(refused, not_found(), "{action}");
        }
    }
}

#[tokio::test]
async fn rule_1_6_the_arn_of_another_region_is_not_found() {
    let server = Server::start().await;
    server.create("s").await;
    let before = server.stored("s").await;
    let arn = format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/s");
    // A secret of the same name there does not replace it.
    server.call_at(BEIJING, "CreateSecret", &creation("s", "v1", "beijing")).await.ok();
    for (action, more) in calls() {
        let parameters = [&[("SecretName", arn.as_str())], more].concat();
        assert_eq!(server.call_at(BEIJING, action, &parameters).await.refused(), not_found(), "{action}");
    }
    let list = format!("[{{\"SecretName\":\"{arn}\"}}]");
    let batch = server.call_at(BEIJING, "BatchGetSecretValue", &[("SecretsList", &list)]).await.ok();
    assert_eq!(batch["SecretValues"].as_array().unwrap().len(), 0);
    assert_eq!(batch["Errors"][0]["Code"], not_found().1.as_str());
    assert_eq!(server.stored("s").await, before);
    let here =
        server.call_at("kms.cn-hangzhou.aliyuncs.com", "GetSecretValue", &[("SecretName", &arn)]).await;
    assert_eq!(here.ok()["SecretData"], "one");
}

#[tokio::test]
async fn rule_1_7_a_version_id_has_1_to_64_characters() {
    let server = Server::start().await;
    server.create("s").await;
    for good in ["001", &"0".repeat(35), &"x".repeat(64)] {
        assert_eq!(server.put("s", good, good).await["VersionId"], good);
        assert_eq!(server.value("s", &[("VersionId", good)]).await, good);
    }
    let data = ("SecretData", "d");
    // An empty one counts as absent (rule 14.10), which takes precedence over this rule.
    for bad in [&"x".repeat(65), "a b"] {
        let calls: [(&str, &str, Pairs<'_>); 5] = [
            ("CreateSecret", "VersionId", &[("SecretName", "new"), ("VersionId", bad), data]),
            ("PutSecretValue", "VersionId", &[("SecretName", "s"), ("VersionId", bad), data]),
            ("GetSecretValue", "VersionId", &[("SecretName", "s"), ("VersionId", bad)]),
            (
                "UpdateSecretVersionStage",
                "MoveToVersion",
                &[("SecretName", "s"), ("VersionStage", "a"), ("MoveToVersion", bad)],
            ),
            (
                "UpdateSecretVersionStage",
                "RemoveFromVersion",
                &[("SecretName", "s"), ("VersionStage", "a"), ("RemoveFromVersion", bad)],
            ),
        ];
        for (action, parameter, parameters) in calls {
            refuses(&server, action, parameters, &invalid(parameter)).await;
        }
    }
}

#[tokio::test]
async fn rule_1_7_a_version_id_is_unique_in_its_secret_only() {
    let server = Server::start().await;
    server.create("s").await;
    server.ok("CreateSecret", &creation("t", "v1", "another one")).await;
    assert_eq!(server.value("s", &[("VersionId", "v1")]).await, "one");
    assert_eq!(server.value("t", &[("VersionId", "v1")]).await, "another one");
    let taken = refusal(409, "Rejected.ResourceExist", "The request was rejected becasue key already exsit");
    refuses(&server, "PutSecretValue", &creation("s", "v1", "another one"), &taken).await;
}

#[tokio::test]
async fn rule_1_8_a_value_has_at_most_30720_bytes() {
    let server = Server::start().await;
    let good =
        ["x".repeat(30_720), "值".repeat(10_240), "😀".repeat(7_680), format!("{}é", "x".repeat(30_718))];
    for (n, good) in good.iter().enumerate() {
        let (name, version) = (format!("s{n}"), format!("v{n}"));
        server.ok("CreateSecret", &creation(&name, "first", good)).await;
        assert_eq!(&server.value(&name, &[]).await, good);
        server.put("s0", &version, good).await;
        assert_eq!(&server.value("s0", &[("VersionId", &version)]).await, good);
    }
    // The last three have fewer characters than bytes.
    let bad =
        ["x".repeat(30_721), "值".repeat(10_241), "😀".repeat(7_681), format!("{}é", "x".repeat(30_719))];
    for bad in &bad {
        refuses(&server, "CreateSecret", &creation("new", "v1", bad), &invalid("SecretData")).await;
        refuses(&server, "PutSecretValue", &creation("s0", "v9", bad), &invalid("SecretData")).await;
    }
}

#[tokio::test]
async fn rule_1_9_a_value_is_text_or_binary() {
    let server = Server::start().await;
    for (name, given, wanted) in
        [("s", None, "text"), ("t", Some("text"), "text"), ("b", Some("binary"), "binary")]
    {
        let data_type = given.map(|given| ("SecretDataType", given));
        let with =
            |version| creation(name, version, version).into_iter().chain(data_type).collect::<Vec<_>>();
        server.ok("CreateSecret", &with("v1")).await;
        server.ok("PutSecretValue", &with("v2")).await;
        for version in ["v1", "v2"] {
            let answer = server.ok("GetSecretValue", &[("SecretName", name), ("VersionId", version)]).await;
            assert_eq!(
                (answer["SecretDataType"].as_str(), answer["SecretData"].as_str()),
                (Some(wanted), Some(version))
            );
        }
    }
    for bad in ["Text", "BINARY", "blob", "text,binary"] {
        let with = |name| [&creation(name, "v9", "nine")[..], &[("SecretDataType", bad)]].concat();
        refuses(&server, "CreateSecret", &with("new"), &invalid("SecretDataType")).await;
        refuses(&server, "PutSecretValue", &with("s"), &invalid("SecretDataType")).await;
    }
}

/// Values that something on the way might validate, trim, normalise, decode or re-encode.
fn values() -> Vec<String> {
    let controls: String = (0..=0x1fu8).chain([0x7f]).map(char::from).collect();
    let awkward = [
        "not base64!",
        "aGVsbG8=",
        "%41%zz+ %",
        " \tboth ends ",
        "one\r\ntwo\rthree\nfour\r\n",
        "\"quoted\" \\u0041 \\ / '",
        "<a>&amp;]]></a>",
        "{\"json\": [1, 2.50]}",
        "😀 🇨🇳 中文 é e\u{301} \u{200b}\u{feff}",
        "a=b&c=d",
        "\u{85}\u{2028}\u{fffd}\u{10ffff}",
    ];
    awkward.iter().map(ToString::to_string).chain([controls, "\u{fffe}\u{ffff}".to_owned()]).collect()
}

#[tokio::test]
async fn rule_1_10_a_value_is_kept_verbatim_whatever_its_type() {
    let server = Server::start().await;
    let mut largest = "\u{1}\r\n😀\0".repeat(3_840);
    largest.truncate(30_720);
    assert_eq!(largest.len(), 30_720);
    for (n, value) in values().iter().chain([&largest]).enumerate() {
        for data_type in ["text", "binary"] {
            let name = format!("{data_type}{n}");
            let with =
                |version| [&creation(&name, version, value)[..], &[("SecretDataType", data_type)]].concat();
            server.ok("CreateSecret", &with("v1")).await;
            server.ok("PutSecretValue", &with("v2")).await;
            for version in ["v1", "v2"] {
                assert_eq!(
                    &server.value(&name, &[("VersionId", version)]).await,
                    value,
                    "{data_type} {value:?}"
                );
            }
            let list = format!("[{{\"SecretName\":\"{name}\"}}]");
            let batch = server.ok("BatchGetSecretValue", &[("SecretsList", &list)]).await;
            assert_eq!(batch["SecretValues"][0]["SecretData"].as_str(), Some(value.as_str()));
        }
    }
}

/// What an XML parser returns for an element: line ends become line feeds, then references are resolved.
fn parsed_xml(document: &str, element: &str) -> String {
    let (_, rest) = document.split_once(&format!("<{element}>")).unwrap();
    let (raw, _) = rest.split_once(&format!("</{element}>")).unwrap();
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    quick_xml::escape::unescape(&raw).unwrap().into_owned()
}

#[tokio::test]
async fn rule_1_10_xml_gives_a_value_verbatim_or_not_at_all() {
    let server = Server::start().await;
    let in_xml = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    let (mut carried, mut refused) = (0, 0);
    for (n, value) in values().iter().enumerate() {
        let name = format!("s{n}");
        server.ok("CreateSecret", &creation(&name, "v1", value)).await;
        let answer = server.call("GetSecretValue", &[("SecretName", &name), ("Format", "XML")]).await;
        if value.chars().all(in_xml) {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(&parsed_xml(&answer.body, "SecretData"), value);
            carried += 1;
        } else {
            assert_eq!(answer.status, 400, "{}", answer.body);
            assert_eq!(parsed_xml(&answer.body, "Code"), "InvalidParameter");
            assert_eq!(parsed_xml(&answer.body, "Message"), invalid("Format").2);
            refused += 1;
        }
    }
    assert_eq!((carried, refused), (11, 2));
}

#[tokio::test]
async fn rule_1_11_a_description_has_at_most_8192_characters_and_is_empty_by_default() {
    let server = Server::start().await;
    let described = async |name: &str| {
        let answer = server.ok("DescribeSecret", &[("SecretName", name)]).await;
        text(&answer["Description"]).to_owned()
    };
    server.create("s").await;
    assert_eq!(described("s").await, "");
    let [good, bad] = [8192, 8193].map(|n| "描".repeat(n));
    server
        .ok("CreateSecret", &[&creation("t", "v1", "one")[..], &[("Description", good.as_str())]].concat())
        .await;
    assert_eq!(described("t").await, good);
    server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", &good)]).await;
    assert_eq!(described("s").await, good);
    let new = [&creation("new", "v1", "one")[..], &[("Description", bad.as_str())]].concat();
    refuses(&server, "CreateSecret", &new, &invalid("Description")).await;
    let update = [("SecretName", "s"), ("Description", bad.as_str())];
    refuses(&server, "UpdateSecret", &update, &invalid("Description")).await;
    // An empty one counts as absent (rule 14.10) and keeps the old one.
    server.ok("UpdateSecret", &[("SecretName", "s"), ("Description", "")]).await;
    assert_eq!(described("s").await, good);
}

#[tokio::test]
async fn rule_1_12_a_secret_has_10_versions_and_8_labels_over_all_of_them() {
    let server = Server::start().await;
    server.create("s").await;
    for n in 2..=12 {
        server.put("s", &format!("v{n}"), "d").await;
    }
    let listed =
        server.ok("ListSecretVersionIds", &[("SecretName", "s"), ("IncludeDeprecated", "true")]).await;
    assert_eq!(listed["TotalCount"], 10);
    assert_eq!(server.stored("s").await.unwrap().secret.versions.len(), 10);

    // Seven labels in one call, the most that a client sends; ACSPrevious is the eighth.
    server.create("t").await;
    put_labelled(&server, "t", "v2", &["ACSCurrent", "a", "b", "c", "d", "e", "f"]).await;
    assert_eq!(versions(&server, "t").await, "v2[ACSCurrent,a,b,c,d,e,f] v1[ACSPrevious]");
    let ninth = [("SecretName", "t"), ("VersionStage", "g"), ("MoveToVersion", "v1")];
    let exceeded = refusal(400, "Rejected.LimitExceeded", "exceed secret limits error");
    refuses(&server, "UpdateSecretVersionStage", &ninth, &exceeded).await;
    // A label that moves does not count again.
    put_labelled(&server, "t", "v3", &["a"]).await;
    assert_eq!(versions(&server, "t").await, "v3[a] v2[ACSCurrent,b,c,d,e,f] v1[ACSPrevious]");
}

/// The names and values of all members that contain a time, at any depth.
fn times(answer: &Value, found: &mut Vec<(String, String)>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| times(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains("Time") || name.contains("Date") {
                    found.push((name.clone(), text(member).to_owned()));
                }
                times(member, found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn rule_1_13_times_are_whole_seconds_in_utc() {
    let server = Server::start().await;
    server.clock.advance(999);
    server.create("s").await;
    server.clock.advance(3_600_000);
    server.put("s", "v2", "two").await;
    let (created, updated) = ("2026-11-24T03:30:00Z", "2026-11-24T04:30:00Z");
    let gone = "2026-12-01T04:30:00Z";
    let (create, update) = (("CreateTime", created), ("UpdateTime", updated));
    let plan = ("PlannedDeleteTime", gone);
    let name = ("SecretName", "s");
    let cases: [(&str, Pairs<'_>, Pairs<'_>); 8] = [
        ("GetSecretValue", &[name], &[create]),
        ("BatchGetSecretValue", &[("SecretsList", "[{\"SecretName\":\"s\"}]")], &[create]),
        ("ListSecretVersionIds", &[name], &[("CreateTime", updated), create]),
        ("DescribeSecret", &[name], &[create, update]),
        ("DeleteSecret", &[name, ("RecoveryWindowInDays", "7")], &[plan]),
        ("DescribeSecret", &[name], &[create, plan, update]),
        ("ListSecrets", &[], &[create, plan, update]),
        ("DeleteSecret", &[name, ("ForceDeleteWithoutRecovery", "true")], &[("PlannedDeleteTime", updated)]),
    ];
    for (action, parameters, wanted) in cases {
        let mut found = Vec::new();
        times(&server.ok(action, parameters).await, &mut found);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, time)| (name.as_str(), time.as_str())).collect();
        assert_eq!(found, wanted, "{action}");
    }
}
