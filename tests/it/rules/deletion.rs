//! Section 6: deletion and restore.

use serde_json::json;
use sesame::testing::domain::{Page, Timestamp};

use crate::support::{NOW, Server, in_window, invalid, missing, not_found, refusal, scope, text};

/// Seconds per day.
const DAY: i64 = 86_400;

async fn delete(server: &Server, name: &str, more: &[(&str, &str)]) -> String {
    let answer = server.ok("DeleteSecret", &[&[("SecretName", name)], more].concat()).await;
    assert_eq!(answer["SecretName"], name);
    text(&answer["PlannedDeleteTime"]).to_owned()
}

/// When the secret will be purged, according to the store.
async fn planned(server: &Server, name: &str) -> Option<Timestamp> {
    server.stored(name).await.unwrap().secret.planned_deletion
}

#[tokio::test]
async fn rule_6_1_a_deleted_secret_stays_for_30_days_or_7_to_30_as_asked() {
    let server = Server::start().await;
    for (name, window, days) in [
        ("default", None, 30),
        ("shortest", Some("7"), 7),
        ("other", Some("15"), 15),
        ("longest", Some("30"), 30),
    ] {
        server.create(name).await;
        let window: Vec<_> = window.map(|days| ("RecoveryWindowInDays", days)).into_iter().collect();
        assert_eq!(delete(&server, name, &window).await, NOW.plus_days(days).to_string(), "{name}");
        assert_eq!(planned(&server, name).await, Some(NOW.plus_days(days)), "{name}");
    }
}

#[tokio::test]
async fn rule_6_2_a_window_that_is_not_7_to_30_is_refused() {
    let server = Server::start().await;
    server.create("s").await;
    for window in ["6", "31", "0", "-7", "7.5", "seven", "99999999999999999999"] {
        let asked = [("SecretName", "s"), ("RecoveryWindowInDays", window)];
        assert_eq!(server.refused("DeleteSecret", &asked).await, invalid("RecoveryWindowInDays"), "{window}");
    }
    let asked = [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "yes")];
    assert_eq!(server.refused("DeleteSecret", &asked).await, invalid("ForceDeleteWithoutRecovery"));
    assert_eq!(server.refused("DeleteSecret", &[]).await, missing("SecretName"));
    assert_eq!(server.refused("DeleteSecret", &[("SecretName", "none")]).await, not_found());
    assert_eq!(planned(&server, "s").await, None);
}

#[tokio::test]
async fn rule_6_3_a_forced_deletion_is_at_once_and_for_good() {
    let server = Server::start().await;
    for force in ["true", "True"] {
        server.create("s").await;
        assert_eq!(delete(&server, "s", &[("ForceDeleteWithoutRecovery", force)]).await, NOW.to_string());
        assert!(server.stored("s").await.is_none());
        for action in ["RestoreSecret", "DescribeSecret", "GetSecretValue", "DeleteSecret"] {
            assert_eq!(server.refused(action, &[("SecretName", "s")]).await, not_found(), "{action}");
        }
    }
    server.create("s").await;
    delete(&server, "s", &[("ForceDeleteWithoutRecovery", "false")]).await;
    assert_eq!(planned(&server, "s").await, Some(NOW.plus_days(30)));
}

#[tokio::test]
async fn rule_6_4_a_window_with_force_is_ignored() {
    let server = Server::start().await;
    for window in ["30", "7", "5", "0", "soon", ""] {
        server.create("s").await;
        let asked = [("ForceDeleteWithoutRecovery", "true"), ("RecoveryWindowInDays", window)];
        assert_eq!(delete(&server, "s", &asked).await, NOW.to_string(), "{window}");
        assert!(server.stored("s").await.is_none(), "{window}");
    }
}

#[tokio::test]
async fn rule_6_5_a_secret_can_be_restored_until_its_window_is_over() {
    let server = Server::start().await;
    server.create("s").await;
    delete(&server, "s", &[("RecoveryWindowInDays", "7")]).await;
    server.advance_seconds(7 * DAY - 1).await;
    server.ok("RestoreSecret", &[("SecretName", "s")]).await;
    delete(&server, "s", &[("RecoveryWindowInDays", "7")]).await;
    server.advance_seconds(7 * DAY).await;
    assert_eq!(server.refused("RestoreSecret", &[("SecretName", "s")]).await, not_found());
}

#[tokio::test]
async fn rule_6_5_after_the_window_the_rows_are_gone() {
    let server = Server::start().await;
    let tags = ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#);
    for name in ["s", "t", "live"] {
        let secret = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one"), tags];
        server.ok("CreateSecret", &secret).await;
    }
    delete(&server, "s", &[("RecoveryWindowInDays", "7")]).await;
    delete(&server, "t", &[("RecoveryWindowInDays", "8")]).await;
    server.advance_seconds(7 * DAY).await;
    assert!(server.stored("s").await.is_none());
    assert!(server.stored("t").await.is_some());
    assert!(server.stored("live").await.is_some());

    // Without a request too: the scheduler waits for the clock.
    server.clock.advance(DAY * 1000);
    let mut rounds = 0;
    while server.stored("t").await.is_some() {
        rounds += 1;
        assert!(rounds < 2000, "the secret was not removed");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for action in ["DescribeSecret", "GetSecretValue", "ListSecretVersionIds", "DeleteSecret"] {
        assert_eq!(server.refused(action, &[("SecretName", "t")]).await, not_found(), "{action}");
    }
}

#[tokio::test]
async fn rule_6_5_after_the_window_the_name_is_free() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    let before = server.stored("s").await.unwrap().secret.id;
    delete(&server, "s", &[("RecoveryWindowInDays", "7")]).await;
    server.clock.advance(7 * DAY * 1000);
    server.create("s").await;
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
    assert_eq!(server.value("s", &[]).await, "one");
    let after = server.stored("s").await.unwrap().secret;
    assert_eq!((after.planned_deletion, after.id == before), (None, false));
}

#[tokio::test]
async fn rule_6_5_after_the_window_lists_no_longer_show_it() {
    let server = Server::start().await;
    let tags = ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#);
    server.ok("CreateSecret", &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), tags]).await;
    delete(&server, "s", &[("RecoveryWindowInDays", "7")]).await;

    // Also while the rows still exist, because nothing has removed them yet.
    let (store, scope, page) = (server.app.store(), scope(), Page { number: 1, size: 10 });
    let mut filter = sesame::testing::domain::SecretFilter::default();
    filter.add("TagKey", vec!["k".to_owned()]).unwrap();
    for (now, count) in [(NOW.plus_days(7).plus_millis(-1), 1), (NOW.plus_days(7), 0)] {
        for filter in [None, Some(&filter)] {
            let listing = store.list_secrets(&scope, filter, page, now).await.unwrap();
            assert_eq!((listing.total, listing.rows.len()), (count, usize::try_from(count).unwrap()));
        }
        let tags = store.list_tags(&scope, None, 10, now).await.unwrap();
        assert_eq!(tags.len(), usize::try_from(count).unwrap());
    }

    server.clock.advance(7 * DAY * 1000);
    let answer = server.ok("ListSecrets", &[]).await;
    assert_eq!((&answer["TotalCount"], &answer["SecretList"]), (&json!(0), &json!({ "Secret": [] })));
    for more in [&[][..], &[("Tag.1.Key", "k")]] {
        let asked = [&[("RegionId", "cn-hangzhou"), ("ResourceType", "secret")], more].concat();
        let answer = server.ok("ListTagResources", &asked).await;
        assert_eq!(answer["TagResources"], json!({ "TagResource": [] }), "{more:?}");
    }
}

/// An action, its parameters besides the secret's name, and the refusal. `None` when it works. Force, restore, the
/// batch and ListSecrets have their own tests.
type Row = (&'static str, &'static [(&'static str, &'static str)], Option<(u16, String, String)>);

fn in_window_table() -> Vec<Row> {
    let planned = refusal(409, "Rejected.ResourceInDeleteWindow", "The secret is planned to be deleted.");
    let data = &[("VersionId", "v9"), ("SecretData", "nine")];
    vec![
        ("CreateSecret", data, Some(planned)),
        ("DeleteSecret", &[], Some(in_window())),
        ("DeleteSecret", &[("RecoveryWindowInDays", "7")], Some(in_window())),
        ("UpdateSecret", &[("Description", "new")], Some(in_window())),
        (
            "UpdateSecretVersionStage",
            &[("VersionStage", "ACSCurrent"), ("MoveToVersion", "v1")],
            Some(in_window()),
        ),
        (
            "UpdateSecretVersionStage",
            &[("VersionStage", "Mine"), ("RemoveFromVersion", "v1")],
            Some(in_window()),
        ),
        ("PutSecretValue", data, Some(in_window())),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "one")], Some(in_window())),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "other")], Some(in_window())),
        ("RotateSecret", &[("VersionId", "v9")], Some(in_window())),
        ("UpdateSecretRotationPolicy", &[("EnableAutomaticRotation", "false")], Some(in_window())),
        ("SetSecretPolicy", &[("Policy", "{}")], Some(in_window())),
        ("GetSecretValue", &[], Some(in_window())),
        ("GetSecretValue", &[("VersionId", "v1")], Some(in_window())),
        ("GetSecretValue", &[("VersionStage", "Yours")], Some(in_window())),
        ("DescribeSecret", &[], None),
        ("ListSecretVersionIds", &[], None),
        ("GetSecretPolicy", &[], None),
        ("TagResource", &[("Tags", r#"[{"TagKey":"old","TagValue":"1"}]"#)], None),
        ("UntagResource", &[("TagKeys", r#"["old"]"#)], None),
        ("TagResources", &[("Tag.1.Key", "new"), ("Tag.1.Value", "2")], None),
        ("ListTagResources", &[], None),
        ("UntagResources", &[("TagKey.1", "new")], None),
    ]
}

#[tokio::test]
async fn rule_6_6_what_each_action_answers_in_the_window() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    let mine = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v1")];
    server.ok("UpdateSecretVersionStage", &mine).await;
    delete(&server, "s", &[]).await;
    let before = server.stored("s").await.unwrap();
    for (action, parameters, refused) in in_window_table() {
        let named: &[(&str, &str)] = match action {
            "TagResources" | "UntagResources" | "ListTagResources" => {
                &[("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "s")]
            }
            _ => &[("SecretName", "s")],
        };
        let answer = server.call(action, &[named, parameters].concat()).await;
        match refused {
            Some(refused) => assert_eq!(answer.refused(), refused, "{action} {parameters:?}"),
            None => drop(answer.ok()),
        }
        if action == "ListTagResources" {
            assert_eq!(answer.ok()["TagResources"]["TagResource"][0]["TagKey"], "new");
        }
    }
    let mut after = server.stored("s").await.unwrap();
    after.secret.revision = before.secret.revision;
    assert_eq!(after, before);
}

#[tokio::test]
async fn rule_6_6_in_the_window_it_is_described_and_listed_with_its_end() {
    let server = Server::start().await;
    server.create("s").await;
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    assert!(described.get("PlannedDeleteTime").is_none());
    delete(&server, "s", &[]).await;
    let end = json!(NOW.plus_days(30).to_string());
    assert_eq!(server.ok("DescribeSecret", &[("SecretName", "s")]).await["PlannedDeleteTime"], end);
    let listed = server.ok("ListSecrets", &[]).await;
    assert_eq!(listed["SecretList"]["Secret"][0]["PlannedDeleteTime"], end);
    assert_eq!(server.versions("s").await, "v1[ACSCurrent]");
}

#[tokio::test]
async fn rule_6_6_a_batch_reports_a_secret_in_its_window() {
    let server = Server::start().await;
    server.create("s").await;
    delete(&server, "s", &[]).await;
    let answer = server.ok("BatchGetSecretValue", &[("SecretsList", r#"[{"SecretName":"s"}]"#)]).await;
    let (status, code, message) = in_window();
    let error = json!({ "SecretName": "s", "HttpStatus": status, "Code": code, "Message": message });
    assert_eq!((&answer["SecretValues"], &answer["Errors"]), (&json!([]), &json!([error])));
}

#[tokio::test]
async fn rule_6_6_force_deletes_in_the_window_too() {
    let server = Server::start().await;
    server.create("s").await;
    delete(&server, "s", &[]).await;
    server.advance_seconds(DAY).await;
    let at_once = NOW.plus_days(1).to_string();
    assert_eq!(delete(&server, "s", &[("ForceDeleteWithoutRecovery", "true")]).await, at_once);
    assert!(server.stored("s").await.is_none());
}

#[tokio::test]
async fn rule_6_7_only_a_deleted_secret_is_restored() {
    let server = Server::start().await;
    server.create("s").await;
    let restore = [("SecretName", "s")];
    let live = refusal(409, "Rejected.ResourceInUse", "restore normal secret");
    let before = server.stored("s").await;
    assert_eq!(server.refused("RestoreSecret", &restore).await, live);
    assert_eq!(server.stored("s").await, before);
    delete(&server, "s", &[]).await;
    assert_eq!(server.ok("RestoreSecret", &restore).await["SecretName"], "s");
    assert_eq!(server.refused("RestoreSecret", &restore).await, live);
    assert_eq!(server.refused("RestoreSecret", &[("SecretName", "none")]).await, not_found());
    assert_eq!(server.refused("RestoreSecret", &[]).await, missing("SecretName"));
}

#[tokio::test]
async fn rule_6_8_a_restored_secret_is_what_it_was() {
    let server = Server::start().await;
    let more = [("Description", "mine"), ("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)];
    let first = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    server.ok("CreateSecret", &[&first[..], &more].concat()).await;
    server.put("s", "v2", "two").await;
    server.put("s", "v3", "three").await;
    let mine = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v3")];
    server.ok("UpdateSecretVersionStage", &mine).await;
    let described = [("SecretName", "s"), ("FetchTags", "true")];
    let mut before = server.ok("DescribeSecret", &described).await;

    delete(&server, "s", &[]).await;
    server.advance_seconds(DAY).await;
    server.ok("RestoreSecret", &[("SecretName", "s")]).await;
    let mut after = server.ok("DescribeSecret", &described).await;
    // A restore changes UpdateTime (guess G13).
    assert_eq!(after["UpdateTime"], NOW.plus_days(1).to_string());
    for answer in [&mut before, &mut after] {
        for name in ["RequestId", "UpdateTime"] {
            answer.as_object_mut().unwrap().remove(name);
        }
    }
    assert_eq!(after, before);
    assert_eq!(server.versions("s").await, "v3[ACSCurrent,Mine] v2[ACSPrevious] v1[]");
    for (version, value) in [("v1", "one"), ("v2", "two"), ("v3", "three")] {
        assert_eq!(server.value("s", &[("VersionId", version)]).await, value);
    }
    let listed = server.ok("ListSecrets", &[]).await;
    assert!(listed["SecretList"]["Secret"][0].get("PlannedDeleteTime").is_none());
    // Nothing is left of the old window.
    server.advance_seconds(40 * DAY).await;
    assert_eq!(server.value("s", &[]).await, "three");
}
