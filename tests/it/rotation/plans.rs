//! Plans, dates and the clock.

use serde_json::json;

use super::{advance, create_rds, every, plan, rotate};
use crate::state::done;
use sesame::testing::domain::rotation::RotationSettings;

use crate::support::{Options, Server, in_window, invalid, missing, quick_rotations, refusal};

const POLICY: &str = "UpdateSecretRotationPolicy";

async fn set(server: &Server, name: &str, more: &[(&str, &str)]) {
    server.ok(POLICY, &[&[("SecretName", name)], more].concat()).await;
}

/// A server whose clock stands at the beginning of 2027.
async fn at_new_year() -> Server {
    let server = Server::start().await;
    done(&server, "POST", "/_sesame/clock", r#"{"set":"2027-01-01T00:00:00Z"}"#).await;
    server
}

#[tokio::test]
async fn rule_r2_1_and_r2_5_and_8_4_a_plan_needs_a_valid_interval() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    for wrong in ["7 days", "1w", "7D", "7", "604,800s", "0d", "5h", "8761h", "99999999999999999999d"] {
        let parameters = [&[("SecretName", "s")], &every(wrong)[..]].concat();
        assert_eq!(server.refused(POLICY, &parameters).await, invalid("RotationInterval"), "{wrong}");
    }
    let without = [("SecretName", "s"), ("EnableAutomaticRotation", "true")];
    assert_eq!(server.refused(POLICY, &without).await, invalid("RotationInterval"));
    assert_eq!(plan(&server, "s").await, "Disabled - - -");
}

#[tokio::test]
async fn rule_r2_6_and_r2_7_off_ignores_the_interval_and_the_flag_is_needed() {
    let server = Server::start().await;
    create_rds(&server, "s", &every("7d")).await;
    let off = [("EnableAutomaticRotation", "False"), ("RotationInterval", "nonsense")];
    set(&server, "s", &off).await;
    assert_eq!(plan(&server, "s").await, "Disabled - - -");
    assert_eq!(server.refused(POLICY, &[("SecretName", "s")]).await, missing("EnableAutomaticRotation"));
}

#[tokio::test]
async fn rule_r1_4_generic_secrets_are_refused() {
    let server = Server::start().await;
    server.create("g").await;
    let unsupported = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let policy = [&[("SecretName", "g")], &every("nonsense")[..]].concat();
    assert_eq!(server.refused(POLICY, &policy).await, unsupported);
    let rotate = [("SecretName", "g"), ("VersionId", "v2")];
    assert_eq!(server.refused("RotateSecret", &rotate).await, unsupported);
    server.ok("DeleteSecret", &[("SecretName", "g")]).await;
    assert_eq!(server.refused("RotateSecret", &rotate).await, in_window());
}

#[tokio::test]
async fn rule_r3_1_and_r3_3_and_8_6_dates_are_there_while_the_plan_is_on() {
    let server = at_new_year().await;
    let created = create_rds(&server, "s", &every("7d")).await;
    assert_eq!(created["AutomaticRotation"], "Enabled");
    assert_eq!(created["RotationInterval"], "604800s");
    assert_eq!(created["NextRotationDate"], "2027-01-08T00:00:00Z", "rule R3.6");
    assert_eq!(plan(&server, "s").await, "Enabled 604800s - 2027-01-08T00:00:00Z");
    set(&server, "s", &[("EnableAutomaticRotation", "false")]).await;
    assert_eq!(plan(&server, "s").await, "Disabled - - -", "rule R3.7");
}

#[tokio::test]
async fn rule_r3_8_and_r3_18_and_8_7_the_worked_dates_hold_through_the_api() {
    let server = at_new_year().await;
    create_rds(&server, "s", &every("7d")).await;
    assert_eq!(advance(&server, 60 * 3600).await, json!({"done": 0, "failed": 0, "running": 0}));
    rotate(&server, "s", "v2").await;
    let by_hand = "Enabled 604800s 2027-01-03T12:00:00Z 2027-01-10T12:00:00Z";
    assert_eq!(plan(&server, "s").await, by_hand, "rule R3.9");
    set(&server, "s", &every("7d")).await;
    assert_eq!(plan(&server, "s").await, by_hand, "rule R3.14");
    advance(&server, 25 * 3600).await;
    set(&server, "s", &every("12h")).await;
    assert_eq!(
        plan(&server, "s").await,
        "Enabled 43200s 2027-01-04T13:00:00Z 2027-01-05T01:00:00Z",
        "rule R3.8"
    );
    set(&server, "s", &[("EnableAutomaticRotation", "false")]).await;
    set(&server, "s", &every("30d")).await;
    assert_eq!(plan(&server, "s").await, "Enabled 2592000s 2027-01-04T13:00:00Z 2027-02-03T13:00:00Z");
}

#[tokio::test]
async fn rule_r8_1_and_r3_10_a_moved_clock_rotates_each_due_secret_once_before_it_answers() {
    let server = at_new_year().await;
    for (name, interval) in [("a", "6h"), ("b", "7d"), ("c", "30d")] {
        create_rds(&server, name, &every(interval)).await;
    }
    let day = 24 * 3600;
    assert_eq!(advance(&server, 10 * day).await, json!({"done": 2, "failed": 0, "running": 0}));
    assert_eq!(plan(&server, "a").await, "Enabled 21600s 2027-01-11T00:00:00Z 2027-01-11T06:00:00Z");
    assert_eq!(plan(&server, "b").await, "Enabled 604800s 2027-01-11T00:00:00Z 2027-01-18T00:00:00Z");
    assert_eq!(plan(&server, "c").await, "Enabled 2592000s - 2027-01-31T00:00:00Z");
    assert_eq!(advance(&server, 0).await["done"], 0);
    let set = done(&server, "POST", "/_sesame/clock", r#"{"set":"2027-02-01T00:00:00Z"}"#).await;
    assert_eq!(set["rotations"], json!({"done": 3, "failed": 0, "running": 0}));
}

#[tokio::test]
async fn rule_r3_15_a_rotation_and_a_policy_move_the_time_of_change() {
    let server = at_new_year().await;
    create_rds(&server, "s", &[]).await;
    let updated = async || server.ok("DescribeSecret", &[("SecretName", "s")]).await["UpdateTime"].clone();
    advance(&server, 60).await;
    rotate(&server, "s", "v2").await;
    assert_eq!(updated().await, "2027-01-01T00:01:00Z");
    advance(&server, 60).await;
    set(&server, "s", &every("7d")).await;
    assert_eq!(updated().await, "2027-01-01T00:02:00Z");
}

#[tokio::test]
async fn rule_r3_16_and_6_9_nothing_rotates_in_the_deletion_window_and_a_missed_date_is_due_after_it() {
    let server = at_new_year().await;
    create_rds(&server, "s", &every("24h")).await;
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    assert_eq!(advance(&server, 3 * 24 * 3600).await["done"], 0);
    let policy = [&[("SecretName", "s")], &every("7d")[..]].concat();
    assert_eq!(server.refused(POLICY, &policy).await, in_window());
    server.ok("RestoreSecret", &[("SecretName", "s")]).await;
    assert_eq!(plan(&server, "s").await, "Enabled 86400s 2027-01-04T00:00:00Z 2027-01-05T00:00:00Z");
}

#[tokio::test]
async fn rule_r2_9_a_setting_lowers_the_shortest_interval() {
    let mut options = Options { rotation: quick_rotations(), ..Options::default() };
    options.limits.rotation_interval_min =
        sesame::testing::domain::rotation::RotationInterval::of_any_length("1s").unwrap();
    let server = Server::with(options).await;
    create_rds(&server, "s", &every("1s")).await;
    assert_eq!(advance(&server, 1).await["done"], 1);
}

#[tokio::test]
async fn rule_r8_1_secrets_of_all_pages_rotate_in_one_move_of_the_clock() {
    let rotation = RotationSettings { page: 7, ..quick_rotations() };
    let server = Server::with(Options { rotation, ..Options::default() }).await;
    for at in 0..40 {
        create_rds(&server, &format!("s{at}"), &every("6h")).await;
    }
    assert_eq!(advance(&server, 6 * 3600).await, json!({"done": 40, "failed": 0, "running": 0}));
    let now = done(&server, "POST", "/_sesame/rotations", r#"{"secrets":"s1?"}"#).await;
    assert_eq!(now, json!({"rotations": {"done": 10, "failed": 0, "running": 0}, "refused": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_r8_2_at_most_eight_secrets_rotate_at_once() {
    let server = Server::start().await;
    for at in 0..12 {
        create_rds(&server, &format!("s{at}"), &every("6h")).await;
    }
    let slow = json!([{"action": "RotateSecret", "delay_ms": 1000}]);
    done(&server, "PUT", "/_sesame/faults", &slow.to_string()).await;
    let mut most = 0;
    let moved = advance(&server, 6 * 3600);
    tokio::pin!(moved);
    let counts = loop {
        tokio::select! {
            counts = &mut moved => break counts,
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {
                let listed = done(&server, "GET", "/_sesame/rotations", "").await;
                let rows = listed["rotations"].as_array().unwrap();
                most = most.max(rows.iter().filter(|row| row["result"] == "running").count());
            }
        }
    };
    assert_eq!((counts, most), (json!({"done": 12, "failed": 0, "running": 0}), 8));
}
