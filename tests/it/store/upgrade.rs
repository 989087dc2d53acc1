//! Databases of earlier releases.

use std::path::Path;

use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use super::{name, scope};

/// A secret in the first schema: versions whose ids do not sort by their creation, all labels and tags.
const SECRET: &str = "
INSERT INTO secrets (id, account, region, name, secret_type, description, created, updated, revision)
VALUES ('sec-1', '1', 'cn-hangzhou', 'a', 'Generic', 'kept', 1, 2, 3);
INSERT INTO data_keys (secret_id, id, key_id, key_version, wrapped, created)
VALUES ('sec-1', 'dk-2', 'key-1', 2, x'0202', 5), ('sec-1', 'dk-1', 'key-1', 1, x'0101', 4);
INSERT INTO secret_versions (secret_id, version_id, ordinal, data_type, data_key_id, sealed, created)
VALUES ('sec-1', 'z', 1, 'text', 'dk-1', x'0a', 6), ('sec-1', 'm', 2, 'binary', 'dk-2', zeroblob(30000), 7),
       ('sec-1', 'b', 3, 'text', 'dk-2', x'0c', 8);
INSERT INTO secret_labels (secret_id, label, version_id)
VALUES ('sec-1', 'ACSCurrent', 'b'), ('sec-1', 'ACSPrevious', 'm'), ('sec-1', 'mine', 'z');
INSERT INTO tags (secret_id, tag_key, tag_value) VALUES ('sec-1', 'k', 'v');
";

/// A database file with the schema of the first `n` migrations.
async fn database(file: &Path, migrations: usize) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).foreign_keys(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let all = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite")).await.unwrap();
    let first: Vec<_> = all.iter().take(migrations).cloned().collect();
    assert_eq!(first.len(), migrations);
    Migrator::with_migrations(first).run(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn a_database_from_before_rows_were_kept_together_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sesame.db");
    let mut old = database(&file, 6).await;
    sqlx::raw_sql(SECRET).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let store = SqlStore::open(&file).await.unwrap();
    let record = store.load_secret(&scope(), &name("a")).await.unwrap().unwrap();
    let secret = &record.secret;
    let versions: Vec<_> = secret.versions.iter().map(|v| (v.id.as_str(), v.ordinal)).collect();
    assert_eq!(versions, [("z", 1), ("m", 2), ("b", 3)]);
    let on = |label: &str| secret.stages.version_of(label).map(ToString::to_string);
    assert_eq!(["ACSCurrent", "ACSPrevious", "mine"].map(on), ["b", "m", "z"].map(|v| Some(v.to_owned())));
    assert_eq!((secret.description.as_str(), secret.revision, secret.tags.iter().count()), ("kept", 3, 1));
    let values: Vec<_> = record.values.iter().map(|v| (v.data_key.as_str(), v.sealed.len())).collect();
    assert_eq!(values, [("dk-1", 1), ("dk-2", 30_000), ("dk-2", 1)]);
    let keys: Vec<_> = record.data_keys.iter().map(|key| (key.id.as_str(), &*key.wrapped)).collect();
    assert_eq!(keys, [("dk-1", &[1, 1][..]), ("dk-2", &[2, 2][..])]);
    assert_eq!(store.integrity().await.unwrap(), Vec::<String>::new());
    store.close().await;

    // The database's own triggers and constraints are still there.
    let options = SqliteConnectOptions::new().filename(&file).foreign_keys(true);
    let mut now = SqliteConnection::connect_with(&options).await.unwrap();
    for (refused, why) in [
        ("UPDATE secret_versions SET sealed = x'00'", "a stored version never changes"),
        ("UPDATE secret_labels SET version_id = 'none'", "FOREIGN KEY"),
        ("DELETE FROM secret_versions WHERE version_id = 'z'", "FOREIGN KEY"),
        ("DELETE FROM data_keys WHERE id = 'dk-1'", "FOREIGN KEY"),
        ("DELETE FROM secrets", "FOREIGN KEY"),
        (
            "INSERT INTO secret_versions SELECT secret_id, 'z', 4, data_type, data_key_id, sealed, 1 FROM secret_versions LIMIT 1",
            "UNIQUE",
        ),
    ] {
        let error = sqlx::query(refused).execute(&mut now).await.unwrap_err().to_string();
        assert!(error.contains(why), "{refused}: {error}");
    }
}
