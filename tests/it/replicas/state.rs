//! Seeds, exports, imports and snapshots through one server are visible on the other at once.

use std::sync::Arc;

use serde_json::{Value, json};
use sesame::testing::ports::Clock;
use sesame::testing::server::AuthMode;

use super::{named, race, stop, succeeded, two, two_in};
use crate::state::{admin, done};
use crate::support::program::{Program, run};
use crate::support::{ACCOUNT, NOW, Options, Server, postgres, text};

/// A key with an alias, a secret encrypted by it, and one encrypted by the service key.
const SEED: &str = r#"
accounts:
  - id: "1000000000000009"
    access_keys: [{ id: nine, secret: nine-secret }]
keys:
  - id: key-fixed
    aliases: [alias/app]
    material: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
secrets:
  - name: s
    key: key-fixed
    versions: [{ id: v1, value: one }]
  - name: t
    versions: [{ id: v1, value: one }]
"#;

async fn export(server: &Server) -> String {
    let answer = admin(server, "GET", "/_sesame/state", "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn seed(server: &Server, seed: &str) -> [u64; 3] {
    let counts = done(server, "POST", "/_sesame/seed", seed).await;
    ["created", "changed", "unchanged"].map(|name| counts[name].as_u64().unwrap())
}

/// The ids of the keys of a region.
async fn keys(server: &Server, region: &str) -> Vec<String> {
    let listed = server.ok_in(region, "ListKeys", &[("PageSize", "100")]).await;
    listed["Keys"]["Key"].as_array().unwrap().iter().map(|key| text(&key["KeyId"]).to_owned()).collect()
}

async fn behind(server: &Server, alias: &str) -> Value {
    server.ok("DescribeKey", &[("KeyId", alias)]).await["KeyMetadata"]["KeyId"].clone()
}

#[tokio::test]
async fn an_import_through_one_replica_is_visible_at_the_other_at_once() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    assert_eq!(seed(a, SEED).await, [4, 0, 0]);
    let first = export(a).await;
    for round in 0..4 {
        let (writer, other) = if round % 2 == 0 { (a, b) } else { (b, a) };
        // The same secret with the same id, at a revision that both had before, with another value each time.
        let value = format!("two {round}");
        writer.put("s", "v2", &value).await;
        assert_eq!((a.value("s", &[]).await, b.value("s", &[]).await), (value.clone(), value));
        done(writer, "PUT", "/_sesame/state", &first).await;
        assert_eq!((other.value("s", &[]).await, writer.value("s", &[]).await), ("one".into(), "one".into()));
        assert_eq!(other.versions("s").await, "v1[ACSCurrent]");
        other.put("s", "v2", &format!("three {round}")).await;
        assert_eq!(writer.value("s", &[]).await, format!("three {round}"));
        done(other, "PUT", "/_sesame/state", &first).await;
        assert_eq!(writer.value("s", &[]).await, "one");
    }
    assert_eq!(b.app.check(&sesame::testing::app::NoProgress).await.unwrap(), (2, Vec::new()));
    stop(pair).await;
}

#[tokio::test]
async fn imported_keys_and_aliases_are_known_at_all_replicas() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    let nothing = export(a).await;
    // Both have read a region without keys, and one of them an alias that another key will get.
    assert_eq!((keys(a, "cn-beijing").await.len(), keys(b, "cn-beijing").await.len()), (0, 0));
    seed(a, SEED).await;
    seed(a, "keys: [{ id: key-far, region: cn-beijing, aliases: [alias/far] }, { id: key-other }]").await;
    assert_eq!(keys(b, "cn-beijing").await, ["key-far"]);
    assert_eq!(behind(b, "alias/app").await, "key-fixed");
    let first = export(b).await;
    a.ok("UpdateAlias", &[("AliasName", "alias/app"), ("KeyId", "key-other")]).await;
    a.ok("DisableKey", &[("KeyId", "key-fixed")]).await;
    assert_eq!(behind(b, "alias/app").await, "key-other");
    done(a, "PUT", "/_sesame/state", &first).await;
    assert_eq!(behind(b, "alias/app").await, "key-fixed");
    assert_eq!(b.value("s", &[]).await, "one");
    done(b, "PUT", "/_sesame/state", &nothing).await;
    assert_eq!((keys(a, "cn-beijing").await.len(), keys(a, "cn-hangzhou").await.len()), (0, 0));
    assert_eq!(a.refused("GetSecretValue", &[("SecretName", "s")]).await.0, 404);
    assert_eq!(a.refused("DescribeKey", &[("KeyId", "alias/app")]).await.0, 404);
    // What follows uses a key that both know.
    a.create("new").await;
    assert_eq!(b.value("new", &[]).await, "one");
    stop(pair).await;
}

#[tokio::test]
async fn imported_accounts_are_known_at_all_replicas() {
    let pair = two_in(AuthMode::Signed).await;
    let (a, b) = (&pair.0, &pair.1);
    let nothing = export(a).await;
    let nine = ("nine", "nine-secret");
    let listed = async |server: &Server| {
        let accounts = done(server, "GET", "/_sesame/accounts", "").await;
        let accounts = accounts["accounts"].as_array().unwrap().clone();
        accounts.iter().any(|account| account["id"] == "1000000000000009")
    };
    seed(a, SEED).await;
    // First through the administration endpoint, which must not answer from memory either.
    assert!(listed(b).await);
    b.call_as(nine, "ListSecrets", &[]).await.ok();
    let first = export(b).await;
    done(a, "PUT", "/_sesame/state", &nothing).await;
    assert!(!listed(b).await);
    assert_eq!(b.call_as(nine, "ListSecrets", &[]).await.status, 404);
    done(b, "PUT", "/_sesame/state", &first).await;
    a.call_as(nine, "ListSecrets", &[]).await.ok();
    let path = "/_sesame/accounts/1000000000000008";
    done(a, "PUT", path, r#"{ "access_keys": [{ "id": "eight", "secret": "x" }] }"#).await;
    assert_eq!(admin(b, "DELETE", path, "").await.status, 204);
    assert_eq!(admin(a, "GET", path, "").await.status, 404);
    stop(pair).await;
}

#[tokio::test]
async fn a_snapshot_restored_by_one_replica_is_visible_at_the_other_at_once() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    seed(a, SEED).await;
    assert_eq!(b.value("s", &[]).await, "one");
    done(a, "POST", "/_sesame/snapshots/all", "").await;
    done(a, "POST", &format!("/_sesame/snapshots/mine?account={ACCOUNT}"), "").await;
    for name in ["all", "mine"] {
        b.put("s", "v2", "two").await;
        b.create("late").await;
        b.ok("DeleteAlias", &[("AliasName", "alias/app")]).await;
        assert_eq!(a.value("s", &[]).await, "two");
        done(a, "POST", &format!("/_sesame/snapshots/{name}/restore"), "").await;
        assert_eq!(b.value("s", &[]).await, "one");
        assert_eq!(b.refused("GetSecretValue", &[("SecretName", "late")]).await.0, 404);
        assert_eq!(behind(b, "alias/app").await, "key-fixed");
        // Neither the shared clock nor used nonces are part of it.
        a.app.catch_up().await.unwrap();
        assert_eq!((a.clock.now(), b.clock.now()), (NOW, NOW));
    }
    // Each process has its own snapshots.
    assert_eq!(admin(b, "POST", "/_sesame/snapshots/all/restore", "").await.status, 404);
    stop(pair).await;
}

#[tokio::test]
async fn a_seed_through_one_sees_what_the_other_did() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    let first = SEED.replace("keys:\n", "keys:\n  - id: key-other\n    state: Enabled\n");
    seed(a, &first).await;
    assert_eq!(seed(b, &first).await, [0, 0, 5]);
    a.ok("DisableKey", &[("KeyId", "key-other")]).await;
    done(a, "DELETE", "/_sesame/accounts/1000000000000009", "").await;
    a.ok("UpdateSecret", &[("SecretName", "t"), ("Description", "changed")]).await;
    let wanted = first.replace("- name: t", "- name: t\n    description: as it was");
    assert_eq!(seed(b, &wanted).await, [1, 2, 2]);
    let key = a.ok("DescribeKey", &[("KeyId", "key-other")]).await["KeyMetadata"].clone();
    assert_eq!(key["KeyState"], "Enabled");
    assert_eq!(a.ok("DescribeSecret", &[("SecretName", "t")]).await["Description"], "as it was");
    stop(pair).await;
}

#[tokio::test]
async fn the_same_seed_through_both_at_once_is_done_once() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    for _ in 0..8 {
        done(a, "POST", "/_sesame/reset", "").await;
        let (first, second) = tokio::join!(seed(a, SEED), seed(b, SEED));
        for counts in [first, second] {
            assert_eq!(counts.iter().sum::<u64>(), 4, "{first:?} {second:?}");
        }
        // One after the other creates the account, because both found none.
        assert!(matches!(first[0] + second[0], 4 | 5), "{first:?} {second:?}");
        assert_eq!((a.value("s", &[]).await, b.value("t", &[]).await), ("one".into(), "one".into()));
    }
    stop(pair).await;
}

#[tokio::test]
async fn a_reset_to_the_seed_at_one_replica_is_visible_at_both() {
    let url = postgres::database().await;
    let one = async || {
        let file = sesame::testing::state::parse::parse(SEED).unwrap();
        let options = Options { seed: Some(file), ..Options::default() };
        Server::over(Arc::new(postgres::store(&url).await), options).await
    };
    let pair = (one().await, one().await);
    let (a, b) = (&pair.0, &pair.1);
    for round in 0..3 {
        let (writer, other) = if round % 2 == 0 { (a, b) } else { (b, a) };
        done(writer, "POST", "/_sesame/reset", r#"{"to":"seed"}"#).await;
        assert_eq!((other.value("s", &[]).await, writer.value("s", &[]).await), ("one".into(), "one".into()));
        assert_eq!(behind(other, "alias/app").await, "key-fixed");
        other.put("s", "v2", &format!("two {round}")).await;
        other.create("late").await;
        assert_eq!(writer.value("s", &[]).await, format!("two {round}"));
    }
    done(a, "POST", "/_sesame/reset", r#"{"to":"seed"}"#).await;
    assert_eq!(b.refused("GetSecretValue", &[("SecretName", "late")]).await.0, 404);
    stop(pair).await;
}

#[tokio::test]
async fn while_everything_is_replaced_nothing_is_damaged() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    // The same key id each time, with other material: what was wrapped with it just before must not be stored.
    let again = "keys: [{ id: key-fixed }]\nsecrets: [{ name: s, key: key-fixed, versions: [{ id: v1, value: one }] }]";
    done(a, "PUT", "/_sesame/state", again).await;
    for _ in 0..6 {
        let put = done(a, "PUT", "/_sesame/state", again);
        let write = race(&pair, 6, "CreateSecret", |n| {
            let name = format!("r{n}");
            named(&[
                ("SecretName", &name),
                ("VersionId", "v1"),
                ("SecretData", "x"),
                ("EncryptionKeyId", "key-fixed"),
            ])
        });
        let (_, answers) = tokio::join!(put, write);
        for answer in answers.iter().filter(|answer| ![200, 404, 503].contains(&answer.status)) {
            assert_eq!(answer.refused().1, "Rejected.ResourceExist", "left from the round before");
        }
        let (_, damages) = b.app.check(&sesame::testing::app::NoProgress).await.unwrap();
        assert_eq!(damages, []);
        assert_eq!(b.value("s", &[]).await, "one");
    }
    // What is acknowledged afterwards stays.
    let put = |n| named(&[("SecretName", "s"), ("VersionId", &format!("n{n}")), ("SecretData", "x")]);
    assert_eq!(succeeded(&race(&pair, 3, "PutSecretValue", put).await), 6);
    stop(pair).await;
}

#[test]
fn processes_that_start_together_with_a_seed_all_start() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seed.yaml");
    std::fs::write(&file, SEED).unwrap();
    let key = "1".repeat(64);
    for _ in 0..3 {
        let url = runtime.block_on(postgres::database());
        let arguments = ["--database", &url, "--seed", file.to_str().unwrap()];
        let servers: Vec<Program> = std::thread::scope(|scope| {
            let start = || Program::serve(&arguments, &[("SESAME_ROOT_KEY", &key)]);
            let starting: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
            starting.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for server in &servers {
            let answer = server.call("GetSecretValue", &[("SecretName", "s")]);
            assert!(answer.contains(r#""SecretData":"one""#), "{answer}");
        }
    }
}

#[test]
fn an_import_into_the_database_shows_in_servers_that_run_on_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres::database());
    let environment = [("SESAME_ROOT_KEY", "1".repeat(64))];
    let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let server = Program::serve(&["--database", &url], &environment);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state.json");
    std::fs::write(
        &file,
        json!({ "secrets": [{ "name": "s", "versions": [{ "id": "v1", "value": "one" }] }] }).to_string(),
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let import = |more: &[&str]| {
        let output = run(&[&["import", file, "--database", &url][..], more].concat(), &environment);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        )
    };
    assert_eq!(import(&[]), (Some(0), "1 keys, 1 secrets imported\n".to_owned()));
    assert!(server.call("GetSecretValue", &[("SecretName", "s")]).contains(r#""SecretData":"one""#));
    let (code, said) = import(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("the data is not empty; pass --replace"), "{said}");
    server.call("PutSecretValue", &[("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")]);
    assert_eq!(import(&["--replace"]).0, Some(0));
    assert!(server.call("GetSecretValue", &[("SecretName", "s")]).contains(r#""SecretData":"one""#));
}
