//! Several processes on one PostgreSQL: each rotation happens once.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::Connection;

use super::{accounts, create_rds, ended, every, plan, rds, rotate};
use crate::state::done;
use crate::support::program::Program;
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

/// The seconds of 6 hours, the secrets' interval.
const SIX_HOURS: u32 = 21_600;

fn request(target: &str, body: &str) -> Vec<u8> {
    let head =
        format!("{target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[test]
fn rule_r8_3_a_replica_goes_on_with_the_rotations_of_a_killed_one() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres::database());
    let key = "1".repeat(64);
    let replica = || Program::serve(&["--database", &url], &[("SESAME_ROOT_KEY", &key)]);
    let one = replica();
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let names: Vec<String> = (0..100).map(|at| format!("s{at}")).collect();
    for name in &names {
        let plan = [("EnableAutomaticRotation", "true"), ("RotationInterval", "6h")];
        let more = [("SecretName", &**name), ("VersionId", "v0"), ("SecretType", "Rds")];
        let value = [("ExtendedConfig", &*config), ("SecretData", &*data)];
        let created = one.call("CreateSecret", &[&more[..], &value, &plan].concat());
        assert!(created.contains("\"AutomaticRotation\":\"Enabled\""), "{created}");
    }
    one.send(&request("PUT /_sesame/faults", r#"[{"action":"RotateSecret","delay_ms":300}]"#));
    let move_clock = request("POST /_sesame/clock", &json!({ "advance_seconds": SIX_HOURS }).to_string());
    let mut stream = TcpStream::connect(one.address).unwrap();
    stream.write_all(&move_clock).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    one.kill();
    // As if the minute of the killed process's leases had gone by.
    let left = runtime.block_on(async {
        let mut database = sqlx::PgConnection::connect(&url).await.unwrap();
        let over = "UPDATE managed_secrets SET lease_until = 0, \
                    running = jsonb_set(running::jsonb, '{until}', '0')::text WHERE running IS NOT NULL";
        sqlx::query(over).execute(&mut database).await.unwrap().rows_affected()
    });
    assert!((1..=8).contains(&left), "it was killed at work: {left}");
    let two = replica();
    let moved = two.post("/_sesame/clock", "application/json", r#"{"advance_seconds":0}"#);
    assert!(moved.contains("\"failed\":0,\"running\":0"), "{moved}");
    for name in &names {
        let listed = two.call("ListSecretVersionIds", &[("SecretName", name)]);
        assert_eq!(listed.matches("\"VersionStages\"").count(), 2, "{listed}");
        let described = two.call("DescribeSecret", &[("SecretName", name)]);
        assert!(described.contains("\"AutomaticRotation\":\"Enabled\""), "{described}");
        let value = two.call("GetSecretValue", &[("SecretName", name)]);
        assert!(value.contains("AccountPassword") && !value.contains("\"VersionId\":\"v0\""), "{value}");
    }
}
