//! The conformance list: what every store must do. Each case runs on each backend. A new database is one line in
//! [`backends`], a new case is one line in [`conformance!`].

mod causes;
pub mod counted;
mod managed;
mod snapshot;
mod upgrade;

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sesame::testing::domain::keys::decisions::{self, NewKey};
use sesame::testing::domain::keys::{Alias, KeyOwner, KeySpec, Origin, ProtectionLevel};
use sesame::testing::domain::writes::{self, Deletion, MoveStage, NewSecret, PutVersion};
use sesame::testing::domain::{
    AccountId, Change, ClockSetting, DataType, Limits, Op, Page, Scope, Secret, SecretFilter, SecretName,
    SecretType, Tags, Timestamp, VersionId,
};
use sesame::testing::store::sql::SqlStore;
use sesame::testing::store::{
    Batch, DataKeyRecord, KeptNonces, KeyChange, KeyRecord, NewDataKey, PassedNonces, SealedValue, Store,
    StoreError, UsedNonce,
};

use crate::support::handed_on::{Intercepted, METHODS};
use crate::support::{NOW, postgres};
use counted::{Called, Recorded};
use managed::{
    a_candidate_stays_until_its_rotation_ends, a_window_is_due_but_not_in_the_deletion_window,
    access_keys_are_kept_with_the_change_that_they_belong_to,
    what_is_managed_comes_back_and_is_found_when_it_is_due,
};
use snapshot::{
    a_scope_without_keys_counts_too_when_a_snapshot_is_put,
    a_snapshot_of_an_account_replaces_only_that_account, added_snapshots_replace_nothing,
    contents_are_everything, contents_come_back, no_earlier_revision_comes_back_with_a_snapshot,
    resealing_replaces_what_the_root_key_seals, snapshots_leave_clock_nonces_and_metadata_alone,
};

/// Makes a test of each case, and one that checks that all of them together call every method of the trait.
macro_rules! conformance {
    ($($case:ident,)*) => {
        mod on_each_database {
            $(#[tokio::test]
            async fn $case() {
                super::on_each(super::$case).await;
            })*
        }

        #[tokio::test]
        async fn the_list_leaves_no_method_of_the_trait_out() {
            let called = Called::default();
            $({
                let store = Arc::new(SqlStore::in_memory().await.unwrap());
                let store = Intercepted(Recorded { store, called: Arc::clone(&called), panics: Arc::default() });
                run($case, Arc::new(store), false).await;
            })*
            let called = called.lock().unwrap();
            let left_out: Vec<_> = METHODS.iter().filter(|method| !called.contains(*method)).collect();
            assert!(left_out.is_empty(), "no case calls {left_out:?}");
        }
    };
}

conformance! {
    what_is_committed_is_loaded_back,
    a_change_decided_on_another_revision_is_a_conflict_and_changes_nothing,
    a_conflict_in_a_group_does_not_harm_the_others,
    a_purge_leaves_nothing_and_frees_the_name,
    what_is_managed_comes_back_and_is_found_when_it_is_due,
    a_candidate_stays_until_its_rotation_ends,
    a_window_is_due_but_not_in_the_deletion_window,
    access_keys_are_kept_with_the_change_that_they_belong_to,
    listings_are_newest_first_then_by_name_and_hide_what_is_due,
    pages_are_the_same_in_whatever_order_they_are_asked_for,
    filters_or_values_and_and_keys,
    tags_are_listed_by_name_and_key,
    keys_are_replaced_by_their_next_state_and_deleted_whole,
    facts_are_stored_once_and_stay_at_a_reset,
    keys_and_aliases_are_changed_on_a_revision_of_their_scope,
    a_data_key_needs_its_key,
    a_head_tells_one_state_of_a_secret_from_another,
    the_clock_is_set_on_a_revision,
    faults_are_kept_and_counted_until_a_reset,
    a_nonce_is_recorded_once_until_it_is_forgotten,
    a_nonce_is_decided_on_what_was_forgotten,
    accounts_are_kept_on_a_revision,
    walking_visits_every_secret_once,
    applying_a_change_in_memory_equals_what_the_store_gives_back,
    contents_are_everything,
    contents_come_back,
    a_snapshot_of_an_account_replaces_only_that_account,
    added_snapshots_replace_nothing,
    snapshots_leave_clock_nonces_and_metadata_alone,
    no_earlier_revision_comes_back_with_a_snapshot,
    a_scope_without_keys_counts_too_when_a_snapshot_is_put,
    resealing_replaces_what_the_root_key_seals,
}

/// Every backend, empty.
async fn backends(dir: &std::path::Path) -> Vec<(&'static str, Arc<dyn Store>)> {
    vec![
        ("SQLite in memory", Arc::new(SqlStore::in_memory().await.unwrap())),
        ("SQLite file", Arc::new(SqlStore::open(&dir.join("sesame.db")).await.unwrap())),
        ("PostgreSQL", Arc::new(postgres::store(&postgres::database().await).await)),
    ]
}

/// Runs a case on each backend.
async fn on_each<F: AsyncFn(Arc<dyn Store>)>(case: F) {
    let dir = tempfile::tempdir().unwrap();
    for (name, store) in backends(dir.path()).await {
        run(&case, store, name == "PostgreSQL").await;
    }
}

/// Runs a case on a store that has one key.
async fn run<F: AsyncFn(Arc<dyn Store>)>(case: F, store: Arc<dyn Store>, shared: bool) {
    assert_eq!((store.health().await, store.is_shared()), (Ok(()), shared));
    change_keys(&*store, KeyChange::Put { record: Box::new(service_key()) }).await.unwrap();
    case(Arc::clone(&store)).await;
    store.close().await;
}

/// Commits a change of keys on the current revision of the scope.
async fn change_keys(store: &dyn Store, change: KeyChange) -> Result<(), StoreError> {
    let revision = store.keys_revision(&scope()).await.unwrap();
    store.commit_keys(&scope(), revision, change).await
}

fn scope() -> Scope {
    Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() }
}

fn service_key() -> KeyRecord {
    key("key-1", KeyOwner::Service)
}

fn key(id: &str, owner: KeyOwner) -> KeyRecord {
    let new = NewKey {
        id: id.parse().unwrap(),
        scope: scope(),
        owner,
        spec: KeySpec::Aes256,
        usage: None,
        origin: Origin::Kms,
        protection: ProtectionLevel::Software,
        description: "for tests".to_owned(),
        rotation_interval_ms: (owner == KeyOwner::User).then_some(7 * 86_400_000),
        tags: [("k".parse().unwrap(), "v".parse().unwrap())].into_iter().collect(),
        policy: None,
        version: "version-1".parse().unwrap(),
    };
    let key = decisions::create(new, 0, &Limits::default(), NOW).unwrap();
    KeyRecord { key, material: vec![(1, [1, 2, 3].into())], imported: None }
}

fn name(text: &str) -> SecretName {
    text.parse().unwrap()
}

fn creation(text: &str, now: Timestamp, tags: Tags) -> Change {
    let new = NewSecret {
        id: format!("id-{text}").parse().unwrap(),
        scope: scope(),
        name: name(text),
        description: format!("about {text}"),
        encryption_key: None,
        secret_type: SecretType::Generic,
        version: "v1".parse().unwrap(),
        previous: None,
        data_type: DataType::Text,
        tags,
        policy: None,
        managed: None,
    };
    writes::create(new, now).unwrap()
}

/// The change with a sealed value for the version that it adds, and a data key for a creation.
fn batch(change: Change) -> Batch {
    let added = change.ops.iter().find_map(|op| match op {
        Op::AddVersion(version) => Some(version.id.clone()),
        _ => None,
    });
    let data_key = (change.on_revision == 0).then(|| NewDataKey {
        record: DataKeyRecord {
            id: "dk-1".parse().unwrap(),
            key: "key-1".parse().unwrap(),
            key_version: 1,
            wrapped: vec![9; 48],
            created: NOW,
        },
        wrapped_by: "version-1".parse().unwrap(),
    });
    let value = added.map(|version| SealedValue {
        sealed: format!("sealed {version}").into_bytes().into(),
        data_key: "dk-1".parse().unwrap(),
        version,
    });
    Batch { values: value.into_iter().collect(), data_key, ..Batch::plain(change) }
}

async fn create(store: &dyn Store, text: &str, now: Timestamp, tags: &[(&str, &str)]) -> Secret {
    let tags = tags.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect();
    let change = creation(text, now, tags);
    let secret = change.created().unwrap();
    store.commit(batch(change)).await.unwrap();
    secret
}

async fn names(store: &dyn Store, filter: Option<&SecretFilter>, number: u32, size: u32) -> (u64, String) {
    let listing = store.list_secrets(&scope(), filter, Page { number, size }, NOW).await.unwrap();
    (listing.total, listing.rows.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(" "))
}

async fn what_is_committed_is_loaded_back(store: Arc<dyn Store>) {
    assert!(store.load_secret(&scope(), &name("a")).await.unwrap().is_none());
    let secret = create(&*store, "a", NOW, &[("k", "v"), ("l", "")]).await;
    let record = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!(record.secret, secret);
    assert_eq!(&*record.values[0].sealed, b"sealed v1");
    assert_eq!(record.data_keys[0].wrapped, vec![9; 48]);
    let elsewhere = Scope { region: "cn-beijing".parse().unwrap(), ..scope() };
    assert!(store.load_secret(&elsewhere, &name("a")).await.unwrap().is_none());
}

async fn a_change_decided_on_another_revision_is_a_conflict_and_changes_nothing(store: Arc<dyn Store>) {
    let secret = create(&*store, "a", NOW, &[]).await;
    let change = writes::update(&secret, Some("x".to_owned()), None, NOW).unwrap();
    store.commit(batch(change.clone())).await.unwrap();
    assert_eq!(store.commit(batch(change)).await, Err(StoreError::Conflict));
    let purge = writes::purge(&secret);
    assert_eq!(store.commit(batch(purge)).await, Err(StoreError::Conflict));
    assert_eq!(store.commit(batch(creation("a", NOW, Tags::default()))).await, Err(StoreError::Conflict));
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap().secret;
    assert_eq!((loaded.revision, loaded.description.as_str()), (2, "x"));
}

async fn a_conflict_in_a_group_does_not_harm_the_others(store: Arc<dyn Store>) {
    let a = create(&*store, "a", NOW, &[]).await;
    let stale = Change { on_revision: 7, ..writes::update(&a, None, None, NOW).unwrap() };
    let commits = (0..50).map(|n| {
        let change =
            if n == 25 { stale.clone() } else { creation(&format!("s{n:02}"), NOW, Tags::default()) };
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(batch(change)).await })
    });
    let mut conflicts = 0;
    for commit in commits.collect::<Vec<_>>() {
        conflicts += usize::from(commit.await.unwrap() == Err(StoreError::Conflict));
    }
    assert_eq!(conflicts, 1);
    assert_eq!(names(&*store, None, 1, 1).await.0, 50);
}

async fn a_purge_leaves_nothing_and_frees_the_name(store: Arc<dyn Store>) {
    let secret = create(&*store, "a", NOW, &[("k", "v")]).await;
    store.commit(batch(writes::purge(&secret))).await.unwrap();
    assert!(store.load_secret(&scope(), &name("a")).await.unwrap().is_none());
    assert!(store.list_tags(&scope(), None, 9, NOW).await.unwrap().is_empty());
    create(&*store, "a", NOW, &[]).await;
}

async fn listings_are_newest_first_then_by_name_and_hide_what_is_due(store: Arc<dyn Store>) {
    for (text, age) in [("c", 0), ("a", 1000), ("b", 1000), ("d", 2000)] {
        create(&*store, text, NOW.plus_millis(-age), &[]).await;
    }
    assert_eq!(names(&*store, None, 1, 3).await, (4, "c a b".to_owned()));
    assert_eq!(names(&*store, None, 2, 3).await, (4, "d".to_owned()));
    assert_eq!(names(&*store, None, 3, 3).await, (4, String::new()));
    let d = store.load_secret(&scope(), &name("d")).await.unwrap().unwrap().secret;
    let (change, at) = writes::delete(&d, Deletion::After(7), NOW.plus_days(-7)).unwrap();
    store.commit(batch(change)).await.unwrap();
    assert_eq!(names(&*store, None, 1, 9).await, (3, "c a b".to_owned()));
    assert_eq!(names(&*store, Some(&SecretFilter::default()), 1, 9).await.0, 3);
    assert_eq!(store.next_purge().await.unwrap(), Some(at));
    assert_eq!(store.due_for_purge(NOW, 9).await.unwrap(), [(scope(), name("d"))]);
    assert!(store.due_for_purge(NOW.plus_millis(-1), 9).await.unwrap().is_empty());
}

async fn pages_are_the_same_in_whatever_order_they_are_asked_for(store: Arc<dyn Store>) {
    // Three of each age, created out of order.
    let aged = |n: i64| (format!("s{:02}", n * 7 % 24), NOW.plus_millis(-(n * 7 % 24 / 3)));
    for (text, created) in (0..24).map(aged) {
        create(&*store, &text, created, &[]).await;
    }
    let mut all: Vec<String> = (0..24).map(|n| format!("s{n:02}")).collect();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    for round in 0..6 {
        for _ in 0..30 {
            let size: usize = rng.random_range(1..=7);
            let number: usize = rng.random_range(1..=all.len() / size + 2);
            let want = all
                .iter()
                .skip((number - 1) * size)
                .take(size)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ");
            let got =
                names(&*store, None, u32::try_from(number).unwrap(), u32::try_from(size).unwrap()).await;
            assert_eq!(got, (all.len() as u64, want), "page {number} of {size}, round {round}");
        }
        // One is deleted and a newer one is created.
        let gone = all.remove(rng.random_range(0..all.len()));
        let gone = store.load_secret(&scope(), &name(&gone)).await.unwrap().unwrap().secret;
        store.commit(batch(writes::purge(&gone))).await.unwrap();
        let fresh = format!("t{round}");
        create(&*store, &fresh, NOW.plus_millis(round + 1), &[]).await;
        all.insert(0, fresh);
    }
}

/// Key and values.
type Filter<'a> = (&'a str, &'a [&'a str]);

async fn filters_or_values_and_and_keys(store: Arc<dyn Store>) {
    create(&*store, "a", NOW, &[("env", "prod"), ("team", "x")]).await;
    create(&*store, "b", NOW, &[("env", "test")]).await;
    create(&*store, "A", NOW, &[("other", "prod")]).await;
    let cases: [(&[Filter<'_>], &str); 10] = [
        (&[("SecretName", &["a", "b", "zzz"])], "a b"),
        (&[("SecretName", &["%", "a_", "A*"])], ""),
        (&[("Description", &["about A"])], "A"),
        (&[("TagKey", &["env"])], "a b"),
        (&[("TagValue", &["prod"])], "A a"),
        (&[("TagKey", &["env"]), ("TagValue", &["prod"])], "a"),
        (&[("TagKey", &["team"]), ("SecretName", &["b"])], ""),
        (&[("SecretType", &["GENERIC"])], "A a b"),
        (&[("SecretType", &["Rds"])], ""),
        (&[("DKMSInstanceId", &["kst-1"])], ""),
    ];
    for (given, want) in cases {
        let mut filter = SecretFilter::default();
        for (key, values) in given {
            filter.add(key, values.iter().map(|v| (*v).to_owned()).collect()).unwrap();
        }
        let (total, got) = names(&*store, Some(&filter), 1, 100).await;
        assert_eq!((got.as_str(), total), (want, want.split_whitespace().count() as u64), "{given:?}");
    }
}

async fn tags_are_listed_by_name_and_key(store: Arc<dyn Store>) {
    create(&*store, "b", NOW, &[("k", "1")]).await;
    create(&*store, "a", NOW, &[("k", "2"), ("j", "1"), ("Z", "9")]).await;
    let shown = |rows: Vec<sesame::testing::store::TagRow>| {
        rows.iter().map(|r| format!("{}.{}={}", r.name, r.key, r.value)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(store.list_tags(&scope(), None, 9, NOW).await.unwrap()), "a.Z=9 a.j=1 a.k=2 b.k=1");
    assert_eq!(shown(store.list_tags(&scope(), Some(("a", "j")), 1, NOW).await.unwrap()), "a.k=2");
    assert_eq!(shown(store.tags_of(&[name("b"), name("zz")], &scope()).await.unwrap()), "b.k=1");
    let key = "k".parse().unwrap();
    let value = "1".parse().unwrap();
    assert_eq!(store.names_with_tag(&scope(), (&key, None), "", 9).await.unwrap(), [name("a"), name("b")]);
    assert_eq!(store.names_with_tag(&scope(), (&key, Some(&value)), "", 9).await.unwrap(), [name("b")]);
    assert_eq!(store.names_with_tag(&scope(), (&key, None), "a", 9).await.unwrap(), [name("b")]);
}

async fn keys_are_replaced_by_their_next_state_and_deleted_whole(store: Arc<dyn Store>) {
    let keys = async || {
        let record = store.load_keys(&scope()).await.unwrap();
        assert_eq!(record.revision, store.keys_revision(&scope()).await.unwrap());
        (record.keys, record.aliases)
    };
    assert_eq!(keys().await.0, [service_key()]);
    let second = KeyChange::Put { record: Box::new(key("key-2", KeyOwner::Service)) };
    assert_eq!(
        change_keys(&*store, second).await,
        Err(StoreError::Conflict),
        "one key of the service a scope"
    );
    let user = key("key-3", KeyOwner::User);
    change_keys(&*store, KeyChange::Put { record: Box::new(user.clone()) }).await.unwrap();
    assert_eq!(store.next_key_due().await.unwrap(), Some(NOW.plus_days(7)));
    assert_eq!(store.scopes_with_due_keys(NOW.plus_days(7)).await.unwrap(), [scope()]);
    let alias = Alias { name: "alias/a".parse().unwrap(), key: user.key.id.clone() };
    change_keys(&*store, KeyChange::SetAlias { alias: alias.clone() }).await.unwrap();
    assert_eq!(keys().await.1, [alias]);
    let rotated =
        decisions::add_version(&user.key, "version-2".parse().unwrap(), 1, &Limits::default(), NOW).unwrap();
    let material = vec![(1, [1, 2, 3].into()), (2, [4].into())];
    let rotated = KeyRecord { key: rotated, material, imported: Some(vec![9]) };
    change_keys(&*store, KeyChange::Put { record: Box::new(rotated.clone()) }).await.unwrap();
    assert_eq!(keys().await.0, [service_key(), rotated.clone()]);
    let again = change_keys(&*store, KeyChange::Put { record: Box::new(rotated.clone()) }).await;
    assert_eq!(again, Err(StoreError::Conflict), "decided on another revision");
    let key = rotated.key.id;
    let stale = KeyChange::Delete { key: key.clone(), on_revision: 1 };
    assert_eq!(change_keys(&*store, stale).await, Err(StoreError::Conflict));
    change_keys(&*store, KeyChange::Delete { key, on_revision: 2 }).await.unwrap();
    assert_eq!(keys().await, (vec![service_key()], Vec::new()));
    assert_eq!(store.next_key_due().await.unwrap(), None);
}

async fn facts_are_stored_once_and_stay_at_a_reset(store: Arc<dyn Store>) {
    assert_eq!(store.meta("x").await.unwrap(), None);
    store.add_meta("x", vec![1]).await.unwrap();
    assert_eq!(store.add_meta("x", vec![2]).await, Err(StoreError::Conflict));
    assert_eq!(store.meta("x").await.unwrap(), Some(vec![1]));
    create(&*store, "a", NOW, &[("k", "v")]).await;
    store.reset().await.unwrap();
    assert_eq!(names(&*store, None, 1, 9).await.0, 0);
    let record = store.load_keys(&scope()).await.unwrap();
    assert!(record.keys.is_empty() && record.aliases.is_empty());
    assert_eq!(store.meta("x").await.unwrap(), Some(vec![1]), "facts stay");
    assert!(store.integrity().await.unwrap().is_empty());
    store.health().await.unwrap();
}

async fn keys_and_aliases_are_changed_on_a_revision_of_their_scope(store: Arc<dyn Store>) {
    let before = store.installation().await.unwrap();
    let on = store.keys_revision(&scope()).await.unwrap();
    let alias = |name: &str| KeyChange::SetAlias {
        alias: Alias { name: name.parse().unwrap(), key: "key-1".parse().unwrap() },
    };
    store.commit_keys(&scope(), on, alias("alias/a")).await.unwrap();
    assert_eq!(store.commit_keys(&scope(), on, alias("alias/b")).await, Err(StoreError::Conflict));
    assert_eq!(store.commit_keys(&scope(), 0, alias("alias/b")).await, Err(StoreError::Conflict));
    let record = store.load_keys(&scope()).await.unwrap();
    assert_eq!((record.revision, record.aliases.len()), (on + 1, 1));
    assert_eq!(store.installation().await.unwrap().keys, before.keys + 1);
    let elsewhere = Scope { region: "cn-beijing".parse().unwrap(), ..scope() };
    assert_eq!(store.keys_revision(&elsewhere).await.unwrap(), 0);
    let gone = KeyChange::SetAlias {
        alias: Alias { name: "alias/c".parse().unwrap(), key: "key-2".parse().unwrap() },
    };
    assert_eq!(change_keys(&*store, gone).await, Err(StoreError::Conflict), "there is no such key");
}

async fn a_data_key_needs_its_key(store: Arc<dyn Store>) {
    let mut other = batch(creation("a", NOW, Tags::default()));
    other.data_key.as_mut().unwrap().wrapped_by = "version-2".parse().unwrap();
    assert_eq!(store.commit(other).await, Err(StoreError::Conflict), "another version has the number");
    change_keys(&*store, KeyChange::Delete { key: "key-1".parse().unwrap(), on_revision: 1 }).await.unwrap();
    let change = creation("a", NOW, Tags::default());
    assert_eq!(store.commit(batch(change)).await, Err(StoreError::Conflict));
    assert!(store.load_secret(&scope(), &name("a")).await.unwrap().is_none());
}

async fn a_head_tells_one_state_of_a_secret_from_another(store: Arc<dyn Store>) {
    assert_eq!(store.head(&scope(), &name("a")).await.unwrap(), None);
    let secret = create(&*store, "a", NOW, &[]).await;
    let id = secret.id.clone();
    assert_eq!(store.head(&scope(), &name("a")).await.unwrap(), Some((id.clone(), 1)));
    store.commit(batch(writes::update(&secret, None, None, NOW).unwrap())).await.unwrap();
    assert_eq!(store.head(&scope(), &name("a")).await.unwrap(), Some((id, 2)));
}

async fn the_clock_is_set_on_a_revision(store: Arc<dyn Store>) {
    let first = store.installation().await.unwrap();
    assert_eq!(first.setting, ClockSetting::default());
    let setting = ClockSetting { ahead_ms: -5, stands: Some(NOW) };
    store.set_clock(setting, first.clock).await.unwrap();
    assert_eq!(store.set_clock(first.setting, first.clock).await, Err(StoreError::Conflict));
    let second = store.installation().await.unwrap();
    assert_eq!((second.setting, second.clock), (setting, first.clock + 1));
    store.reset().await.unwrap();
    assert_eq!(store.installation().await.unwrap().setting, ClockSetting::default());
}

async fn faults_are_kept_and_counted_until_a_reset(store: Arc<dyn Store>) {
    let first = store.faults().await.unwrap();
    assert_eq!((first.rules, store.installation().await.unwrap().faults), (None, first.revision));
    for (count, rules) in (1..).zip(["[1]", "[]", "[2]"]) {
        let on = first.revision + count - 1;
        store.set_faults(rules.to_owned(), on).await.unwrap();
        assert_eq!(store.set_faults("[3]".to_owned(), on).await, Err(StoreError::Conflict));
        let kept = store.faults().await.unwrap();
        assert_eq!((kept.revision, kept.rules.as_deref()), (first.revision + count, Some(rules)));
        assert_eq!(store.installation().await.unwrap().faults, kept.revision);
    }
    store.reset().await.unwrap();
    let last = store.faults().await.unwrap();
    assert_eq!((last.revision, last.rules), (first.revision + 4, None));
}

/// A nonce that is used at the time at which it was signed, and expires a quarter of an hour later.
fn nonce(byte: u8, signed: Timestamp) -> UsedNonce {
    UsedNonce {
        fingerprint: [byte; 16],
        seen: signed,
        expires: signed.plus_millis(900_000),
        principal: "acs:ram::1:root".to_owned(),
    }
}

async fn a_nonce_is_recorded_once_until_it_is_forgotten(store: Arc<dyn Store>) {
    let minutes = |n: i64| NOW.plus_millis(n * 60_000);
    // Those of a moved clock: signed at one time, used at another.
    let moved = |byte, signed, seen| UsedNonce { seen, ..nonce(byte, signed) };
    let all = [
        nonce(1, minutes(0)),
        nonce(2, minutes(5)),
        moved(3, minutes(-1000), minutes(0)),
        moved(4, minutes(-1000), minutes(-2000)),
        moved(5, minutes(1000), minutes(0)),
        moved(6, Timestamp::from_millis(-2_000_000), minutes(-2000)),
    ];
    let used = async |on| {
        let mut used = Vec::new();
        for nonce in &all {
            if store.use_nonce(nonce.clone(), on).await.unwrap() {
                used.push(nonce.fingerprint[0]);
            }
        }
        used
    };
    assert_eq!(used(0).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(used(0).await, [0; 0]);
    store.reset().await.unwrap();
    assert_eq!(used(0).await, [0; 0], "a reset forgets no nonce");
    let mut passed = PassedNonces {
        expired_before: minutes(20),
        near_service: (minutes(-3000), minutes(-2900)),
        signed_within_ms: 900_000,
        moved_before: minutes(-1440),
        generation_ms: 300_000,
    };
    // The first ones; those of a moved clock that were used long ago, the last of them before 1970.
    let generation = |expires: i64| expires.div_euclid(300_000);
    let mut want: Vec<_> =
        [minutes(15), minutes(-985)].map(|at| generation(at.as_millis())).into_iter().chain([-4]).collect();
    want.sort_unstable();
    let mut found = store.passed_nonces(passed).await.unwrap();
    found.sort_unstable();
    assert_eq!(found, want);
    // One near the service's clock stays.
    passed.near_service = (minutes(15), minutes(20));
    assert_eq!(store.passed_nonces(passed).await.unwrap().len(), 2);
    store.forget_nonces(passed).await.unwrap();
    assert_eq!(used(0).await, [4, 6]);
    passed.near_service = (minutes(-3000), minutes(-2900));
    store.forget_nonces(passed).await.unwrap();
    assert_eq!(used(0).await, [1, 4, 6]);
}

async fn a_nonce_is_decided_on_what_was_forgotten(store: Arc<dyn Store>) {
    let kept = KeptNonces { revision: 0, forgotten: None, is_whole: true };
    assert_eq!(store.nonces().await.unwrap(), kept);
    store.set_forgotten_nonces("[[1,2]]".to_owned(), 0).await.unwrap();
    let late = store.set_forgotten_nonces("[]".to_owned(), 0).await;
    assert_eq!(late, Err(StoreError::Conflict));
    let kept = KeptNonces { revision: 1, forgotten: Some("[[1,2]]".to_owned()), is_whole: true };
    assert_eq!(store.nonces().await.unwrap(), kept);
    assert!(!store.use_nonce(nonce(7, NOW), 0).await.unwrap());
    assert!(store.use_nonce(nonce(7, NOW), 1).await.unwrap());
    store.mark_nonces().await.unwrap();
    store.reset().await.unwrap();
    assert_eq!(store.nonces().await.unwrap(), kept, "the marker is there once, and stays");
}

async fn accounts_are_kept_on_a_revision(store: Arc<dyn Store>) {
    let id: AccountId = "1".parse().unwrap();
    let on = store.accounts().await.unwrap().revision;
    store.set_account(id.clone(), Some(vec![1]), on).await.unwrap();
    assert_eq!(store.set_account(id.clone(), Some(vec![2]), on).await, Err(StoreError::Conflict));
    let kept = store.accounts().await.unwrap();
    assert_eq!((kept.revision, kept.accounts), (on + 1, vec![(id.clone(), vec![1])]));
    assert_eq!(store.set_account(id.clone(), None, on).await, Err(StoreError::Conflict));
    store.set_account(id, None, on + 1).await.unwrap();
    assert!(store.accounts().await.unwrap().accounts.is_empty());
    let scopes = store.scopes_with_keys().await.unwrap();
    assert_eq!(scopes, [scope()]);
    assert_eq!(store.scope_of_key(&"key-1".parse().unwrap()).await.unwrap(), Some(scope()));
}

async fn walking_visits_every_secret_once(store: Arc<dyn Store>) {
    for text in ["c", "a", "b"] {
        create(&*store, text, NOW, &[]).await;
    }
    let mut seen = Vec::new();
    let mut last: Option<(Scope, SecretName)> = None;
    loop {
        let after = last.as_ref().map(|(scope, name)| (scope, name));
        let page = store.walk_secrets(after, 2).await.unwrap();
        let Some(end) = page.last().cloned() else { break };
        seen.extend(page.into_iter().map(|(_, name)| name.to_string()));
        last = Some(end);
    }
    assert_eq!(seen, ["a", "b", "c"]);
}

/// The change of a random command, if the domain allows it.
fn random_change(secret: &Secret, rng: &mut ChaCha20Rng, now: Timestamp) -> Option<Change> {
    let label = |rng: &mut ChaCha20Rng| {
        let labels = ["ACSCurrent", "ACSPrevious", "a", "b", "c", "d", "e", "f", "g"];
        labels[rng.random_range(0..labels.len())].parse().unwrap()
    };
    let version =
        |rng: &mut ChaCha20Rng| -> VersionId { format!("v{}", rng.random_range(1..20)).parse().unwrap() };
    let limits = Limits::default();
    if secret.planned_deletion.is_some() && rng.random_bool(0.5) {
        return writes::restore(secret, now).ok();
    }
    match rng.random_range(0..12) {
        0..=3 => {
            let stages = (0..rng.random_range(1..4)).map(|_| label(rng)).collect();
            let put = PutVersion {
                version: version(rng),
                data_type: DataType::Text,
                stages,
                same_value: Some(false),
            };
            writes::put_version(secret, put, &limits, now).ok().flatten()
        }
        4..=7 => {
            let remove_from = rng.random_bool(0.4).then(|| version(rng));
            let move_to = rng.random_bool(0.8).then(|| version(rng));
            let command = MoveStage { label: label(rng), remove_from, move_to };
            writes::move_stage(secret, &command, &limits, now).ok().flatten()
        }
        8 => writes::delete(secret, Deletion::After(7), now).ok().map(|(change, _)| change),
        9 => writes::restore(secret, now).ok(),
        10 => {
            let key = format!("k{}", rng.random_range(0..5)).parse().unwrap();
            if rng.random_bool(0.5) {
                writes::tag(secret, vec![(key, format!("{}", rng.random_range(0..9)).parse().unwrap())]).ok()
            } else {
                writes::untag(secret, &[key])
            }
        }
        _ => writes::update(secret, Some(format!("d{}", rng.random_range(0..9))), None, now).ok(),
    }
}

async fn applying_a_change_in_memory_equals_what_the_store_gives_back(store: Arc<dyn Store>) {
    for seed in 0..20 {
        random_walk(&*store, seed).await;
    }
}

async fn random_walk(store: &dyn Store, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let text = format!("s{seed}");
    let mut secret = create(store, &text, NOW, &[]).await;
    for step in 0..60 {
        let Some(change) = random_change(&secret, &mut rng, NOW.plus_millis(step)) else { continue };
        secret = secret.after(&change).unwrap();
        store.commit(batch(change)).await.unwrap();
        let loaded = store.load_secret(&scope(), &name(&text)).await.unwrap().unwrap();
        assert_eq!(loaded.secret, secret, "seed {seed}, step {step}");
        let values: Vec<_> = loaded.values.iter().map(|v| &v.version).collect();
        assert_eq!(values, secret.versions.iter().map(|v| &v.id).collect::<Vec<_>>());
    }
    assert!(secret.revision > 10, "the commands did something");
}
