//! Cases of the list: whole snapshots.

use std::sync::Arc;

use sesame::testing::domain::keys::{Alias, KeyOwner};
use sesame::testing::domain::writes::{self, PutVersion};
use sesame::testing::domain::{AccountId, ClockSetting, DataType, Limits, Scope, Tags};
use sesame::testing::store::{KeyChange, KeyRecord, ReplaceScope, Resealed, Snapshot, Store, StoreError};

use super::{batch, change_keys, create, creation, key, name, nonce, scope, service_key};
use crate::support::NOW;

fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

/// Another account's scope.
fn elsewhere() -> Scope {
    Scope { account: account("2"), region: "cn-beijing".parse().unwrap() }
}

/// The store of a case with rows in every table, of two accounts.
async fn fill(store: &dyn Store) {
    let user = key("key-3", KeyOwner::User);
    let alias = Alias { name: "alias/a".parse().unwrap(), key: user.key.id.clone() };
    change_keys(store, KeyChange::Put { record: Box::new(user) }).await.unwrap();
    change_keys(store, KeyChange::SetAlias { alias }).await.unwrap();
    let theirs = their_key();
    store.commit_keys(&elsewhere(), 0, KeyChange::Put { record: Box::new(theirs) }).await.unwrap();
    let secret = create(store, "a", NOW, &[("k", "v")]).await;
    let put = PutVersion {
        version: "v2".parse().unwrap(),
        data_type: DataType::Binary,
        stages: vec!["ACSCurrent".parse().unwrap(), "mine".parse().unwrap()],
        same_value: None,
    };
    let change = writes::put_version(&secret, put, &Limits::default(), NOW).unwrap().unwrap();
    store.commit(batch(change)).await.unwrap();
    create(store, "b", NOW.plus_millis(-5), &[]).await;
    for (id, sealed) in [("1", 1), ("2", 2)] {
        let on = store.accounts().await.unwrap().revision;
        store.set_account(account(id), Some(vec![sealed; 9]), on).await.unwrap();
    }
}

/// A key of the other account.
fn their_key() -> KeyRecord {
    let mut record = key("key-9", KeyOwner::User);
    record.key.scope = elsewhere();
    record
}

/// A snapshot without the revisions of secrets, which may be raised when it is put.
fn bare(mut contents: Snapshot) -> Snapshot {
    for record in &mut contents.secrets {
        record.secret.revision = 0;
    }
    contents
}

async fn all(store: &dyn Store) -> Snapshot {
    store.snapshot(None).await.unwrap()
}

pub async fn contents_are_everything(store: Arc<dyn Store>) {
    fill(&*store).await;
    let contents = all(&*store).await;
    let names = |contents: &Snapshot| {
        contents.secrets.iter().map(|record| record.secret.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&contents), ["a", "b"]);
    assert_eq!(
        contents.keys.iter().map(|r| r.key.id.as_str()).collect::<Vec<_>>(),
        ["key-1", "key-3", "key-9"]
    );
    assert_eq!((contents.aliases.len(), contents.accounts.len()), (1, 2));
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!(contents.secrets[0], loaded);
    let mine = store.snapshot(Some(&account("1"))).await.unwrap();
    assert_eq!((mine.keys.len(), mine.secrets.len(), mine.accounts.len()), (2, 2, 1));
}

pub async fn contents_come_back(store: Arc<dyn Store>) {
    fill(&*store).await;
    let contents = all(&*store).await;
    let loaded = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    store.reset().await.unwrap();
    assert!(all(&*store).await.is_empty());
    let put = Arc::new(contents.clone());
    store.put_snapshot(ReplaceScope::Nothing, Arc::clone(&put)).await.unwrap();
    assert_eq!(bare(all(&*store).await), bare(contents.clone()));
    create(&*store, "c", NOW, &[]).await;
    store.put_snapshot(ReplaceScope::Everything, put).await.unwrap();
    assert_eq!(bare(all(&*store).await), bare(contents.clone()));
    let back = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    assert_eq!((back.values, back.data_keys), (loaded.values, loaded.data_keys));
    assert_eq!(store.load_keys(&elsewhere()).await.unwrap().keys, [their_key()]);
    assert_eq!(store.accounts().await.unwrap().accounts, contents.accounts);
}

pub async fn a_snapshot_of_an_account_replaces_only_that_account(store: Arc<dyn Store>) {
    fill(&*store).await;
    let before = all(&*store).await;
    let mine = Snapshot { keys: vec![service_key()], ..Snapshot::default() };
    store.put_snapshot(ReplaceScope::Account(account("1")), Arc::new(mine)).await.unwrap();
    let after = all(&*store).await;
    assert_eq!(after.keys, [service_key(), their_key()]);
    assert!(after.secrets.is_empty() && after.aliases.is_empty());
    assert_eq!(after.accounts, before.accounts[1..]);
    store.put_snapshot(ReplaceScope::Account(account("2")), Arc::default()).await.unwrap();
    assert_eq!(all(&*store).await.keys, [service_key()]);
}

pub async fn added_snapshots_replace_nothing(store: Arc<dyn Store>) {
    fill(&*store).await;
    let before = all(&*store).await;
    let fresh = KeyRecord { key: sesame_key("key-5"), ..service_key() };
    let alias = |key: &str| (scope(), Alias { name: "alias/a".parse().unwrap(), key: key.parse().unwrap() });
    let with_key = Snapshot { keys: vec![fresh], ..Snapshot::default() };
    let there: [(&str, Snapshot); 4] = [
        ("a key", Snapshot { keys: vec![service_key()], ..Snapshot::default() }),
        ("an alias", Snapshot { aliases: vec![alias("key-5")], ..with_key.clone() }),
        ("a secret", Snapshot { secrets: before.secrets[..1].to_vec(), ..with_key.clone() }),
        ("an account", Snapshot { accounts: vec![(account("2"), vec![7])], ..with_key.clone() }),
    ];
    for (what, contents) in there {
        let outcome = store.put_snapshot(ReplaceScope::Nothing, Arc::new(contents)).await;
        assert_eq!(outcome, Err(StoreError::Conflict), "{what} is there");
        assert_eq!(all(&*store).await, before, "{what} is there");
    }
    store.put_snapshot(ReplaceScope::Nothing, Arc::new(with_key)).await.unwrap();
    assert_eq!(all(&*store).await.keys.len(), before.keys.len() + 1);
}

fn sesame_key(id: &str) -> sesame::testing::domain::keys::Key {
    key(id, KeyOwner::User).key
}

pub async fn snapshots_leave_clock_nonces_and_metadata_alone(store: Arc<dyn Store>) {
    fill(&*store).await;
    let setting = ClockSetting { ahead_ms: 5, stands: Some(NOW) };
    store.set_clock(setting, store.installation().await.unwrap().clock).await.unwrap();
    assert!(store.use_nonce(nonce(1, NOW), 0).await.unwrap());
    store.add_meta("x", vec![1]).await.unwrap();
    let contents = Arc::new(all(&*store).await);
    for instead in [ReplaceScope::Everything, ReplaceScope::Account(account("1"))] {
        let contents = match &instead {
            ReplaceScope::Account(id) => Arc::new(store.snapshot(Some(id)).await.unwrap()),
            _ => Arc::clone(&contents),
        };
        store.put_snapshot(instead, contents).await.unwrap();
        assert_eq!(store.installation().await.unwrap().setting, setting);
        assert!(!store.use_nonce(nonce(1, NOW), 0).await.unwrap(), "a nonce can be used again");
        assert_eq!(store.meta("x").await.unwrap(), Some(vec![1]));
    }
}

pub async fn no_earlier_revision_comes_back_with_a_snapshot(store: Arc<dyn Store>) {
    if !store.is_shared() {
        // Nobody compares.
        return;
    }
    fill(&*store).await;
    let contents = Arc::new(all(&*store).await);
    let state = async || {
        let installation = store.installation().await.unwrap();
        (
            store.head(&scope(), &name("a")).await.unwrap().unwrap().1,
            store.keys_revision(&scope()).await.unwrap(),
            store.keys_revision(&elsewhere()).await.unwrap(),
            (installation.keys, installation.accounts),
        )
    };
    let mut seen = vec![state().await];
    for round in 0..6 {
        let instead = [ReplaceScope::Everything, ReplaceScope::Account(account("1"))][round % 2].clone();
        let contents = match &instead {
            ReplaceScope::Account(id) => Arc::new(store.snapshot(Some(id)).await.unwrap()),
            _ => Arc::clone(&contents),
        };
        store.put_snapshot(instead, contents).await.unwrap();
        seen.push(state().await);
        let secret = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap().secret;
        store.commit(batch(writes::update(&secret, None, None, NOW).unwrap())).await.unwrap();
        seen.push(state().await);
    }
    for (n, state) in seen.iter().enumerate() {
        assert!(seen[..n].iter().all(|before| before.0 < state.0), "{seen:?}");
    }
    for step in seen.windows(2).step_by(2) {
        let (before, after) = (step[0], step[1]);
        assert!(after.1 > before.1 && after.2 > before.2, "the keys of a scope: {seen:?}");
        assert!(after.3.0 > before.3.0 && after.3.1 > before.3.1, "keys and accounts: {seen:?}");
    }
}

pub async fn a_scope_without_keys_counts_too_when_a_snapshot_is_put(store: Arc<dyn Store>) {
    if !store.is_shared() {
        return;
    }
    // A scope that had no key and gets one; a scope that had keys and has none any more.
    let nowhere = Scope { region: "cn-shanghai".parse().unwrap(), ..scope() };
    assert_eq!(store.keys_revision(&nowhere).await.unwrap(), 0);
    let mut record = key("key-6", KeyOwner::User);
    record.key.scope = nowhere.clone();
    let more = Snapshot { keys: vec![record], ..Snapshot::default() };
    store.put_snapshot(ReplaceScope::Nothing, Arc::new(more)).await.unwrap();
    let there = store.keys_revision(&nowhere).await.unwrap();
    assert!(there > 0);
    store.put_snapshot(ReplaceScope::Everything, Arc::default()).await.unwrap();
    assert!(store.keys_revision(&nowhere).await.unwrap() > there);
    // A change that was decided before is refused.
    let change = creation("z", NOW, Tags::default());
    assert_eq!(store.commit(batch(change)).await, Err(StoreError::Conflict), "its key is gone");
}

pub async fn resealing_replaces_what_the_root_key_seals(store: Arc<dyn Store>) {
    fill(&*store).await;
    let before = all(&*store).await;
    let material = |bytes: u8| vec![("key-1".parse().unwrap(), 1, vec![bytes; 4])];
    let stranger = Resealed {
        material: [material(5), vec![("key-77".parse().unwrap(), 1, vec![5])]].concat(),
        meta: vec![("marker", vec![5])],
        ..Resealed::default()
    };
    assert_eq!(store.reseal(stranger).await, Err(StoreError::Conflict));
    assert_eq!((all(&*store).await, store.meta("marker").await.unwrap()), (before.clone(), None));
    let resealed = Resealed {
        material: material(6),
        accounts: vec![(account("2"), vec![6])],
        access_keys: Vec::new(),
        meta: vec![("marker", vec![6])],
    };
    store.reseal(resealed).await.unwrap();
    let after = all(&*store).await;
    assert_eq!(&*after.keys[0].material[0].1, [6; 4]);
    assert_eq!(after.accounts, [before.accounts[0].clone(), (account("2"), vec![6])]);
    assert_eq!((&after.keys[1..], &after.secrets), (&before.keys[1..], &before.secrets));
    assert_eq!(store.meta("marker").await.unwrap(), Some(vec![6]));
}
