//! How often a request that policies decide looks its secret up.

use super::{allow, with_ann};
use crate::support::Server;

/// How often the cache of secrets was used.
fn lookups(server: &Server) -> u64 {
    let facts = server.app.cache_facts();
    facts.hits + facts.misses
}

#[tokio::test]
async fn a_request_looks_its_secret_up_once() {
    let (server, root, ann) = with_ann(&[allow("kms:*", "*")]).await;
    root.create(&server, "s", &[]).await;
    for action in ["GetSecretValue", "DescribeSecret", "ListSecretVersionIds", "GetSecretPolicy"] {
        let before = lookups(&server);
        ann.ok(&server, action, &[("SecretName", "s")]).await;
        assert_eq!(lookups(&server) - before, 1, "{action}");
    }
    // A change looks the secret up once more, under its lock: another change may have come first.
    let before = lookups(&server);
    ann.ok(&server, "PutSecretValue", &[("SecretName", "s"), ("VersionId", "v2"), ("SecretData", "two")])
        .await;
    assert_eq!(lookups(&server) - before, 2);
    server.stop().await;
}
