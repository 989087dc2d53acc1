//! Section 4: reading values.

use serde_json::{Value, json};
use sesame::testing::wire::code::TABLE;

use crate::support::{OTHER_ACCOUNT, Server, in_window, invalid, missing, not_found, refusal, stages};

/// A server with the secret `s`: `v3` is current, `v2` previous, `v1` carries no label, `v0` carries `Mine`.
async fn server() -> Server {
    let server = Server::start().await;
    server.ok("CreateSecret", &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")]).await;
    server.put("s", "v2", "two").await;
    server.put("s", "v3", "three").await;
    let old =
        [("SecretName", "s"), ("VersionId", "v0"), ("SecretData", "zero"), ("VersionStages", r#"["Mine"]"#)];
    server.ok("PutSecretValue", &old).await;
    server
}

/// Parameters that read `s`, with others.
fn of_s<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("SecretName", "s")], more].concat()
}

/// The names of an answer's members, ascending.
fn members(answer: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn rule_4_1_the_current_version_is_read_when_none_is_named() {
    let server = server().await;
    let answer = server.ok("GetSecretValue", &of_s(&[])).await;
    assert_eq!((&answer["VersionId"], &answer["SecretData"]), (&json!("v3"), &json!("three")));
    assert_eq!(stages(&answer), ["ACSCurrent"]);
}

#[tokio::test]
async fn rule_4_2_a_version_is_read_by_its_label_or_its_id() {
    let server = server().await;
    for (selector, value) in [
        (("VersionStage", "ACSCurrent"), "three"),
        (("VersionStage", "ACSPrevious"), "two"),
        (("VersionStage", "Mine"), "zero"),
        (("VersionId", "v0"), "zero"),
        (("VersionId", "v1"), "one"),
        (("VersionId", "v3"), "three"),
    ] {
        assert_eq!(server.value("s", &[selector]).await, value, "{selector:?}");
    }
    for selector in [("VersionStage", "Yours"), ("VersionStage", "acscurrent"), ("VersionId", "v9")] {
        assert_eq!(server.refused("GetSecretValue", &of_s(&[selector])).await, not_found(), "{selector:?}");
    }
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "none")]).await, not_found());
    for (name, value) in [("VersionId", "a b"), ("VersionStage", "a b")] {
        assert_eq!(server.refused("GetSecretValue", &of_s(&[(name, value)])).await, invalid(name));
    }
    assert_eq!(server.refused("GetSecretValue", &[]).await, missing("SecretName"));
}

#[tokio::test]
async fn rule_4_3_a_version_named_with_a_label_must_carry_it() {
    let server = server().await;
    for (version, stage, value) in [
        ("v3", "ACSCurrent", Some("three")),
        ("v2", "ACSPrevious", Some("two")),
        ("v0", "Mine", Some("zero")),
        ("v2", "ACSCurrent", None),
        ("v1", "Mine", None),
        ("v3", "Yours", None),
        ("v9", "ACSCurrent", None),
    ] {
        let selectors = [("VersionId", version), ("VersionStage", stage)];
        match value {
            Some(value) => assert_eq!(server.value("s", &selectors).await, value, "{selectors:?}"),
            None => {
                let refused = server.refused("GetSecretValue", &of_s(&selectors)).await;
                assert_eq!(refused, not_found(), "{selectors:?}");
            }
        }
    }
}

#[tokio::test]
async fn rule_4_5_labels_come_wrapped_also_when_there_is_none() {
    let server = server().await;
    let more = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v3")];
    server.ok("UpdateSecretVersionStage", &more).await;
    for (version, labels) in [("v3", json!(["ACSCurrent", "Mine"])), ("v1", json!([]))] {
        let answer = server.ok("GetSecretValue", &of_s(&[("VersionId", version)])).await;
        assert_eq!(answer["VersionStages"], json!({ "VersionStage": labels }));
    }
}

#[tokio::test]
async fn rule_4_6_the_extended_config_of_a_generic_secret_is_never_fetched() {
    let server = server().await;
    let bare = server.ok("GetSecretValue", &of_s(&[])).await;
    for flag in ["true", "True", "false"] {
        let answer = server.ok("GetSecretValue", &of_s(&[("FetchExtendedConfig", flag)])).await;
        assert_eq!(members(&answer), members(&bare), "{flag}");
        assert_eq!(answer["SecretData"], "three");
    }
    let refused = server.refused("GetSecretValue", &of_s(&[("FetchExtendedConfig", "yes")])).await;
    assert_eq!(refused, invalid("FetchExtendedConfig"));
}

#[tokio::test]
async fn rule_4_7_the_answer_of_a_generic_secret_holds_nothing_of_rotation() {
    let server = server().await;
    let mut answer = server.ok("GetSecretValue", &of_s(&[])).await;
    answer.as_object_mut().unwrap().remove("RequestId");
    let want = json!({
        "SecretName": "s",
        "SecretType": "Generic",
        "SecretData": "three",
        "SecretDataType": "text",
        "VersionId": "v3",
        "VersionStages": { "VersionStage": ["ACSCurrent"] },
        "CreateTime": "2026-11-24T03:30:00Z",
    });
    assert_eq!(answer, want);
}

#[tokio::test]
async fn rule_4_10_a_dry_run_never_returns_a_value() {
    let server = server().await;
    server.create("gone").await;
    server.ok("DeleteSecret", &[("SecretName", "gone")]).await;
    let foreign = format!("acs:kms:cn-hangzhou:{OTHER_ACCOUNT}:secret/s");
    for (secret, version, status, code) in [
        ("s", "v3", 400, "DryRunOperationError"),
        ("s", "v9", 400, "ValidationError"),
        ("none", "v1", 400, "ValidationError"),
        ("gone", "v1", 400, "ValidationError"),
        (&foreign, "v3", 403, "AccessDeniedError"),
    ] {
        let asked = [("SecretName", secret), ("VersionId", version), ("DryRun", "True")];
        let answer = server.call("GetSecretValue", &asked).await;
        let refused = answer.refused();
        assert_eq!((refused.0, refused.1.as_str()), (status, code), "{secret} {version}");
        assert!(!answer.body.contains("three"), "{}", answer.body);
    }
    assert_eq!(server.value("s", &[("DryRun", "false")]).await, "three");
    assert_eq!(server.refused("GetSecretValue", &of_s(&[("DryRun", "1")])).await, invalid("DryRun"));
}

#[tokio::test]
async fn rule_4_11_failures_are_answered_next_to_values() {
    let server = server().await;
    for name in ["b", "gone"] {
        server.create(name).await;
    }
    server.ok("DeleteSecret", &[("SecretName", "gone")]).await;
    let list = json!([
        { "SecretName": "b" },
        { "SecretName": "none", "FetchExtendedConfig": "true" },
        { "SecretName": "s", "VersionId": "v0", "VersionStage": "Mine" },
        { "SecretName": "gone" },
    ]);
    let answer = server.ok("BatchGetSecretValue", &[("SecretsList", &list.to_string())]).await;
    assert_eq!(members(&answer), ["Errors", "RequestId", "SecretValues"]);

    let mut singles = [
        server.ok("GetSecretValue", &[("SecretName", "b")]).await,
        server.ok("GetSecretValue", &of_s(&[("VersionId", "v0")])).await,
    ];
    let mut values = answer["SecretValues"].clone();
    for value in singles.iter_mut().chain(values.as_array_mut().unwrap()) {
        value.as_object_mut().unwrap().remove("RequestId");
    }
    assert_eq!(values, json!(singles));
    let failure = |name: &str, (status, code, message): (u16, String, String)| json!({ "SecretName": name, "HttpStatus": status, "Code": code, "Message": message });
    assert_eq!(answer["Errors"], json!([failure("none", not_found()), failure("gone", in_window())]));

    let versions = json!([{ "SecretName": "s", "VersionId": "v9" }]).to_string();
    let answer = server.ok("BatchGetSecretValue", &[("SecretsList", &versions)]).await;
    assert_eq!(answer["Errors"], json!([failure("s", not_found())]));
    assert_eq!(answer["SecretValues"], json!([]));
    let answer = server.ok("BatchGetSecretValue", &[("SecretsList", r#"[{"SecretName":"s"}]"#)]).await;
    assert_eq!(answer["Errors"], json!([]));
}

#[tokio::test]
async fn rule_4_11_a_batch_is_of_1_to_20_different_secrets() {
    let server = server().await;
    let of = |count: usize| {
        let entries = (0..count).map(|n| json!({ "SecretName": format!("n{n}") }));
        entries.collect::<Value>().to_string()
    };
    let answer = server.ok("BatchGetSecretValue", &[("SecretsList", &of(20))]).await;
    assert_eq!(answer["Errors"].as_array().unwrap().len(), 20);
    for list in [
        of(0).as_str(),
        &of(21),
        r#"[{"SecretName":"s"},{"SecretName":"s","VersionId":"v1"}]"#,
        r#"{"SecretName":"s"}"#,
        r#"["s"]"#,
        r#"[{"VersionId":"v1"}]"#,
        r#"[{"SecretName":1}]"#,
        "[{",
    ] {
        let refused = server.refused("BatchGetSecretValue", &[("SecretsList", list)]).await;
        assert_eq!(refused, invalid("SecretsList"), "{list}");
    }
    assert_eq!(server.refused("BatchGetSecretValue", &[]).await, missing("SecretsList"));
}

#[tokio::test]
async fn rule_4_12_documents_in_xml_have_the_shape_that_clients_parse() {
    let server = Server::start().await;
    let data = ("SecretData", "a<b&c");
    server.ok("CreateSecret", &[("SecretName", "s"), ("VersionId", "v1"), data]).await;
    let mine = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v1")];
    server.ok("UpdateSecretVersionStage", &mine).await;
    let head = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let labels = "<VersionStages><VersionStage>ACSCurrent</VersionStage><VersionStage>Mine</VersionStage></VersionStages>";
    let time = "<CreateTime>2026-11-24T03:30:00Z</CreateTime>";
    let in_xml = [("SecretName", "s"), ("Format", "XML")];

    let answer = server.call("GetSecretValue", &in_xml).await;
    let id = answer.header("x-acs-request-id").unwrap();
    let want = format!(
        "{head}<GetSecretValueResponse><RequestId>{id}</RequestId><SecretName>s</SecretName>\
         <SecretType>Generic</SecretType><SecretData>a&lt;b&amp;c</SecretData><SecretDataType>text</SecretDataType>\
         <VersionId>v1</VersionId>{labels}{time}</GetSecretValueResponse>"
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, want.as_str()));
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"));

    let answer = server.call("ListSecretVersionIds", &in_xml).await;
    let list =
        format!("<VersionIds><VersionId><VersionId>v1</VersionId>{time}{labels}</VersionId></VersionIds>");
    assert!(answer.body.contains(&list), "{}", answer.body);

    let answer = server.call("GetSecretValue", &[("SecretName", "none"), ("Format", "xml")]).await;
    let id = answer.header("x-acs-request-id").unwrap();
    let error = format!(
        "{head}<Error><RequestId>{id}</RequestId><HttpStatus>404</HttpStatus>\
         <HostId>kms.cn-hangzhou.aliyuncs.com</HostId><Code>Forbidden.ResourceNotFound</Code>\
         <Message>Resource not found.</Message></Error>"
    );
    assert_eq!((answer.status, answer.body.as_str()), (404, error.as_str()));
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"));
}

#[tokio::test]
async fn rule_4_13_a_fault_has_one_of_the_codes_on_which_clients_retry() {
    let retried = [
        refusal(429, "Rejected.Throttling", "QPS Limit Exceeded"),
        refusal(500, "InternalFailure", "Internal Failure"),
        refusal(503, "ServiceUnavailableTemporary", "Service Unavailable Temporary."),
    ];
    for known in &retried {
        let row = TABLE.iter().find(|row| row.wire == known.1).unwrap();
        assert_eq!(&refusal(row.status, row.wire, row.message), known);
    }
    let server = Server::start().await;
    server.app.store().close().await;
    let data = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    for (action, parameters) in
        [("GetSecretValue", &data[..1]), ("ListSecrets", &[]), ("CreateSecret", &data)]
    {
        let refused = server.refused(action, parameters).await;
        assert!(retried[1..].contains(&refused), "{action}: {refused:?}");
    }
}
