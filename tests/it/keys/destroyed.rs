//! What a deletion destroys: no copy of the wrapped material stays on disk, even while the server is running.

use std::path::Path;
use std::sync::Arc;

use super::{import, key_not_found, make, metadata, schedule, sealed, state};
use crate::support::{Options, Server, scope};

const DAY: i64 = 86_400;
/// Sixteen consecutive bytes of wrapped material do not occur by accident.
const WINDOW: usize = 16;

/// Every file below a directory, with its bytes.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

/// The files that contain any sixteen consecutive bytes of the material.
fn holding(dir: &Path, material: &[u8]) -> Vec<String> {
    let windows: std::collections::HashSet<&[u8]> = material.windows(WINDOW).collect();
    assert!(windows.len() > 1, "material to look for");
    let mut holding = files(dir);
    holding.retain(|(_, bytes)| bytes.windows(WINDOW).any(|window| windows.contains(window)));
    holding.into_iter().map(|(name, _)| name).collect()
}

/// The wrapped material of a key, one per version.
async fn wrapped(server: &Server, key: &str) -> Vec<Arc<[u8]>> {
    let records = server.app.store().load_keys(&scope()).await.unwrap().keys;
    let record = records.into_iter().find(|record| record.key.id.as_str() == key).unwrap();
    record.material.into_iter().map(|(_, bytes)| bytes).collect()
}

async fn on_disk(dir: &Path) -> Server {
    Server::with(Options { dir: Some(dir), ..Options::default() }).await
}

/// Checks that the whole database is sound.
async fn sound(server: &Server) {
    let (_, damages) = server.app.check(&sesame::testing::app::NoProgress).await.unwrap();
    assert!(damages.is_empty(), "{damages:?}");
}

async fn secret_under(server: &Server, name: &str, key: &str) {
    let create = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", key)];
    server.ok("CreateSecret", &create).await;
}

#[tokio::test]
async fn a_deleted_key_leaves_no_material_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path()).await;
    let (doomed, kept) = (make(&server, &[]).await, make(&server, &[]).await);
    let pair = make(&server, &[("KeySpec", "EC_P256")]).await;
    secret_under(&server, "s", &doomed).await;
    secret_under(&server, "t", &kept).await;
    let blob = sealed(&server, &doomed).await;
    for _ in 0..3 {
        server.ok("CreateKeyVersion", &[("KeyId", &doomed)]).await;
    }
    server.put("s", "v2", "two").await;
    let mut gone = wrapped(&server, &doomed).await;
    assert_eq!(gone.len(), 4);
    gone.extend(wrapped(&server, &pair).await);
    let stays = wrapped(&server, &kept).await;
    for material in gone.iter().chain(&stays) {
        assert_ne!(holding(dir.path(), material), Vec::<String>::new(), "it is there before");
    }
    schedule(&server, &doomed).await;
    schedule(&server, &pair).await;
    server.advance_seconds(7 * DAY + 1).await;
    for (number, material) in gone.iter().enumerate() {
        assert_eq!(holding(dir.path(), material), Vec::<String>::new(), "material {number}");
    }
    for material in &stays {
        assert_ne!(holding(dir.path(), material), Vec::<String>::new(), "another key's is there");
    }
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "s")]).await, key_not_found());
    let put = [("SecretName", "s"), ("VersionId", "v3"), ("SecretData", "three")];
    assert_eq!(server.refused("PutSecretValue", &put).await, key_not_found());
    assert_eq!(server.refused("Decrypt", &[("CiphertextBlob", &blob)]).await, key_not_found());
    assert_eq!(server.value("t", &[]).await, "one");
    sound(&server).await;
    // The metadata of the secret stays, and the secret can be deleted.
    server.ok("DescribeSecret", &[("SecretName", "s")]).await;
    server.stop().await;

    let server = on_disk(dir.path()).await;
    assert_eq!(server.refused("DescribeKey", &[("KeyId", &doomed)]).await, key_not_found());
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "s")]).await, key_not_found());
    sound(&server).await;
    for material in &gone {
        assert_eq!(holding(dir.path(), material), Vec::<String>::new(), "after a restart");
    }
    let delete = [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")];
    server.ok("DeleteSecret", &delete).await;
    sound(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_deletion_that_a_request_finds_due_destroys_too() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path()).await;
    let key = make(&server, &[]).await;
    let material = wrapped(&server, &key).await.remove(0);
    schedule(&server, &key).await;
    server.clock.set(crate::support::NOW.plus_days(8));
    assert_eq!(server.refused("DescribeKey", &[("KeyId", &key)]).await, key_not_found());
    assert_eq!(holding(dir.path(), &material), Vec::<String>::new());
    server.stop().await;
}

#[tokio::test]
async fn deleted_or_expired_imported_material_leaves_the_disk_and_may_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(dir.path()).await;
    let key = make(&server, &[("Origin", "EXTERNAL")]).await;
    let mut own = [0; 32];
    for (at, byte) in own.iter_mut().enumerate() {
        *byte = u8::try_from(at * 7 % 251).unwrap();
    }
    import(&server, &key, &own, &[]).await.ok();
    secret_under(&server, "s", &key).await;
    let blob = sealed(&server, &key).await;
    let first = wrapped(&server, &key).await.remove(0);
    assert_ne!(holding(dir.path(), &first), Vec::<String>::new(), "it is there before");
    assert_eq!(holding(dir.path(), &own), Vec::<String>::new(), "never in plain text");
    server.ok("DeleteKeyMaterial", &[("KeyId", &key)]).await;
    assert_eq!(holding(dir.path(), &first), Vec::<String>::new(), "deleted");
    assert!(wrapped(&server, &key).await.is_empty());
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "s")]).await, state("PendingImport"));
    sound(&server).await;

    let expires = (crate::support::NOW.plus_days(2).as_millis() / 1000).to_string();
    import(&server, &key, &own, &[("KeyMaterialExpireUnix", &expires)]).await.ok();
    assert_eq!(server.value("s", &[]).await, "one");
    let second = wrapped(&server, &key).await.remove(0);
    assert_ne!(first, second, "wrapped anew");
    assert_ne!(holding(dir.path(), &second), Vec::<String>::new());
    server.advance_seconds(2 * DAY).await;
    assert_eq!(holding(dir.path(), &second), Vec::<String>::new(), "expired");
    assert_eq!(metadata(&server, &key).await["KeyState"], "PendingImport");
    server.stop().await;

    let server = on_disk(dir.path()).await;
    import(&server, &key, &own, &[]).await.ok();
    assert_eq!(server.ok("Decrypt", &[("CiphertextBlob", &blob)]).await["Plaintext"], super::PLAINTEXT.1);
    assert_eq!(server.value("s", &[]).await, "one");
    // Material that is imported again is wrapped again; a deletion then removes both wrappings.
    let third = wrapped(&server, &key).await.remove(0);
    import(&server, &key, &own, &[]).await.ok();
    let fourth = wrapped(&server, &key).await.remove(0);
    assert_ne!(third, fourth);
    assert_eq!(server.value("s", &[]).await, "one");
    server.ok("DeleteKeyMaterial", &[("KeyId", &key)]).await;
    for material in [&third, &fourth] {
        assert_eq!(holding(dir.path(), material), Vec::<String>::new(), "both wrappings are gone");
    }
    sound(&server).await;
    server.stop().await;
}
