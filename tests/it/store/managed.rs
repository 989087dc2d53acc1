//! Managed secrets and AccessKeys in the store.

use std::sync::Arc;

use sesame::testing::domain::rotation::{
    ExtendedConfig, Lease, Managed, Plan, RotationInterval, Running, Trigger, Window,
};
use sesame::testing::domain::writes::{self, NewSecret};
use sesame::testing::domain::{Change, DataType, Op, Secret, SecretType, StageMap, Tags, Timestamp};
use sesame::testing::store::{
    AccessKeyRecord, AccessKeyStatus, Batch, RotationsDue, SealedValue, Store, StoreError,
};

use super::{batch, name, scope};
use crate::support::NOW;

/// A Redis secret whose account at the instance is the same in each.
fn redis(text: &str) -> Secret {
    let config = r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","AccountName":"app"}"#;
    let config = ExtendedConfig::stored(SecretType::Redis, config).unwrap();
    let plan = Plan::Enabled(RotationInterval::of_any_length("6h").unwrap());
    let new = NewSecret {
        id: format!("id-{text}").parse().unwrap(),
        scope: scope(),
        name: name(text),
        description: String::new(),
        encryption_key: None,
        secret_type: SecretType::Redis,
        version: "v1".parse().unwrap(),
        previous: None,
        data_type: DataType::Text,
        tags: Tags::default(),
        policy: None,
        managed: Some(Managed::new(config, plan, NOW)),
    };
    writes::create(new, NOW).unwrap().created().unwrap()
}

async fn create(store: &dyn Store, secret: &Secret) -> Result<(), StoreError> {
    let mut ops = vec![Op::Create(Box::new(Secret {
        versions: Vec::new(),
        stages: StageMap::default(),
        revision: 0,
        ..secret.clone()
    }))];
    ops.extend(secret.versions.iter().cloned().map(Op::AddVersion));
    for (label, version) in secret.stages.iter() {
        ops.push(Op::SetStage(label.clone(), version.clone()));
    }
    let change = Change { secret: secret.id.clone(), on_revision: 0, ops };
    store.commit(batch(change)).await
}

/// The names of what is due.
async fn due(store: &dyn Store, now: Timestamp, wall: i64) -> Vec<String> {
    let due = RotationsDue { now, wall: Timestamp::from_millis(wall), limit: 1 };
    let (mut names, mut last) = (Vec::new(), None);
    while let Some((scope, name)) = {
        let after = last.as_ref().map(|(scope, name)| (scope, name));
        store.rotations_due(due, after).await.unwrap().pop()
    } {
        names.push(name.to_string());
        last = Some((scope, name));
    }
    names
}

pub async fn what_is_managed_comes_back_and_is_found_when_it_is_due(store: Arc<dyn Store>) {
    let secret = redis("a");
    create(&*store, &secret).await.unwrap();
    assert!(store.is_target_taken(&secret.target().unwrap()).await.unwrap());
    assert_eq!(create(&*store, &redis("b")).await, Err(StoreError::Conflict), "the account is taken");
    let six_hours = NOW.plus_millis(6 * 3_600_000);
    assert_eq!(store.next_rotation().await.unwrap(), Some(six_hours));
    assert!(due(&*store, six_hours.plus_millis(-1), 0).await.is_empty());
    assert_eq!(due(&*store, six_hours, 0).await, ["a"]);
}

pub async fn a_candidate_stays_until_its_rotation_ends(store: Arc<dyn Store>) {
    let secret = redis("a");
    create(&*store, &secret).await.unwrap();
    let six_hours = NOW.plus_millis(6 * 3_600_000);
    // A rotation under way, with its candidate.
    let managed = secret.managed.as_deref().unwrap().clone();
    let running = Running {
        version: "v2".parse().unwrap(),
        trigger: Trigger::Schedule,
        started: NOW,
        current: "v1".parse().unwrap(),
        attempt: 1,
        lease: Lease { owner: "p".to_owned(), until: Timestamp::from_millis(60_000) },
        has_candidate: true,
        steps_done: 0,
    };
    let candidate = SealedValue {
        version: "v2".parse().unwrap(),
        data_key: "dk-1".parse().unwrap(),
        sealed: (*b"sealed v2").into(),
    };
    let change = writes::manage(&secret, managed.with_running(Some(running)), Vec::new());
    let changed = secret.after(&change).unwrap();
    store.commit(Batch { values: vec![candidate.clone()], ..Batch::plain(change) }).await.unwrap();
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!((&loaded.secret, &loaded.candidate), (&changed, &Some(candidate.clone())));
    assert_eq!(store.snapshot(None).await.unwrap().secrets, [loaded]);
    assert!(due(&*store, six_hours, 59_999).await.is_empty());
    assert_eq!(due(&*store, NOW, 60_000).await, ["a"]);
    // Another state keeps the candidate; the end of the rotation removes it.
    let again = writes::manage(&changed, changed.managed.as_deref().unwrap().clone(), Vec::new());
    let changed = changed.after(&again).unwrap();
    store.commit(Batch::plain(again)).await.unwrap();
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!(loaded.candidate, Some(candidate));
    let over = Managed { last_rotation: Some(NOW), ..managed };
    let change = writes::manage(&changed, over, Vec::new());
    let changed = changed.after(&change).unwrap();
    store.commit(Batch::plain(change)).await.unwrap();
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!((loaded.secret, loaded.candidate), (changed, None));
}

pub async fn a_window_is_due_but_not_in_the_deletion_window(store: Arc<dyn Store>) {
    let secret = redis("a");
    create(&*store, &secret).await.unwrap();
    let managed = secret.managed.as_deref().unwrap().clone();
    let window = Window {
        old_key: "K".to_owned(),
        old_version: "v1".parse().unwrap(),
        disables: None,
        ends: NOW.plus_days(2),
    };
    let over = Managed { window: Some(window), last_rotation: Some(NOW), ..managed };
    let change = writes::manage(&secret, over, Vec::new());
    let changed = secret.after(&change).unwrap();
    store.commit(Batch::plain(change)).await.unwrap();
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!(loaded.secret, changed);
    assert_eq!(store.next_rotation().await.unwrap(), Some(NOW.plus_days(2)));
    let (change, _) = writes::delete(&changed, writes::Deletion::After(7), NOW).unwrap();
    store.commit(Batch::plain(change)).await.unwrap();
    assert_eq!(store.next_rotation().await.unwrap(), None);
    assert!(due(&*store, NOW.plus_days(3), i64::MAX).await.is_empty());
}

pub async fn access_keys_are_kept_with_the_change_that_they_belong_to(store: Arc<dyn Store>) {
    let secret = redis("a");
    create(&*store, &secret).await.unwrap();
    let before = store.accounts().await.unwrap();
    let key = AccessKeyRecord {
        id: "K".to_owned(),
        account: scope().account,
        user: "app".to_owned(),
        status: AccessKeyStatus::Active,
        created: NOW,
        own_user: true,
        sealed: Some(vec![1, 2]),
    };
    let managed = secret.managed.as_deref().unwrap().clone();
    let change = writes::manage(&secret, managed.clone(), Vec::new());
    store.commit(Batch { access_keys: vec![key.clone()], ..Batch::plain(change.clone()) }).await.unwrap();
    let kept = store.accounts().await.unwrap();
    assert_eq!((kept.revision, &kept.access_keys), (before.revision + 1, &vec![key.clone()]));
    let gone = AccessKeyRecord { status: AccessKeyStatus::Deleted, sealed: None, ..key.clone() };
    let late = Batch { access_keys: vec![gone.clone()], ..Batch::plain(change) };
    assert_eq!(store.commit(late).await, Err(StoreError::Conflict), "and not with another one");
    assert_eq!(store.accounts().await.unwrap(), kept);
    let secret = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap().secret;
    let change = writes::manage(&secret, managed, Vec::new());
    store.commit(Batch { access_keys: vec![gone], ..Batch::plain(change) }).await.unwrap();
    let kept = store.accounts().await.unwrap().access_keys;
    assert_eq!(kept, [AccessKeyRecord { status: AccessKeyStatus::Deleted, ..key }], "its secret stays");
    store.reset().await.unwrap();
    assert!(store.accounts().await.unwrap().access_keys.is_empty());
}
