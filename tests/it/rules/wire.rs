//! Section 14: properties of the wire format that clients depend on.

use std::path::Path;

use serde_json::{Value, json};
use sesame::testing::actions::ACTIONS;
use sesame::testing::domain::Timestamp;
use sesame::testing::server::AuthMode;

use super::refuses;
use crate::support::sign::{Acs, rpc_signature, rpc_system};
use crate::support::{Answer, NOW, Options, Server, form, invalid, missing, not_found, refusal, text};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TESTID: (&str, &str) = ("testid", "testsecret");

/// A server that requires signatures.
async fn signed() -> Server {
    Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await
}

/// Sends parameters, some in the query and some in a form body.
async fn send(server: &Server, method: &str, query: &[(&str, &str)], body: &[(&str, &str)]) -> Answer {
    let (target, body) = (format!("/?{}", form(query)), form(body));
    let headers: &[(&str, &str)] = if body.is_empty() { &[] } else { &[FORM] };
    server.send(method, &target, headers, body.as_bytes()).await
}

/// A parameter list with `Action` and `Version`.
fn calling<'a>(action: &'a str, parameters: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("Action", action), ("Version", "2016-01-20")], parameters].concat()
}

#[tokio::test]
async fn rule_14_1_the_three_signatures_of_the_sdk() {
    let server = signed().await;
    let awkward = [("SecretName", "acs3"), ("VersionId", "v1"), ("Description", "a b+c/中~*'()!=&")];
    let mut acs3 = Acs::new("CreateSecret", "n1", &awkward);
    acs3.body = form(&[("SecretData", "a b+c/中~*")]);
    acs3.send(&server).await.ok();
    let mut acs4 = Acs::new("CreateSecret", "n2", &[("SecretName", "acs4"), ("VersionId", "v1")]);
    acs4.acs4_region = Some("cn-hangzhou");
    acs4.body = acs3.body.clone();
    acs4.send(&server).await.ok();
    let creation = [("SecretName", "rpc"), ("VersionId", "v1"), ("SecretData", "a b+c/中~*")];
    server.call_as(TESTID, "CreateSecret", &creation).await.ok();
    for name in ["acs3", "acs4", "rpc"] {
        let nonce = format!("read-{name}");
        let read = Acs::new("GetSecretValue", &nonce, &[("SecretName", name)]).send(&server).await.ok();
        assert_eq!(read["SecretData"], "a b+c/中~*", "{name}");
    }
    let described = server.call_as(TESTID, "DescribeSecret", &[("SecretName", "acs3")]).await.ok();
    assert_eq!(described["Description"], awkward[2].1);
    // A signature of one kind is not accepted as the other.
    let mut other = Acs { nonce: Some("n3"), ..acs4.clone() };
    other.acs4_region = None;
    let swapped = other.authorization().replace("ACS3-", "ACS4-");
    assert_eq!(other.send_with(&server, &swapped).await.refused().1, "IncompleteSignature");
    let mut other = Acs { nonce: Some("n4"), ..acs4 };
    other.acs4_region = Some("cn-beijing");
    let swapped = other.authorization().replace("cn-beijing", "cn-hangzhou");
    assert_eq!(other.send_with(&server, &swapped).await.refused().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn rule_14_1_requests_that_the_sdk_made_pass_as_they_are() {
    for file in ["worked-example-acs3-CreateSecret.json", "worked-example-rpc-CreateSecret.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/captures").join(file);
        let capture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut request = format!("{} {} HTTP/1.1\r\n", text(&capture["method"]), text(&capture["target"]));
        for header in capture["headers"].as_array().unwrap() {
            let (name, value) = (text(&header[0]), text(&header[1]));
            // Read to the end of the connection; no example signs this header.
            if !name.eq_ignore_ascii_case("connection") {
                request.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        request.push_str(&format!("connection: close\r\n\r\n{}", text(&capture["body"])));
        // The examples share one nonce, so each has its own server.
        let server = signed().await;
        let answer = server.raw(request.as_bytes()).await.ok();
        assert_eq!((&answer["SecretName"], &answer["VersionId"]), (&json!("demo/db"), &json!("v1")));
        let read = server.call_as(TESTID, "GetSecretValue", &[("SecretName", "demo/db")]).await.ok();
        assert_eq!(read["SecretData"], "a b+c/中~*", "{file}");
        let again = server.raw(request.as_bytes()).await.refused();
        assert_eq!(again.1, "SignatureNonceUsed", "{file}");
    }
}

#[tokio::test]
async fn rule_14_2_parameters_are_in_the_query_or_the_body_or_both() {
    let server = Server::start().await;
    // The SDK: the value in the body, the rest in the query.
    let query = calling("CreateSecret", &[("SecretName", "sdk"), ("VersionId", "v1")]);
    send(&server, "POST", &query, &[("SecretData", "a b+c/中~*")]).await.ok();
    // Terraform: everything in the body, or the system parameters in the query and the action's in the body.
    let creation = [("SecretName", "terraform"), ("VersionId", "v1"), ("SecretData", "a b+c/中~*")];
    send(&server, "POST", &[], &calling("CreateSecret", &creation)).await.ok();
    let put = [("SecretName", "terraform"), ("VersionId", "v2"), ("SecretData", "two")];
    send(&server, "POST", &calling("PutSecretValue", &[]), &put).await.ok();
    // external-secrets: GET, everything in the query, with headers that also name the action and are ignored.
    let query =
        form(&calling("GetSecretValue", &[("SecretName", "terraform"), ("VersionStage", "ACSCurrent")]));
    for action in ["GetSecretValue", "DeleteSecret"] {
        let headers = [("x-acs-action", action), ("x-acs-version", "2016-01-20")];
        let read = server.send("GET", &format!("/?{query}"), &headers, b"").await.ok();
        assert_eq!(read["SecretData"], "two");
    }
    for name in ["sdk", "terraform"] {
        assert_eq!(server.value(name, &[("VersionId", "v1")]).await, "a b+c/中~*");
    }
    // Header signatures sign the query and the raw body: the action is only in the headers.
    let mut split = Acs::new("PutSecretValue", "n", &[("SecretName", "sdk"), ("VersionId", "v2")]);
    split.body = form(&[("SecretData", "three")]);
    split.send(&server).await.ok();
    assert_eq!(server.value("sdk", &[]).await, "three");
}

#[tokio::test]
async fn rule_14_2_the_largest_value_fits_into_the_query() {
    let server = Server::start().await;
    let largest = "中".repeat(10_240);
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", largest.as_str())];
    let query = calling("CreateSecret", &creation);
    let target = format!("/?{}", form(&query));
    assert!(target.len() > 92_000);
    // A missing body may be announced, or not.
    let announced = server.send("POST", &target, &[], b"").await;
    announced.ok();
    assert_eq!(server.value("s", &[]).await, largest);
    let bare = target.replace("SecretName=s&", "SecretName=t&");
    let bare = format!("POST {bare} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    server.raw(bare.as_bytes()).await.ok();
    assert_eq!(server.value("t", &[]).await, largest);
    let chunked = [FORM, ("Transfer-Encoding", "chunked")];
    let query = form(&calling("CreateSecret", &[("SecretName", "u"), ("VersionId", "v1")]));
    let body = b"d\r\nSecretData=a+\r\n3\r\n%2B\r\n0\r\n\r\n";
    server.send("POST", &format!("/?{query}"), &chunked, body).await.ok();
    assert_eq!(server.value("u", &[]).await, "a +");
}

#[tokio::test]
async fn rule_14_3_booleans_arrive_capitalised() {
    let server = Server::start().await;
    server.create("s").await;
    let tagged = [("SecretName", "s"), ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)];
    server.ok("TagResource", &tagged).await;
    for (spelling, shown) in
        [("True", true), ("true", true), ("TRUE", true), ("False", false), ("false", false)]
    {
        let flag = ("FetchTags", spelling);
        let described = server.ok("DescribeSecret", &[("SecretName", "s"), flag]).await;
        assert_eq!(described.get("Tags").is_some_and(|tags| !tags.is_null()), shown, "{spelling}");
        let listed = server.ok("ListSecrets", &[flag]).await;
        let row = &listed["SecretList"]["Secret"][0];
        assert_eq!(row.get("Tags").is_some_and(|tags| !tags.is_null()), shown, "{spelling}");
        server.ok("ListSecretVersionIds", &[("SecretName", "s"), ("IncludeDeprecated", spelling)]).await;
    }
    for bad in ["1", "yes", "True "] {
        refuses(&server, "DescribeSecret", &[("SecretName", "s"), ("FetchTags", bad)], &invalid("FetchTags"))
            .await;
    }
    let password = server.ok("GetRandomPassword", &[("ExcludeLowercase", "True")]).await;
    assert!(!text(&password["RandomPassword"]).chars().any(|c| c.is_ascii_lowercase()));
    server.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "False")]).await;
    assert!(server.stored("s").await.is_some());
    server.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "True")]).await;
    assert_eq!(server.stored("s").await, None);
}

#[tokio::test]
async fn rule_14_4_the_documented_example_without_a_nonce_passes() {
    let server = signed().await;
    // 2016-03-28T03:13:08Z
    server.clock.set(Timestamp::from_millis(1_459_134_788_000));
    let example = |signature: &str| {
        form(&[
            ("Action", "CreateKey"),
            ("SignatureVersion", "1.0"),
            ("Format", "json"),
            ("Version", "2016-01-20"),
            ("AccessKeyId", "testid"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("Timestamp", "2016-03-28T03:13:08Z"),
            ("Signature", signature),
        ])
    };
    let query = example("41wk2SSX1GJh7fwnc5eqOfiJPFg=");
    // Twice: a request without a nonce is not a replay.
    for _ in 0..2 {
        let answer = server.send("GET", &format!("/?{query}"), &[], b"").await.ok();
        assert_eq!(answer["KeyMetadata"]["KeyState"], "Enabled");
    }
    // With POST, or with another signature, it is not authentic.
    let answer = server.send("POST", &format!("/?{query}"), &[], b"").await.refused();
    assert_eq!(answer.1, "SignatureDoesNotMatch");
    let query = example("41wk2SSX1GJh7fwnc5eqOfiJPFh=");
    let answer = server.send("GET", &format!("/?{query}"), &[], b"").await.refused();
    assert_eq!(answer.1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn rule_14_5_every_action_takes_get_and_post() {
    let server = Server::start().await;
    server.create("s").await;
    // Without parameters most are refused for a missing one: with the same words for both methods.
    for action in ACTIONS.iter().filter(|action| action.name() != "SetSecretPolicy") {
        let call = calling(action.name(), &[]);
        let [get, post] = [send(&server, "GET", &call, &[]).await, send(&server, "POST", &[], &call).await];
        assert_eq!(get.status, post.status, "{}", action.name());
        if post.status != 200 {
            assert_eq!(get.refused(), post.refused(), "{}", action.name());
            assert_ne!(get.refused().1, "UnsupportedHTTPMethod", "{}", action.name());
        }
    }
    // Writes work by GET.
    let name = ("SecretName", "s");
    for (action, more) in [
        ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "two")][..]),
        ("UpdateSecretVersionStage", &[("VersionStage", "mine"), ("MoveToVersion", "v1")]),
        ("UpdateSecret", &[("Description", "d")]),
        ("DeleteSecret", &[]),
        ("RestoreSecret", &[]),
    ] {
        send(&server, "GET", &calling(action, &[&[name], more].concat()), &[]).await.ok();
    }
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious,mine]");
    let secret = server.stored("s").await.unwrap().secret;
    assert_eq!(secret.description, "d");
}

#[tokio::test]
async fn rule_14_5_other_methods_are_refused_and_get_for_set_secret_policy() {
    let server = Server::start().await;
    server.create("s").await;
    let wanted = refusal(403, "UnsupportedHTTPMethod", "This http method is not supported.");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let call = calling("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")]);
        assert_eq!(send(&server, method, &call, &[]).await.refused(), wanted, "{method}");
    }
    assert!(server.stored("s").await.is_some());
    let policy = [("SecretName", "s"), ("PolicyName", "default"), ("Policy", "{}")];
    let call = calling("SetSecretPolicy", &policy);
    assert_eq!(send(&server, "GET", &call, &[]).await.refused(), wanted);
    assert_eq!(send(&server, "POST", &call, &[]).await.refused().1, "InvalidParameter");
}

#[tokio::test]
async fn rule_14_6_custom_data_comes_flattened_or_as_json() {
    let server = Server::start().await;
    server.create("s").await;
    let name = ("SecretName", "s");
    for (description, custom) in [
        ("flattened", &[("ExtendedConfig.CustomData.k", "v"), ("ExtendedConfig.CustomData.k 2", "")][..]),
        ("json", &[("ExtendedConfig.CustomData", r#"{"k":"v"}"#)]),
    ] {
        let update = [&[name, ("Description", description)], custom].concat();
        for (query, body) in
            [(calling("UpdateSecret", &update), vec![]), (vec![], calling("UpdateSecret", &update))]
        {
            assert_eq!(send(&server, "POST", &query, &body).await.ok()["SecretName"], "s");
        }
        let described = server.ok("DescribeSecret", &[name]).await;
        assert_eq!(described["Description"], description);
        // A generic secret has no extended config.
        assert!(!described.to_string().contains("CustomData"), "{described}");
        // Alone, it changes nothing except the time.
        server.ok("UpdateSecret", &[&[name], custom].concat()).await;
        assert_eq!(server.stored("s").await.unwrap().secret.description, description);
    }
}

#[tokio::test]
async fn rule_14_7_a_batch_is_one_json_text() {
    let server = Server::start().await;
    server.create("s").await;
    server.create("t").await;
    let list =
        r#"[ {"SecretName": "t", "VersionId": "v1"}, {"SecretName": "s", "VersionStage": "ACSCurrent"} ]"#;
    let call = calling("BatchGetSecretValue", &[("SecretsList", list)]);
    for answer in [
        send(&server, "GET", &call, &[]).await,
        send(&server, "POST", &call, &[]).await,
        send(&server, "POST", &[], &call).await,
        Acs::new("BatchGetSecretValue", "n", &[("SecretsList", list)]).send(&server).await,
    ] {
        let answer = answer.ok();
        let values = answer["SecretValues"].as_array().unwrap();
        let names: Vec<_> = values.iter().map(|value| text(&value["SecretName"])).collect();
        assert_eq!((names, &answer["Errors"]), (vec!["t", "s"], &json!([])));
    }
    // No client flattens it.
    let flattened = [("SecretsList.1.SecretName", "s")];
    assert_eq!(server.refused("BatchGetSecretValue", &flattened).await, missing("SecretsList"));
}

#[tokio::test]
async fn rule_14_8_an_xml_error_has_the_root_and_the_type_that_clients_want() {
    let server = Server::start().await;
    let absent = [("SecretName", "absent")];
    for format in ["XML", "xml"] {
        let answer = server.call("GetSecretValue", &[&absent[..], &[("Format", format)]].concat()).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"));
        let (declaration, document) = answer.body.split_once("?>").unwrap();
        assert!(declaration.starts_with("<?xml version="), "{}", answer.body);
        let inner = document.trim().strip_prefix("<Error>").and_then(|rest| rest.strip_suffix("</Error>"));
        let inner = inner.unwrap_or_else(|| panic!("{}", answer.body));
        let id = answer.header("x-acs-request-id").unwrap();
        for member in [
            &format!("<RequestId>{id}</RequestId>"),
            "<Code>Forbidden.ResourceNotFound</Code>",
            "<Message>Resource not found.</Message>",
            "<HostId>kms.cn-hangzhou.aliyuncs.com</HostId>",
        ] {
            assert!(inner.contains(member), "{member} in {}", answer.body);
        }
    }
    // Also when the rest of the request cannot be read.
    let broken = server.send("GET", "/?Format=XML&Action=%zz", &[], b"").await;
    assert_eq!((broken.status, broken.header("content-type")), (400, Some("text/xml;charset=utf-8")));
    assert!(broken.body.contains("<Error>"), "{}", broken.body);
    for format in ["", "None", "JSON", "json", "yaml"] {
        let answer = server.call("GetSecretValue", &[&absent[..], &[("Format", format)]].concat()).await;
        assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"), "{format}");
        assert_eq!(answer.refused(), not_found());
    }
}

#[tokio::test]
async fn rule_14_8_and_14_9_a_server_that_cannot_write_answers_a_temporary_failure() {
    let server = Server::start().await;
    server.create("s").await;
    server.app.close().await;
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    let answer = server.call("PutSecretValue", &put).await;
    let wanted = refusal(503, "ServiceUnavailableTemporary", "Service Unavailable Temporary.");
    assert_eq!(answer.refused(), wanted);
    // Only a fault rule asks clients to wait (protocol P43).
    assert_eq!(answer.header("x-acs-retry-after"), None);
}

#[tokio::test]
async fn rule_14_9_what_is_absent_is_404() {
    let server = Server::start().await;
    server.create("s").await;
    let name = ("SecretName", "absent");
    let calls: [(&str, &[(&str, &str)]); 10] = [
        ("DescribeSecret", &[name]),
        ("GetSecretValue", &[name]),
        ("ListSecretVersionIds", &[name]),
        ("PutSecretValue", &[name, ("VersionId", "v2"), ("SecretData", "two")]),
        ("UpdateSecret", &[name, ("Description", "d")]),
        ("UpdateSecretVersionStage", &[name, ("VersionStage", "a"), ("MoveToVersion", "v1")]),
        ("DeleteSecret", &[name]),
        ("RestoreSecret", &[name]),
        ("RotateSecret", &[name, ("VersionId", "v2")]),
        ("GetSecretValue", &[("SecretName", "s"), ("VersionId", "absent")]),
    ];
    for (action, parameters) in calls {
        assert_eq!(server.refused(action, parameters).await, not_found(), "{action}");
    }
    // It treats any other refusal as a failure: a secret in its window still exists.
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    // An unknown action is not an absent secret.
    let (status, code, _) = server.refused("GetSecretValu", &[("SecretName", "s")]).await;
    assert_eq!((status, code.as_str()), (404, "InvalidAction.NotFound"));
    let time = NOW.to_string();
    let mut parameters = rpc_system("GetSecretValue", "unknown", &time);
    parameters.push(("SecretName", "s"));
    let signature = rpc_signature("POST", "secret", &parameters);
    parameters.push(("Signature", &signature));
    let strict = signed().await;
    let answer = strict.send("POST", "/", &[FORM], form(&parameters).as_bytes()).await.refused();
    assert_eq!((answer.0, answer.1.as_str()), (404, "InvalidAccessKeyId.NotFound"));
}
