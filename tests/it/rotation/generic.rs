//! Generic secrets that a rotator rotates by a timer or, beyond the cloud, by a call (rules DY14.1, DY14.2).

use serde_json::json;

use super::receiver::{Receiver, with_rotators};
use super::{advance, ended, plan, rotate};
use crate::state::{admin, done};
use crate::support::{Options, Server, refusal, text};

const DAILY: &str = "[[rotators]]\nname='daily'\nsecrets=['app/*']\nkind='generator'\ninterval='1d'\n";

async fn server_with(toml: &str, by_call: bool) -> Server {
    let mut rotation = with_rotators(toml);
    rotation.generic_by_call = by_call;
    Server::with(Options { rotation, ..Options::default() }).await
}

async fn value(server: &Server, name: &str) -> String {
    text(&server.ok("GetSecretValue", &[("SecretName", name)]).await["SecretData"]).to_owned()
}

#[tokio::test]
async fn rule_dy14_1_a_timer_puts_a_version_as_its_user_would_and_nothing_else_shows() {
    let server = server_with(DAILY, false).await;
    let with_flag = [
        ("SecretName", "app/a"),
        ("VersionId", "v1"),
        ("SecretData", "old"),
        ("EnableAutomaticRotation", "true"),
        ("RotationInterval", "7d"),
    ];
    let created = server.ok("CreateSecret", &with_flag).await;
    assert!(
        created.get("AutomaticRotation").is_none() && created.get("ExtendedConfig").is_none(),
        "{created}"
    );
    server.create("other").await;
    assert_eq!(advance(&server, 24 * 3600 - 1).await["done"], 0);
    assert_eq!(advance(&server, 1).await, json!({"done": 1, "failed": 0, "running": 0}));
    assert_ne!(value(&server, "app/a").await, "old");
    assert_eq!(plan(&server, "app/a").await, "- - - -");
    let versions = server.versions("app/a").await;
    assert!(versions.ends_with("[ACSCurrent] v1[ACSPrevious]"), "{versions}");
    assert_eq!(server.versions("other").await, "v1[ACSCurrent]");
    let old = server.ok("GetSecretValue", &[("SecretName", "app/a"), ("VersionId", "v1")]).await;
    assert_eq!(old["SecretData"], "old", "VersionId selects, as for every Generic secret");
    assert_eq!(advance(&server, 24 * 3600).await["done"], 1, "and again a day later");
    let unsupported = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let call = [("SecretName", "app/a"), ("VersionId", "v9")];
    assert_eq!(server.refused("RotateSecret", &call).await, unsupported, "rule R1.4");
    let put = [("SecretName", "app/a"), ("VersionId", "v9"), ("SecretData", "mine")];
    server.ok("PutSecretValue", &put).await;
    assert_eq!(value(&server, "app/a").await, "mine");
}

#[tokio::test]
async fn secrets_that_were_there_before_the_rotator_get_its_timer_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options()).await;
    server.create("app/a").await;
    server.stop().await;
    let server = Server::with(Options { rotation: with_rotators(DAILY), ..options() }).await;
    assert_eq!(advance(&server, 24 * 3600).await["done"], 1);
    server.stop().await;
    // Without the rotator nothing rotates any more.
    let server = Server::with(options()).await;
    assert_eq!(advance(&server, 10 * 24 * 3600).await, json!({"done": 0, "failed": 0, "running": 0}));
    assert_eq!(server.ok("ListSecretVersionIds", &[("SecretName", "app/a")]).await["TotalCount"], 2);
}

#[tokio::test]
async fn secrets_of_an_import_get_the_timer_and_an_export_says_nothing_of_it() {
    let server = server_with(DAILY, false).await;
    server.create("app/a").await;
    let export = done(&server, "GET", "/_sesame/state", "").await;
    assert!(export["secrets"][0].get("rotation").is_none(), "{}", export["secrets"]);
    let answer = admin(&server, "PUT", "/_sesame/state", &export.to_string()).await;
    assert!(answer.status < 300, "{}", answer.status);
    assert_eq!(advance(&server, 24 * 3600).await["done"], 1);
}

#[tokio::test]
async fn a_timer_goes_on_after_a_failure_and_the_secret_stays_readable() {
    let receiver = Receiver::start(|_| (500, String::new()));
    let toml = format!(
        "[[rotators]]\nname='hook'\nsecrets=['*']\nkind='webhook'\nurl='http://{}'\ninterval='1d'",
        receiver.address
    );
    let server = server_with(&toml, false).await;
    server.create("g").await;
    let before = value(&server, "g").await;
    assert_eq!(advance(&server, 24 * 3600).await["failed"], 1);
    assert_eq!(advance(&server, 24 * 3600).await["failed"], 1, "a day later it tries again");
    assert_eq!(
        (server.versions("g").await, value(&server, "g").await),
        ("v1[ACSCurrent]".to_owned(), before)
    );
}

#[tokio::test]
async fn an_administrator_rotates_a_generic_secret_that_has_a_rotator() {
    let server = server_with(&DAILY.replace("interval='1d'", ""), false).await;
    server.create("app/a").await;
    server.create("other").await;
    let counts = done(&server, "POST", "/_sesame/rotations", r#"{"secrets":"*"}"#).await;
    assert_eq!(counts["rotations"]["done"], 1, "{counts}");
    assert_eq!(server.versions("other").await, "v1[ACSCurrent]");
}

#[tokio::test]
async fn rule_dy14_2_extended_lets_calls_rotate_generic_secrets_and_health_says_so() {
    let server = server_with(&DAILY.replace("interval='1d'", ""), true).await;
    assert_eq!(done(&server, "GET", "/_sesame/health", "").await["generic_rotation"], "extended");
    server.create("app/a").await;
    rotate(&server, "app/a", "v2").await;
    assert_eq!(ended(&server).await["result"], "done");
    assert_eq!(server.versions("app/a").await, "v2[ACSCurrent] v1[ACSPrevious]");
    let policy = [("SecretName", "app/a"), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    server.ok("UpdateSecretRotationPolicy", &policy).await;
    assert!(plan(&server, "app/a").await.starts_with("Enabled 604800s "), "{}", plan(&server, "app/a").await);
    assert_eq!(advance(&server, 7 * 24 * 3600).await["done"], 1);
    let described = server.ok("DescribeSecret", &[("SecretName", "app/a")]).await;
    assert!(described.get("ExtendedConfig").is_none(), "{described}");
    server.create("other").await;
    let unsupported = refusal(400, "Rejected.UnsupportedOperation", "Unsupported operation.");
    let call = [("SecretName", "other"), ("VersionId", "v2")];
    assert_eq!(server.refused("RotateSecret", &call).await, unsupported, "no rotator");
    let usual = Server::start().await;
    assert!(done(&usual, "GET", "/_sesame/health", "").await.get("generic_rotation").is_none());
}
