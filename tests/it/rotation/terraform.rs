//! The requests that the Terraform provider sends for managed secrets, in its order and with its parameters, all in the form.

use serde_json::Value;

use super::{accounts, advance, rds, rotate};
use crate::support::{Server, refusal, text};

const INTERVAL: &str = "605800s";

/// What `resource_alicloud_kms_secret` sends to create a managed secret.
async fn create(server: &Server) -> Value {
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let parameters = [
        ("RegionId", "cn-hangzhou"),
        ("SecretName", "tf"),
        ("VersionId", "v001"),
        ("SecretType", "Rds"),
        ("SecretData", &*data),
        ("SecretDataType", "text"),
        ("ExtendedConfig", &*config),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", INTERVAL),
        ("Tags", r#"[{"TagKey":"Created","TagValue":"TF"}]"#),
    ];
    server.ok("CreateSecret", &parameters).await
}

/// What it reads back into its state: version, interval, and the flag, which is true only for `Enabled`.
async fn state(server: &Server) -> (String, String, bool) {
    let described = server.ok("DescribeSecret", &[("SecretName", "tf"), ("FetchTags", "true")]).await;
    let value = server.ok("GetSecretValue", &[("SecretName", "tf")]).await;
    let enabled = described["AutomaticRotation"] == "Enabled";
    let interval = described["RotationInterval"].as_str().unwrap_or_default();
    (text(&value["VersionId"]).to_owned(), interval.to_owned(), enabled)
}

#[tokio::test]
async fn rule_r10_1_after_a_rotation_the_next_apply_puts_the_old_version_back_and_is_refused() {
    let server = Server::start().await;
    create(&server).await;
    assert_eq!(state(&server).await, ("v001".to_owned(), INTERVAL.to_owned(), true));
    rotate(&server, "tf", "v002").await;
    assert_eq!(state(&server).await.0, "v002");
    let data = accounts(&[("app", "hush")]);
    let put = [
        ("RegionId", "cn-hangzhou"),
        ("SecretName", "tf"),
        ("VersionId", "v001"),
        ("SecretData", &*data),
        ("SecretDataType", "text"),
        ("VersionStages", r#"["ACSCurrent"]"#),
    ];
    let unsupported = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    assert_eq!(server.refused("PutSecretValue", &put).await, unsupported);
    assert_eq!(state(&server).await.0, "v002");
}

#[tokio::test]
async fn rule_r10_2_an_update_of_the_plan_and_the_description_is_read_back() {
    let server = Server::start().await;
    create(&server).await;
    let off = [("RegionId", "cn-hangzhou"), ("SecretName", "tf"), ("EnableAutomaticRotation", "false")];
    server.ok("UpdateSecretRotationPolicy", &off).await;
    assert_eq!(state(&server).await, ("v001".to_owned(), String::new(), false), "rule R3.7");
    let on = [
        ("RegionId", "cn-hangzhou"),
        ("SecretName", "tf"),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
    ];
    server.ok("UpdateSecretRotationPolicy", &on).await;
    // Not an echo of the input: a user who writes 7d sees a difference for ever, as on the cloud (rule R2.8).
    assert_eq!(state(&server).await.1, "604800s");
    server.ok("UpdateSecret", &[("SecretName", "tf"), ("Description", "by terraform")]).await;
    let both = [("SecretName", "tf"), ("ForceDeleteWithoutRecovery", "true"), ("RecoveryWindowInDays", "30")];
    server.ok("DeleteSecret", &both).await;
    create(&server).await;
}

#[tokio::test]
async fn rule_r10_3_an_invalid_plan_reads_as_off() {
    let server = Server::start().await;
    create(&server).await;
    let faults = r#"[{"action":"RotateSecret","code":"Kms:TargetRefused"}]"#;
    crate::state::done(&server, "PUT", "/_sesame/faults", faults).await;
    assert_eq!(advance(&server, 8 * 24 * 3600).await["failed"], 1);
    assert_eq!(state(&server).await, ("v001".to_owned(), INTERVAL.to_owned(), false));
}

#[tokio::test]
async fn rule_r10_4_cache_clients_read_what_they_expect() {
    let server = Server::start().await;
    create(&server).await;
    let read = [("SecretName", "tf"), ("VersionStage", "ACSCurrent"), ("FetchExtendedConfig", "true")];
    for format in ["JSON", "XML"] {
        let answer = server.call("GetSecretValue", &[&read[..], &[("Format", format)]].concat()).await;
        assert_eq!(answer.status, 200);
        for wanted in ["AccountName", "AccountPassword", "ExtendedConfig", "NextRotationDate", "Enabled"] {
            assert!(answer.body.contains(wanted), "{format}: {wanted}: {}", answer.body);
        }
    }
}
