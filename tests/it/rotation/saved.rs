//! Exports, imports, snapshots and seeds of managed secrets.

use serde_json::json;

use super::{accounts, advance, both, create_rds, ended, every, plan, rotate, value};
use crate::state::done;
use crate::support::{Options, Server, text};

#[tokio::test]
async fn rule_r8_5_plan_dates_and_state_are_exported_and_imported_in_both_forms() {
    let server = Server::start().await;
    create_rds(&server, "s", &every("7d")).await;
    rotate(&server, "s", "v2").await;
    let before = (both(&server, "s").await, plan(&server, "s").await);
    for form in ["/_sesame/state", "/_sesame/state?plaintext"] {
        let exported = done(&server, "GET", form, "").await;
        let other = Server::start().await;
        done(&other, "PUT", "/_sesame/state", &exported.to_string()).await;
        assert_eq!((both(&other, "s").await, plan(&other, "s").await), before, "{form}");
        assert_eq!(advance(&other, 8 * 24 * 3600).await["done"], 1, "a date in the past is due at once");
    }
}

#[tokio::test]
async fn an_export_in_the_middle_of_a_rotation_carries_the_candidate_sealed() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    // The target is slow, so the call answers when the candidate is stored and the rotation still runs.
    let faults = json!([{"action": "RotateSecret", "delay_ms": 3000}]);
    done(&server, "PUT", "/_sesame/faults", &faults.to_string()).await;
    rotate(&server, "s", "v2").await;
    let exported = done(&server, "GET", "/_sesame/state", "").await;
    assert!(text(&exported["secrets"][0]["rotation"]["running"]).contains("\"v2\""));
    assert!(!text(&exported["secrets"][0]["rotation"]["candidate"]).is_empty());
    assert_eq!(ended(&server).await["result"], "done");
    let other = Server::start().await;
    done(&other, "PUT", "/_sesame/state", &exported.to_string()).await;
    advance(&other, 0).await;
    assert_eq!(other.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]", "the rotation goes on");
    assert_eq!(both(&other, "s").await, both(&server, "s").await, "with the same value");
}

#[tokio::test]
async fn a_config_of_1024_characters_is_exported_and_imported() {
    let server = Server::start().await;
    let config = |chars: usize| {
        let start = r#"{"DBInstanceId":"rm-1","SecretSubType":"SingleUser","More":""#;
        let end = r#""}"#;
        format!("{start}{}{end}", "é".repeat(chars - start.len() - end.len()))
    };
    let data = accounts(&[("app", "hush")]);
    let create = async |chars: usize| {
        let sent = config(chars);
        let parameters = [
            ("SecretName", "s"),
            ("VersionId", "v1"),
            ("SecretType", "Rds"),
            ("ExtendedConfig", &*sent),
            ("SecretData", &*data),
        ];
        server.call("CreateSecret", &parameters).await.status
    };
    assert_eq!(create(1025).await, 400);
    assert_eq!(create(1024).await, 200);
    for form in ["/_sesame/state", "/_sesame/state?plaintext"] {
        let exported = done(&server, "GET", form, "").await;
        let other = Server::start().await;
        done(&other, "PUT", "/_sesame/state", &exported.to_string()).await;
        assert_eq!(both(&other, "s").await.0, "app/hush", "{form}");
    }
}

#[tokio::test]
async fn an_import_or_a_snapshot_that_replaces_the_secret_drops_a_rotation_under_way() {
    let server = Server::start().await;
    create_rds(&server, "s", &[]).await;
    done(&server, "POST", "/_sesame/snapshots/before", "").await;
    let faults = json!([{"action": "RotateSecret", "delay_ms": 3000}]);
    done(&server, "PUT", "/_sesame/faults", &faults.to_string()).await;
    rotate(&server, "s", "v2").await;
    done(&server, "POST", "/_sesame/snapshots/before/restore", "").await;
    assert_eq!(ended(&server).await["result"], "dropped");
    assert_eq!(both(&server, "s").await, ("app/hush".to_owned(), "-".to_owned()));
}

#[tokio::test]
async fn a_seed_makes_managed_secrets_with_their_plan() {
    let server = Server::start().await;
    let seed = json!({"secrets": [{
        "name": "db", "type": "Rds",
        "extended_config": {"SecretSubType": "SingleUser", "DBInstanceId": "rm-1"},
        "rotation": {"interval": "7d"},
        "versions": [{"id": "v1", "value": r#"{"AccountName":"app","AccountPassword":"hush"}"#}],
    }]});
    done(&server, "POST", "/_sesame/seed", &seed.to_string()).await;
    assert!(plan(&server, "db").await.starts_with("Enabled 604800s - 2"));
    assert_eq!(text(&value(&server, "db", "ACSCurrent").await["AccountPassword"]), "hush");
    assert_eq!(advance(&server, 7 * 24 * 3600).await["done"], 1);
    done(&server, "POST", "/_sesame/seed", &seed.to_string()).await;
    assert_ne!(text(&value(&server, "db", "ACSCurrent").await["AccountPassword"]), "hush");
}

#[tokio::test]
async fn a_rotation_that_the_end_of_the_process_interrupts_has_not_failed_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    create_rds(&server, "s", &[]).await;
    let slow = json!([{"action": "RotateSecret", "delay_ms": 60_000}]);
    done(&server, "PUT", "/_sesame/faults", &slow.to_string()).await;
    rotate(&server, "s", "v2").await;
    let app = std::sync::Arc::clone(&server.app);
    app.close().await;
    let row = app.event_log().rotations().remove(0);
    assert_eq!((row.result, row.code), ("interrupted", None));
    assert_eq!(app.event_log().events().len(), 0, "no event tells of a failure");
    server.stop().await;
    let server = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    done(&server, "PUT", "/_sesame/faults", "[]").await;
    advance(&server, 0).await;
    assert_eq!(server.versions("s").await, "v2[ACSCurrent] v1[ACSPrevious]");
}
