//! Anything altered or moved in the database is detected, and answered without details.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{AssertSqlSafe, Row};

use crate::support::{Options, Server, refusal};

const INTERNAL: (u16, &str, &str) = (500, "InternalFailure", "Internal Failure");

async fn database(dir: &std::path::Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(dir.join("sesame.db")).foreign_keys(false);
    SqlitePool::connect_with(options).await.unwrap()
}

/// Two secrets with two versions each, on disk and closed.
async fn filled(dir: &std::path::Path) {
    let server = Server::with(Options { dir: Some(dir), ..Options::default() }).await;
    for name in ["a", "b"] {
        server.create(name).await;
        server.put(name, "v2", "two").await;
    }
    server.stop().await;
}

/// Runs a statement on a copy of the database, then reads `a`.
async fn after(dir: &std::path::Path, statements: &[String]) -> (u16, String, String) {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.join("sesame.db"), copy.path().join("sesame.db")).unwrap();
    let pool = database(copy.path()).await;
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe(statement.clone())).execute(&pool).await.unwrap();
        assert!(statement.starts_with("DROP") || done.rows_affected() > 0, "{statement}");
    }
    pool.close().await;
    let server = Server::with(Options { dir: Some(copy.path()), ..Options::default() }).await;
    let answer = server.call("GetSecretValue", &[("SecretName", "a"), ("VersionId", "v1")]).await;
    assert!(!answer.body.contains("one"), "{}", answer.body);
    let refused = answer.refused();
    let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
    assert!(!damages.is_empty(), "the check finds it too: {statements:?}");
    server.stop().await;
    refused
}

#[tokio::test]
async fn an_altered_byte_of_anything_sealed_is_an_internal_failure() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let pool = database(dir.path()).await;
    let drop_guard = "DROP TRIGGER secret_versions_never_change".to_owned();
    for (table, column, condition) in [
        ("secret_versions", "sealed", "version_id = 'v1'"),
        ("data_keys", "wrapped", "1 = 1"),
        ("key_versions", "material", "1 = 1"),
    ] {
        let query = format!("SELECT {column} FROM {table} WHERE {condition} LIMIT 1");
        let bytes: Vec<u8> = sqlx::query(AssertSqlSafe(query)).fetch_one(&pool).await.unwrap().get(0);
        for at in 0..bytes.len() {
            // Every byte of the small ones would be slow; the ends and every seventh byte are enough.
            if at > 3 && at + 3 < bytes.len() && at % 7 != 0 {
                continue;
            }
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let hex = const_hex::encode(altered);
            let update = format!("UPDATE {table} SET {column} = x'{hex}' WHERE {condition}");
            let got = after(dir.path(), &[drop_guard.clone(), update]).await;
            assert_eq!(got, refusal(INTERNAL.0, INTERNAL.1, INTERNAL.2), "byte {at} of {table}.{column}");
        }
    }
    pool.close().await;
}

#[tokio::test]
async fn a_value_or_data_key_moved_to_another_place_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let drop_guard = "DROP TRIGGER secret_versions_never_change".to_owned();
    let a = "(SELECT id FROM secrets WHERE name = 'a')";
    let b = "(SELECT id FROM secrets WHERE name = 'b')";
    let moves = [
        // The value of another secret, of another version, read as another type.
        vec![format!(
            "UPDATE secret_versions SET sealed = (SELECT sealed FROM secret_versions WHERE secret_id = {b} AND version_id = 'v1') WHERE secret_id = {a} AND version_id = 'v1'"
        )],
        vec![format!(
            "UPDATE secret_versions SET sealed = (SELECT sealed FROM secret_versions WHERE secret_id = {a} AND version_id = 'v2') WHERE secret_id = {a} AND version_id = 'v1'"
        )],
        vec![format!(
            "UPDATE secret_versions SET data_type = 'binary' WHERE secret_id = {a} AND version_id = 'v1'"
        )],
        // A whole row of another secret, with its data key.
        vec![
            format!("DELETE FROM secret_versions WHERE secret_id = {a} AND version_id = 'v1'"),
            format!(
                "UPDATE secret_versions SET secret_id = {a}, ordinal = 9 WHERE secret_id = {b} AND version_id = 'v1'"
            ),
            format!("UPDATE data_keys SET secret_id = {a} WHERE secret_id = {b}"),
        ],
        // A secret moved to another name keeps its id, so its values open; under another account they do not.
        vec!["UPDATE data_keys SET key_version = 2".to_owned()],
    ];
    for statements in moves {
        let statements = [vec![drop_guard.clone()], statements].concat();
        let got = after(dir.path(), &statements).await;
        assert_eq!(got, refusal(INTERNAL.0, INTERNAL.1, INTERNAL.2), "{statements:?}");
    }
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_a_stored_version() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let pool = database(dir.path()).await;
    let update = sqlx::query("UPDATE secret_versions SET created = created + 1").execute(&pool).await;
    assert!(update.unwrap_err().to_string().contains("a stored version never changes"));
    let label = "INSERT INTO secret_labels SELECT secret_id, label, 'v2' FROM secret_labels LIMIT 1";
    assert!(sqlx::query(label).execute(&pool).await.is_err(), "a label is on one version");
    let kind = "UPDATE secrets SET secret_type = 'Other'";
    assert!(sqlx::query(kind).execute(&pool).await.is_err(), "CHECK on the type");
    pool.close().await;
    let strict = SqliteConnectOptions::new().filename(dir.path().join("sesame.db")).foreign_keys(true);
    let pool = SqlitePool::connect_with(strict).await.unwrap();
    let evict = sqlx::query("DELETE FROM secret_versions WHERE version_id = 'v2'").execute(&pool).await;
    assert!(evict.is_err(), "a labelled version cannot be deleted");
    pool.close().await;
}

#[tokio::test]
async fn the_check_finds_orphans_labels_without_versions_and_a_missing_current_version() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    for (statement, finding) in [
        ("DELETE FROM secret_versions WHERE version_id = 'v2'", "is on version v2, which does not exist"),
        ("DELETE FROM secrets WHERE name = 'a'", "belongs to secret sec-"),
        ("DELETE FROM secrets WHERE name = 'a'", "table secret_versions: 2 references to rows of secrets"),
        ("DELETE FROM data_keys", "is sealed by data key dk-"),
        ("DELETE FROM secret_labels WHERE label = 'ACSCurrent'", "no version is ACSCurrent"),
        ("INSERT INTO tags VALUES ('sec-none', 'k', 'v')", "tag k belongs to secret sec-none"),
        ("INSERT INTO key_tags VALUES ('none', 'k', 'v')", "tag k belongs to key none"),
        ("INSERT INTO aliases VALUES ('1', 'r', 'alias/x', 'none')", "alias alias/x belongs to key none"),
        ("INSERT INTO key_versions VALUES ('none', 1, 'kv', NULL, 0)", "version kv belongs to key none"),
        (
            "INSERT INTO managed_secrets (secret_id, extended_config, rotation) VALUES ('sec-none', '{}', 'Disabled')",
            "rotation plan belongs to secret sec-none",
        ),
    ] {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(dir.path().join("sesame.db"), copy.path().join("sesame.db")).unwrap();
        let pool = database(copy.path()).await;
        assert!(sqlx::query(statement).execute(&pool).await.unwrap().rows_affected() > 0, "{statement}");
        pool.close().await;
        let server = Server::with(Options { dir: Some(copy.path()), ..Options::default() }).await;
        let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
        let found = damages.iter().any(|damage| damage.finding.contains(finding));
        assert!(found, "{statement}: {finding:?} is not in {damages:?}");
        server.stop().await;
    }
    let server = Server::with(Options { dir: Some(dir.path()), ..Options::default() }).await;
    let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
    assert_eq!(damages, []);
    server.stop().await;
}
