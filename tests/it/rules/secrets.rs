//! An overview of the life of a secret. The rules have their own files.

use crate::support::{Server, not_found, stages};

#[tokio::test]
async fn the_life_of_a_secret() {
    let server = Server::start().await;
    server.create("a/b").await;
    server.put("a/b", "v2", "two").await;
    assert_eq!(server.value("a/b", &[]).await, "two");
    assert_eq!(server.value("a/b", &[("VersionStage", "ACSPrevious")]).await, "one");
    assert_eq!(server.versions("a/b").await, "v2[ACSCurrent] v1[ACSPrevious]");
    let answer = server.ok("GetSecretValue", &[("SecretName", "a/b")]).await;
    assert_eq!(stages(&answer), ["ACSCurrent"]);
    server.ok("DeleteSecret", &[("SecretName", "a/b"), ("ForceDeleteWithoutRecovery", "true")]).await;
    assert_eq!(server.refused("GetSecretValue", &[("SecretName", "a/b")]).await, not_found());
}
