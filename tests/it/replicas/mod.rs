//! Several processes on one PostgreSQL act as one (ADR 9). Here each is a server in the test's process, with its own
//! caches, locks and clock; tests/replicas does the same with real processes that are killed.

mod database;
mod faults;
mod state;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use serde_json::Value;
use sesame::testing::app::AppError;
use sesame::testing::domain::keys::KeyOwner;
use sesame::testing::identities::file::AccountFile;
use sesame::testing::server::AuthMode;
use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;
use sqlx::Connection;

use crate::support::program::{Program, run};
use crate::support::{
    Answer, NOW, Options, Server, form, key_file, postgres, refusal, scope, sign, stages, text,
};

/// Two servers on one new database, whose clock is stopped at [`NOW`].
async fn two() -> (Server, Server) {
    two_in(AuthMode::Open).await
}

async fn two_in(mode: AuthMode) -> (Server, Server) {
    let url = postgres::database().await;
    let one = async || {
        let options = Options { mode, ..Options::default() };
        Server::over(Arc::new(postgres::store(&url).await), options).await
    };
    let pair = (one().await, one().await);
    pair.0.app.move_clock(|setting| setting.standing(NOW)).await.unwrap();
    pair
}

async fn stop((a, b): (Server, Server)) {
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_write_acknowledged_by_one_replica_is_visible_at_the_other() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    a.create("s").await;
    for round in 0..20 {
        // Both have the secret in memory before the other changes it.
        assert_eq!(a.versions("s").await, b.versions("s").await);
        let (writer, reader) = if round % 2 == 0 { (a, b) } else { (b, a) };
        let (version, data) = (format!("r{round}"), format!("data {round}"));
        writer.put("s", &version, &data).await;
        assert_eq!(reader.value("s", &[]).await, data);
        let label = [("SecretName", "s"), ("VersionStage", "ACSCurrent"), ("MoveToVersion", "v1")];
        if round < 5 {
            writer
                .ok("UpdateSecretVersionStage", &[&label[..], &[("RemoveFromVersion", &version)]].concat())
                .await;
            assert_eq!(reader.value("s", &[]).await, "one");
        }
    }
    a.ok("DeleteSecret", &[("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")]).await;
    assert_eq!(b.refused("GetSecretValue", &[("SecretName", "s")]).await.0, 404);
    // The same name created again is another secret, though its revision may be the same.
    a.create("t").await;
    assert_eq!(b.value("t", &[]).await, "one");
    a.ok("DeleteSecret", &[("SecretName", "t"), ("ForceDeleteWithoutRecovery", "true")]).await;
    a.ok("CreateSecret", &[("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "two")]).await;
    assert_eq!(b.value("t", &[]).await, "two");
    stop(pair).await;
}

/// Sends the same action to both at once, `each` times, with parameters derived from the number.
async fn race<F>(pair: &(Server, Server), each: usize, action: &str, parameters: F) -> Vec<Answer>
where
    F: Fn(usize) -> Vec<(&'static str, String)>,
{
    let calls = (0..2 * each).map(|number| {
        let server = if number % 2 == 0 { &pair.0 } else { &pair.1 };
        let given = parameters(number);
        async move {
            let given: Vec<(&str, &str)> = given.iter().map(|(k, v)| (*k, v.as_str())).collect();
            server.call(action, &given).await
        }
    });
    // All at the same time, polled here, because the servers are only borrowed.
    let (mut pending, mut answers): (Vec<_>, _) = (calls.map(Box::pin).collect(), Vec::new());
    poll_fn(|context| {
        pending.retain_mut(|call| match call.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers
}

fn succeeded(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

fn named(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_name_is_given_once() {
    let pair = two().await;
    for round in 0..5 {
        let name = format!("s{round}");
        let given = |number| {
            named(&[("SecretName", &name), ("VersionId", "v1"), ("SecretData", &format!("{number}"))])
        };
        let answers = race(&pair, 4, "CreateSecret", given).await;
        assert_eq!(succeeded(&answers), 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(refused.refused().1, "Rejected.ResourceExist");
        }
    }
    // The first of these created the service's own key, once, in one of the processes.
    let keys = pair.0.app.store().load_keys(&scope()).await.unwrap().keys;
    assert_eq!(keys.iter().filter(|record| record.key.owner == KeyOwner::Service).count(), 1);
    assert_eq!(keys.len(), 1);
    stop(pair).await;
}

#[tokio::test]
async fn no_put_is_lost_and_no_label_is_on_two_versions() {
    let pair = two().await;
    pair.0.create("s").await;
    let given = |number| {
        named(&[
            ("SecretName", "s"),
            ("VersionId", &format!("n{number}")),
            ("SecretData", &format!("d{number}")),
        ])
    };
    let answers = race(&pair, 4, "PutSecretValue", given).await;
    assert_eq!(succeeded(&answers), 8, "{:?}", answers.iter().map(|a| &a.body).collect::<Vec<_>>());
    for server in [&pair.0, &pair.1] {
        for number in 0..8 {
            let version = format!("n{number}");
            assert_eq!(server.value("s", &[("VersionId", &version)]).await, format!("d{number}"));
        }
        let shown = server.versions("s").await;
        assert_eq!(shown.matches("ACSCurrent").count(), 1, "{shown}");
        assert_eq!(shown.matches("ACSPrevious").count(), 1, "{shown}");
    }
    // More than a secret can have: the oldest without a label are evicted, and there are never more than the limit.
    let given =
        |number| named(&[("SecretName", "s"), ("VersionId", &format!("m{number}")), ("SecretData", "x")]);
    assert_eq!(succeeded(&race(&pair, 6, "PutSecretValue", given).await), 12);
    let stored = pair.0.stored("s").await.unwrap();
    assert_eq!(stored.secret.versions.len(), 10);
    assert_eq!(stored.values.len(), 10);
    stop(pair).await;
}

#[tokio::test]
async fn the_same_put_twice_at_once_succeeds_and_another_value_does_not() {
    let pair = two().await;
    for round in 0..5 {
        let name = format!("s{round}");
        pair.0.create(&name).await;
        let same = |_| named(&[("SecretName", &name), ("VersionId", "v2"), ("SecretData", "same")]);
        assert_eq!(succeeded(&race(&pair, 3, "PutSecretValue", same).await), 6);
        let other = |number| {
            named(&[("SecretName", &name), ("VersionId", "v3"), ("SecretData", &format!("{number}"))])
        };
        assert_eq!(succeeded(&race(&pair, 3, "PutSecretValue", other).await), 1);
        assert_eq!(pair.1.versions(&name).await, "v3[ACSCurrent] v2[ACSPrevious] v1[]");
    }
    stop(pair).await;
}

#[tokio::test]
async fn keys_and_aliases_are_the_same_everywhere() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    let id = text(&a.ok("CreateKey", &[]).await["KeyMetadata"]["KeyId"]).to_owned();
    let state = async |server: &Server| {
        text(&server.ok("DescribeKey", &[("KeyId", &id)]).await["KeyMetadata"]["KeyState"]).to_owned()
    };
    assert_eq!(state(b).await, "Enabled");
    b.ok(
        "CreateSecret",
        &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "x"), ("EncryptionKeyId", &id)],
    )
    .await;
    a.ok("DisableKey", &[("KeyId", &id)]).await;
    assert_eq!(state(b).await, "Disabled");
    assert_eq!(b.refused("GetSecretValue", &[("SecretName", "s")]).await.1, "Rejected.Disabled");
    b.ok("EnableKey", &[("KeyId", &id)]).await;
    assert_eq!(a.value("s", &[]).await, "x");
    for round in 0..3 {
        let alias = format!("alias/a{round}");
        let answers =
            race(&pair, 3, "CreateAlias", |_| named(&[("AliasName", &alias), ("KeyId", &id)])).await;
        assert_eq!(succeeded(&answers), 1);
        assert_eq!(text(&b.ok("DescribeKey", &[("KeyId", &alias)]).await["KeyMetadata"]["KeyId"]), id);
    }
    let tagged =
        |number| named(&[("KeyId", &id), ("Tags", &format!(r#"[{{"TagKey":"k{number}","TagValue":"v"}}]"#))]);
    assert_eq!(succeeded(&race(&pair, 4, "TagResource", tagged).await), 8);
    let tags = a.ok("ListResourceTags", &[("KeyId", &id)]).await;
    assert_eq!(tags["Tags"]["Tag"].as_array().map(Vec::len), Some(8), "no tag is lost: {tags}");
    stop(pair).await;
}

#[tokio::test]
async fn what_is_due_is_done_once() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    for number in 0..20 {
        let name = format!("s{number}");
        a.create(&name).await;
        a.ok("DeleteSecret", &[("SecretName", &name), ("RecoveryWindowInDays", "7")]).await;
    }
    let key = [("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    let id = text(&a.ok("CreateKey", &key).await["KeyMetadata"]["KeyId"]).to_owned();
    // Both know the key, and both find it due at the same time.
    b.ok("DescribeKey", &[("KeyId", &id)]).await;
    a.app.move_clock(|setting| setting.advanced(8 * 86_400_000)).await.unwrap();
    let (first, second) = tokio::join!(a.app.do_due(), b.app.do_due());
    // Their schedulers do it too, and the second one finds it done.
    assert!(first.unwrap() + second.unwrap() <= 20);
    assert_eq!(a.stored_count().await, 0);
    let versions = b.ok("ListKeyVersions", &[("KeyId", &id)]).await;
    assert_eq!(versions["TotalCount"], 2, "rotated once: {versions}");
    stop(pair).await;
}

#[tokio::test]
async fn replicas_share_one_clock() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    a.advance_seconds(3600).await;
    let shown = b.send("GET", "/_sesame/clock", &[], b"").await;
    assert!(shown.body.contains("2026-11-24T04:30:00Z"), "{}", shown.body);
    b.create("s").await;
    assert_eq!(a.ok("DescribeSecret", &[("SecretName", "s")]).await["CreateTime"], "2026-11-24T04:30:00Z");
    let moves = (0..10).map(|n| if n % 2 == 0 { a } else { b }).map(|server| server.advance_seconds(60));
    for moved in moves {
        moved.await;
    }
    a.app.catch_up().await.unwrap();
    assert_eq!(a.app.clock().now(), NOW.plus_millis(3_600_000 + 600_000));
    stop(pair).await;
}

#[tokio::test]
async fn a_nonce_is_good_for_one_of_them() {
    let pair = two_in(AuthMode::Signed).await;
    let time = NOW.to_string();
    let send = async |server: &Server, nonce: &str| {
        let mut signed = sign::rpc_system("ListSecrets", "test", &time);
        signed.push(("SignatureNonce", nonce));
        let signature = sign::rpc_signature("POST", "test", &signed);
        signed.push(("Signature", &signature));
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        server.send("POST", "/", &headers, form(&signed).as_bytes()).await
    };
    send(&pair.0, "n1").await.ok();
    assert_eq!(send(&pair.1, "n1").await.refused().1, "SignatureNonceUsed");
    send(&pair.1, "n2").await.ok();
    assert_eq!(send(&pair.0, "n2").await.refused().1, "SignatureNonceUsed");
    stop(pair).await;
}

#[tokio::test]
async fn an_account_put_at_one_replica_is_known_at_all() {
    let pair = two_in(AuthMode::Signed).await;
    let (a, b) = (&pair.0, &pair.1);
    let account = |id: &str, key: &str| AccountFile {
        id: id.to_owned(),
        access_keys: vec![key_file(key, "secret")],
        ..AccountFile::default()
    };
    a.app.directory().put(account("77", "key77")).await.unwrap();
    b.call_as(("key77", "secret"), "ListSecrets", &[]).await.ok();
    // Both at once: neither loses the other's account.
    let (first, second) = tokio::join!(
        a.app.directory().put(account("78", "key78")),
        b.app.directory().put(account("79", "key79"))
    );
    first.unwrap();
    second.unwrap();
    for key in ["key77", "key78", "key79"] {
        a.call_as((key, "secret"), "ListSecrets", &[]).await.ok();
        b.call_as((key, "secret"), "ListSecrets", &[]).await.ok();
    }
    assert!(b.app.directory().remove("77").await.unwrap());
    let gone = a.call_as(("key77", "secret"), "ListSecrets", &[]).await.refused();
    assert_eq!((gone.0, gone.1.as_str()), (404, "InvalidAccessKeyId.NotFound"));
    stop(pair).await;
}

#[tokio::test]
async fn a_reset_at_one_replica_empties_all() {
    let pair = two().await;
    let (a, b) = (&pair.0, &pair.1);
    a.create("s").await;
    assert_eq!(b.value("s", &[]).await, "one");
    let answer = a.send("POST", "/_sesame/reset", &[], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(b.refused("GetSecretValue", &[("SecretName", "s")]).await.0, 404);
    // Nothing can be sealed any more under the service key that both knew.
    b.create("s").await;
    assert_eq!(a.value("s", &[]).await, "one");
    assert!(b.app.clock().setting().stands.is_none(), "the clock runs again");
    // While others write.
    for _ in 0..5 {
        let (_, _) = tokio::join!(
            a.app.reset(),
            race(&pair, 4, "CreateSecret", |n| {
                named(&[("SecretName", &format!("r{n}")), ("VersionId", "v1"), ("SecretData", "x")])
            })
        );
        let (_, damages) = a.app.check(&sesame::testing::app::NoProgress).await.unwrap();
        assert_eq!(damages, []);
    }
    stop(pair).await;
}

#[test]
fn a_replica_needs_the_same_root_key_and_no_older_program() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(postgres::database());
    let key = |digit: &str| digit.repeat(64);
    let first = Program::serve(&["--database", &url], &[("SESAME_ROOT_KEY", &key("1"))]);
    let second = Program::serve(&["--database", &url], &[("SESAME_ROOT_KEY", &key("1"))]);
    first.call("CreateSecret", &[("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")]);
    assert!(second.call("GetSecretValue", &[("SecretName", "s")]).contains(r#""SecretData":"one""#));
    let refused = |url: &str, key: &str, words: &str| {
        let output =
            run(&["serve", "--listen", "127.0.0.1:0", "--database", url], &[("SESAME_ROOT_KEY", key)]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.trim_end().lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    };
    refused(&url, &key("2"), "the root key does not open the database");
    let check = run(&["check", "--database", &url], &[("SESAME_ROOT_KEY", &key("1"))]);
    assert_eq!(String::from_utf8(check.stdout).unwrap(), "1 secrets checked, 0 damaged places\n");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (999, 'later', TRUE, '', 0)";
    runtime.block_on(beside(&url, &[newer]));
    refused(&url, &key("1"), "its schema is newer than this program");
    refused(
        "postgres://nobody:hidden@127.0.0.1:1/none",
        &key("1"),
        "cannot use the database postgres none at 127.0.0.1:1",
    );
}

/// Runs statements next to the servers.
async fn beside(url: &str, statements: &[&'static str]) {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    for statement in statements {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Terminates every other connection to the database.
const KILL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn servers_recover_from_killed_connections_and_a_read_only_database() {
    let url = postgres::database().await;
    let server = Server::over(Arc::new(postgres::store(&url).await), Options::default()).await;
    server.create("s").await;
    let again = async |action: &str, given: &[(&str, &str)]| {
        let mut answer = server.call(action, given).await;
        for _ in 0..20 {
            if answer.status != 503 {
                break;
            }
            answer = server.call(action, given).await;
        }
        answer
    };
    beside(&url, &[KILL]).await;
    assert_eq!(again("GetSecretValue", &[("SecretName", "s")]).await.ok()["SecretData"], Value::from("one"));
    let read_only = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
                     current_database()); END $$";
    beside(&url, &[read_only, KILL]).await;
    assert_eq!(again("GetSecretValue", &[("SecretName", "s")]).await.ok()["SecretData"], Value::from("one"));
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    let told = server.refused("PutSecretValue", &put).await;
    assert_eq!((told.0, told.1.as_str()), (503, "ServiceUnavailableTemporary"));
    assert_eq!(server.value("s", &[]).await, "one");
    let writable = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = off', \
                    current_database()); END $$";
    beside(&url, &["SET default_transaction_read_only = off", writable, KILL]).await;
    again("PutSecretValue", &put).await.ok();
    assert_eq!(server.value("s", &[]).await, "two");
    server.stop().await;
}

#[test]
fn both_databases_have_the_same_migrations_and_tables() {
    let names = |kind: &str| {
        let dir = format!("{}/migrations/{kind}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let columns = runtime.block_on(async {
        let url = postgres::database().await;
        postgres::store(&url).await.close().await;
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let query = "SELECT table_name || '.' || column_name || ' ' || is_nullable \
                     FROM information_schema.columns \
                     WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'";
        let mut of_postgres: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sesame.db");
        SqlStore::open(&file).await.unwrap().close().await;
        let mut connection =
            sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let query = "SELECT m.name || '.' || c.name || CASE c.\"notnull\" WHEN 1 THEN ' NO' ELSE ' YES' END \
                     FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
                     WHERE m.type = 'table' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'";
        let mut of_sqlite: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
        of_postgres.sort();
        of_sqlite.sort();
        (of_sqlite, of_postgres)
    });
    assert_eq!(columns.0, columns.1);
}

#[tokio::test]
async fn while_the_database_is_unavailable_clients_are_asked_to_retry() {
    let mut cluster = postgres::Cluster::start();
    let store = Arc::new(postgres::store(&cluster.database().await).await);
    let server = Server::over(store, Options::default()).await;
    server.create("s").await;
    cluster.tell("stop");
    let get = [("SecretName", "s")];
    let away = refusal(503, "ServiceUnavailableTemporary", "ServiceUnavailableTemporary");
    let told = server.refused("GetSecretValue", &get).await;
    assert_eq!((told.0, told.1), (away.0, away.1));
    let put = [("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")];
    assert_eq!(server.refused("PutSecretValue", &put).await.0, 503);
    assert_eq!(server.send("GET", "/_sesame/ready", &[], b"").await.status, 503);
    assert_eq!(server.send("GET", "/_sesame/health", &[], b"").await.status, 200);
    assert!(matches!(server.app.catch_up().await, Err(AppError::Unavailable(_))));
    cluster.tell("start");
    // The pool detects that its connections are gone.
    let mut answer = server.call("GetSecretValue", &get).await;
    while answer.status == 503 {
        answer = server.call("GetSecretValue", &get).await;
    }
    assert_eq!(answer.ok()["SecretData"], Value::from("one"));
    server.put("s", "v2", "two").await;
    assert_eq!(stages(&server.ok("GetSecretValue", &get).await), ["ACSCurrent"]);
    assert_eq!(server.send("GET", "/_sesame/ready", &[], b"").await.status, 200);
    server.stop().await;
}
