//! `/_sesame` is strict about its input: a misspelled name is refused with a suggestion, and nothing happens.

use serde_json::Value;
use sesame::testing::ports::Clock;
use sesame::testing::server::AuthMode;

use crate::state::{admin, done};
use crate::support::program::Program;
use crate::support::{ACCOUNT, Answer, OTHER_ACCOUNT, Options, Server, text};

/// An account that is put at run time.
const NINE: &str = "1000000000000009";

/// The message of a refusal.
fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body));
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    text(&body["error"]).to_owned()
}

/// Every endpoint by method and path, and a body that it accepts.
const CALLS: &[(&str, &str, &str)] = &[
    ("GET", "/health", ""),
    ("GET", "/ready", ""),
    ("GET", "/ca.pem", ""),
    ("GET", "/clock", ""),
    ("POST", "/clock", r#"{"advance_seconds":1}"#),
    ("POST", "/reset", ""),
    ("GET", "/accounts", ""),
    ("PUT", "/accounts/1000000000000009", "{}"),
    ("GET", "/accounts/1000000000000009", ""),
    ("DELETE", "/accounts/1000000000000009", ""),
    ("GET", "/faults", ""),
    ("PUT", "/faults", "[]"),
    ("DELETE", "/faults", ""),
    ("GET", "/state", ""),
    ("PUT", "/state", "version: 1"),
    ("POST", "/seed", "version: 1"),
    ("POST", "/snapshots/a", ""),
    ("GET", "/snapshots", ""),
    ("POST", "/snapshots/a/restore", ""),
    ("DELETE", "/snapshots/a", ""),
    ("POST", "/faults", r#"{"action":"Encrypt","delay_ms":1}"#),
    ("DELETE", "/faults/1", ""),
    ("GET", "/requests", ""),
    ("POST", "/requests/verify", r#"{"expectations":[{"times":0}]}"#),
    ("GET", "/secrets", ""),
    (
        "POST",
        "/policy/test",
        r#"{"caller":"acs:ram::1000000000000001:root","action":"kms:Encrypt","resource":"*"}"#,
    ),
    ("GET", "/rotators", ""),
    ("GET", "/rotations", ""),
    ("POST", "/rotations", r#"{"secrets":"*"}"#),
    ("GET", "/events", ""),
    ("GET", "/metrics", ""),
];

#[tokio::test]
async fn every_endpoint_refuses_an_unknown_parameter_and_does_nothing() {
    let server = Server::start().await;
    server.create("s").await;
    for (method, path, body) in CALLS {
        let answer = admin(&server, method, &format!("/_sesame{path}?frobnicate=1"), body).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.body);
        let said = error(&answer);
        assert!(said.starts_with("unknown parameter frobnicate"), "{method} {path}: {said}");
    }
    assert!(server.stored("s").await.is_some());
    assert_eq!(server.clock.now(), crate::support::NOW);
    // The same calls without it succeed: the refusals above are about the parameter.
    for (method, path, body) in CALLS {
        done(&server, method, &format!("/_sesame{path}"), body).await;
    }
}

#[tokio::test]
async fn a_parameter_is_refused_with_the_one_that_was_meant() {
    let server = Server::start().await;
    for (method, path, want) in [
        ("POST", "/reset?acount=9999", "did you mean account?"),
        ("POST", "/reset?Account=9999", "did you mean account?"),
        ("GET", "/state?plain", "did you mean plaintext?"),
        ("GET", "/requests?actoin=X", "did you mean action?"),
        (
            "GET",
            "/requests?wen=1",
            "the known parameters are account, since, until, after, limit, follow, request_id, action",
        ),
        ("POST", "/reset?account=1&account=2", "account is given more than once"),
        ("GET", "/state?plaintext&plaintext", "plaintext is given more than once"),
        ("GET", "/state?plaintext=1", "plaintext is a flag: write ?plaintext"),
        ("GET", "/requests?follow=yes", "follow is a flag: write ?follow"),
        ("PUT", "/state?plaintext", "unknown parameter plaintext"),
        ("GET", "/requests?limit=100001", "limit must be a whole number from 0 to 100000"),
        ("GET", "/requests?limit=", "limit must be a whole number from 0 to 100000"),
        ("GET", "/requests?limit=-1", "limit must be a whole number from 0 to 100000"),
        ("GET", "/state?account=x", "account is not an account id; expected 1 to 32 digits"),
        ("POST", "/snapshots/a?account=", "account is not an account id; expected 1 to 32 digits"),
        ("GET", "/clock?%zz", "cannot parse the query"),
        ("GET", "/clock?a%0d%0ab", r"unknown parameter a\u{d}\u{a}b"),
    ] {
        let answer = admin(&server, method, &format!("/_sesame{path}"), "").await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.body);
        let said = error(&answer);
        assert!(said.contains(want), "{method} {path}: {said}");
    }
    for path in ["/state?plaintext=false", "/requests?limit=1000&follow=false", "/clock?"] {
        done(&server, "GET", &format!("/_sesame{path}"), "").await;
    }
}

#[tokio::test]
async fn a_body_with_an_unknown_member_is_refused_with_the_one_that_was_meant() {
    let server = Server::start().await;
    server.create("s").await;
    let account = format!("/accounts/{NINE}");
    for (method, path, body, want) in [
        ("POST", "/clock", r#"{"advance_second":1}"#, "did you mean advance_seconds?"),
        ("POST", "/clock", "", r#"an example: {"advance_seconds":3600}"#),
        ("POST", "/clock", "[]", "for example {"),
        ("POST", "/reset", r#"{"too":"seed"}"#, "did you mean to?"),
        ("POST", "/reset", r#"{"to":"sede"}"#, "did you mean seed?"),
        ("POST", "/reset", r#"{"to":"seed","account":"1"}"#, "unknown field `account`"),
        ("PUT", "/faults", r#"[{"action":"*","evry":2}]"#, "did you mean every?"),
        ("PUT", "/faults", r#"[{"action":"*","drop":"befor"}]"#, "did you mean before?"),
        ("PUT", "/faults", r#"[{"action":"GetSecret","delay_ms":1}]"#, "did you mean GetSecretValue?"),
        ("PUT", "/faults", r#"[{"action":"*","code":"Throttling.Usr"}]"#, "did you mean Throttling.User?"),
        ("PUT", &account, r#"{"user":[]}"#, "did you mean users?"),
        ("PUT", &account, r#"{"users":[{"name":"a","policy":[]}]}"#, "did you mean policies?"),
        ("PUT", &account, "[]", "an account is a JSON object, for example {"),
        ("PUT", "/state", "secret: []", "line 1: document: unknown field `secret`"),
        ("PUT", "/state", "secret: []", "did you mean secrets?"),
        ("PUT", "/state", r#"{"keys":[{"id":"k","alias":[]}]}"#, "did you mean aliases?"),
        ("POST", "/seed", "version: 1\naccounts:\n  - id: \"9\"\n    user: []\n", "did you mean users?"),
        ("POST", "/snapshots/a", r#"{"account":"1"}"#, "unknown field `account`"),
        ("POST", "/snapshots/a", "[]", "the body is a list; an object is expected, for example {}"),
        ("POST", "/snapshots/a/restore", r#"{"name":"b"}"#, "unknown field `name`"),
        (
            "POST",
            "/seed",
            "secrets:\n- name: a\n  versions:\n  - id: v1\n    vale: x\n",
            "did you mean value?",
        ),
    ] {
        let answer = admin(&server, method, &format!("/_sesame{path}"), body).await;
        assert_eq!(answer.status, 400, "{method} {path} {body}: {}", answer.body);
        let said = error(&answer);
        assert!(said.contains(want), "{method} {path} {body}: {said}");
    }
    assert!(server.stored("s").await.is_some());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_json_with_a_hint() {
    let server = Server::start().await;
    for (path, want) in [
        ("/_sesame/clok", "there is no endpoint /_sesame/clok; did you mean /_sesame/clock?"),
        ("/_sesame/clock/", "did you mean /_sesame/clock?"),
        ("/_sesame/snapshot", "did you mean /_sesame/snapshots?"),
        ("/_sesame/accounts/1/2/3", "there is no endpoint /_sesame/accounts/1/2/3; "),
        ("/_sesame/frobnicate", "the endpoints below /_sesame are /health, /ready, "),
    ] {
        let answer = admin(&server, "GET", path, "").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(error(&answer).contains(want), "{path}: {}", answer.body);
    }
    for (method, path, known) in [
        ("DELETE", "/reset", "POST"),
        ("PATCH", "/accounts/1", "GET, PUT, DELETE"),
        ("POST", "/health", "GET"),
        ("GET", "/snapshots/a", "POST, DELETE"),
    ] {
        let answer = admin(&server, method, &format!("/_sesame{path}"), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(known)), "{method} {path}");
        assert_eq!(error(&answer), format!("/_sesame{path} allows only {known}"));
    }
    // Also where the web framework refuses.
    let answer = admin(&server, "GET", "/_sesame/accounts/%ff", "").await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    error(&answer);
    // A stranger does not learn what exists.
    let closed = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    for path in ["/_sesame/clok", "/_sesame/clock?x"] {
        assert_eq!(closed.send("GET", path, &[], b"").await.status, 401, "{path}");
    }
}

/// A server with data in three accounts, and the result of a reset to the seed.
async fn three_accounts() -> Server {
    let seed = format!(
        "accounts:\n  - id: \"{NINE}\"\n    access_keys: [{{ id: nine, secret: nine-secret }}]\n\
         secrets:\n  - name: seeded\n    versions: [{{ id: v1, value: own }}]\n  \
         - name: seeded\n    account: \"{NINE}\"\n    versions: [{{ id: v1, value: nine }}]\n"
    );
    let seed = sesame::testing::state::parse::parse(&seed).unwrap();
    let server = Server::with(Options { seed: Some(seed), ..Options::default() }).await;
    done(&server, "POST", "/_sesame/reset", r#"{"to":"seed"}"#).await;
    for key in [("test", "test"), ("other", "other-secret"), ("nine", "nine-secret")] {
        let create = [("SecretName", "mine"), ("VersionId", "v1"), ("SecretData", "x")];
        server.clock.set(crate::support::NOW);
        server.call_as(key, "CreateSecret", &create).await.ok();
        let made = server.call_as(key, "CreateKey", &[]).await.ok();
        let id = text(&made["KeyMetadata"]["KeyId"]).to_owned();
        server.call_as(key, "CreateAlias", &[("AliasName", "alias/mine"), ("KeyId", &id)]).await.ok();
    }
    server
}

/// The numbers of secrets, keys and aliases of an account.
async fn held(server: &Server, account: &str) -> (usize, usize, usize) {
    let account = account.parse().unwrap();
    let contents = server.app.store().snapshot(Some(&account)).await.unwrap();
    let own = |key: &&sesame::testing::store::KeyRecord| {
        key.key.owner == sesame::testing::domain::keys::KeyOwner::User
    };
    (contents.secrets.len(), contents.keys.iter().filter(own).count(), contents.aliases.len())
}

#[tokio::test]
async fn a_reset_of_an_account_empties_it_and_leaves_all_others_alone() {
    let server = three_accounts().await;
    done(&server, "PUT", "/_sesame/faults", r#"[{"action":"Encrypt","code":"Throttling"}]"#).await;
    let now = server.clock.now();
    let answer = done(&server, "POST", &format!("/_sesame/reset?account={OTHER_ACCOUNT}"), "").await;
    assert_eq!((text(&answer["status"]), text(&answer["account"])), ("empty", OTHER_ACCOUNT));
    assert_eq!(held(&server, OTHER_ACCOUNT).await, (0, 0, 0));
    assert_eq!((held(&server, ACCOUNT).await, held(&server, NINE).await), ((2, 1, 1), (2, 1, 1)));
    // Also in memory: the account starts anew, and others are read as before.
    let other = ("other", "other-secret");
    assert_eq!(server.call_as(other, "ListSecrets", &[]).await.ok()["TotalCount"], 0);
    let gone = server.call_as(other, "DescribeKey", &[("KeyId", "alias/mine")]).await;
    assert_eq!(gone.refused().1, "Forbidden.AliasNotFound");
    assert_eq!(server.value("mine", &[]).await, "x");
    // Clock, faults and requests of others stay, and so does the account that is defined elsewhere.
    assert_eq!(server.clock.now(), now);
    assert_eq!(server.app.faults().list().len(), 1);
    // Of the account that was reset only what it called afterwards.
    for (account, count) in [(NINE, 3), (OTHER_ACCOUNT, 2)] {
        let seen = done(&server, "GET", &format!("/_sesame/requests?account={account}"), "").await;
        assert_eq!(seen["count"], count, "{account}");
    }
}

#[tokio::test]
async fn a_reset_of_an_account_that_was_put_removes_the_account_too() {
    let server = three_accounts().await;
    done(&server, "POST", &format!("/_sesame/reset?account={NINE}"), r#"{"to":"empty"}"#).await;
    assert_eq!(held(&server, NINE).await, (0, 0, 0));
    assert_eq!(admin(&server, "GET", &format!("/_sesame/accounts/{NINE}"), "").await.status, 404);
    assert!(server.app.directory().current().key("nine").is_none());
    assert_eq!((held(&server, ACCOUNT).await, held(&server, OTHER_ACCOUNT).await), ((2, 1, 1), (1, 1, 1)));
}

#[tokio::test]
async fn a_reset_of_an_account_to_the_seed_brings_back_what_the_seed_says_of_it() {
    let server = three_accounts().await;
    let gone = [("SecretName", "seeded"), ("ForceDeleteWithoutRecovery", "true")];
    server.ok("DeleteSecret", &gone).await;
    let answer = done(&server, "POST", &format!("/_sesame/reset?account={NINE}"), r#"{"to":"seed"}"#).await;
    assert_eq!((text(&answer["status"]), text(&answer["account"])), ("seed", NINE));
    assert_eq!(held(&server, NINE).await, (1, 0, 0));
    let nine = ("nine", "nine-secret");
    let read = server.call_as(nine, "GetSecretValue", &[("SecretName", "seeded")]).await.ok();
    assert_eq!(read["SecretData"], "nine");
    // The seed's contents for other accounts are not applied: what they deleted stays deleted.
    assert_eq!(held(&server, ACCOUNT).await, (1, 1, 1));
    // An account that the seed does not mention is empty afterwards.
    done(&server, "POST", &format!("/_sesame/reset?account={OTHER_ACCOUNT}"), r#"{"to":"seed"}"#).await;
    assert_eq!(held(&server, OTHER_ACCOUNT).await, (0, 0, 0));
}

#[tokio::test]
async fn a_reset_of_an_unknown_account_is_refused_and_resets_nothing() {
    let server = three_accounts().await;
    let answer = admin(&server, "POST", "/_sesame/reset?account=9999", "").await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    let said = error(&answer);
    assert!(said.starts_with("there is no account 9999, so nothing was reset"), "{said}");
    assert_eq!((held(&server, ACCOUNT).await, held(&server, NINE).await), ((2, 1, 1), (2, 1, 1)));
    // What a removed account left behind can still be removed.
    done(&server, "DELETE", &format!("/_sesame/accounts/{NINE}"), "").await;
    done(&server, "POST", &format!("/_sesame/reset?account={NINE}"), "").await;
    assert_eq!(held(&server, NINE).await, (0, 0, 0));
    assert_eq!(admin(&server, "POST", &format!("/_sesame/reset?account={NINE}"), "").await.status, 404);
}

#[tokio::test]
async fn every_path_below_sesame_is_administration_and_every_other_path_is_the_api() {
    let server = Server::start().await;
    for path in ["/_sesame", "/_sesame/", "/_sesame/x", "/_sesame//", "/_sesame/health/"] {
        let answer = admin(&server, "GET", path, "").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(error(&answer).starts_with("there is no endpoint /_sesame"), "{path}: {}", answer.body);
    }
    for path in ["/_sesamex", "/_sesam", "/x/_sesame", "/%5fsesame/health"] {
        let answer = admin(&server, "GET", path, "").await;
        assert!(answer.body.contains("\"Code\":\"InvalidAction.NotFound\""), "{path}: {}", answer.body);
    }
    server.stop().await;
}

#[test]
fn every_refusal_below_sesame_is_one_line_of_the_log_without_body_query_and_token() {
    let server = Program::serve(&["--in-memory", "--admin-token", "right-token"], &[]);
    let ask = |line: &str, token: &str, body: &str| {
        let head = format!("Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}");
        let length = body.len();
        server.send(format!("{line} HTTP/1.1\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())
    };
    for (line, token, body, status, path) in [
        ("POST /_sesame/reset?acount=marked-query", "right-token", "", 400, "/_sesame/reset"),
        ("GET /_sesame/nope", "right-token", "", 404, "/_sesame/nope"),
        ("GET /_sesame/reset", "right-token", "", 405, "/_sesame/reset"),
        ("PUT /_sesame/accounts/5", "right-token", r#"{"marked-body":1}"#, 400, "/_sesame/accounts/5"),
        ("GET /_sesame/state", "marked-token", "", 401, "/_sesame/state"),
    ] {
        let before = server.log().lines().count();
        assert!(ask(line, token, body).starts_with(&format!("HTTP/1.1 {status} ")), "{line}");
        let log = server.log();
        let new: Vec<&str> = log.lines().skip(before).collect();
        assert_eq!(new.len(), 1, "{line}: {new:?}");
        for word in [&format!("path=\"{path}\""), &format!("status={status}"), "method=", "cause="] {
            assert!(new[0].contains(word), "{word} is not in {}", new[0]);
        }
        assert!(!new[0].contains("marked"), "{}", new[0]);
    }
    let before = server.log();
    assert!(ask("GET /_sesame/health", "right-token", "").starts_with("HTTP/1.1 200 "));
    assert_eq!(server.log(), before, "what succeeds is not logged");
}
