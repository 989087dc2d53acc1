//! Fault rules that are put through one server are in force at the next request to any server.

use std::sync::Arc;

use serde_json::{Value, json};
use sesame::testing::domain::FaultRule;

use super::{beside, stop, two};
use crate::state::{admin, done};
use crate::support::{Options, Server, postgres};

const PATH: &str = "/_sesame/faults";

async fn fired(server: &Server) -> Vec<u64> {
    let shown = done(server, "GET", PATH, "").await;
    shown["faults"].as_array().unwrap().iter().map(|rule| rule["fired"].as_u64().unwrap()).collect()
}

async fn listed(server: &Server) -> u16 {
    server.call("ListSecrets", &[]).await.status
}

#[tokio::test]
async fn rules_are_in_force_in_all_processes() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    for round in 0..4 {
        let (writer, other) = if round % 2 == 0 { (a, b) } else { (b, a) };
        let rules = json!([{ "action": "ListSecrets", "code": "Rejected.Throttling", "times": 1 }]);
        done(writer, "PUT", PATH, &rules.to_string()).await;
        // Each process counts by itself.
        assert_eq!([listed(other).await, listed(other).await], [429, 200]);
        assert_eq!((fired(other).await, fired(writer).await), (vec![1], vec![0]));
        assert_eq!([listed(writer).await, listed(writer).await], [429, 200]);
        if round < 2 {
            assert_eq!(admin(other, "DELETE", PATH, "").await.status, 204);
        } else {
            done(other, "POST", "/_sesame/reset", "").await;
        }
        assert_eq!([listed(writer).await, listed(other).await], [200, 200]);
        assert_eq!((fired(other).await, fired(writer).await), (Vec::new(), Vec::new()));
    }
    stop(pair).await;
}

#[tokio::test]
async fn rules_that_are_added_at_once_are_all_there_and_each_process_keeps_its_counts() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    let rule = r#"{"action":"ListSecrets","code":"Rejected.Throttling","times":1}"#;
    done(a, "POST", PATH, rule).await;
    assert_eq!([listed(a).await, listed(b).await], [429, 429]);
    let add = |server| done(server, "POST", PATH, r#"{"action":"ListKeys","delay_ms":1}"#);
    tokio::join!(add(a), add(b), add(a), add(b), add(a), add(b));
    assert_eq!((fired(a).await, fired(b).await), (vec![1, 0, 0, 0, 0, 0, 0], vec![1, 0, 0, 0, 0, 0, 0]));
    assert_eq!(admin(b, "DELETE", "/_sesame/faults/3", "").await.status, 204);
    assert_eq!((fired(a).await.len(), listed(a).await), (6, 200));
    stop(pair).await;
}

#[tokio::test]
async fn what_is_put_at_run_time_wins_over_the_file_until_a_reset() {
    let url = postgres::database().await;
    let one = async || {
        let rule = json!({ "action": "ListSecrets", "code": "InternalFailure" });
        let faults: Vec<FaultRule> = serde_json::from_value(json!([rule])).unwrap();
        Server::over(Arc::new(postgres::store(&url).await), Options { faults, ..Options::default() }).await
    };
    let pair = (one().await, one().await);
    let (a, b) = (&pair.0, &pair.1);
    assert_eq!([listed(a).await, listed(b).await], [500, 500]);
    done(a, "PUT", PATH, r#"[{"action":"ListSecrets","code":"ServiceUnavailableTemporary"}]"#).await;
    assert_eq!([listed(a).await, listed(b).await], [503, 503]);
    // Neither a new process nor a replacement of everything changes that.
    let late = one().await;
    assert_eq!(listed(&late).await, 503);
    done(b, "PUT", "/_sesame/state", r#"{"version":1}"#).await;
    assert_eq!([listed(a).await, listed(&late).await], [503, 503]);
    done(&late, "POST", "/_sesame/reset", "").await;
    assert_eq!([listed(a).await, listed(b).await, listed(&late).await], [500, 500, 500]);
    late.stop().await;
    stop(pair).await;
}

#[tokio::test]
async fn fault_rules_of_a_later_version_do_not_stop_this_one() {
    let url = postgres::database().await;
    let server = Server::over(Arc::new(postgres::store(&url).await), Options::default()).await;
    done(&server, "PUT", PATH, r#"[{"action":"*","code":"InternalFailure"}]"#).await;
    let newer =
        r#"UPDATE installation SET faults = faults + 1, fault_rules = '[{"action":"*","flip":"bits"}]'"#;
    beside(&url, &[newer]).await;
    assert_eq!(listed(&server).await, 200);
    let shown: Value = done(&server, "GET", PATH, "").await;
    assert_eq!(shown, json!({ "faults": [] }));
    server.stop().await;
}
