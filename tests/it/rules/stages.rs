//! Section 3: labels.

use std::collections::BTreeSet;
use std::sync::Arc;

use sesame::testing::domain::{Change, Op, StageLabel};
use sesame::testing::store::sql::SqlStore;
use sesame::testing::store::{Batch, Store};

use super::{put_labelled, refuses, versions};
use crate::support::{Options, Server, in_window, invalid, missing, not_found, refusal, stages, text};

/// The result of [`two`].
const TWO: &str = "v2[ACSCurrent] v1[ACSPrevious,Mine]";

/// Creates a secret with two versions, and a label on the older one.
async fn two(server: &Server, name: &str) {
    server.create(name).await;
    server.put(name, "v2", "two").await;
    moves(server, name, ("Mine", None, Some("v1")), TWO).await;
}

/// Label, `RemoveFromVersion` and `MoveToVersion` of UpdateSecretVersionStage.
type Move<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn parameters<'a>(name: &'a str, (label, from, to): Move<'a>) -> Vec<(&'a str, &'a str)> {
    let optional = [("RemoveFromVersion", from), ("MoveToVersion", to)];
    let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    [("SecretName", name), ("VersionStage", label)].into_iter().chain(given).collect()
}

/// Expects that UpdateSecretVersionStage leads to these versions and labels.
async fn moves(server: &Server, name: &str, command: Move<'_>, wanted: &str) {
    let answer = server.ok("UpdateSecretVersionStage", &parameters(name, command)).await;
    assert_eq!(answer["SecretName"], name);
    assert_eq!(versions(server, name).await, wanted, "{command:?}");
}

/// Expects that UpdateSecretVersionStage refuses each of these and changes nothing.
async fn all_refused(commands: &[Move<'_>], wanted: (u16, String, String)) {
    let server = Server::start().await;
    two(&server, "s").await;
    for command in commands {
        refuses(&server, "UpdateSecretVersionStage", &parameters("s", *command), &wanted).await;
    }
    assert_eq!(versions(&server, "s").await, TWO);
}

/// 400 for a label that is not where it should be.
fn mismatch() -> (u16, String, String) {
    refusal(400, "Rejected.InvalidRequest", "param mismatch")
}

/// 400 for exceeding the limit of labels.
fn exceeded() -> (u16, String, String) {
    refusal(400, "Rejected.LimitExceeded", "exceed secret limits error")
}

#[tokio::test]
async fn rule_3_1_a_label_is_on_one_version_and_a_version_has_any_number() {
    let server = Server::start().await;
    server.create("s").await;
    put_labelled(&server, "s", "v2", &["ACSCurrent", "a", "b"]).await;
    assert_eq!(versions(&server, "s").await, "v2[ACSCurrent,a,b] v1[ACSPrevious]");
    put_labelled(&server, "s", "v3", &["a", "c"]).await;
    assert_eq!(versions(&server, "s").await, "v3[a,c] v2[ACSCurrent,b] v1[ACSPrevious]");
    moves(&server, "s", ("b", None, Some("v3")), "v3[a,b,c] v2[ACSCurrent] v1[ACSPrevious]").await;
    server.put("s", "v4", "four").await;
    assert_eq!(versions(&server, "s").await, "v4[ACSCurrent] v3[a,b,c] v2[ACSPrevious] v1[]");
    for (label, value) in [("a", "v3"), ("ACSCurrent", "four"), ("ACSPrevious", "v2")] {
        assert_eq!(server.value("s", &[("VersionStage", label)]).await, value);
    }
}

#[tokio::test]
async fn rule_3_2_only_current_and_previous_are_built_in() {
    let server = Server::start().await;
    two(&server, "s").await;
    for label in ["ACSPending", "ACSNext", "MyPendingLabel", "acscurrent", "ACSPREVIOUS"] {
        moves(
            &server,
            "s",
            (label, None, Some("v2")),
            &TWO.replace("[ACSCurrent]", &format!("[{}]", sorted(&["ACSCurrent", label]))),
        )
        .await;
        moves(&server, "s", (label, Some("v2"), None), TWO).await;
    }
    for (label, version) in [("ACSCurrent", "v2"), ("ACSPrevious", "v1")] {
        let take_off = parameters("s", (label, Some(version), None));
        refuses(&server, "UpdateSecretVersionStage", &take_off, &invalid("MoveToVersion")).await;
    }
}

/// Labels as they are listed.
fn sorted(labels: &[&str]) -> String {
    labels.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn rule_3_3_a_put_without_labels_makes_its_version_current() {
    let server = Server::start().await;
    server.create("s").await;
    assert_eq!(stages(&server.put("s", "v2", "two").await), ["ACSCurrent"]);
    put_labelled(&server, "s", "v3", &["ACSCurrent"]).await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent] v2[ACSPrevious] v1[]");
}

#[tokio::test]
async fn rule_3_4_labels_come_as_an_array_or_as_an_object_with_one() {
    let server = Server::start().await;
    for (n, labels) in [
        "[\"ACSCurrent\",\"ACSNext\"]",
        " [ \"ACSNext\" , \"ACSCurrent\" ] ",
        "{\"VersionStage\":[\"ACSCurrent\",\"ACSNext\"]}",
        "{ \"VersionStage\": [ \"ACSNext\", \"ACSCurrent\", \"ACSNext\" ] }",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("s{n}");
        server.create(&name).await;
        let put = [
            ("SecretName", name.as_str()),
            ("VersionId", "v2"),
            ("SecretData", "two"),
            ("VersionStages", labels),
        ];
        assert_eq!(stages(&server.ok("PutSecretValue", &put).await), ["ACSCurrent", "ACSNext"], "{labels}");
        assert_eq!(versions(&server, &name).await, "v2[ACSCurrent,ACSNext] v1[ACSPrevious]");
    }
}

#[tokio::test]
async fn rule_3_5_a_put_without_current_leaves_the_built_in_labels() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["MyPendingLabel"]).await;
    assert_eq!(versions(&server, "s").await, format!("v3[MyPendingLabel] {TWO}"));
    assert_eq!(server.value("s", &[]).await, "two");
    assert_eq!(server.value("s", &[("VersionStage", "ACSPrevious")]).await, "one");
}

#[tokio::test]
async fn rule_3_6_a_put_with_current_and_others_gets_all_of_them() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["ACSCurrent", "ACSNext"]).await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent,ACSNext] v2[ACSPrevious] v1[Mine]");
}

#[tokio::test]
async fn rule_3_7_a_custom_label_of_a_put_leaves_its_old_version() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["Mine"]).await;
    assert_eq!(versions(&server, "s").await, "v3[Mine] v2[ACSCurrent] v1[ACSPrevious]");
    put_labelled(&server, "s", "v4", &["ACSCurrent", "Mine"]).await;
    assert_eq!(versions(&server, "s").await, "v4[ACSCurrent,Mine] v3[] v2[ACSPrevious] v1[]");
}

#[tokio::test]
async fn rule_3_8_previous_goes_where_current_came_from() {
    let server = Server::start().await;
    two(&server, "s").await;
    // By a put: v1 loses ACSPrevious.
    server.put("s", "v3", "three").await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent] v2[ACSPrevious] v1[Mine]");
    // By a move to a version without ACSPrevious, and to the version that has it.
    let current = |to| ("ACSCurrent", None, Some(to));
    moves(&server, "s", current("v1"), "v3[ACSPrevious] v2[] v1[ACSCurrent,Mine]").await;
    moves(&server, "s", current("v3"), "v3[ACSCurrent] v2[] v1[ACSPrevious,Mine]").await;
    // From a version that has both.
    moves(&server, "s", ("ACSPrevious", None, Some("v3")), "v3[ACSCurrent,ACSPrevious] v2[] v1[Mine]").await;
    moves(&server, "s", current("v2"), "v3[ACSPrevious] v2[ACSCurrent] v1[Mine]").await;
    assert_eq!(server.value("s", &[]).await, "two");
    assert_eq!(server.value("s", &[("VersionStage", "ACSPrevious")]).await, "three");
}

#[tokio::test]
async fn rule_3_9_custom_labels_stay_when_current_leaves() {
    let server = Server::start().await;
    server.create("s").await;
    put_labelled(&server, "s", "v2", &["ACSCurrent", "a", "b"]).await;
    server.put("s", "v3", "three").await;
    assert_eq!(versions(&server, "s").await, "v3[ACSCurrent] v2[ACSPrevious,a,b] v1[]");
    moves(&server, "s", ("c", None, Some("v3")), "v3[ACSCurrent,c] v2[ACSPrevious,a,b] v1[]").await;
    let back = ("ACSCurrent", Some("v3"), Some("v2"));
    moves(&server, "s", back, "v3[ACSPrevious,c] v2[ACSCurrent,a,b] v1[]").await;
}

#[tokio::test]
async fn rule_3_10_a_put_may_name_previous() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["ACSPrevious"]).await;
    assert_eq!(versions(&server, "s").await, "v3[ACSPrevious] v2[ACSCurrent] v1[Mine]");
    for (name, labels) in [("t", ["ACSCurrent", "ACSPrevious"]), ("u", ["ACSPrevious", "ACSCurrent"])] {
        two(&server, name).await;
        put_labelled(&server, name, "v3", &labels).await;
        assert_eq!(versions(&server, name).await, "v3[ACSCurrent,ACSPrevious] v2[] v1[Mine]");
    }
}

#[tokio::test]
async fn rule_3_11_a_put_beyond_8_labels_stores_nothing() {
    let server = Server::start().await;
    two(&server, "s").await;
    let five = "[\"a\",\"b\",\"c\",\"d\",\"e\"";
    for labels in [format!("{five},\"f\"]"), format!("{five},\"f\",\"ACSCurrent\",\"ACSPrevious\",\"Mine\"]")]
    {
        let put =
            [("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "three"), ("VersionStages", &labels)];
        refuses(&server, "PutSecretValue", &put, &exceeded()).await;
    }
    assert_eq!(versions(&server, "s").await, TWO);
    let gone = [("SecretName", "s"), ("VersionId", "v3")];
    assert_eq!(server.refused("GetSecretValue", &gone).await, not_found());
    // Eight are enough for everything: a label named twice, or moved, counts once.
    let put = [("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "three")];
    let labels = format!("{five},\"Mine\",\"a\"]");
    server.ok("PutSecretValue", &[&put[..], &[("VersionStages", labels.as_str())]].concat()).await;
    assert_eq!(versions(&server, "s").await, "v3[Mine,a,b,c,d,e] v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn rule_3_12_labels_that_are_no_array_of_labels_are_not_valid() {
    let server = Server::start().await;
    two(&server, "s").await;
    let long = format!("[\"{}\"]", "x".repeat(65));
    for bad in [
        "[]",
        "{\"VersionStage\":[]}",
        "ACSCurrent",
        "ACSCurrent,ACSNext",
        "[\"ACSCurrent\"",
        "[ACSCurrent]",
        "\"ACSCurrent\"",
        "{}",
        "{\"VersionStage\":\"ACSCurrent\"}",
        "null",
        "[null]",
        "[1]",
        "[\"ACSCurrent\",\"\"]",
        "[\"ACSCurrent\"] x",
        &long,
    ] {
        let put = [("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "three"), ("VersionStages", bad)];
        refuses(&server, "PutSecretValue", &put, &invalid("VersionStages")).await;
    }
    assert_eq!(versions(&server, "s").await, TWO);
}

#[tokio::test]
async fn rule_3_20_a_move_from_and_to_nowhere_is_not_valid() {
    let nowhere = ["Mine", "New", "ACSCurrent", "ACSPrevious"].map(|label| (label, None, None));
    all_refused(&nowhere, invalid("MoveToVersion")).await;
    let server = Server::start().await;
    two(&server, "s").await;
    let unlabelled = [("SecretName", "s"), ("MoveToVersion", "v2")];
    refuses(&server, "UpdateSecretVersionStage", &unlabelled, &missing("VersionStage")).await;
}

#[tokio::test]
async fn rule_3_21_a_new_label_is_put_on_the_version() {
    let server = Server::start().await;
    two(&server, "s").await;
    moves(&server, "s", ("New", None, Some("v2")), "v2[ACSCurrent,New] v1[ACSPrevious,Mine]").await;
    assert_eq!(server.value("s", &[("VersionStage", "New")]).await, "two");
    // Also on a deprecated version, and ACSPrevious when no version has it.
    server.put("s", "v3", "three").await;
    server.put("s", "v4", "four").await;
    moves(&server, "s", ("Old", None, Some("v2")), "v4[ACSCurrent] v3[ACSPrevious] v2[New,Old] v1[Mine]")
        .await;
    server.create("t").await;
    moves(&server, "t", ("ACSPrevious", None, Some("v1")), "v1[ACSCurrent,ACSPrevious]").await;
}

#[tokio::test]
async fn rule_3_22_a_label_leaves_its_version_for_another() {
    let server = Server::start().await;
    two(&server, "s").await;
    moves(&server, "s", ("Mine", None, Some("v2")), "v2[ACSCurrent,Mine] v1[ACSPrevious]").await;
    moves(&server, "s", ("ACSCurrent", None, Some("v1")), "v2[ACSPrevious,Mine] v1[ACSCurrent]").await;
}

#[tokio::test]
async fn rule_3_23_a_move_to_where_the_label_is_changes_nothing() {
    let server = Server::start().await;
    two(&server, "s").await;
    let before = server.stored("s").await;
    for command in
        [("Mine", None, Some("v1")), ("ACSCurrent", None, Some("v2")), ("ACSPrevious", None, Some("v1"))]
    {
        server.clock.advance(1000);
        moves(&server, "s", command, TWO).await;
        assert_eq!(server.stored("s").await, before, "{command:?}");
    }
}

#[tokio::test]
async fn rule_3_24_a_custom_label_is_taken_off() {
    let server = Server::start().await;
    two(&server, "s").await;
    moves(&server, "s", ("Mine", Some("v1"), None), "v2[ACSCurrent] v1[ACSPrevious]").await;
    let read = [("SecretName", "s"), ("VersionStage", "Mine")];
    assert_eq!(server.refused("GetSecretValue", &read).await, not_found());
}

#[tokio::test]
async fn rule_3_25_a_label_is_not_taken_off_a_version_without_it() {
    all_refused(&[("Mine", Some("v2"), None), ("New", Some("v1"), None)], mismatch()).await;
}

#[tokio::test]
async fn rule_3_26_a_built_in_label_cannot_be_taken_off() {
    let on_its_version = [("ACSCurrent", Some("v2"), None), ("ACSPrevious", Some("v1"), None)];
    let elsewhere = [("ACSCurrent", Some("v1"), None), ("ACSPrevious", Some("v2"), None)];
    all_refused(&[on_its_version, elsewhere].concat(), invalid("MoveToVersion")).await;
}

#[tokio::test]
async fn rule_3_27_a_label_moves_from_one_version_to_the_other() {
    let server = Server::start().await;
    two(&server, "s").await;
    moves(&server, "s", ("Mine", Some("v1"), Some("v2")), "v2[ACSCurrent,Mine] v1[ACSPrevious]").await;
    moves(&server, "s", ("ACSCurrent", Some("v2"), Some("v1")), "v2[ACSPrevious,Mine] v1[ACSCurrent]").await;
    moves(&server, "s", ("ACSPrevious", Some("v2"), Some("v1")), "v2[Mine] v1[ACSCurrent,ACSPrevious]").await;
}

#[tokio::test]
async fn rule_3_28_a_label_does_not_move_from_a_version_without_it() {
    let commands = [
        ("Mine", Some("v2"), Some("v1")),
        ("New", Some("v1"), Some("v2")),
        ("ACSCurrent", Some("v1"), Some("v2")),
        ("ACSPrevious", Some("v2"), Some("v1")),
    ];
    all_refused(&commands, mismatch()).await;
    // Nor by way of a third version.
    let server = Server::start().await;
    two(&server, "s").await;
    server.put("s", "v3", "three").await;
    let third = parameters("s", ("Mine", Some("v2"), Some("v3")));
    refuses(&server, "UpdateSecretVersionStage", &third, &mismatch()).await;
}

#[tokio::test]
async fn rule_3_29_a_label_does_not_move_within_one_version() {
    let commands = [
        ("Mine", Some("v1"), Some("v1")),
        ("Mine", Some("v2"), Some("v2")),
        ("New", Some("v1"), Some("v1")),
        ("ACSCurrent", Some("v2"), Some("v2")),
    ];
    all_refused(&commands, mismatch()).await;
}

#[tokio::test]
async fn rule_3_30_promoting_a_pending_version_makes_the_old_one_previous() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["MyPendingLabel"]).await;
    let wanted = "v3[ACSCurrent,MyPendingLabel] v2[ACSPrevious] v1[Mine]";
    server.clock.advance(1000);
    moves(&server, "s", ("ACSCurrent", None, Some("v3")), wanted).await;
    assert_eq!(server.value("s", &[]).await, "v3");
    let described = server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    assert_eq!(text(&described["UpdateTime"]), "2026-11-24T03:30:01Z");
}

#[tokio::test]
async fn rule_3_31_previous_moves_and_current_stays() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["Next"]).await;
    let previous = |from, to| ("ACSPrevious", from, Some(to));
    moves(&server, "s", previous(None, "v3"), "v3[ACSPrevious,Next] v2[ACSCurrent] v1[Mine]").await;
    moves(&server, "s", previous(Some("v3"), "v1"), "v3[Next] v2[ACSCurrent] v1[ACSPrevious,Mine]").await;
}

#[tokio::test]
async fn rule_3_32_the_current_version_may_be_previous_too() {
    let server = Server::start().await;
    two(&server, "s").await;
    moves(&server, "s", ("ACSPrevious", None, Some("v2")), "v2[ACSCurrent,ACSPrevious] v1[Mine]").await;
    for label in ["ACSCurrent", "ACSPrevious"] {
        assert_eq!(server.value("s", &[("VersionStage", label)]).await, "two");
    }
}

#[tokio::test]
async fn rule_3_33_an_unknown_version_is_not_found() {
    let commands = [
        ("Mine", None, Some("v9")),
        ("New", None, Some("v9")),
        ("ACSCurrent", None, Some("v9")),
        ("Mine", Some("v9"), None),
        ("Mine", Some("v1"), Some("v9")),
        ("Mine", Some("v9"), Some("v2")),
        ("ACSCurrent", Some("v2"), Some("v9")),
    ];
    all_refused(&commands, not_found()).await;
    let server = Server::start().await;
    let missing = parameters("none", ("Mine", None, Some("v1")));
    refuses(&server, "UpdateSecretVersionStage", &missing, &not_found()).await;
}

#[tokio::test]
async fn rule_3_34_a_ninth_label_is_refused() {
    let server = Server::start().await;
    two(&server, "s").await;
    for label in ["a", "b", "c", "d", "e"] {
        server.ok("UpdateSecretVersionStage", &parameters("s", (label, None, Some("v2")))).await;
    }
    let full = "v2[ACSCurrent,a,b,c,d,e] v1[ACSPrevious,Mine]";
    assert_eq!(versions(&server, "s").await, full);
    for version in ["v1", "v2"] {
        let ninth = parameters("s", ("f", None, Some(version)));
        refuses(&server, "UpdateSecretVersionStage", &ninth, &exceeded()).await;
    }
    // Moving one of the eight and removing one both still work.
    moves(&server, "s", ("a", None, Some("v1")), "v2[ACSCurrent,b,c,d,e] v1[ACSPrevious,Mine,a]").await;
    moves(&server, "s", ("a", Some("v1"), None), "v2[ACSCurrent,b,c,d,e] v1[ACSPrevious,Mine]").await;
    moves(&server, "s", ("f", None, Some("v1")), "v2[ACSCurrent,b,c,d,e] v1[ACSPrevious,Mine,f]").await;
}

#[tokio::test]
async fn rule_3_35_labels_do_not_move_in_the_recovery_window() {
    let server = Server::start().await;
    two(&server, "s").await;
    server.ok("DeleteSecret", &[("SecretName", "s")]).await;
    for command in [
        ("New", None, Some("v1")),
        ("Mine", Some("v1"), None),
        ("Mine", Some("v1"), Some("v2")),
        ("Mine", None, Some("v1")),
        ("ACSCurrent", None, Some("v1")),
    ] {
        refuses(&server, "UpdateSecretVersionStage", &parameters("s", command), &in_window()).await;
    }
    server.ok("RestoreSecret", &[("SecretName", "s")]).await;
    assert_eq!(versions(&server, "s").await, TWO);
}

/// The API never leads to this state (rule 3.40): the label is removed from the database.
#[tokio::test]
async fn rule_3_36_a_secret_without_current_refuses_every_move() {
    let store: Arc<dyn Store> = Arc::new(SqlStore::in_memory().await.unwrap());
    let before = Server::over(Arc::clone(&store), Options::default()).await;
    two(&before, "s").await;
    let secret = before.stored("s").await.unwrap().secret;
    let change = Change {
        secret: secret.id,
        on_revision: secret.revision,
        ops: vec![Op::RemoveStage(StageLabel::current())],
    };
    store.commit(Batch::plain(change)).await.unwrap();
    // The first server remembers the secret as it was.
    let server = Server::over(store, Options::default()).await;
    assert_eq!(versions(&server, "s").await, "v2[] v1[ACSPrevious,Mine]");
    let abnormal = refusal(400, "Rejected.UnsupportedOperation", "secret stages in unnormal status");
    for command in [("New", None, Some("v1")), ("Mine", Some("v1"), None), ("ACSCurrent", None, Some("v1"))] {
        refuses(&server, "UpdateSecretVersionStage", &parameters("s", command), &abnormal).await;
    }
}

#[tokio::test]
async fn rule_3_40_exactly_one_version_is_current_whatever_is_tried() {
    let server = Server::start().await;
    two(&server, "s").await;
    put_labelled(&server, "s", "v3", &["ACSNext"]).await;
    let labels = ["ACSCurrent", "ACSPrevious", "Mine", "ACSNext"];
    let places = [None, Some("v1"), Some("v2"), Some("v3"), Some("v9")];
    let mut n = 0;
    for label in labels {
        for (from, to) in places.iter().flat_map(|from| places.iter().map(move |to| (*from, *to))) {
            server.call("UpdateSecretVersionStage", &parameters("s", (label, from, to))).await;
            assert_eq!(
                versions(&server, "s").await.matches("ACSCurrent").count(),
                1,
                "{label} {from:?} {to:?}"
            );
            n += 1;
        }
    }
    assert_eq!(n, 100);
    for (version, labels) in [("v4", ["ACSPrevious", "Mine"]), ("v5", ["ACSCurrent", "ACSPrevious"])] {
        put_labelled(&server, "s", version, &labels).await;
        assert_eq!(versions(&server, "s").await.matches("ACSCurrent").count(), 1);
    }
}

#[tokio::test]
async fn rule_3_41_a_version_without_labels_is_not_listed_unless_asked_for() {
    let server = Server::start().await;
    let listed = async |name: &str, include: Option<&str>| {
        let include = include.map(|include| ("IncludeDeprecated", include));
        let parameters: Vec<_> = [("SecretName", name)].into_iter().chain(include).collect();
        let answer = server.ok("ListSecretVersionIds", &parameters).await;
        let rows = answer["VersionIds"]["VersionId"].as_array().unwrap();
        assert_eq!(answer["TotalCount"], rows.len());
        rows.iter().map(|row| text(&row["VersionId"])).collect::<Vec<_>>().join(" ")
    };
    // Four ways to lose the last label: removed, moved, put on another version, displaced by ACSCurrent.
    for way in ["off", "move", "put", "push"] {
        server.create(way).await;
        server.put(way, "v2", "two").await;
        put_labelled(&server, way, "v3", &["Last"]).await;
        assert_eq!(listed(way, None).await, "v3 v2 v1");
        let left = match way {
            "off" => {
                moves(&server, way, ("Last", Some("v3"), None), "v3[] v2[ACSCurrent] v1[ACSPrevious]").await;
                ("v2 v1", "v3 v2 v1")
            }
            "move" => {
                let wanted = "v3[] v2[ACSCurrent,Last] v1[ACSPrevious]";
                moves(&server, way, ("Last", None, Some("v2")), wanted).await;
                ("v2 v1", "v3 v2 v1")
            }
            "put" => {
                put_labelled(&server, way, "v4", &["Last"]).await;
                ("v4 v2 v1", "v4 v3 v2 v1")
            }
            _ => {
                server.put(way, "v4", "four").await;
                ("v4 v3 v2", "v4 v3 v2 v1")
            }
        };
        assert_eq!(listed(way, None).await, left.0, "{way}");
        assert_eq!(listed(way, Some("false")).await, left.0, "{way}");
        assert_eq!(listed(way, Some("true")).await, left.1, "{way}");
    }
}
