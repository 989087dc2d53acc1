//! Security tokens that are missing, garbled, altered, of another session or expired.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame::testing::server::AuthMode;

use super::sessions::{ASSUME, role, role_arn, team, trust};
use super::{Refused, Signer, TEAM, allow, put};
use crate::support::sign::Acs;
use crate::support::{Options, Server, refusal};

fn options(dir: &std::path::Path) -> Options<'_> {
    Options { mode: AuthMode::Enforced, dir: Some(dir), ..Options::default() }
}

fn account(roles: &[&str]) -> Value {
    let roles: Vec<Value> =
        roles.iter().map(|name| role(name, &[trust("Allow", &format!("{TEAM}:root"))])).collect();
    team(&[allow(ASSUME, "*")], &roles)
}

/// A server whose team has the roles `app` and `ops`, and one secret.
async fn start() -> Server {
    let server = super::enforced().await;
    put(&server, &account(&["app", "ops"])).await;
    Signer::of(TEAM).create(&server, "s", &[]).await;
    server
}

async fn session(server: &Server, role: &str, seconds: &str) -> Signer {
    let arn = role_arn(TEAM, role);
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "alice"), ("DurationSeconds", seconds)];
    Signer::in_role(&Signer::of("ann").sts(server, "AssumeRole", &parameters).await.ok())
}

fn missing() -> Refused {
    refusal(400, "MissingSecurityToken", "SecurityToken is mandatory for this action.")
}

fn malformed() -> Refused {
    refusal(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
}

fn mismatch() -> Refused {
    let message = "Specified SecurityToken mismatch with the AccessKey.";
    refusal(400, "InvalidSecurityToken.MismatchWithAccessKey", message)
}

fn expired() -> Refused {
    refusal(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
}

/// Both products answer the same refusal.
async fn refused(server: &Server, who: &Signer, wanted: &Refused, what: &str) {
    assert_eq!(&who.read(server, "s").await.refused(), wanted, "{what}");
    assert_eq!(&who.sts(server, "GetCallerIdentity", &[]).await.refused(), wanted, "{what}, Sts");
}

#[tokio::test]
async fn a_token_must_be_present_complete_and_belong_to_the_key() {
    let server = start().await;
    let alice = session(&server, "app", "900").await;
    let other = session(&server, "ops", "900").await;
    let with = |token: Option<&str>| Signer { token: token.map(str::to_owned), ..alice.clone() };
    refused(&server, &with(None), &missing(), "none").await;
    for garbled in ["x", "CAIS", "%", &"A".repeat(400)] {
        refused(&server, &with(Some(garbled)), &malformed(), garbled).await;
    }
    refused(&server, &with(other.token.as_deref()), &mismatch(), "of another session").await;
    // A permanent key has no token.
    let ann = Signer { token: alice.token.clone(), ..Signer::of("ann") };
    refused(&server, &ann, &mismatch(), "of a permanent key").await;
    // Matching key and token are useless without the secret.
    let wrong = Signer { secret: other.secret.clone(), ..alice.clone() };
    assert_eq!(wrong.read(&server, "s").await.refused().1, "SignatureDoesNotMatch");
    let unknown = Signer { id: "nobody".to_owned(), ..alice.clone() };
    let not_found = refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    assert!([not_found, mismatch()].contains(&unknown.read(&server, "s").await.refused()));
    // With header signatures the token is among the signed headers.
    let plain =
        Acs { key: (&alice.id, &alice.secret), ..Acs::new("GetSecretValue", "n", &[("SecretName", "s")]) };
    assert_eq!(plain.send(&server).await.refused(), missing());
    let token = alice.token.clone().unwrap();
    let with_token = Acs { headers: vec![("x-acs-security-token", &token)], ..plain.clone() };
    let unsigned = with_token.send_with(&server, &plain.authorization()).await.refused();
    assert_eq!((unsigned.0, unsigned.1.as_str()), (400, "IncompleteSignature"));
    with_token.send(&server).await.ok();
    alice.read(&server, "s").await.ok();
}

#[tokio::test]
async fn every_altered_byte_of_a_token_is_noticed() {
    let server = start().await;
    let alice = session(&server, "app", "900").await;
    let bytes = STANDARD.decode(alice.token.clone().unwrap()).unwrap();
    for at in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let altered = Signer { token: Some(STANDARD.encode(altered)), ..alice.clone() };
        assert_eq!(altered.read(&server, "s").await.refused(), malformed(), "byte {at}");
    }
    for length in [0, 3, 40, bytes.len() - 1] {
        let cut = Signer { token: Some(STANDARD.encode(&bytes[..length])), ..alice.clone() };
        // An empty one counts as missing.
        let wanted = if length == 0 { missing() } else { malformed() };
        assert_eq!(cut.read(&server, "s").await.refused(), wanted, "{length}");
    }
}

#[tokio::test]
async fn a_session_expires_by_the_clock() {
    let server = start().await;
    let short = session(&server, "app", "900").await;
    let long = session(&server, "app", "3600").await;
    server.clock.advance(899_999);
    short.read(&server, "s").await.ok();
    server.clock.advance(1);
    refused(&server, &short, &expired(), "after 900 seconds").await;
    // Expiry is checked before the signature.
    let wrong = Signer { secret: "wrong".to_owned(), ..short.clone() };
    refused(&server, &wrong, &expired(), "and a wrong secret").await;
    server.clock.advance(2_699_999);
    long.read(&server, "s").await.ok();
    server.clock.advance(1);
    refused(&server, &long, &expired(), "after an hour").await;
    // An expired session cannot be used to begin another one.
    let arn = role_arn(TEAM, "app");
    let more = [("RoleArn", arn.as_str()), ("RoleSessionName", "alice")];
    assert_eq!(long.sts(&server, "AssumeRole", &more).await.refused(), expired());
    session(&server, "app", "900").await.read(&server, "s").await.ok();
}

#[tokio::test]
async fn a_session_ends_with_its_role_and_follows_the_roles_policies() {
    let server = start().await;
    let (app, ops) = (session(&server, "app", "3600").await, session(&server, "ops", "3600").await);
    put(&server, &account(&["ops"])).await;
    refused(&server, &app, &expired(), "without the role").await;
    ops.read(&server, "s").await.ok();
    // The role's current permissions count, not those at the start of the session.
    let mut narrower = account(&["ops"]);
    narrower["roles"][0]["policies"] = serde_json::json!([]);
    put(&server, &narrower).await;
    let secret = super::arn(TEAM, "secret/s");
    assert_eq!(ops.read(&server, "s").await.refused(), super::no_permission(&secret));
    // Whoever began it.
    put(&server, &account(&["ops"])).await;
    let mut without_ann = account(&["ops"]);
    without_ann["users"] = serde_json::json!([]);
    put(&server, &without_ann).await;
    ops.read(&server, "s").await.ok();
    assert!(server.app.directory().remove(TEAM).await.unwrap());
    refused(&server, &ops, &expired(), "without the account").await;
}

#[tokio::test]
async fn a_session_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::with(options(dir.path())).await;
    put(&server, &account(&["app"])).await;
    Signer::of(TEAM).create(&server, "s", &[]).await;
    let alice = session(&server, "app", "900").await;
    server.stop().await;
    let server = Server::with(options(dir.path())).await;
    assert_eq!(alice.read(&server, "s").await.ok()["SecretData"], "one");
    server.clock.advance(900_000);
    refused(&server, &alice, &expired(), "after a restart").await;
    server.stop().await;
}

#[tokio::test]
async fn a_configured_temporary_key_accepts_only_its_own_token() {
    let accounts = format!(
        r#"
        [[accounts]]
        id = "{TEAM}"
        [[accounts.access_keys]]
        id = "STS.fixed"
        secret = "STS.fixed-secret"
        security_token = "fixed-token"
        "#
    );
    let options = Options { mode: AuthMode::Enforced, accounts: &accounts, ..Options::default() };
    let server = Server::with(options).await;
    let with = |token: Option<&str>| Signer { token: token.map(str::to_owned), ..Signer::of("STS.fixed") };
    with(Some("fixed-token")).create(&server, "s", &[]).await;
    refused(&server, &with(None), &missing(), "none").await;
    for other in ["fixed-toke", "fixed-token1", "Fixed-token"] {
        refused(&server, &with(Some(other)), &mismatch(), other).await;
    }
}
