//! Several processes on one PostgreSQL: each rotation happens once.

use std::sync::Arc;

use super::{create_rds, ended, every, plan, rotate};
use crate::state::done;
use crate::support::{Options, Server, postgres, text};

async fn replica(url: &str) -> Server {
    Server::over(Arc::new(postgres::store(url).await), Options::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_r8_3_two_replicas_rotate_each_due_secret_once() {
    let url = postgres::database().await;
    let (one, two) = (replica(&url).await, replica(&url).await);
    for at in 0..30 {
        create_rds(&one, &format!("s{at}"), &every("6h")).await;
    }
    let body = r#"{"advance_seconds":21600}"#;
    let (a, b) = tokio::join!(
        done(&one, "POST", "/_sesame/clock", body),
        done(&two, "POST", "/_sesame/clock", r#"{"advance_seconds":0}"#)
    );
    done(&two, "POST", "/_sesame/clock", r#"{"advance_seconds":0}"#).await;
    for at in 0..30 {
        let versions = one.versions(&format!("s{at}")).await;
        assert_eq!(versions.split(' ').count(), 2, "{versions} {a} {b}");
        assert_eq!(plan(&one, &format!("s{at}")).await, plan(&two, &format!("s{at}")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_dy12_a_new_access_key_signs_at_every_replica() {
    let url = postgres::database().await;
    let (one, two) = (replica(&url).await, replica(&url).await);
    let data = r#"{"AccessKeys":[{"AccessKeyId":"first","AccessKeySecret":"first-secret"}]}"#;
    let creation = [
        ("SecretName", "$Auto"),
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"app"}"#),
        ("SecretData", data),
    ];
    one.ok("CreateSecret", &creation).await;
    rotate(&one, "acs/ram/user/app", "v2").await;
    ended(&one).await;
    let found = super::value(&two, "acs/ram/user/app", "ACSCurrent").await;
    let [id, secret] = ["AccessKeyId", "AccessKeySecret"].map(|member| text(&found[member]).to_owned());
    let signer = crate::enforced::Signer { id, secret, token: None };
    for server in [&two, &one] {
        signer.ok(server, "ListSecrets", &[]).await;
    }
}
