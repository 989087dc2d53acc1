//! Rules R3 to R7 on decisions.

use super::*;
use crate::domain::names::Scope;
use crate::domain::rotation::config::{ExtendedConfig, example};
use crate::domain::writes::{self, NewSecret};
use crate::domain::{Change, Tags};

/// 2026-01-01T00:00:00Z.
const CREATED: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const HOUR: i64 = 3_600_000;

fn v(text: &str) -> VersionId {
    text.parse().unwrap()
}

fn interval(text: &str) -> RotationInterval {
    RotationInterval::parse(text, RotationInterval::SHORTEST).unwrap()
}

fn lease(owner: &str, until: i64) -> Lease {
    Lease { owner: owner.to_owned(), until: Timestamp::from_millis(until) }
}

/// A secret and what is managed of it, changed step by step.
#[derive(Clone)]
struct Both {
    secret: Secret,
    managed: Managed,
}

impl Both {
    fn new(plan: Plan) -> Self {
        let new = NewSecret {
            id: "id-1".parse().unwrap(),
            scope: Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() },
            name: "s".parse().unwrap(),
            description: String::new(),
            encryption_key: None,
            secret_type: SecretType::Rds,
            version: v("v1"),
            previous: None,
            data_type: DataType::Text,
            tags: Tags::default(),
            policy: None,
            managed: None,
        };
        let secret = writes::create(new, CREATED).unwrap().created().unwrap();
        let config = ExtendedConfig::stored(SecretType::Rds, example(SecretType::Rds)).unwrap();
        Self { secret, managed: Managed::new(config, plan, CREATED) }
    }

    fn begin(&mut self, version: &str, trigger: Trigger, now: Timestamp) -> Result<Begun, Refusal> {
        let command = Begin { version: v(version), trigger, lease: lease("me", 60_000) };
        let begun = begin(&self.secret, &self.managed, command, now)?;
        if let Begun::Started(managed) = &begun {
            self.managed = managed.as_ref().clone();
        }
        Ok(begun)
    }

    fn finish_with(&mut self, version: &str, window: Option<Window>, now: Timestamp) -> Result<(), Dropped> {
        let done = Finish { version: &v(version), owner: "me", window };
        let (managed, ops) = finish(&self.secret, &self.managed, done, &Limits::default(), now)?;
        self.apply(ops);
        self.managed = managed;
        Ok(())
    }

    fn apply(&mut self, ops: Vec<Op>) {
        let change = Change { secret: self.secret.id.clone(), on_revision: self.secret.revision, ops };
        self.secret = self.secret.after(&change).unwrap();
    }

    /// A whole rotation, which starts and ends at `now`.
    fn rotate(&mut self, version: &str, trigger: Trigger, now: Timestamp) {
        assert!(matches!(self.begin(version, trigger, now), Ok(Begun::Started(_))), "{version}");
        self.finish_with(version, None, now).unwrap();
    }

    fn fail(&mut self, version: &str) {
        self.managed = fail(&self.managed, &v(version), "me").unwrap();
    }

    fn set_plan(&mut self, interval: Option<RotationInterval>) -> Result<(), Refusal> {
        self.managed = set_plan(&self.secret, &self.managed, interval)?;
        Ok(())
    }

    fn next(&self) -> Option<String> {
        self.managed.next_rotation().map(|at| at.to_string())
    }

    fn is_due(&self, now: Timestamp) -> bool {
        is_due(&self.secret, &self.managed, now)
    }

    fn labels(&self) -> String {
        self.secret.stages.iter().map(|(l, v)| format!("{l}={v}")).collect::<Vec<_>>().join(" ")
    }

    fn versions(&self) -> String {
        self.secret.versions.iter().map(|v| v.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn in_window(&self) -> Self {
        let mut next = self.clone();
        next.secret.planned_deletion = Some(CREATED.plus_days(30));
        next
    }
}

fn daily() -> Both {
    Both::new(Plan::Enabled(interval("24h")))
}

const CALL: Trigger = Trigger::Call;
const SCHEDULE: Trigger = Trigger::Schedule;

#[test]
fn rule_r3_6_the_first_date_is_creation_and_interval() {
    assert_eq!(Both::new(Plan::Enabled(interval("7d"))).next().unwrap(), "2026-01-08T00:00:00Z");
    assert_eq!(Both::new(Plan::Disabled).next(), None);
}

#[test]
fn rule_r3_5_and_r3_9_a_rotation_sets_the_last_date_and_moves_the_schedule() {
    let mut both = daily();
    assert_eq!(both.managed.last_rotation, None);
    let t = CREATED.plus_millis(5 * HOUR);
    both.rotate("v2", CALL, t);
    assert_eq!(both.managed.last_rotation, Some(t));
    assert_eq!(both.next().unwrap(), "2026-01-02T05:00:00Z");
}

#[test]
fn rule_r3_7_turning_a_plan_off_keeps_the_last_date() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED);
    both.set_plan(None).unwrap();
    assert_eq!((both.next(), both.managed.plan.interval()), (None, None));
    assert_eq!(both.managed.last_rotation, Some(CREATED));
    assert!(!both.is_due(CREATED.plus_days(1000)));
}

#[test]
fn rule_r3_10_several_missed_dates_make_one_rotation() {
    let mut both = daily();
    let late = CREATED.plus_days(10);
    both.rotate("v2", SCHEDULE, late);
    assert_eq!(both.begin("v3", SCHEDULE, late), Ok(Begun::NotDue));
    assert_eq!(both.next().unwrap(), "2026-01-12T00:00:00Z");
}

#[test]
fn rule_r3_11_a_policy_makes_an_invalid_plan_enabled_again() {
    let mut both = daily();
    both.begin("v2", SCHEDULE, CREATED.plus_days(1)).unwrap();
    both.fail("v2");
    assert_eq!(both.managed.plan.as_str(), "Invalid");
    both.set_plan(Some(interval("24h"))).unwrap();
    assert!(both.is_due(CREATED.plus_days(1)));
    assert_eq!(both.managed.plan.as_str(), "Enabled");
}

#[test]
fn rule_r3_12_success_mends_an_invalid_plan_and_leaves_a_disabled_one() {
    let mut both = Both::new(Plan::Invalid(interval("24h")));
    both.rotate("v2", CALL, CREATED);
    assert_eq!(both.managed.plan, Plan::Enabled(interval("24h")));
    let mut both = Both::new(Plan::Disabled);
    both.rotate("v2", CALL, CREATED);
    assert_eq!(both.managed.plan, Plan::Disabled);
}

#[test]
fn rule_r3_13_failure_leaves_a_disabled_plan_disabled() {
    let mut both = Both::new(Plan::Disabled);
    both.begin("v2", CALL, CREATED).unwrap();
    both.fail("v2");
    assert_eq!(both.managed.plan, Plan::Disabled);
}

#[test]
fn rule_r3_14_the_policy_that_stands_changes_no_date() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED.plus_millis(HOUR));
    let before = both.next();
    both.set_plan(Some(interval("24h"))).unwrap();
    assert_eq!(both.next(), before);
}

#[test]
fn rule_r3_16_nothing_rotates_in_the_deletion_window_and_a_missed_date_is_due_after_it() {
    let both = daily();
    let late = CREATED.plus_days(3);
    let mut deleted = both.in_window();
    assert!(!deleted.is_due(late));
    assert_eq!(deleted.begin("v2", SCHEDULE, late), Err(Refusal::InRecoveryWindow));
    assert_eq!(deleted.set_plan(None), Err(Refusal::InRecoveryWindow));
    assert!(both.is_due(late));
}

#[test]
fn rule_r3_18_the_worked_dates() {
    let mut both = Both::new(Plan::Enabled(interval("7d")));
    assert_eq!(both.next().unwrap(), "2026-01-08T00:00:00Z");
    let by_hand = CREATED.plus_days(2).plus_millis(12 * HOUR);
    both.rotate("v2", CALL, by_hand);
    assert_eq!(both.managed.last_rotation.unwrap().to_string(), "2026-01-03T12:00:00Z");
    assert_eq!(both.next().unwrap(), "2026-01-10T12:00:00Z");
    let shorter = CREATED.plus_days(3).plus_millis(13 * HOUR);
    both.set_plan(Some(interval("12h"))).unwrap();
    assert!(both.is_due(shorter));
    both.rotate("v3", SCHEDULE, shorter);
    assert_eq!(both.next().unwrap(), "2026-01-05T01:00:00Z");
    both.set_plan(None).unwrap();
    both.set_plan(Some(interval("30d"))).unwrap();
    assert_eq!(both.next().unwrap(), "2026-02-03T13:00:00Z");
}

#[test]
fn rule_r4_3_a_version_that_is_there_is_ignored_whatever_its_labels() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED);
    both.rotate("v3", CALL, CREATED);
    let before = both.clone();
    for version in ["v1", "v2", "v3"] {
        assert_eq!(both.begin(version, CALL, CREATED), Ok(Begun::Ignored));
    }
    assert_eq!((both.secret, both.managed), (before.secret, before.managed));
}

#[test]
fn rule_r4_6_while_a_rotation_runs_others_are_refused_and_the_same_one_is_joined() {
    let mut both = daily();
    both.begin("v2", CALL, CREATED).unwrap();
    assert_eq!(both.begin("v3", CALL, CREATED), Err(Refusal::BeingRotated));
    assert_eq!(both.begin("v2", CALL, CREATED), Ok(Begun::Joined));
    assert_eq!(both.begin("v3", SCHEDULE, CREATED.plus_days(9)), Ok(Begun::NotDue));
    assert_eq!(both.set_plan(None), Err(Refusal::BeingRotated));
    assert!(!both.is_due(CREATED.plus_days(9)));
}

#[test]
fn rule_r4_11_a_secret_that_is_scheduled_for_deletion_is_refused() {
    assert_eq!(daily().in_window().begin("v2", CALL, CREATED), Err(Refusal::InRecoveryWindow));
    assert_eq!(daily().in_window().begin("v1", CALL, CREATED), Err(Refusal::InRecoveryWindow));
}

#[test]
fn rule_r5_1_and_r5_8_labels_move_in_one_change() {
    let mut both = daily();
    both.begin("v2", CALL, CREATED).unwrap();
    assert_eq!(both.labels(), "ACSCurrent=v1", "nothing shows before the end (rule R5.7)");
    both.finish_with("v2", None, CREATED).unwrap();
    assert_eq!(both.labels(), "ACSCurrent=v2 ACSPrevious=v1");
    both.rotate("v3", CALL, CREATED);
    assert_eq!(both.labels(), "ACSCurrent=v3 ACSPrevious=v2");
}

#[test]
fn rule_r5_9_a_new_version_is_text() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED);
    assert_eq!(both.secret.version(&v("v2")).unwrap().data_type, DataType::Text);
}

#[test]
fn rule_r6_3_versions_without_label_are_evicted_at_the_limit() {
    let mut both = daily();
    for n in 2..=12 {
        both.rotate(&format!("v{n}"), CALL, CREATED);
    }
    assert_eq!(both.versions(), "v3 v4 v5 v6 v7 v8 v9 v10 v11 v12");
    assert_eq!(both.labels(), "ACSCurrent=v12 ACSPrevious=v11");
}

#[test]
fn rule_r7_1_and_r7_2_failure_changes_nothing_but_the_plan() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED);
    let before = both.clone();
    both.begin("v3", SCHEDULE, CREATED.plus_days(1)).unwrap();
    both.fail("v3");
    assert_eq!(both.secret, before.secret);
    assert_eq!(both.managed.last_rotation, before.managed.last_rotation);
    assert_eq!(both.managed.plan.as_str(), "Invalid");
    assert_eq!(both.next(), before.next(), "the date that was missed (rule R3.4)");
    assert_eq!(both.managed.due(), None);
    assert_eq!(both.begin("v4", SCHEDULE, CREATED.plus_days(99)), Ok(Begun::NotDue));
}

#[test]
fn rule_r8_3_another_worker_goes_on_with_the_same_rotation_when_the_lease_is_over() {
    let mut both = daily();
    both.begin("v2", CALL, CREATED).unwrap();
    let wall = Timestamp::from_millis;
    assert_eq!(take_over(&both.managed, lease("other", 200_000), wall(59_999)), None);
    let taken = take_over(&both.managed, lease("other", 200_000), wall(60_000)).unwrap();
    let running = taken.running.as_ref().unwrap();
    assert_eq!((&running.version, running.attempt, &*running.lease.owner), (&v("v2"), 1, "other"));
    both.managed = taken;
    assert_eq!(both.finish_with("v2", None, CREATED), Err(Dropped::Lost));
    assert_eq!(next_attempt(&both.managed, &v("v2"), lease("me", 1)), None);
    assert_eq!(fail(&both.managed, &v("v2"), "me"), None);
    let again = next_attempt(&both.managed, &v("v2"), lease("other", 1)).unwrap().running.unwrap();
    assert_eq!(again.attempt, 2);
    assert_eq!(take_over(&daily().managed, lease("other", 1), wall(i64::MAX)), None);
}

#[test]
fn rule_r8_4_a_version_that_became_current_meanwhile_stands() {
    let mut both = daily();
    both.begin("v2", CALL, CREATED).unwrap();
    let other = Version { id: v("x"), data_type: DataType::Text, created: CREATED, ordinal: 2 };
    both.apply(vec![Op::AddVersion(other), Op::SetStage(StageLabel::current(), v("x"))]);
    assert_eq!(both.finish_with("v2", None, CREATED), Err(Dropped::Conflict));
    assert_eq!(both.labels(), "ACSCurrent=x");
}

#[test]
fn the_result_of_a_rotation_is_dropped_when_the_secret_is_deleted_meanwhile() {
    let mut both = daily();
    both.begin("v2", CALL, CREATED).unwrap();
    assert_eq!(both.in_window().finish_with("v2", None, CREATED), Err(Dropped::Lost));
    both.managed = both.managed.with_running(None);
    assert_eq!(both.finish_with("v2", None, CREATED), Err(Dropped::Lost));
    assert_eq!(with_candidate(&both.managed, &v("v2"), "me"), None);
}

/// A rotation of an AccessKey at `now`, whose window is 48 hours.
fn rotate_key(both: &mut Both, version: &str, old: (&str, &str), now: Timestamp) {
    both.begin(version, CALL, now).unwrap();
    let window = Window {
        old_key: old.0.to_owned(),
        old_version: v(old.1),
        disables: Some(now.plus_days(1)),
        ends: now.plus_days(2),
    };
    both.finish_with(version, Some(window), now.plus_millis(5)).unwrap();
}

#[test]
fn rule_dy12_3_the_old_key_turns_inactive_at_half_of_the_window_and_goes_at_its_end() {
    let mut both = daily();
    rotate_key(&mut both, "v2", ("K1", "v1"), CREATED);
    assert_eq!(both.labels(), "ACSCurrent=v2 ACSPrevious=v1");
    let step =
        |both: &Both, hours| window_step(&both.secret, &both.managed, CREATED.plus_millis(hours * HOUR));
    assert!(step(&both, 23).is_none());
    assert!(step(&both.in_window(), 99).is_none(), "not in the deletion window (rule DY9.3)");
    let (managed, ops, what) = step(&both, 24).unwrap();
    assert_eq!((ops.len(), what), (0, Step::Disable("K1".to_owned())));
    both.managed = managed;
    assert!(step(&both, 47).is_none());
    let (managed, ops, what) = step(&both, 48).unwrap();
    assert_eq!(what, Step::Delete("K1".to_owned()));
    both.apply(ops);
    both.managed = managed;
    assert_eq!((both.labels().as_str(), both.versions().as_str()), ("ACSCurrent=v2", "v2"), "rule R6.2");
}

#[test]
fn rule_dy12_3_a_clock_that_skips_the_middle_deletes_at_once() {
    let mut both = daily();
    rotate_key(&mut both, "v2", ("K1", "v1"), CREATED);
    let (managed, _, what) = window_step(&both.secret, &both.managed, CREATED.plus_days(50)).unwrap();
    assert_eq!((what, managed.window), (Step::Delete("K1".to_owned()), None));
}

#[test]
fn rule_dy12_4_a_window_keeps_others_out_and_the_date_is_that_of_the_start() {
    let mut both = daily();
    rotate_key(&mut both, "v2", ("K1", "v1"), CREATED);
    assert_eq!(both.managed.last_rotation, Some(CREATED));
    let later = CREATED.plus_days(1);
    assert_eq!(both.begin("v3", CALL, later), Err(Refusal::BeingRotated));
    assert_eq!(both.begin("v3", SCHEDULE, later), Ok(Begun::NotDue));
    assert_eq!(both.begin("v2", CALL, later), Ok(Begun::Ignored));
    assert_eq!(both.set_plan(None), Err(Refusal::BeingRotated));
    let after = CREATED.plus_days(2);
    let (managed, ops, _) = window_step(&both.secret, &both.managed, after).unwrap();
    both.apply(ops);
    both.managed = managed;
    assert!(both.is_due(after), "the date that passed in the window is due after it");
}

#[test]
fn rule_dy12_5_the_older_of_two_keys_goes_with_its_value() {
    let mut both = daily();
    both.rotate("v2", CALL, CREATED);
    assert_eq!(both.labels(), "ACSCurrent=v2 ACSPrevious=v1");
    rotate_key(&mut both, "v3", ("K2", "v2"), CREATED);
    assert_eq!((both.labels().as_str(), both.versions().as_str()), ("ACSCurrent=v3 ACSPrevious=v2", "v2 v3"));
}
