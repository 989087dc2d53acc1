//! What a failed rotation leaves behind, and how it is mended.

use serde_json::{Value, json};

use super::{advance, both, create_rds, ended, every, plan, rotate};
use crate::state::{admin, done};
use crate::support::{Server, refusal};

const POLICY: &str = "UpdateSecretRotationPolicy";

async fn put_faults(server: &Server, rules: Value) {
    done(server, "PUT", "/_sesame/faults", &rules.to_string()).await;
}

/// Makes every rotator say no.
async fn refuse_all(server: &Server) {
    put_faults(server, json!([{"action": "RotateSecret", "code": "Kms:TargetRefused"}])).await;
}

#[tokio::test]
async fn rule_r3_2_and_r3_4_and_r7_1_to_r7_3_and_8_5_three_attempts_then_the_plan_is_invalid_and_nothing_else_changed()
 {
    let server = Server::start().await;
    create_rds(&server, "s", &every("6h")).await;
    refuse_all(&server).await;
    let before = plan(&server, "s").await;
    assert_eq!(advance(&server, 6 * 3600).await, json!({"done": 0, "failed": 1, "running": 0}));
    let row = ended(&server).await;
    assert_eq!(
        (&row["attempts"], &row["code"], &row["trigger"]),
        (&json!(3), &json!("Kms:TargetRefused"), &json!("schedule"))
    );
    assert_eq!(plan(&server, "s").await, before.replace("Enabled", "Invalid"), "rules R3.3, R3.4");
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
    assert_eq!(both(&server, "s").await.0, "app/hush");
    assert_eq!(advance(&server, 30 * 24 * 3600).await["failed"], 0, "no further attempt by the schedule");
}

#[tokio::test]
async fn rule_r3_11_and_r3_12_a_policy_or_a_rotation_by_hand_mends_an_invalid_plan() {
    let server = Server::start().await;
    for name in ["a", "b"] {
        create_rds(&server, name, &every("6h")).await;
    }
    refuse_all(&server).await;
    assert_eq!(advance(&server, 6 * 3600).await["failed"], 2);
    put_faults(&server, json!([])).await;
    rotate(&server, "a", "v2").await;
    assert!(plan(&server, "a").await.starts_with("Enabled 21600s 2"), "{}", plan(&server, "a").await);
    server.ok(POLICY, &[&[("SecretName", "b")], &every("6h")[..]].concat()).await;
    assert!(plan(&server, "b").await.starts_with("Enabled 21600s 2"), "it was due at once");
    assert_ne!(both(&server, "b").await.0, "app/hush");
}

#[tokio::test]
async fn rule_r3_13_a_rotation_by_hand_that_fails_answers_200_and_leaves_a_disabled_plan() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    refuse_all(&server).await;
    assert_eq!(rotate(&server, "s", "v2").await["VersionId"], "v2");
    assert_eq!(ended(&server).await["result"], "failed");
    assert_eq!(plan(&server, "s").await, "Disabled - - -");
    put_faults(&server, json!([])).await;
    rotate(&server, "s", "v2").await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn an_attempt_that_fails_once_is_followed_by_one_that_succeeds() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    put_faults(&server, json!([{"action": "RotateSecret", "code": "Kms:TargetUnreachable", "times": 1}]))
        .await;
    rotate(&server, "s", "v2").await;
    let row = ended(&server).await;
    assert_eq!((&row["attempts"], &row["result"], row.get("code")), (&json!(2), &json!("done"), None));
}

#[tokio::test]
async fn rule_dy10_5_a_rule_with_a_code_of_the_service_applies_to_the_call_and_not_to_the_rotator() {
    let server = Server::start().await;
    create_rds(&server, "s", &every("6h")).await;
    put_faults(&server, json!([{"action": "RotateSecret", "code": "Rejected.Throttling"}])).await;
    let call = [("SecretName", "s"), ("VersionId", "v2")];
    let throttled = refusal(429, "Rejected.Throttling", "QPS Limit Exceeded");
    assert_eq!(server.refused("RotateSecret", &call).await, throttled);
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
    assert_eq!(advance(&server, 6 * 3600).await["done"], 1, "no call, so no fault");
    put_faults(&server, json!([{"action": "RotateSecret", "drop": "before"}])).await;
    assert_eq!(advance(&server, 6 * 3600).await["done"], 1);
    put_faults(&server, json!([{"action": "*", "code": "Rejected.Throttling"}])).await;
    assert_eq!(advance(&server, 6 * 3600).await["done"], 1, "* is about calls");
    put_faults(&server, json!([{"action": "RotateSecret", "code": "InternalFailure", "every": 2}])).await;
    rotate(&server, "s", "v3").await;
    let rules = done(&server, "GET", "/_sesame/faults", "").await;
    assert_eq!(rules["faults"][0]["matched"], 1, "one rotation is one call: {rules}");
    put_faults(&server, json!([])).await;
    let wrong = json!([{"action": "GetSecretValue", "code": "Kms:TargetRefused"}]).to_string();
    let answer = admin(&server, "PUT", "/_sesame/faults", &wrong).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn rule_r3_17_a_disabled_key_makes_a_scheduled_rotation_fail() {
    let server = Server::start().await;
    let key = server.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    create_rds(&server, "s", &[&[("EncryptionKeyId", &*key)], &every("6h")[..]].concat()).await;
    server.ok("DisableKey", &[("KeyId", &key)]).await;
    assert_eq!(advance(&server, 6 * 3600).await["failed"], 1);
    assert_eq!(ended(&server).await["code"], "Kms:KeyUnavailable");
}

#[tokio::test]
async fn a_deletion_or_a_reset_while_a_rotation_runs_drops_its_result() {
    let server = Server::start().await;
    let slow = json!([{"action": "RotateSecret", "delay_ms": 3000}]);
    for (name, forced) in [("a", false), ("b", true)] {
        create_rds(&server, name, &[]).await;
        put_faults(&server, slow.clone()).await;
        rotate(&server, name, "v2").await;
        if forced {
            server.ok("DeleteSecret", &[("SecretName", name), ("ForceDeleteWithoutRecovery", "true")]).await;
        } else {
            server.ok("DeleteSecret", &[("SecretName", name)]).await;
        }
        assert_eq!(ended(&server).await["result"], "dropped");
        put_faults(&server, json!([])).await;
    }
    assert!(server.stored("b").await.is_none());
    server.ok("RestoreSecret", &[("SecretName", "a")]).await;
    assert_eq!(both(&server, "a").await, ("app/hush".to_owned(), "-".to_owned()));
    rotate(&server, "a", "v2").await;
    assert_ne!(both(&server, "a").await.0, "app/hush");
}

#[tokio::test]
async fn rule_r7_3_what_another_attempt_cannot_mend_is_tried_once() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    for (code, attempts) in [("Kms:Conflict", 1), ("Kms:RotatorTimeout", 3), ("Kms:RotatorFailed", 3)] {
        put_faults(&server, json!([{"action": "RotateSecret", "code": code}])).await;
        rotate(&server, "s", "v2").await;
        let row = ended(&server).await;
        assert_eq!((&row["attempts"], &row["code"]), (&json!(attempts), &json!(code)));
    }
}
