//! RAMCredentials: real AccessKeys of Sesame's own directory.

use serde_json::{Value, json};
use sesame::testing::server::AuthMode;

use super::{advance, ended, every};
use crate::enforced::{self, Signer};
use crate::state::done;
use crate::support::{Answer, Options, Server, invalid, not_found, refusal, text};

const HOUR: i64 = 3600;
const SECRET: &str = "acs/ram/user/app";

/// The root of the account.
fn root() -> Signer {
    Signer { id: "test".to_owned(), secret: "test".to_owned(), token: None }
}

async fn ok(server: &Server, action: &str, parameters: &[(&str, &str)]) -> Value {
    root().ok(server, action, parameters).await
}

async fn refused(server: &Server, action: &str, parameters: &[(&str, &str)]) -> (u16, String, String) {
    root().refused(server, action, parameters).await
}

/// The members of a value.
async fn value(server: &Server, name: &str, stage: &str) -> Value {
    let answer = ok(server, "GetSecretValue", &[("SecretName", name), ("VersionStage", stage)]).await;
    serde_json::from_str(text(&answer["SecretData"])).unwrap()
}

async fn rotate(server: &Server, name: &str, version: &str) {
    ok(server, "RotateSecret", &[("SecretName", name), ("VersionId", version)]).await;
}

/// A signer with the AccessKey that a value holds.
async fn signer(server: &Server, stage: &str) -> Signer {
    let found = value(server, SECRET, stage).await;
    let [id, secret] = ["AccessKeyId", "AccessKeySecret"].map(|member| text(&found[member]).to_owned());
    Signer { id, secret, token: None }
}

/// Whether an AccessKey signs: 200, or the code.
async fn signs(server: &Server, signer: &Signer) -> String {
    let answer: Answer = signer.call(server, "ListSecrets", &[]).await;
    if answer.status == 200 { "signs".to_owned() } else { answer.refused().1 }
}

fn data(ids: &[&str]) -> String {
    let keys: Vec<_> =
        ids.iter().map(|id| json!({"AccessKeyId": id, "AccessKeySecret": format!("{id}-secret")})).collect();
    json!({ "AccessKeys": keys }).to_string()
}

fn creation<'a>(data: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let own = [
        ("SecretName", "$Auto"),
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"app"}"#),
        ("SecretData", data),
    ];
    [&own, more].concat()
}

/// A server that checks signatures, with a RAM user `app` who has these keys.
async fn with_user(ids: &[&str]) -> Server {
    Server::with(Options { accounts: &account(ids), mode: AuthMode::Signed, ..Options::default() }).await
}

/// An account with a RAM user `app` who has these keys.
fn account(ids: &[&str]) -> String {
    let keys: Vec<_> = ids.iter().map(|id| format!("{{id='{id}',secret='{id}-secret'}}")).collect();
    let keys = keys.join(",");
    format!(
        "[[accounts]]\nid='1000000000000001'\n[[accounts.users]]\nname='app'\npolicies=['AliyunKMSFullAccess']\n\
         access_keys=[{keys}]\n"
    )
}

#[tokio::test]
async fn rule_1_3_and_dy5_4_and_dy5_5_the_service_names_the_secret_after_the_user() {
    let server = with_user(&["first"]).await;
    let created = ok(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    assert_eq!(text(&created["SecretName"]), SECRET);
    let found = value(&server, SECRET, "ACSCurrent").await;
    assert_eq!(text(&found["AccessKeyId"]), "first");
    assert!(text(&found["GenerateTimestamp"]).ends_with('Z'));
    assert_eq!(refused(&server, "GetSecretValue", &[("SecretName", "$Auto")]).await.0, 400);
    let again = refused(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    assert_eq!((again.0, &*again.1), (409, "Rejected.ResourceExist"), "rule DY5.5");
}

#[tokio::test]
async fn rule_dy5_6_the_keys_that_are_listed_are_those_of_the_user() {
    let server = with_user(&["one", "two"]).await;
    for wrong in [&["one"][..], &["two"], &["one", "two", "three"], &[]] {
        let sent = data(wrong);
        assert_eq!(
            refused(&server, "CreateSecret", &creation(&sent, &[])).await,
            invalid("SecretData"),
            "{wrong:?}"
        );
    }
    ok(&server, "CreateSecret", &creation(&data(&["two", "one"]), &[])).await;
    assert_eq!(text(&value(&server, SECRET, "ACSCurrent").await["AccessKeyId"]), "two", "rule DY5.8");
    assert_eq!(text(&value(&server, SECRET, "ACSPrevious").await["AccessKeyId"]), "one");
    let unknown = creation(r#"{"AccessKeys":[]}"#, &[]).into_iter().map(|(name, value)| match name {
        "ExtendedConfig" => (name, r#"{"SecretSubType":"RamUserAccessKey","UserName":"nobody"}"#),
        _ => (name, value),
    });
    let answer = refused(&server, "CreateSecret", &unknown.collect::<Vec<_>>()).await;
    assert_eq!(answer, not_found(), "rule DY12.7");
}

#[tokio::test]
async fn rule_dy12_1_to_dy12_3_and_dy12_2_and_dy5_12_and_r6_2_the_new_key_signs_at_once_and_the_old_one_goes_by_the_clock()
 {
    let server = with_user(&["first"]).await;
    done(&server, "POST", "/_sesame/clock", r#"{"set":"2027-01-01T00:00:00Z"}"#).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &every("30d"))).await;
    let old = Signer::of("first");
    assert_eq!(signs(&server, &old).await, "signs");
    rotate(&server, SECRET, "v2").await;
    let new = signer(&server, "ACSCurrent").await;
    assert!(new.id.starts_with("LTAI5t") && new.id.len() == 24 && new.secret.len() == 30, "{}", new.id);
    assert_eq!([signs(&server, &new).await, signs(&server, &old).await], ["signs", "signs"]);
    let current = value(&server, SECRET, "ACSCurrent").await;
    assert_eq!(text(&current["GenerateTimestamp"]), "2027-01-01T00:00:00Z", "rule DY12.2");
    assert_eq!(text(&value(&server, SECRET, "ACSPrevious").await["AccessKeyId"]), "first", "rule DY12.2");
    let busy = refusal(409, "Rejected.ResourceInUse", "Your secret is being rotated, please try again later");
    let other = [("SecretName", SECRET), ("VersionId", "v3")];
    assert_eq!(refused(&server, "RotateSecret", &other).await, busy, "rule DY5.12");
    advance(&server, 24 * HOUR).await;
    assert_eq!(signs(&server, &old).await, "InvalidAccessKeyId.Inactive");
    assert_eq!(text(&value(&server, SECRET, "ACSPrevious").await["AccessKeyId"]), "first");
    advance(&server, 24 * HOUR).await;
    assert_eq!(signs(&server, &old).await, "InvalidAccessKeyId.NotFound");
    let previous = [("SecretName", SECRET), ("VersionStage", "ACSPrevious")];
    assert_eq!(refused(&server, "GetSecretValue", &previous).await, not_found(), "rule R6.2");
    assert_eq!(signs(&server, &new).await, "signs");
}

#[tokio::test]
async fn rule_dy12_8_an_application_that_fetches_its_own_key_lives_through_three_windows() {
    let server = with_user(&["first"]).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &every("72h"))).await;
    let mut mine = Signer::of("first");
    let mut seen = vec![mine.id.clone()];
    for _ in 0..3 * 3 * 4 {
        advance(&server, 6 * HOUR).await;
        let answer = mine.call(&server, "GetSecretValue", &[("SecretName", SECRET)]).await.ok();
        let found: Value = serde_json::from_str(text(&answer["SecretData"])).unwrap();
        let [id, secret] = ["AccessKeyId", "AccessKeySecret"].map(|member| text(&found[member]).to_owned());
        mine = Signer { id, secret, token: None };
        if seen.last() != Some(&mine.id) {
            seen.push(mine.id.clone());
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
    let described = ok(&server, "DescribeSecret", &[("SecretName", SECRET)]).await;
    assert!(
        described["RotationInterval"] == "259200s" && described["AutomaticRotation"] == "Enabled",
        "{described}"
    );
}

#[tokio::test]
async fn rule_dy12_5_and_dy5_13_a_second_key_goes_first_unless_it_signed_the_call() {
    let server = with_user(&["one", "two"]).await;
    ok(&server, "CreateSecret", &creation(&data(&["one", "two"]), &[])).await;
    let older = Signer::of("one");
    older.ok(&server, "RotateSecret", &[("SecretName", SECRET), ("VersionId", "v2")]).await;
    assert_eq!(ended(&server).await["code"], "Kms:AccessKeyLimit");
    assert_eq!(signs(&server, &older).await, "signs");
    rotate(&server, SECRET, "v2").await;
    assert_eq!(signs(&server, &older).await, "InvalidAccessKeyId.NotFound");
    assert_eq!(signs(&server, &Signer::of("two")).await, "signs");
    assert_eq!(text(&value(&server, SECRET, "ACSPrevious").await["AccessKeyId"]), "two");
}

#[tokio::test]
async fn rule_dy12_6_made_keys_and_deleted_ones_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let account = account(&["first"]);
    let options = || Options {
        accounts: &account,
        dir: Some(dir.path()),
        mode: AuthMode::Signed,
        ..Options::default()
    };
    let server = Server::with(options()).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    rotate(&server, SECRET, "v2").await;
    let new = signer(&server, "ACSCurrent").await;
    advance(&server, 49 * HOUR).await;
    server.stop().await;
    let server = Server::with(options()).await;
    assert_eq!(signs(&server, &new).await, "signs");
    assert_eq!(signs(&server, &Signer::of("first")).await, "InvalidAccessKeyId.NotFound");
    let exported = done(&server, "GET", "/_sesame/state", "").await;
    server.stop().await;
    let other =
        Server::with(Options { accounts: &account, mode: AuthMode::Signed, ..Options::default() }).await;
    done(&other, "PUT", "/_sesame/state", &exported.to_string()).await;
    assert_eq!(signs(&other, &new).await, "signs", "an export contains them");
    assert_eq!(signs(&other, &Signer::of("first")).await, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn rule_dy12_7_without_any_user_the_first_try_makes_one() {
    let server = Server::start().await;
    ok(&server, "CreateSecret", &creation(&data(&["fresh"]), &[])).await;
    assert_eq!(signs(&server, &Signer::of("fresh")).await, "signs");
    rotate(&server, SECRET, "v2").await;
    assert_eq!(signs(&server, &signer(&server, "ACSCurrent").await).await, "signs");
}

#[tokio::test]
async fn rule_dy9_3_a_window_waits_while_the_secret_is_scheduled_for_deletion() {
    let server = with_user(&["first"]).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    rotate(&server, SECRET, "v2").await;
    ok(&server, "DeleteSecret", &[("SecretName", SECRET)]).await;
    advance(&server, 72 * HOUR).await;
    assert_eq!(signs(&server, &Signer::of("first")).await, "signs");
    ok(&server, "RestoreSecret", &[("SecretName", SECRET)]).await;
    assert_eq!(signs(&server, &Signer::of("first")).await, "InvalidAccessKeyId.NotFound");
}

#[tokio::test]
async fn rule_dy12_3_in_mode_open_a_deleted_key_is_refused_and_an_unknown_one_is_not() {
    let account = account(&["first"]);
    let server = Server::with(Options { accounts: &account, ..Options::default() }).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    rotate(&server, SECRET, "v2").await;
    let old = Signer::of("first");
    for wanted in ["signs", "InvalidAccessKeyId.Inactive", "InvalidAccessKeyId.NotFound"] {
        assert_eq!(signs(&server, &old).await, wanted);
        advance(&server, 24 * HOUR).await;
    }
    let with_token = Signer { token: Some("token".to_owned()), ..old };
    assert_eq!(signs(&server, &with_token).await, "InvalidAccessKeyId.NotFound");
    assert_eq!(signs(&server, &Signer::of("unknown")).await, "signs");
    assert_eq!(signs(&server, &signer(&server, "ACSCurrent").await).await, "signs");
}

#[tokio::test]
async fn rule_dy9_1_a_deletion_leaves_the_access_keys_as_they_are() {
    let server = with_user(&["first"]).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &[])).await;
    rotate(&server, SECRET, "v2").await;
    let new = signer(&server, "ACSCurrent").await;
    ok(&server, "DeleteSecret", &[("SecretName", SECRET), ("ForceDeleteWithoutRecovery", "true")]).await;
    advance(&server, 72 * HOUR).await;
    for key in [new, Signer::of("first")] {
        assert_eq!(signs(&server, &key).await, "signs", "{}", key.id);
    }
}

#[tokio::test]
async fn rule_dy9_4_without_its_user_a_secret_does_not_rotate_and_stays_readable() {
    let server = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    enforced::put(&server, &enforced::one_user(enforced::TEAM, "app", &[])).await;
    let root = Signer::of(enforced::TEAM);
    root.ok(&server, "CreateSecret", &creation(&data(&["app"]), &every("6h"))).await;
    let mut without = enforced::one_user(enforced::TEAM, "app", &[]);
    without["users"] = json!([]);
    enforced::put(&server, &without).await;
    let call = [("SecretName", SECRET), ("VersionId", "v2")];
    assert_eq!(root.refused(&server, "RotateSecret", &call).await, not_found(), "rule R4.9");
    assert_eq!(advance(&server, 6 * HOUR).await["failed"], 1);
    assert_eq!(ended(&server).await["code"], "Kms:RamUserNotFound");
    let read = root.read(&server, SECRET).await.ok();
    assert_eq!((&read["VersionId"], &read["AutomaticRotation"]), (&json!("v1"), &json!("Invalid")));
}

#[tokio::test]
async fn rule_r6_4_a_cached_key_signs_for_the_hour_that_a_client_keeps_it() {
    let server = with_user(&["first"]).await;
    ok(&server, "CreateSecret", &creation(&data(&["first"]), &every("30d"))).await;
    let cached = signer(&server, "ACSCurrent").await;
    rotate(&server, SECRET, "v2").await;
    for _ in 0..2 {
        assert_eq!(signs(&server, &cached).await, "signs");
        advance(&server, HOUR).await;
    }
    let fetched = signer(&server, "ACSCurrent").await;
    assert_ne!(fetched.id, cached.id);
    assert_eq!(signs(&server, &fetched).await, "signs");
}
