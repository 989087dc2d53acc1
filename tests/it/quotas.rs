//! How many secrets and keys an account can have (rule 12.3, `[limits]`).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sesame::testing::domain::Limits;
use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;
use tokio::task::JoinSet;

use crate::store::counted::Recorded;
use crate::support::handed_on::Intercepted;
use crate::support::program::Program;
use crate::support::{BEIJING, Options, Server, form, postgres, refusal};

fn of_secrets(secrets_per_account: u64) -> Options<'static> {
    Options { limits: Limits { secrets_per_account, ..Limits::default() }, ..Options::default() }
}

fn exceeded() -> (u16, String, String) {
    refusal(400, "Rejected.LimitExceeded", "The secret quota is exceeded.")
}

const DATA: [(&str, &str); 2] = [("VersionId", "v1"), ("SecretData", "x")];

async fn create(server: &Server, name: &str, more: &[(&str, &str)]) -> bool {
    let answer = server.call("CreateSecret", &[&[("SecretName", name)], &DATA[..], more].concat()).await;
    if answer.status != 200 {
        assert_eq!(answer.refused(), exceeded(), "{name}");
    }
    answer.status == 200
}

#[tokio::test]
async fn rule_12_3_secrets_are_counted_in_account_and_region() {
    let server = Server::with(of_secrets(3)).await;
    for name in ["a", "b", "c"] {
        assert!(create(&server, name, &[]).await);
    }
    assert!(!create(&server, "d", &[]).await);
    // A name that is taken is reported as such, and changing an existing secret needs no room.
    let again = [&[("SecretName", "a")], &DATA[..]].concat();
    assert_eq!(server.refused("CreateSecret", &again).await.1, "Rejected.ResourceExist");
    server.put("a", "v2", "y").await;
    // Another region and another account have their own limits.
    let in_beijing = [&[("SecretName", "d")], &DATA[..]].concat();
    server.call_at(BEIJING, "CreateSecret", &in_beijing).await.ok();
    server.call_as(("other", "other-secret"), "CreateSecret", &again).await.ok();
    // A secret in its recovery window counts; a purged one does not.
    server.ok("DeleteSecret", &[("SecretName", "a")]).await;
    assert!(!create(&server, "d", &[]).await);
    server.advance_seconds(31 * 86_400).await;
    assert!(create(&server, "d", &[]).await && !create(&server, "e", &[]).await);
    server.ok("DeleteSecret", &[("SecretName", "b"), ("ForceDeleteWithoutRecovery", "true")]).await;
    assert!(create(&server, "e", &[]).await && !create(&server, "f", &[]).await);
    // After everything was replaced, secrets are counted again.
    let seed = r#"{"secrets":[{"name":"s1","versions":[{"id":"v1","value":"x"}]},{"name":"s2","versions":[{"id":"v1","value":"x"}]}]}"#;
    server.send("POST", "/_sesame/reset", &[], b"").await;
    assert!(create(&server, "a", &[]).await);
    assert_eq!(server.send("POST", "/_sesame/seed", &[], seed.as_bytes()).await.status, 200);
    assert!(!create(&server, "b", &[]).await);
    assert_eq!(server.stored_count().await, 3);
    server.stop().await;
}

/// Creates this many secrets at the same moment, half of them through each server; returns how many there was room for.
async fn at_once(servers: [&Server; 2], count: usize) -> usize {
    let mut tasks = JoinSet::new();
    for n in 0..count {
        let name = format!("s{n}");
        let parameters =
            [&[("Action", "CreateSecret"), ("Version", "2016-01-20"), ("SecretName", &name)], &DATA[..]];
        let form = form(&parameters.concat());
        let address = servers[n % 2].address;
        tasks.spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let head =
                "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded";
            let head = format!("{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{form}", form.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let created = answer.starts_with("HTTP/1.1 200");
            assert!(created || answer.contains("The secret quota is exceeded."), "{answer}");
            created
        });
    }
    tasks.join_all().await.into_iter().filter(|created| *created).count()
}

#[tokio::test]
async fn creations_at_the_same_moment_do_not_exceed_the_quota() {
    let server = Server::with(of_secrets(10)).await;
    assert_eq!(at_once([&server, &server], 60).await, 10);
    assert_eq!(server.stored_count().await, 10);
    server.stop().await;
}

#[tokio::test]
async fn a_creation_does_not_count_secrets() {
    let called = Arc::new(Mutex::new(BTreeSet::new()));
    let store: Arc<dyn Store> = Arc::new(SqlStore::in_memory().await.unwrap());
    let store = Intercepted(Recorded { store, called: Arc::clone(&called), panics: Arc::default() });
    let server = Server::over(Arc::new(store), of_secrets(1_000)).await;
    assert!(create(&server, "first", &[]).await);
    assert!(called.lock().unwrap().remove("list_secrets"), "the first one counts");
    for n in 0..100 {
        assert!(create(&server, &format!("s{n}"), &[]).await);
    }
    assert!(!called.lock().unwrap().contains("list_secrets"), "a later one counts, too");
    server.stop().await;
}

#[tokio::test]
async fn several_processes_on_one_database_share_the_quota() {
    let url = postgres::database().await;
    let one = async || Server::over(Arc::new(postgres::store(&url).await), of_secrets(40)).await;
    let (a, b) = (one().await, one().await);
    for n in 0..60 {
        let created = create(if n % 2 == 0 { &a } else { &b }, &format!("s{n}"), &[]).await;
        assert_eq!(created, n < 40, "{n}");
    }
    assert_eq!(a.stored_count().await, 40);
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn a_thousand_and_one_keys_find_room() {
    let server = Server::start().await;
    for _ in 0..1_001 {
        server.ok("CreateKey", &[]).await;
    }
    server.stop().await;
}

#[test]
fn the_log_of_a_refusal_says_which_limit_and_how_much_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    let limits = "[limits]\nkeys_per_account = 2\nsecrets_per_account = 1\nlabels_per_secret = 2\nversions_per_secret = 2\n";
    std::fs::write(&config, limits).unwrap();
    let server = Program::serve(&["--in-memory", "--config", config.to_str().unwrap()], &[]);
    let create = |name| server.call("CreateSecret", &[&[("SecretName", name)], &DATA[..]].concat());
    assert!(create("a").contains("200 OK"));
    assert!(create("b").contains("The secret quota is exceeded."));
    let put =
        [("SecretName", "a"), ("VersionId", "v2"), ("SecretData", "y"), ("VersionStages", r#"["l1","l2"]"#)];
    assert!(server.call("PutSecretValue", &put).contains("exceed secret limits error"));
    let full = "user create resource limit was exceeded";
    let id =
        |answer: &str| answer.split("\"KeyId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let key = id(&server.call("CreateKey", &[]));
    assert!(server.call("CreateKey", &[]).contains("200 OK"));
    assert!(server.call("CreateKey", &[]).contains(full));
    let alias =
        |n: usize| server.call("CreateAlias", &[("KeyId", &key), ("AliasName", &format!("alias/{n}"))]);
    assert!((0..3).all(|n| alias(n).contains("200 OK")) && alias(3).contains(full));
    let log = server.kill();
    for said in [
        "at most 1 secrets in one account and region (limits.secrets_per_account in the configuration file)",
        "at most 2 labels on all versions of a secret together",
        "at most 2 keys in one account and region (limits.keys_per_account in the configuration file)",
        "at most 3 aliases in one account and region (1.5 times limits.keys_per_account in the configuration file)",
    ] {
        assert!(log.contains(said), "{said:?} is not in {log}");
    }
}
