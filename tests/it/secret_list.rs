//! `/_sesame/secrets` and `/_sesame/policy/test`.

use serde_json::{Value, json};

use crate::state::{admin, done};
use crate::support::{ACCOUNT, BEIJING, Server, text};

const PATH: &str = "/_sesame/secrets";

async fn names(server: &Server, query: &str) -> Vec<String> {
    let page = done(server, "GET", &format!("{PATH}?{query}"), "").await;
    assert_eq!(page["next"], Value::Null, "{query}");
    page["secrets"].as_array().unwrap().iter().map(|row| text(&row["name"]).to_owned()).collect()
}

#[tokio::test]
async fn secrets_are_listed_by_place_and_kind_without_values() {
    let server = Server::start().await;
    for (name, tags) in [("app/a", r#"[{"TagKey":"team","TagValue":"x"}]"#), ("app/b", "[]"), ("mail", "[]")]
    {
        let create = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "hush-hush"), ("Tags", tags)];
        server.ok("CreateSecret", &create).await;
    }
    server.ok("DeleteSecret", &[("SecretName", "app/b"), ("RecoveryWindowInDays", "7")]).await;
    let create = [("SecretName", "north"), ("VersionId", "v1"), ("SecretData", "x")];
    server.call_at(BEIJING, "CreateSecret", &create).await.ok();
    for (query, want) in [
        ("", vec!["north", "app/a", "app/b", "mail"]),
        ("prefix=app/", vec!["app/a", "app/b"]),
        ("region=cn-beijing", vec!["north"]),
        ("tag=team", vec!["app/a"]),
        ("tag=team=x", vec!["app/a"]),
        ("tag=team=y", vec![]),
        ("state=deleting", vec!["app/b"]),
        ("state=active&region=cn-hangzhou", vec!["app/a", "mail"]),
        ("type=Generic&prefix=m", vec!["mail"]),
        ("type=Rds", vec![]),
        ("key=nope", vec![]),
        ("account=7", vec![]),
    ] {
        assert_eq!(names(&server, query).await, want, "{query}");
    }
    let page = done(&server, "GET", &format!("{PATH}?prefix=app/a"), "").await;
    assert!(!page.to_string().contains("hush"));
    let mut row = page["secrets"][0].clone();
    let time = row["created"].clone();
    assert!(text(&time).ends_with('Z'));
    row["updated"].take();
    assert_eq!(
        row,
        json!({
            "arn": format!("acs:kms:cn-hangzhou:{ACCOUNT}:secret/app/a"), "account": ACCOUNT, "region": "cn-hangzhou",
            "name": "app/a", "type": "Generic", "description": "", "key": null, "state": "active", "created": time,
            "updated": null, "planned_deletion": null, "tags": {"team": "x"}, "automatic_rotation": null,
            "versions": [{"id": "v1", "created": time, "labels": ["ACSCurrent"]}],
        })
    );
    server.stop().await;
}

#[tokio::test]
async fn pages_of_secrets_join_without_gap_or_repetition_while_secrets_come_and_go() {
    let server = Server::start().await;
    for n in 0..9 {
        server.create(&format!("s{n}")).await;
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = done(&server, "GET", &format!("{PATH}?limit=2{after}"), "").await;
        seen.extend(page["secrets"].as_array().unwrap().iter().map(|row| text(&row["name"]).to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
        // The secret that a page ended with is not needed to continue behind it.
        let last = seen.last().unwrap().clone();
        let delete = [("SecretName", last.as_str()), ("ForceDeleteWithoutRecovery", "true")];
        server.ok("DeleteSecret", &delete).await;
    }
    assert_eq!(seen, (0..9).map(|n| format!("s{n}")).collect::<Vec<_>>());
    for wrong in ["after=s1", "after=x:y", "type=None", "state=gone", "limit=0", "limit=1001", "region=A"] {
        assert_eq!(admin(&server, "GET", &format!("{PATH}?{wrong}"), "").await.status, 400, "{wrong}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_policy_is_tried_with_the_accounts_of_the_server() {
    let server = Server::start().await;
    let read = json!({"Version":"1","Statement":[{"Sid":"one","Effect":"Allow","Action":"kms:Get*","Resource":"*",
        "Condition":{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}]});
    let account = json!({"users":[{"name":"ann","policies":["read"]}],
        "policies":[{"name":"read","document":read.to_string()}]});
    done(&server, "PUT", "/_sesame/accounts/7", &account.to_string()).await;
    let of = |action: &str, more: Value| {
        let mut body = json!({"caller":"acs:ram::7:user/ann","action":action,"resource":"acs:kms:cn-hangzhou:7:secret/a"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let path = "/_sesame/policy/test";
    let here = json!({"context":{"acs:SourceIp":"10.1.2.3"}});
    let answer = done(&server, "POST", path, &of("kms:GetSecretValue", here.clone())).await;
    assert_eq!((&answer["allowed"], &answer["decision"]), (&json!(true), &json!("Allowed")));
    let one = json!({"policy":"policy read","statement":0,"sid":"one","effect":"Allow","applies":true,"mismatch":null});
    assert_eq!(answer["statements"], json!([one]));
    let answer = done(&server, "POST", path, &of("kms:GetSecretValue", json!({}))).await;
    assert_eq!(
        (&answer["allowed"], &answer["statements"][0]["mismatch"]),
        (&json!(false), &json!("Condition IpAddress acs:SourceIp"))
    );
    let deny = json!({"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:GetSecretValu","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]});
    let mut more = here;
    more["session_policy"] = deny;
    let answer = done(&server, "POST", path, &of("kms:GetSecretValue", more)).await;
    assert_eq!(answer["decision"], "Denied by a statement");
    assert!(text(&answer["warnings"][0]).starts_with("session_policy Statement[0].Action"), "{answer}");
    for (body, words) in [
        (of("kms:Get", json!({"caller":"acs:ram::7:user/bob"})), "caller is unknown: there is no user"),
        (of("kms:Get", json!({"caller":"bob"})), "caller \\\"bob\\\" is not the ARN of a caller"),
        (of("kms:Get", json!({"resource":"secret/a"})), "is neither an ARN nor *"),
        (of("kms:Get", json!({"session_policy":{}})), "session_policy is not a policy"),
        (of("kms:Get", json!({"context":{"acs:SourceIp":"here"}})), "does not fit the key"),
        (of("kms:Get", json!({"resurce":"x"})), "did you mean resource?"),
    ] {
        let answer = admin(&server, "POST", path, &body).await;
        assert!(answer.status == 400 && answer.body.contains(words), "{body}: {}", answer.body);
    }
    server.stop().await;
}
