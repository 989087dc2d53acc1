//! Managed secrets and their rotation. Rule numbers with R and DY are those of rotation and of managed types.

mod calls;
mod command;
mod crash;
mod events;
mod failures;
mod generator;
mod generic;
mod managed;
mod plans;
mod ram;
mod receiver;
mod replicas;
mod saved;
mod terraform;
mod types;
mod webhook;

use serde_json::{Value, json};

use crate::state::done;
use crate::support::{Server, text};

/// `ExtendedConfig` of an RDS secret with this sub-type.
pub fn rds(sub_type: &str) -> String {
    json!({"SecretSubType": sub_type, "DBInstanceId": "rm-1"}).to_string()
}

/// `SecretData` of RDS accounts.
pub fn accounts(all: &[(&str, &str)]) -> String {
    let all: Vec<Value> = all
        .iter()
        .map(|(name, password)| json!({"AccountName": name, "AccountPassword": password}))
        .collect();
    json!({ "Accounts": all }).to_string()
}

/// Creates an RDS secret with one account whose password is `hush`.
pub async fn create_rds(server: &Server, name: &str, more: &[(&str, &str)]) -> Value {
    let (config, data) = (rds("SingleUser"), accounts(&[("app", "hush")]));
    let parameters = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        ("ExtendedConfig", &config),
        ("SecretData", &data),
    ];
    server.ok("CreateSecret", &[&parameters, more].concat()).await
}

/// A plan with this interval, as parameters.
pub const fn every(interval: &str) -> [(&str, &str); 2] {
    [("EnableAutomaticRotation", "true"), ("RotationInterval", interval)]
}

/// The members of a value.
pub async fn value(server: &Server, name: &str, stage: &str) -> Value {
    let answer = server.ok("GetSecretValue", &[("SecretName", name), ("VersionStage", stage)]).await;
    serde_json::from_str(text(&answer["SecretData"])).unwrap()
}

/// Account and password of both labels: `app/hush -`.
pub async fn both(server: &Server, name: &str) -> (String, String) {
    let shown =
        |value: &Value| format!("{}/{}", text(&value["AccountName"]), text(&value["AccountPassword"]));
    let previous =
        server.call("GetSecretValue", &[("SecretName", name), ("VersionStage", "ACSPrevious")]).await;
    let previous = match previous.status {
        200 => shown(&serde_json::from_str(text(&previous.ok()["SecretData"])).unwrap()),
        _ => "-".to_owned(),
    };
    (shown(&value(server, name, "ACSCurrent").await), previous)
}

/// Moves the clock and gives the counts of rotations.
pub async fn advance(server: &Server, seconds: i64) -> Value {
    let body = json!({ "advance_seconds": seconds }).to_string();
    done(server, "POST", "/_sesame/clock", &body).await["rotations"].clone()
}

/// What DescribeSecret tells of rotation: state, interval, last, next; `-` for what is absent.
pub async fn plan(server: &Server, name: &str) -> String {
    let told = server.ok("DescribeSecret", &[("SecretName", name)]).await;
    ["AutomaticRotation", "RotationInterval", "LastRotationDate", "NextRotationDate"]
        .map(|member| told[member].as_str().unwrap_or("-").to_owned())
        .join(" ")
}

/// Rotates a secret.
pub async fn rotate(server: &Server, name: &str, version: &str) -> Value {
    server.ok("RotateSecret", &[("SecretName", name), ("VersionId", version)]).await
}

/// The newest row of the list of rotations.
pub async fn newest(server: &Server) -> Value {
    done(server, "GET", "/_sesame/rotations?limit=1", "").await["rotations"][0].clone()
}

/// Waits until the newest rotation has ended, and gives its row.
pub async fn ended(server: &Server) -> Value {
    loop {
        let row = newest(server).await;
        if row["result"] != "running" {
            return row;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
