//! RotateSecret, and rotating by hand over `/_sesame`.

use serde_json::json;

use super::{accounts, advance, both, create_rds, ended, plan, rotate};
use crate::state::{admin, done};
use crate::support::{Server, in_window, missing, not_found, refusal, text};

#[tokio::test]
async fn rule_r4_2_and_8_8_and_dy2_4_the_answer_names_the_secret_and_the_new_value_is_there() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    let answer = rotate(&server, "s", "v2").await;
    assert_eq!(
        (text(&answer["Arn"]), text(&answer["SecretName"]), text(&answer["VersionId"])),
        ("acs:kms:cn-hangzhou:1000000000000001:secret/s", "s", "v2")
    );
    let (current, previous) = both(&server, "s").await;
    assert!(current.starts_with("app/") && current != "app/hush", "{current}");
    assert_eq!(previous, "app/hush", "rule 8.9");
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn rule_r4_3_a_version_that_is_there_makes_the_call_say_nothing() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    rotate(&server, "s", "v2").await;
    rotate(&server, "s", "v3").await;
    let before = (server.stored("s").await, plan(&server, "s").await);
    advance(&server, 60).await;
    for version in ["v1", "v2", "v3"] {
        assert_eq!(rotate(&server, "s", version).await["VersionId"], version);
    }
    assert_eq!((server.stored("s").await, plan(&server, "s").await), before);
}

#[tokio::test]
async fn rule_r4_4_and_r4_11_what_is_missing_or_deleted_is_refused() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    assert_eq!(server.refused("RotateSecret", &[("SecretName", "s")]).await, missing("VersionId"));
    let long = "v".repeat(65);
    let too_long = [("SecretName", "s"), ("VersionId", &*long)];
    assert_eq!(server.refused("RotateSecret", &too_long).await.1, "InvalidParameter");
    let unknown = [("SecretName", "none"), ("VersionId", "v2")];
    assert_eq!(server.refused("RotateSecret", &unknown).await, not_found());
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    let deleted = [("SecretName", "s"), ("VersionId", "v2")];
    assert_eq!(server.refused("RotateSecret", &deleted).await, in_window());
}

#[tokio::test]
async fn rule_r4_6_and_r4_8_and_r5_7_a_slow_rotation_answers_and_keeps_others_out() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    let slow = json!([{"action": "RotateSecret", "delay_ms": 4000}]);
    done(&server, "PUT", "/_sesame/faults", &slow.to_string()).await;
    rotate(&server, "s", "v2").await;
    assert_eq!(both(&server, "s").await.0, "app/hush", "rule R5.7: nothing shows before the end");
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]", "rule R5.7");
    let busy =
        || refusal(409, "Rejected.ResourceInUse", "Your secret is being rotated, please try again later");
    let other = [("SecretName", "s"), ("VersionId", "v3")];
    assert_eq!(server.refused("RotateSecret", &other).await, busy());
    let policy = [("SecretName", "s"), ("EnableAutomaticRotation", "false")];
    assert_eq!(server.refused("UpdateSecretRotationPolicy", &policy).await, busy());
    rotate(&server, "s", "v2").await;
    assert_eq!(ended(&server).await["result"], "done");
    assert_ne!(both(&server, "s").await.0, "app/hush");
}

#[tokio::test]
async fn rule_r4_9_a_disabled_key_is_said_by_the_call_itself() {
    let server = Server::start().await;
    let key = server.ok("CreateKey", &[]).await;
    let key = text(&key["KeyMetadata"]["KeyId"]);
    create_rds(&server, "s", &[("EncryptionKeyId", key)]).await;
    server.ok("DisableKey", &[("KeyId", key)]).await;
    let answer = server.refused("RotateSecret", &[("SecretName", "s"), ("VersionId", "v2")]).await;
    assert_eq!((answer.0, &*answer.1), (409, "Rejected.Disabled"));
    server.ok("EnableKey", &[("KeyId", key)]).await;
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
    rotate(&server, "s", "v2").await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn rule_r8_6_and_dy10_4_rotations_and_rotators_are_listed_without_values() {
    let server = Server::start().await;
    for name in ["orders/a", "orders/b", "other"] {
        create_rds(&server, name, &[]).await;
    }
    server.create("orders/generic").await;
    let now = done(&server, "POST", "/_sesame/rotations", r#"{"secrets":"orders/*"}"#).await;
    assert_eq!(now["rotations"], json!({"done": 2, "failed": 0, "running": 0}));
    let listed = done(&server, "GET", "/_sesame/rotations?secret=orders/b", "").await;
    let row = &listed["rotations"][0];
    assert_eq!(listed["rotations"].as_array().unwrap().len(), 1);
    for (member, wanted) in
        [("type", "Rds"), ("trigger", "call"), ("rotator", "simulate"), ("result", "done")]
    {
        assert_eq!(row[member], wanted);
    }
    let (current, _) = both(&server, "orders/b").await;
    let password = current.split('/').next_back().unwrap();
    assert!(!listed.to_string().contains(password) && !listed.to_string().contains("hush"));
    let rotators = done(&server, "GET", "/_sesame/rotators", "").await;
    assert_eq!(
        rotators["rotators"],
        json!([{"name": "simulate", "kind": "simulate", "built_in": true}, {"name": "ram", "kind": "ram", "built_in": true}])
    );
    let checked = done(&server, "POST", "/_sesame/rotators/simulate/check", "").await;
    assert_eq!(checked["works"], true);
    let unknown = admin(&server, "POST", "/_sesame/rotators/simulat/check", "").await;
    assert!(unknown.status == 404 && unknown.body.contains("did you mean simulate?"), "{}", unknown.body);
}

#[tokio::test]
async fn rule_8_10_and_8_11_and_r9_1_to_r9_4_and_r9_2_and_r9_3_generic_secrets_are_rotated_by_their_users() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]", "rule R9.1");
    let pending = [
        ("SecretName", "s"),
        ("VersionId", "v3"),
        ("SecretData", "three"),
        ("VersionStages", r#"["MyPendingLabel"]"#),
    ];
    for _ in 0..2 {
        server.ok("PutSecretValue", &pending).await;
    }
    assert_eq!(server.value("s", &[]).await, "two", "rule R9.2");
    assert_eq!(server.value("s", &[("VersionStage", "MyPendingLabel")]).await, "three");
    let promote = [("SecretName", "s"), ("VersionStage", "ACSCurrent"), ("MoveToVersion", "v3")];
    for _ in 0..2 {
        server.ok("UpdateSecretVersionStage", &promote).await;
    }
    assert_eq!(
        server.versions("s").await,
        "v3[ACSCurrent,MyPendingLabel] v2[ACSPrevious] v1[]",
        "rules R9.3, R9.4"
    );
}

#[tokio::test]
async fn a_member_user_name_of_another_type_is_no_ram_user() {
    let server = Server::start().await;
    let config = json!({"SecretSubType": "SingleUser", "DBInstanceId": "rm-1", "UserName": "x"}).to_string();
    let data = accounts(&[("app", "hush")]);
    let parameters = [
        ("SecretName", "s"),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", &*config),
        ("SecretData", &*data),
    ];
    server.ok("CreateSecret", &parameters).await;
    rotate(&server, "s", "v2").await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn an_empty_pattern_of_names_is_refused() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    for (method, path, body) in [
        ("POST", "/_sesame/rotations", r#"{"secrets":""}"#),
        ("GET", "/_sesame/rotations?secret=", ""),
        ("GET", "/_sesame/events?secret=", ""),
        ("GET", "/_sesame/events?name=", ""),
    ] {
        let answer = admin(&server, method, path, body).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains("is empty, so it fits nothing"), "{}", answer.body);
    }
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
}
