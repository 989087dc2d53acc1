//! Tables for the rules of sections 2, 3 and 6, and invariants under random commands.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn v(text: &str) -> VersionId {
    text.parse().unwrap()
}

fn l(text: &str) -> StageLabel {
    text.parse().unwrap()
}

fn new_secret() -> NewSecret {
    NewSecret {
        id: "id-1".parse().unwrap(),
        scope: Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() },
        name: "s".parse().unwrap(),
        description: String::new(),
        encryption_key: None,
        secret_type: SecretType::Generic,
        version: v("v1"),
        previous: None,
        data_type: DataType::Text,
        tags: Tags::default(),
        policy: None,
        managed: None,
    }
}

fn created() -> Secret {
    create(new_secret(), NOW).unwrap().created().unwrap()
}

fn put_with(secret: &Secret, version: &str, stages: &[&str], limits: &Limits) -> Result<Secret, Refusal> {
    let put = PutVersion {
        version: v(version),
        data_type: DataType::Text,
        stages: stages.iter().map(|s| l(s)).collect(),
        same_value: secret.version(&v(version)).map(|_| false),
    };
    let change = put_version(secret, put, limits, NOW)?;
    Ok(change.map_or_else(|| secret.clone(), |c| secret.after(&c).unwrap()))
}

fn put(secret: &Secret, version: &str, stages: &[&str]) -> Result<Secret, Refusal> {
    put_with(secret, version, stages, &Limits::default())
}

fn stage(secret: &Secret, label: &str, from: Option<&str>, to: Option<&str>) -> Result<Secret, Refusal> {
    let command = MoveStage { label: l(label), remove_from: from.map(v), move_to: to.map(v) };
    let change = move_stage(secret, &command, &Limits::default(), NOW)?;
    Ok(change.map_or_else(|| secret.clone(), |c| secret.after(&c).unwrap()))
}

/// Labels as text: `ACSCurrent=v2 Mine=v1`.
fn labels(secret: &Secret) -> String {
    secret.stages.iter().map(|(l, v)| format!("{l}={v}")).collect::<Vec<_>>().join(" ")
}

fn versions(secret: &Secret) -> Vec<&str> {
    secret.versions.iter().map(|v| v.id.as_str()).collect()
}

/// v1 and v2, ACSCurrent on v2, ACSPrevious and Mine on v1.
fn two() -> Secret {
    let s = put(&created(), "v2", &["ACSCurrent"]).unwrap();
    stage(&s, "Mine", None, Some("v1")).unwrap()
}

#[test]
fn rule_2_1_the_first_version_is_current_and_none_is_previous() {
    assert_eq!(labels(&created()), "ACSCurrent=v1");
}

#[test]
fn rule_2_8_the_eleventh_version_evicts_the_earliest_unlabelled() {
    let mut s = stage(&created(), "Keep", None, Some("v1")).unwrap();
    for n in 2..=10 {
        s = put(&s, &format!("v{n}"), &["ACSCurrent"]).unwrap();
    }
    assert_eq!(s.versions.len(), 10);
    let s = put(&s, "v11", &["ACSCurrent"]).unwrap();
    assert_eq!(versions(&s), ["v1", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"]);
}

#[test]
fn rule_2_9_a_secret_whose_versions_are_all_labelled_refuses_one_more() {
    let limits = Limits { versions_per_secret: 2, ..Limits::default() };
    let s = put_with(&created(), "v2", &["ACSCurrent"], &limits).unwrap();
    assert_eq!(
        put_with(&s, "v3", &["Mine"], &limits),
        Err(Refusal::LimitExceeded(limits.labelled_versions()))
    );
    // When ACSCurrent moves, v1 loses ACSPrevious and can be evicted.
    assert_eq!(versions(&put_with(&s, "v3", &["ACSCurrent"], &limits).unwrap()), ["v2", "v3"]);
}

#[test]
fn rule_2_10_an_evicted_id_may_be_used_again() {
    let mut s = created();
    for n in 2..=11 {
        s = put(&s, &format!("v{n}"), &["ACSCurrent"]).unwrap();
    }
    assert!(s.version(&v("v1")).is_none());
    let s = put(&s, "v1", &["ACSCurrent"]).unwrap();
    assert_eq!(s.stages.version_of("ACSCurrent"), Some(&v("v1")));
}

#[test]
fn rule_3_8_previous_follows_current_everywhere() {
    let s = two();
    assert_eq!(labels(&s), "ACSCurrent=v2 ACSPrevious=v1 Mine=v1");
    let s = put(&s, "v3", &["ACSCurrent"]).unwrap();
    assert_eq!(labels(&s), "ACSCurrent=v3 ACSPrevious=v2 Mine=v1");
    // Back to the version that has ACSPrevious: the two labels swap.
    let s = stage(&s, "ACSCurrent", None, Some("v2")).unwrap();
    assert_eq!(labels(&s), "ACSCurrent=v2 ACSPrevious=v3 Mine=v1");
}

#[test]
fn rule_3_11_nine_labels_are_refused() {
    let s = put(&created(), "v2", &["ACSCurrent", "a", "b", "c", "d", "e", "f"]).unwrap();
    assert_eq!(s.stages.len(), 8);
    let refused = put(&s, "v3", &["g"]).unwrap_err();
    assert_eq!(refused, Refusal::LimitExceeded(Limits::default().labels()));
    assert!(refused.to_string().starts_with("at most 8 labels "), "{refused}");
    assert!(put(&s, "v3", &["a"]).is_ok());
}

/// Rule, label, version that it leaves, version that it enters, labels afterwards.
type Case =
    (&'static str, &'static str, Option<&'static str>, Option<&'static str>, Result<&'static str, Refusal>);

#[test]
fn the_table_of_update_secret_version_stage() {
    let before = "ACSCurrent=v2 ACSPrevious=v1 Mine=v1";
    let mismatch = Err(Refusal::StageMismatch);
    let wrong = Err(Refusal::parameter("MoveToVersion", ""));
    let gone = Err(Refusal::VersionNotFound);
    let cases: [Case; 18] = [
        ("3.20", "Mine", None, None, wrong.clone()),
        ("3.21", "New", None, Some("v2"), Ok("ACSCurrent=v2 ACSPrevious=v1 Mine=v1 New=v2")),
        ("3.22", "Mine", None, Some("v2"), Ok("ACSCurrent=v2 ACSPrevious=v1 Mine=v2")),
        ("3.23", "Mine", None, Some("v1"), Ok(before)),
        ("3.23", "ACSCurrent", None, Some("v2"), Ok(before)),
        ("3.24", "Mine", Some("v1"), None, Ok("ACSCurrent=v2 ACSPrevious=v1")),
        ("3.25", "Mine", Some("v2"), None, mismatch.clone()),
        ("3.25", "New", Some("v2"), None, mismatch.clone()),
        ("3.26", "ACSCurrent", Some("v2"), None, wrong.clone()),
        ("3.26", "ACSPrevious", Some("v1"), None, wrong),
        ("3.27", "Mine", Some("v1"), Some("v2"), Ok("ACSCurrent=v2 ACSPrevious=v1 Mine=v2")),
        ("3.28", "Mine", Some("v2"), Some("v1"), mismatch),
        ("3.29", "Mine", Some("v1"), Some("v1"), Err(Refusal::SameVersion)),
        ("3.30", "ACSCurrent", None, Some("v1"), Ok("ACSCurrent=v1 ACSPrevious=v2 Mine=v1")),
        ("3.31", "ACSPrevious", Some("v1"), Some("v2"), Ok("ACSCurrent=v2 ACSPrevious=v2 Mine=v1")),
        ("3.32", "ACSPrevious", None, Some("v2"), Ok("ACSCurrent=v2 ACSPrevious=v2 Mine=v1")),
        ("3.33", "Mine", None, Some("v9"), gone.clone()),
        ("3.33", "Mine", Some("v9"), None, gone),
    ];
    for (rule, label, from, to, want) in cases {
        let got = stage(&two(), label, from, to).map(|s| labels(&s)).map_err(|refusal| match refusal {
            Refusal::Parameter(name, _) => Refusal::parameter(name, ""),
            other => other,
        });
        assert_eq!(got, want.map(str::to_owned), "rule {rule}: {label} from {from:?} to {to:?}");
    }
}

#[test]
fn rule_3_34_a_ninth_label_is_refused() {
    let s = put(&created(), "v2", &["ACSCurrent", "a", "b", "c", "d", "e", "f"]).unwrap();
    assert_eq!(stage(&s, "g", None, Some("v1")), Err(Refusal::LimitExceeded(Limits::default().labels())));
}

#[test]
fn rule_3_36_a_secret_without_a_current_version_refuses() {
    let mut s = two();
    s.stages.remove("ACSCurrent");
    assert_eq!(stage(&s, "Mine", None, Some("v2")), Err(Refusal::NoCurrentVersion));
}

#[test]
fn rule_6_2_the_window_is_7_to_30_days() {
    for days in [7, 30] {
        let (_, at) = delete(&created(), Deletion::After(days), NOW).unwrap();
        assert_eq!(at, NOW.plus_days(days));
    }
    for days in [-1, 0, 6, 31, i64::MAX] {
        let refused = delete(&created(), Deletion::After(days), NOW);
        let why = "is out of range; expected 7 to 30 days";
        assert_eq!(refused, Err(Refusal::parameter("RecoveryWindowInDays", why)));
    }
}

#[test]
fn rule_6_8_a_restore_gives_back_what_was_there() {
    let s = two();
    let (change, _) = delete(&s, Deletion::After(7), NOW).unwrap();
    let deleted = s.after(&change).unwrap();
    assert!(!deleted.is_due_for_purge(NOW.plus_days(7).plus_millis(-1)));
    assert!(deleted.is_due_for_purge(NOW.plus_days(7)));
    let back = deleted.after(&restore(&deleted, NOW).unwrap()).unwrap();
    assert_eq!((back.planned_deletion, labels(&back), &back.versions), (None, labels(&s), &s.versions));
    assert_eq!(restore(&back, NOW), Err(Refusal::NotInRecoveryWindow));
}

#[test]
fn rule_2_12_dynamic_secrets_refuse_put_and_stage() {
    let s = Secret { secret_type: SecretType::Rds, ..two() };
    assert_eq!(put(&s, "v9", &["ACSCurrent"]), Err(Refusal::UnsupportedType));
    assert_eq!(stage(&s, "Mine", None, Some("v2")), Err(Refusal::UnsupportedType));
}

#[derive(Debug, Clone)]
enum Command {
    Put(String, Vec<String>, bool),
    Stage(String, Option<String>, Option<String>),
    Delete(i64),
    Restore,
    Tag(String, String),
    Untag(String),
    Update(String),
}

fn command() -> impl Strategy<Value = Command> {
    let version = || "v[0-9]{1,2}";
    let label =
        || prop_oneof![Just("ACSCurrent".to_owned()), Just("ACSPrevious".to_owned()), "[a-h]".boxed()];
    prop_oneof![
        4 => (version(), prop::collection::vec(label(), 1..4), any::<bool>()).prop_map(|(v, l, s)| Command::Put(v, l, s)),
        4 => (label(), prop::option::of(version()), prop::option::of(version())).prop_map(|(l, f, t)| Command::Stage(l, f, t)),
        1 => (5i64..33).prop_map(Command::Delete),
        2 => Just(Command::Restore),
        1 => ("[a-e]", "[x-z]").prop_map(|(k, v)| Command::Tag(k, v)),
        1 => "[a-e]".prop_map(Command::Untag),
        1 => "[a-z]{0,5}".prop_map(Command::Update),
    ]
}

fn decide(secret: &Secret, command: &Command, limits: &Limits) -> Result<Option<Change>, Refusal> {
    match command {
        Command::Put(version, stages, same) => put_version(
            secret,
            PutVersion {
                version: v(version),
                data_type: DataType::Text,
                stages: stages.iter().map(|s| l(s)).collect(),
                same_value: secret.version(&v(version)).map(|_| *same),
            },
            limits,
            NOW,
        ),
        Command::Stage(label, from, to) => {
            let command = MoveStage {
                label: l(label),
                remove_from: from.as_deref().map(v),
                move_to: to.as_deref().map(v),
            };
            move_stage(secret, &command, limits, NOW)
        }
        Command::Delete(days) => delete(secret, Deletion::After(*days), NOW).map(|(c, _)| Some(c)),
        Command::Restore => restore(secret, NOW).map(Some),
        Command::Tag(key, value) => {
            tag(secret, vec![(key.parse().unwrap(), value.parse().unwrap())]).map(Some)
        }
        Command::Untag(key) => Ok(untag(secret, &[key.parse().unwrap()])),
        Command::Update(text) => update(secret, Some(text.clone()), None, NOW).map(Some),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn invariants_hold_under_any_sequence_of_commands(
        commands in prop::collection::vec(command(), 1..60),
        max_versions in 2usize..11,
        max_labels in 2usize..9,
    ) {
        let limits = Limits { versions_per_secret: max_versions, labels_per_secret: max_labels, ..Limits::default() };
        let mut s = created();
        let mut written: BTreeMap<u64, Version> = s.versions.iter().map(|v| (v.ordinal, v.clone())).collect();
        for command in commands {
            let Ok(Some(change)) = decide(&s, &command, &limits) else { continue };
            let next = s.after(&change).unwrap();
            prop_assert_eq!(next.revision, s.revision + 1);
            // Every label is on an existing version; ACSCurrent always exists (rules 3.1, 3.40).
            for (_, version) in next.stages.iter() {
                prop_assert!(next.version(version).is_some());
            }
            let current = next.stages.version_of("ACSCurrent").unwrap();
            // ACSPrevious goes to the version that ACSCurrent left (rule 3.8), unless the same request named
            // ACSPrevious too.
            let left = s.stages.version_of("ACSCurrent").unwrap();
            let named_previous = matches!(&command, Command::Put(_, labels, _) if labels.iter().any(|l| l == "ACSPrevious"));
            if current != left && !named_previous {
                prop_assert_eq!(next.stages.version_of("ACSPrevious"), Some(left));
            }
            // A labelled version is never evicted, and at most one version is evicted at a time (rule 2.8).
            for version in &s.versions {
                if next.version(&version.id).is_none_or(|v| v.ordinal != version.ordinal) {
                    prop_assert!(!next.stages.is_labelled(&version.id) || next.version(&version.id).is_some());
                    prop_assert_eq!(s.versions.len(), max_versions);
                }
            }
            prop_assert!(next.versions.len() <= max_versions.max(1));
            prop_assert!(next.stages.len() <= max_labels.max(s.stages.len()));
            // A stored version never changes (rule 2.2), and ordinals only grow.
            for version in &next.versions {
                let first = written.entry(version.ordinal).or_insert_with(|| version.clone());
                prop_assert_eq!(&*first, version);
            }
            prop_assert!(next.versions.is_sorted_by_key(|v| v.ordinal));
            s = next;
        }
    }
}
