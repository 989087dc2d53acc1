//! What is stored of accounts on disk: everything, and none of it readable.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;
use sesame::testing::app::{App, Parts};
use sesame::testing::domain::Limits;
use sesame::testing::identities::file::AccountFile;
use sesame::testing::ports::{OsEntropy, ServerClock};
use sesame::testing::server::AuthMode;
use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;

use super::sessions::{ASSUME, role, role_arn, team, trust};
use super::{Signer, TEAM, allow, put, stored};
use crate::support::{ACCOUNT, Options, Server, root_key};

const SECRET: &str = "CANARY-aksecret-5e1f07c3";
const ROOT_SECRET: &str = "CANARY-rootsecret-91b2d6a8";
const TOKEN: &str = "CANARY-token-c77a0e42";

/// The forms in which a text may be in a file: plain, as base64 at any offset, as hex.
fn spellings(mark: &str) -> Vec<String> {
    // The first and last characters of base64 depend on the neighbouring text.
    let inner = |offset: usize| {
        let padded = [&vec![b'x'; offset], mark.as_bytes()].concat();
        let text = STANDARD_NO_PAD.encode(padded);
        text[(offset * 4).div_ceil(3)..text.len() - 2].to_owned()
    };
    let hex = const_hex::encode(mark);
    vec![mark.to_owned(), hex.to_uppercase(), hex, inner(0), inner(1), inner(2)]
}

fn assert_sealed(dir: &Path, marks: &[&str]) {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read(&path).unwrap();
        bytes += content.len();
        for spelling in marks.iter().flat_map(|mark| spellings(mark)) {
            let found = content.windows(spelling.len()).any(|window| window == spelling.as_bytes());
            assert!(!found, "{spelling} is in {}", path.display());
        }
    }
    assert!(bytes > 0, "the text to search is not empty");
}

fn options(dir: &Path) -> Options<'_> {
    Options { mode: AuthMode::Enforced, dir: Some(dir), ..Options::default() }
}

fn ann() -> Signer {
    Signer { id: "ann".to_owned(), secret: SECRET.to_owned(), token: None }
}

fn account() -> serde_json::Value {
    let mut account = team(
        &[allow("kms:*", "*"), allow(ASSUME, "*")],
        &[role("app", &[trust("Allow", &format!("{TEAM}:root"))])],
    );
    account["users"][0]["access_keys"] = json!([{"id": "ann", "secret": SECRET}]);
    account["access_keys"] = json!([
        {"id": "root", "secret": ROOT_SECRET},
        {"id": "STS.fixed", "secret": ROOT_SECRET, "security_token": TOKEN},
    ]);
    account
}

#[tokio::test]
async fn an_access_key_put_at_run_time_is_sealed_and_signs_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let marks = [SECRET, ROOT_SECRET, TOKEN];
    let server = Server::with(options(dir.path())).await;
    put(&server, &account()).await;
    ann().create(&server, "s", &[]).await;
    assert_sealed(dir.path(), &marks);
    server.stop().await;
    assert_sealed(dir.path(), &marks);
    let server = Server::with(options(dir.path())).await;
    assert_eq!(ann().read(&server, "s").await.ok()["SecretData"], "one");
    let fixed =
        Signer { id: "STS.fixed".to_owned(), secret: ROOT_SECRET.to_owned(), token: Some(TOKEN.to_owned()) };
    fixed.read(&server, "s").await.ok();
    let wrong = Signer { secret: ROOT_SECRET.to_owned(), ..ann() };
    assert_eq!(wrong.read(&server, "s").await.refused().1, "SignatureDoesNotMatch");
    // An account that is written back as it was shown keeps its secrets.
    let shown = server.app.directory().list().await;
    let shown = shown.into_iter().find(|account| account.id == TEAM).unwrap();
    let text = serde_json::to_string(&shown).unwrap();
    for mark in marks {
        assert!(!text.contains(mark) && !format!("{shown:?}").contains(mark), "{text}");
    }
    server.app.directory().put(shown).await.unwrap();
    ann().read(&server, "s").await.ok();
    fixed.read(&server, "s").await.ok();
    // When it is removed, it is gone for good.
    assert!(server.app.directory().remove(TEAM).await.unwrap());
    server.stop().await;
    let server = Server::with(options(dir.path())).await;
    assert_eq!(ann().read(&server, "s").await.refused().1, "InvalidAccessKeyId.NotFound");
    server.stop().await;
}

#[tokio::test]
async fn secrets_are_not_shown_by_what_is_formatted_for_people() {
    let file: AccountFile = serde_json::from_value(account()).unwrap();
    let shown = format!("{file:?}");
    for mark in [SECRET, ROOT_SECRET, TOKEN] {
        assert!(!shown.contains(mark), "{shown}");
    }
}

#[tokio::test]
async fn an_account_that_is_refused_is_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(options(dir.path())).await;
    put(&server, &account()).await;
    let before = stored(dir.path());
    let mut unknown_policy = account();
    unknown_policy["users"][0]["policies"] = json!(["no-such-policy"]);
    let mut no_policy = account();
    no_policy["policies"][0]["document"] = json!({"Version": "1"});
    let mut taken_key = account();
    taken_key["id"] = json!("1000000000000009");
    let mut declared = account();
    declared["id"] = json!(ACCOUNT);
    for (name, wrong) in [
        ("unknown policy", unknown_policy),
        ("no policy", no_policy),
        ("a key of another account", taken_key),
        ("an account of the configuration file", declared),
    ] {
        let file: AccountFile = serde_json::from_value(wrong).unwrap();
        assert!(server.app.directory().put(file).await.is_err(), "{name}");
        assert_eq!(stored(dir.path()), before, "{name}");
    }
    ann().create(&server, "s", &[]).await;
    server.stop().await;
}

#[tokio::test]
async fn temporary_credentials_are_not_stored_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(options(dir.path())).await;
    put(&server, &account()).await;
    ann().create(&server, "s", &[]).await;
    let before = stored(dir.path());
    let arn = role_arn(TEAM, "app");
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "alice")];
    let session = Signer::in_role(&ann().sts(&server, "AssumeRole", &parameters).await.ok());
    session.read(&server, "s").await.ok();
    assert_eq!(stored(dir.path()), before);
    server.stop().await;
}

/// Opens the application on the contents of a directory.
async fn opens(dir: &Path) -> bool {
    let parts = Parts {
        store: Arc::new(SqlStore::open(&dir.join("sesame.db")).await.unwrap()),
        clock: Arc::new(ServerClock::default()),
        entropy: Arc::new(OsEntropy),
        limits: Limits::default(),
        cache_bytes: 1024,
        accounts: Vec::new(),
        default_account: ACCOUNT.parse().unwrap(),
        well_known_key: true,
        resource_policies: true,
        faults: Vec::new(),
        nonces: sesame::testing::app::NonceSettings::default(),
        rotation: sesame::testing::domain::rotation::RotationSettings::default(),
    };
    match App::open(parts, root_key()).await {
        Ok(app) => {
            app.close().await;
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_sealed_account_that_was_moved_or_altered_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(options(dir.path())).await;
    put(&server, &account()).await;
    server.stop().await;
    assert!(opens(dir.path()).await);
    let (id, sealed) = {
        let store = SqlStore::open(&dir.path().join("sesame.db")).await.unwrap();
        let kept = store.accounts().await.unwrap().accounts.pop().unwrap();
        store.close().await;
        kept
    };
    let mut altered = sealed.clone();
    *altered.last_mut().unwrap() ^= 1;
    let moved = "1000000000000009".parse().unwrap();
    for (to, bytes, fine) in [(&id, &altered, false), (&id, &sealed, true), (&moved, &sealed, false)] {
        let store = SqlStore::open(&dir.path().join("sesame.db")).await.unwrap();
        let on = store.accounts().await.unwrap().revision;
        store.set_account(to.clone(), Some(bytes.clone()), on).await.unwrap();
        store.close().await;
        assert_eq!(opens(dir.path()).await, fine, "{to}");
    }
}
