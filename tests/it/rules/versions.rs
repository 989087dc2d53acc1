//! Section 2: versions.

use sesame::testing::domain::{Change, Limits, Op, Secret, SecretType, StageMap, Tags};
use sesame::testing::store::Batch;

use super::{put_labelled, refuses, versions};
use crate::support::{NOW, Options, Server, not_found, refusal, scope, stages, text};

/// 409 for a version that exists with other data.
fn version_exists() -> (u16, String, String) {
    refusal(409, "Rejected.ResourceExist", "The request was rejected becasue key already exsit")
}

/// 400 for exceeding the limit of labels or versions.
fn exceeded() -> (u16, String, String) {
    refusal(400, "Rejected.LimitExceeded", "exceed secret limits error")
}

/// The time of the last change.
async fn updated(server: &Server, name: &str) -> String {
    text(&server.ok("DescribeSecret", &[("SecretName", name)]).await["UpdateTime"]).to_owned()
}

#[tokio::test]
async fn rule_2_1_the_first_version_is_current_and_none_is_previous() {
    let server = Server::start().await;
    let answer = server.create("s").await;
    assert_eq!(answer["VersionId"], "v1");
    assert_eq!(versions(&server, "s").await, "v1[ACSCurrent]");
    assert_eq!(server.value("s", &[]).await, "one");
    let previous = [("SecretName", "s"), ("VersionStage", "ACSPrevious")];
    assert_eq!(server.refused("GetSecretValue", &previous).await, not_found());
}

#[tokio::test]
async fn rule_2_2_a_version_never_changes() {
    let server = Server::start().await;
    server
        .ok(
            "CreateSecret",
            &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("SecretDataType", "binary")],
        )
        .await;
    let first = server.stored("s").await.unwrap();
    let steps: [(&str, &[(&str, &str)]); 8] = [
        ("PutSecretValue", &[("VersionId", "v2"), ("SecretData", "two")]),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "other")]),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "one")]),
        ("PutSecretValue", &[("VersionId", "v1"), ("SecretData", "one"), ("SecretDataType", "binary")]),
        ("UpdateSecretVersionStage", &[("VersionStage", "ACSCurrent"), ("MoveToVersion", "v1")]),
        ("UpdateSecret", &[("Description", "d")]),
        ("DeleteSecret", &[]),
        ("RestoreSecret", &[]),
    ];
    for (action, more) in steps {
        server.clock.advance(1000);
        server.call(action, &[&[("SecretName", "s")], more].concat()).await;
        let now = server.stored("s").await.unwrap();
        assert_eq!((&now.secret.versions[0], &now.values[0]), (&first.secret.versions[0], &first.values[0]));
    }
    let answer = server.ok("GetSecretValue", &[("SecretName", "s"), ("VersionId", "v1")]).await;
    assert_eq!((text(&answer["SecretData"]), text(&answer["SecretDataType"])), ("one", "binary"));
}

#[tokio::test]
async fn rule_2_3_a_new_id_stores_a_new_version() {
    let server = Server::start().await;
    server.create("s").await;
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two"), ("SecretDataType", "binary")];
    let answer = server.ok("PutSecretValue", &put).await;
    assert_eq!((text(&answer["SecretName"]), text(&answer["VersionId"])), ("s", "v2"));
    assert_eq!(stages(&answer), ["ACSCurrent"]);
    assert_eq!(versions(&server, "s").await, "v2[ACSCurrent] v1[ACSPrevious]");
    let read = server.ok("GetSecretValue", &[("SecretName", "s"), ("VersionId", "v2")]).await;
    assert_eq!((text(&read["SecretData"]), text(&read["SecretDataType"])), ("two", "binary"));
    // An equal value under a new id is also a new version.
    server.put("s", "v3", "two").await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent] v2[ACSPrevious] v1[]");
    let missing = [("SecretName", "none"), ("VersionId", "v1"), ("SecretData", "one")];
    refuses(&server, "PutSecretValue", &missing, &not_found()).await;
}

#[tokio::test]
async fn rule_2_4_an_equal_put_is_ignored() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "v2").await;
    put_labelled(&server, "s", "v3", &["ACSCurrent", "Mine"]).await;
    let before = server.stored("s").await;
    let nine = "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]";
    for labels in [None, Some("[\"ACSCurrent\"]"), Some("[\"Mine\"]"), Some("[\"Other\"]"), Some(nine)] {
        for (version, data) in [("v1", "one"), ("v2", "v2"), ("v3", "v3")] {
            server.clock.advance(1000);
            let put = [("SecretName", "s"), ("VersionId", version), ("SecretData", data)];
            let put: Vec<_> = put.into_iter().chain(labels.map(|labels| ("VersionStages", labels))).collect();
            assert_eq!(server.ok("PutSecretValue", &put).await["VersionId"], version);
            assert_eq!(server.stored("s").await, before, "{put:?}");
        }
    }
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent,Mine] v2[ACSPrevious] v1[]");
}

#[tokio::test]
async fn rule_2_5_other_data_under_a_known_id_is_refused() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    for (version, data) in [("v1", "two"), ("v1", "one "), ("v1", "One"), ("v2", "one")] {
        for labels in ["[\"ACSCurrent\"]", "[\"Mine\"]"] {
            let put = [
                ("SecretName", "s"),
                ("VersionId", version),
                ("SecretData", data),
                ("VersionStages", labels),
            ];
            refuses(&server, "PutSecretValue", &put, &version_exists()).await;
        }
    }
    assert_eq!(versions(&server, "s").await, "v2[ACSCurrent] v1[ACSPrevious]");
    assert_eq!(server.value("s", &[("VersionId", "v1")]).await, "one");
}

#[tokio::test]
async fn rule_2_6_equal_data_of_another_type_is_refused() {
    let server = Server::start().await;
    for (name, stored_as, put_as) in
        [("s", None, Some("binary")), ("t", Some("text"), Some("binary")), ("b", Some("binary"), None)]
    {
        let with = |data_type: Option<&'static str>| {
            let version = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")];
            version.into_iter().chain(data_type.map(|t| ("SecretDataType", t))).collect::<Vec<_>>()
        };
        server.ok("CreateSecret", &with(stored_as)).await;
        refuses(&server, "PutSecretValue", &with(put_as), &version_exists()).await;
        server.ok("PutSecretValue", &with(stored_as)).await;
    }
}

#[tokio::test]
async fn rule_2_7_an_ignored_put_answers_the_labels_of_now() {
    let server = Server::start().await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    server.put("s", "v3", "three").await;
    let mine = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v2")];
    server.ok("UpdateSecretVersionStage", &mine).await;
    for (version, data, labels) in
        [("v1", "one", &[][..]), ("v2", "two", &["ACSPrevious", "Mine"]), ("v3", "three", &["ACSCurrent"])]
    {
        let put = [
            ("SecretName", "s"),
            ("VersionId", version),
            ("SecretData", data),
            ("VersionStages", "[\"Other\"]"),
        ];
        assert_eq!(stages(&server.ok("PutSecretValue", &put).await), labels, "{version}");
    }
}

#[tokio::test]
async fn rule_2_8_the_eleventh_version_evicts_the_earliest_without_a_label() {
    let server = Server::start().await;
    server.create("s").await;
    let keep = [("SecretName", "s"), ("VersionStage", "Keep"), ("MoveToVersion", "v1")];
    server.ok("UpdateSecretVersionStage", &keep).await;
    for n in 2..=10 {
        server.put("s", &format!("v{n}"), &format!("data {n}")).await;
    }
    let ten = "v10[ACSCurrent] v9[ACSPrevious] v8[] v7[] v6[] v5[] v4[] v3[] v2[] v1[Keep]";
    assert_eq!(versions(&server, "s").await, ten);
    server.put("s", "v11", "data 11").await;
    let eleven = "v11[ACSCurrent] v10[ACSPrevious] v9[] v8[] v7[] v6[] v5[] v4[] v3[] v1[Keep]";
    assert_eq!(versions(&server, "s").await, eleven);
    // A label that the put itself moves does not protect its version.
    put_labelled(&server, "s", "v12", &["Keep"]).await;
    let twelve = "v12[Keep] v11[ACSCurrent] v10[ACSPrevious] v9[] v8[] v7[] v6[] v5[] v4[] v3[]";
    assert_eq!(versions(&server, "s").await, twelve);
    for n in 3..=11 {
        let version = format!("v{n}");
        assert_eq!(server.value("s", &[("VersionId", &version)]).await, format!("data {n}"));
    }
}

#[tokio::test]
async fn rule_2_9_with_every_version_labelled_one_more_is_refused() {
    let limits = Limits { versions_per_secret: 2, ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).await;
    server.create("s").await;
    server.put("s", "v2", "two").await;
    let third =
        [("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "three"), ("VersionStages", "[\"Mine\"]")];
    refuses(&server, "PutSecretValue", &third, &exceeded()).await;
    assert_eq!(versions(&server, "s").await, "v2[ACSCurrent] v1[ACSPrevious]");
    // With ACSCurrent it takes ACSPrevious from v1, which can then be evicted.
    server.put("s", "v3", "three").await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent] v2[ACSPrevious]");
}

#[tokio::test]
async fn rule_2_10_an_evicted_version_is_gone_and_its_id_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let start = async || Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    let server = start().await;
    server.create("s").await;
    for n in 2..=11 {
        server.put("s", &format!("v{n}"), "d").await;
    }
    let first = [("SecretName", "s"), ("VersionId", "v1")];
    assert_eq!(server.refused("GetSecretValue", &first).await, not_found());
    let mark = [("SecretName", "s"), ("VersionStage", "Mine"), ("MoveToVersion", "v1")];
    refuses(&server, "UpdateSecretVersionStage", &mark, &not_found()).await;
    // Other data and another type: the id can be used like a new one.
    server
        .ok("PutSecretValue", &[&first[..], &[("SecretData", "new"), ("SecretDataType", "binary")]].concat())
        .await;
    let wanted = "v1[ACSCurrent] v11[ACSPrevious] v10[] v9[] v8[] v7[] v6[] v5[] v4[] v3[]";
    assert_eq!(versions(&server, "s").await, wanted);
    let read = async |server: &Server| {
        let answer = server.ok("GetSecretValue", &first).await;
        assert_eq!((text(&answer["SecretData"]), text(&answer["SecretDataType"])), ("new", "binary"));
    };
    read(&server).await;
    server.stop().await;
    read(&start().await).await;
}

#[tokio::test]
async fn rule_2_11_a_deprecated_version_is_readable_by_its_id() {
    let server = Server::start().await;
    server.create("s").await;
    for n in 2..=10 {
        server.put("s", &format!("v{n}"), "d").await;
    }
    let answer = server.ok("GetSecretValue", &[("SecretName", "s"), ("VersionId", "v1")]).await;
    assert_eq!((text(&answer["SecretData"]), stages(&answer)), ("one", vec![]));
    server.put("s", "v11", "d").await;
    let read = [("SecretName", "s"), ("VersionId", "v1")];
    assert_eq!(server.refused("GetSecretValue", &read).await, not_found());
}

/// Dynamic secrets cannot be created over the API yet, so these are put into the database.
#[tokio::test]
async fn rule_2_12_only_generic_secrets_take_versions_and_labels_from_callers() {
    let server = Server::start().await;
    let unsupported = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let dynamic = [
        SecretType::Rds,
        SecretType::Redis,
        SecretType::RamCredentials,
        SecretType::Ecs,
        SecretType::PolarDb,
    ];
    for secret_type in dynamic {
        let name = secret_type.as_str();
        let secret = Secret {
            id: format!("sec-{name}").parse().unwrap(),
            scope: scope(),
            name: name.parse().unwrap(),
            secret_type,
            description: String::new(),
            encryption_key: None,
            created: NOW,
            updated: NOW,
            planned_deletion: None,
            managed: None,
            versions: Vec::new(),
            stages: StageMap::default(),
            tags: Tags::default(),
            policy: None,
            revision: 0,
        };
        let change =
            Change { secret: secret.id.clone(), on_revision: 0, ops: vec![Op::Create(Box::new(secret))] };
        server.app.store().commit(Batch::plain(change)).await.unwrap();
        let put = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")];
        refuses(&server, "PutSecretValue", &put, &unsupported).await;
        let mark = [("SecretName", name), ("VersionStage", "Mine"), ("MoveToVersion", "v1")];
        refuses(&server, "UpdateSecretVersionStage", &mark, &unsupported).await;
    }
}

#[tokio::test]
async fn rule_2_13_a_put_sets_the_time_of_update() {
    let server = Server::start().await;
    server.create("s").await;
    assert_eq!(updated(&server, "s").await, "2026-11-24T03:30:00Z");
    for (labels, time) in
        [("[\"ACSCurrent\"]", "2026-11-24T03:31:00Z"), ("[\"Mine\"]", "2026-11-24T03:32:00Z")]
    {
        server.clock.advance(60_000);
        let put = [("SecretName", "s"), ("VersionId", time), ("SecretData", "d"), ("VersionStages", labels)];
        let put = put.map(|(name, value)| (name, value.replace(':', "-")));
        let put: Vec<(&str, &str)> = put.iter().map(|(name, value)| (*name, value.as_str())).collect();
        server.ok("PutSecretValue", &put).await;
        assert_eq!(updated(&server, "s").await, time);
    }
    let created = &server.ok("DescribeSecret", &[("SecretName", "s")]).await["CreateTime"];
    assert_eq!(created, "2026-11-24T03:30:00Z");
}
