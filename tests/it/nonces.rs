//! A signed request is accepted once, whatever others send, whatever clocks show, across resets and restarts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;
use sesame::testing::app::{App, Full, Nonce, NonceRefusal, NonceSettings, Parts};
use sesame::testing::domain::policy::{Identity, Principal};
use sesame::testing::domain::{ClockSetting, Limits, NonceLimits, Timestamp};
use sesame::testing::ports::{Clock, OsEntropy, ServerClock};
use sesame::testing::server::AuthMode;
use sesame::testing::store::Store;
use sesame::testing::store::sql::SqlStore;
use sqlx::Connection;

use crate::enforced::{Signer, TEAM, key, put};
use crate::support::program::{Program, contents, run};
use crate::support::sign::{Acs, rpc_signature, rpc_system};
use crate::support::{ACCOUNT, NOW, Options, Server, form, postgres, refusal, root_key};

const MINUTE: i64 = 60_000;
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn used() -> (u16, String, String) {
    refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
}

fn throttled() -> (u16, String, String) {
    refusal(400, "Throttling.User", "Request was denied due to user flow control.")
}

/// ListSecrets as a form, signed by `test` with a nonce.
fn listing(nonce: &str, time: Timestamp) -> String {
    let time = time.to_string();
    let mut signed = rpc_system("ListSecrets", "test", &time);
    signed.push(("SignatureNonce", nonce));
    let signature = rpc_signature("POST", "test", &signed);
    signed.push(("Signature", &signature));
    form(&signed)
}

fn root(account: &str) -> Principal {
    Principal { account: account.parse().unwrap(), identity: Identity::Root }
}

/// A clock with two times that a test moves.
#[derive(Debug)]
struct HandClock {
    machine: AtomicI64,
    setting: Mutex<ClockSetting>,
}

impl HandClock {
    fn pass(&self, minutes: i64) {
        self.machine.fetch_add(minutes * MINUTE, Ordering::SeqCst);
    }

    fn set(&self, at: Timestamp) {
        self.adopt(ClockSetting::default().standing(at));
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let setting = self.setting();
        setting.stands.unwrap_or_else(|| self.wall().plus_millis(setting.ahead_ms))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.machine.load(Ordering::SeqCst))
    }

    fn setting(&self) -> ClockSetting {
        *self.setting.lock().unwrap()
    }

    fn adopt(&self, setting: ClockSetting) {
        *self.setting.lock().unwrap() = setting;
    }

    async fn pause(&self, _ms: u64) {}

    async fn sleep_until(&self, _at: Timestamp) {
        std::future::pending::<()>().await;
    }
}

/// An application whose clocks are stopped at [`NOW`].
async fn app_over(store: Arc<dyn Store>, nonces: NonceSettings) -> (Arc<App>, Arc<HandClock>) {
    app_at(NOW, store, nonces).await
}

async fn app_at(at: Timestamp, store: Arc<dyn Store>, nonces: NonceSettings) -> (Arc<App>, Arc<HandClock>) {
    let clock = HandClock { machine: AtomicI64::new(at.as_millis()), setting: Mutex::default() };
    let clock = Arc::new(clock);
    let parts = Parts {
        store,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: Arc::new(OsEntropy),
        limits: Limits::default(),
        cache_bytes: 1024,
        accounts: Vec::new(),
        default_account: ACCOUNT.parse().unwrap(),
        well_known_key: true,
        resource_policies: true,
        faults: Vec::new(),
        nonces,
        rotation: sesame::testing::domain::rotation::RotationSettings::default(),
    };
    (App::open(parts, root_key()).await.unwrap(), clock)
}

async fn app() -> (Arc<App>, Arc<HandClock>) {
    app_over(Arc::new(SqlStore::in_memory().await.unwrap()), NonceSettings::default()).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    First,
    Used,
    Forgotten,
    Full(Full),
}

/// Uses a nonce of the root of [`ACCOUNT`].
async fn use_nonce(app: &App, nonce: &str, signed: Timestamp) -> Outcome {
    let principal = root(ACCOUNT);
    match app.use_nonce(Nonce { principal: &principal, access_key: "test", nonce, signed }).await {
        Ok(()) => Outcome::First,
        Err(NonceRefusal::Used) => Outcome::Used,
        Err(NonceRefusal::Forgotten(at)) => {
            assert_eq!(at, signed);
            Outcome::Forgotten
        }
        Err(NonceRefusal::TooMany { full, .. }) => Outcome::Full(full),
        Err(NonceRefusal::Failed(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_replay_is_refused_after_a_million_later_requests_of_others() {
    let server = Server::with(Options { mode: AuthMode::Signed, ..Options::default() }).await;
    let request = Acs::new("ListSecrets", "victim", &[]);
    request.send(&server).await.ok();
    let other = root("1000000000000009");
    for n in 0..1_200_000 {
        let nonce = n.to_string();
        let nonce = Nonce { principal: &other, access_key: "other", nonce: &nonce, signed: NOW };
        server.app.use_nonce(nonce).await.unwrap();
    }
    assert_eq!(request.send(&server).await.refused(), used());
    assert_eq!(server.app.nonce_count(), 1_200_001);
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_floods_is_throttled_and_makes_no_other_keys_replay_pass() {
    let nonces = NonceLimits { per_principal: 40, total: 60 };
    let server = Server::with(Options { mode: AuthMode::Enforced, nonces, ..Options::default() }).await;
    let users = ["ann", "bob", "cid", "eve"];
    let users: Vec<_> = users.iter().map(|name| json!({"name": name, "access_keys": [key(name)]})).collect();
    put(&server, &json!({"id": TEAM, "access_keys": [key(TEAM)], "users": users})).await;
    let send = async |user: &str, nonce: &str| {
        let secret = format!("{user}-secret");
        let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
        Acs { key: (user, &secret), ..Acs::new("CreateSecret", nonce, &create) }.send(&server).await.refused()
    };
    // None of them has any permission; their nonces are remembered nevertheless.
    assert_eq!(send("ann", "victim").await.1, "Forbidden.NoPermission");
    for n in 0..40 {
        assert_eq!(send("eve", &n.to_string()).await.1, "Forbidden.NoPermission", "{n}");
    }
    for n in 40..100 {
        assert_eq!(send("eve", &n.to_string()).await, throttled());
    }
    assert_eq!(send("eve", "7").await, used(), "a replay is still one");
    // There is room for 19 more in total; then each has a share of 20, which eve exceeds and bob does not.
    for n in 0..20 {
        assert_eq!(send("bob", &n.to_string()).await.1, "Forbidden.NoPermission", "{n}");
    }
    assert_eq!(send("bob", "20").await, throttled());
    assert_eq!(send("cid", "0").await.1, "Forbidden.NoPermission", "a small one is let in");
    assert_eq!(send("ann", "victim").await, used());
    server.stop().await;
}

#[tokio::test]
async fn reaching_the_limit_is_logged() {
    let limits = NonceLimits { per_principal: 2, total: 3 };
    let store = Arc::new(SqlStore::in_memory().await.unwrap());
    let (app, _) = app_over(store, NonceSettings { limits, database: None }).await;
    let refused = async |account, nonce| {
        let principal = root(account);
        let nonce = Nonce { principal: &principal, access_key: account, nonce, signed: NOW };
        app.use_nonce(nonce).await.err().map(|refusal| refusal.to_string()).unwrap_or_default()
    };
    assert_eq!(refused("1", "a").await + &refused("1", "b").await, "");
    let said = refused("1", "c").await;
    assert!(said.starts_with("acs:ram::1:root has 2 signed requests remembered, the limit nonces_per_key"));
    assert_eq!(refused("2", "a").await, "");
    let said = refused("2", "b").await;
    assert!(said.contains("3 signed requests remembered, the limit nonces_total"), "{said}");
    assert!(said.contains("acs:ram::2:root has its share, which is 1 now"), "{said}");
}

#[tokio::test]
async fn two_temporary_keys_of_one_role_are_one_principal() {
    let nonces = NonceLimits { per_principal: 3, total: 1000 };
    let server = Server::with(Options { mode: AuthMode::Enforced, nonces, ..Options::default() }).await;
    let team = json!({
        "id": TEAM,
        "access_keys": [key(TEAM)],
        "users": [{"name": "ann", "policies": ["AliyunSTSAssumeRoleAccess"], "access_keys": [key("ann")]}],
        "roles": [{
            "name": "app",
            "trust": crate::enforced::policy(&[crate::enforced::sessions::trust("Allow", &format!("{TEAM}:root"))]),
        }],
    });
    put(&server, &team).await;
    let role = crate::enforced::sessions::role_arn(TEAM, "app");
    let assume = async |session| {
        let parameters = [("RoleArn", role.as_str()), ("RoleSessionName", session)];
        Signer::in_role(&Signer::of("ann").sts(&server, "AssumeRole", &parameters).await.ok())
    };
    let (one, other) = (assume("one").await, assume("other").await);
    let send = async |who: &Signer, nonce: &str| {
        let token = who.token.clone().unwrap_or_default();
        let mut request =
            Acs { key: (&who.id, &who.secret), ..Acs::new("GetSecretValue", nonce, &[("SecretName", "s")]) };
        request.headers = vec![("x-acs-security-token", &token)];
        request.send(&server).await.refused()
    };
    assert_eq!(send(&one, "a").await.1, "Forbidden.NoPermission");
    assert_eq!(send(&other, "a").await.1, "Forbidden.NoPermission", "nonces are each key's own");
    assert_eq!(send(&other, "b").await.1, "Forbidden.NoPermission");
    for who in [&one, &other, &assume("third").await] {
        assert_eq!(send(who, "c").await, throttled());
    }
    server.stop().await;
}

#[tokio::test]
async fn while_the_services_clock_is_stopped_no_request_is_accepted_twice() {
    let (app, clock) = app().await;
    clock.set(NOW);
    assert_eq!(use_nonce(&app, "a", NOW).await, Outcome::First);
    for hour in 0..48 {
        clock.pass(60);
        app.do_due().await.unwrap();
        assert_eq!(use_nonce(&app, "a", NOW).await, Outcome::Used, "{hour}");
        let now = clock.wall();
        assert_eq!(use_nonce(&app, &format!("machine {hour}"), now).await, Outcome::First);
    }
    // Of those signed by the machine's clock only the last are remembered, and none is accepted again.
    assert!(app.nonce_count() < 5, "{}", app.nonce_count());
    clock.set(NOW.plus_millis(60 * MINUTE));
    let refused = use_nonce(&app, "machine 0", NOW.plus_millis(60 * MINUTE)).await;
    assert_eq!(refused, Outcome::Forgotten);
}

#[tokio::test]
async fn moving_the_clock_forward_and_back_makes_no_nonce_usable_again() {
    let (app, clock) = app().await;
    assert_eq!(use_nonce(&app, "now", NOW).await, Outcome::First);
    let future = NOW.plus_days(1500);
    for round in 0..3 {
        clock.set(future);
        app.do_due().await.unwrap();
        assert_eq!(use_nonce(&app, "now", NOW).await, Outcome::Used, "fresh by the machine's clock");
        let expected = if round == 0 { Outcome::First } else { Outcome::Used };
        assert_eq!(use_nonce(&app, "future", future).await, expected);
        assert_eq!(use_nonce(&app, &format!("future {round}"), future).await, Outcome::First);
        clock.adopt(ClockSetting::default());
        app.do_due().await.unwrap();
        assert_eq!(use_nonce(&app, "now", NOW).await, Outcome::Used);
    }
    clock.pass(60);
    assert_eq!(use_nonce(&app, "later", clock.wall()).await, Outcome::First);
    clock.set(NOW);
    assert_eq!(use_nonce(&app, "now", NOW).await, Outcome::Forgotten);
}

#[tokio::test]
async fn nonces_expire_without_a_request() {
    let (app, clock) = app().await;
    assert_eq!(app.next_due().await.unwrap(), None);
    assert_eq!(use_nonce(&app, "a", NOW).await, Outcome::First);
    let due = app.next_due().await.unwrap().unwrap();
    let minutes = (due.as_millis() - NOW.as_millis()) / MINUTE;
    assert!((15..=20).contains(&minutes), "{minutes}");
    clock.pass(minutes + 1);
    app.do_due().await.unwrap();
    assert_eq!((app.nonce_count(), app.next_due().await.unwrap()), (0, None));
}

#[tokio::test]
async fn a_reset_forgets_no_nonce() {
    let dir = tempfile::tempdir().unwrap();
    for on_disk in [None, Some(dir.path())] {
        let options = Options { mode: AuthMode::Signed, dir: on_disk, ..Options::default() };
        let server = Server::with(options).await;
        let form = listing("n", server.clock.wall());
        server.send("POST", "/", &[FORM], form.as_bytes()).await.ok();
        let token = [("Authorization", "Bearer admin-token")];
        for body in ["", r#"{"to":"empty"}"#] {
            assert_eq!(server.send("POST", "/_sesame/reset", &token, body.as_bytes()).await.status, 200);
            let replayed = server.send("POST", "/", &[FORM], form.as_bytes()).await;
            assert_eq!(replayed.refused(), used());
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_nonce_that_cannot_be_written_down_is_refused_and_nothing_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { mode: AuthMode::Signed, dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(options).await;
    // The file for the nonces of this time cannot be created.
    let blocked = dir.path().join(format!("sesame.db-nonces-{}", NOW.as_millis() / 300_000));
    std::fs::create_dir(&blocked).unwrap();
    let create = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    let request = Acs::new("CreateSecret", "n", &create);
    let answer = request.send(&server).await.refused();
    assert_eq!((answer.0, answer.1.as_str()), (503, "ServiceUnavailableTemporary"));
    assert_eq!(server.stored("s").await, None);
    std::fs::remove_dir(&blocked).unwrap();
    request.send(&server).await.ok();
    assert_eq!(request.send(&server).await.refused(), used());
    server.stop().await;
}

/// The machine's time.
fn machine() -> Timestamp {
    ServerClock::default().wall()
}

/// Posts a form to the program and returns `200 OK` or the code of the refusal.
fn posted(server: &Program, form: &str) -> String {
    let answer = server.post("/", FORM.1, form);
    if answer.starts_with("HTTP/1.1 200") {
        return "200 OK".to_owned();
    }
    let body = answer.split("\r\n\r\n").last().unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    json["Code"].as_str().unwrap().to_owned()
}

fn nonce_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let all = contents(dir).into_iter().map(|(path, _)| path);
    all.filter(|path| path.to_str().unwrap().contains("sesame.db-nonces")).collect()
}

#[test]
fn a_killed_server_knows_its_nonces_when_it_is_started_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let serve = ["--data-dir", data.to_str().unwrap(), "--auth", "signed"];
    let server = Program::serve(&serve, &[]);
    // By clocks that are behind, right and ahead.
    let forms: Vec<_> = [-14, -5, 0, 5, 14]
        .map(|minutes| listing(&format!("n{minutes}"), machine().plus_millis(minutes * MINUTE)))
        .into_iter()
        .collect();
    for form in &forms {
        assert_eq!(posted(&server, form), "200 OK");
    }
    drop(server.kill());
    for round in 0..2 {
        let server = Program::serve(&serve, &[]);
        for form in &forms {
            // Either it is known, or it was signed in a second some of whose nonces may have been lost.
            let refused = posted(&server, form);
            let known = ["SignatureNonceUsed", "InvalidTimeStamp.Expired"].contains(&refused.as_str());
            assert!(known, "{round}: {refused}");
        }
        // A client whose clock is behind does not have to wait.
        let behind = listing(&format!("behind {round}"), machine().plus_millis(-10 * MINUTE));
        assert_eq!(posted(&server, &behind), "200 OK");
        let (code, log) = server.terminate();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("may be lost"), "{log}");
    }
    // After a regular stop all nonces are known.
    let server = Program::serve(&serve, &[]);
    let last = listing("last", machine().plus_millis(-3 * MINUTE));
    assert_eq!(posted(&server, &last), "200 OK");
    assert_eq!(server.terminate().0, Some(0));
    let server = Program::serve(&serve, &[]);
    assert_eq!(posted(&server, &last), "SignatureNonceUsed");
    drop(server);
    let files = nonce_files(&data);
    assert!(files.len() > 3, "{files:?}");
    for file in &files {
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    // They are not part of a backup.
    let copy = dir.path().join("copy/sesame.db");
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    let backup = ["backup", "--data-dir", data.to_str().unwrap(), copy.to_str().unwrap()];
    assert_eq!(run(&backup, &[]).status.code(), Some(0));
    assert_eq!(nonce_files(copy.parent().unwrap()), [""; 0].map(std::path::PathBuf::from));
}

/// Starts a server on a data directory that lost nonces, and tries an earlier request, then new ones.
fn started_after_a_loss(data: &Path, before: &str, what: &str) {
    let serve = ["--data-dir", data.to_str().unwrap(), "--auth", "signed"];
    let server = Program::serve(&serve, &[]);
    assert_eq!(posted(&server, before), "InvalidTimeStamp.Expired", "{what}");
    let behind = listing("new but signed before", machine().plus_millis(-10 * MINUTE));
    assert_eq!(posted(&server, &behind), "InvalidTimeStamp.Expired", "{what}");
    // Signed after the start, to the second.
    let form = listing("new", machine().plus_millis(2_000));
    assert_eq!(posted(&server, &form), "200 OK", "{what}");
    let log = server.kill();
    assert!(log.contains("nonces of signed requests may be lost"), "{what}: {log}");
    let server = Program::serve(&serve, &[]);
    assert_ne!(posted(&server, &form), "200 OK", "{what}");
    assert!(!server.kill().contains("may be lost"), "{what}");
}

#[test]
fn after_a_loss_of_nonces_what_was_signed_before_the_start_is_refused() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 3] = [
        ("files are torn", |data| {
            for path in nonce_files(data).into_iter().filter(|path| !path.ends_with("sesame.db-nonces")) {
                let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(file.metadata().unwrap().len() - 7).unwrap();
            }
        }),
        ("files are gone", |data| {
            for file in nonce_files(data) {
                std::fs::remove_file(file).unwrap();
            }
        }),
        ("the root key was replaced", |data| {
            let rekey = run(&["rekey", "--data-dir", data.to_str().unwrap()], &[]);
            assert_eq!(rekey.status.code(), Some(0), "{rekey:?}");
        }),
    ];
    for (what, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let serve = ["--data-dir", dir.path().to_str().unwrap(), "--auth", "signed"];
        let server = Program::serve(&serve, &[]);
        // In two generations, so that refused requests belong to more than one.
        let forms = [0, -10].map(|minutes| listing("n", machine().plus_millis(minutes * MINUTE)));
        assert_eq!(posted(&server, &forms[0]), "200 OK");
        let other = listing("m", machine().plus_millis(-10 * MINUTE));
        assert_eq!(posted(&server, &other), "200 OK");
        drop(server.kill());
        harm(dir.path());
        started_after_a_loss(dir.path(), &forms[0], what);
    }
    // A copy of the database in another directory.
    let dir = tempfile::tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let server = Program::serve(&["--data-dir", data.to_str().unwrap(), "--auth", "signed"], &[]);
    let form = listing("n", machine());
    assert_eq!(posted(&server, &form), "200 OK");
    std::fs::create_dir(&copy).unwrap();
    let to = copy.join("sesame.db");
    let backup = ["backup", "--data-dir", data.to_str().unwrap(), to.to_str().unwrap()];
    assert_eq!(run(&backup, &[]).status.code(), Some(0));
    std::fs::copy(data.join("root.key"), copy.join("root.key")).unwrap();
    drop(server.kill());
    started_after_a_loss(&copy, &form, "a backup was restored");
}

#[test]
fn the_limits_of_the_configuration_file_are_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.toml");
    std::fs::write(&config, "[limits]\nnonces_per_key = 3\n").unwrap();
    let server =
        Program::serve(&["--in-memory", "--auth", "signed", "--config", config.to_str().unwrap()], &[]);
    let codes: Vec<_> = (0..4).map(|n| posted(&server, &listing(&n.to_string(), machine()))).collect();
    assert_eq!(codes, ["200 OK", "200 OK", "200 OK", "Throttling.User"]);
    let log = server.kill();
    assert!(log.contains("has 3 signed requests remembered, the limit nonces_per_key"), "{log}");
}

/// Two applications on one new PostgreSQL, each with its own clocks.
async fn replicas() -> (String, [(Arc<App>, Arc<HandClock>); 2]) {
    let url = postgres::database().await;
    let one = async || app_over(Arc::new(postgres::store(&url).await), NonceSettings::default()).await;
    let pair = [one().await, one().await];
    (url, pair)
}

async fn statement(url: &str, statement: &'static str) {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_nonce_is_good_for_one_replica_also_after_a_reset() {
    let (_, [(a, _), (b, _)]) = replicas().await;
    assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::First);
    for app in [&a, &b] {
        app.reset().await.unwrap();
        assert_eq!(use_nonce(&b, "n", NOW).await, Outcome::Used);
        assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::Used);
    }
    // A process that starts later knows it too.
    assert_eq!(use_nonce(&b, "m", NOW).await, Outcome::First);
    assert_eq!(use_nonce(&a, "m", NOW).await, Outcome::Used);
}

#[tokio::test]
async fn replicas_forget_what_all_clocks_have_passed_and_refuse_its_time_from_then_on() {
    let (url, [(a, a_clock), (b, b_clock)]) = replicas().await;
    let rows = async || {
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let count = "SELECT COUNT(*) FROM nonces WHERE expires < 9223372036854775807";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    };
    assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::First);
    // The shared clock is stopped: nothing near its time is forgotten.
    a.move_clock(|_| ClockSetting::default().standing(NOW)).await.unwrap();
    for app in [&a, &b] {
        a_clock.pass(30);
        b_clock.pass(30);
        app.do_due().await.unwrap();
        assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::Used);
        assert_eq!(use_nonce(&b, "n", NOW).await, Outcome::Used);
    }
    // It runs again: both check, and the first one forgets.
    b.move_clock(|_| ClockSetting::default()).await.unwrap();
    b.do_due().await.unwrap();
    a.do_due().await.unwrap();
    assert_eq!(rows().await, 0);
    // And it is moved back to where the signature is fresh. Neither has taken part in forgetting since its last check.
    a.move_clock(|_| ClockSetting::default().standing(NOW)).await.unwrap();
    b.catch_up().await.unwrap();
    assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::Forgotten);
    assert_eq!(use_nonce(&b, "new", NOW).await, Outcome::Forgotten);
    // This one refused it earlier because of the other one, and still knows that.
    assert_eq!(use_nonce(&b, "n", NOW).await, Outcome::Used);
    assert_eq!(use_nonce(&b, "later", b_clock.wall()).await, Outcome::First);
    assert_eq!(use_nonce(&a, "later", b_clock.wall()).await, Outcome::Used);
    // Nonces of a clock that was moved into the past stay for a day.
    let past = NOW.plus_days(-100);
    for round in 0..2 {
        a.move_clock(|_| ClockSetting::default().standing(past)).await.unwrap();
        assert_eq!(use_nonce(&a, &format!("past {round}"), past).await, Outcome::First);
        assert_eq!(use_nonce(&b, "past 0", past).await, Outcome::Used);
        a.move_clock(|_| ClockSetting::default()).await.unwrap();
        a_clock.pass(60);
        a.do_due().await.unwrap();
    }
    a_clock.pass(25 * 60);
    a.do_due().await.unwrap();
    a.move_clock(|_| ClockSetting::default().standing(past)).await.unwrap();
    assert_eq!((rows().await, use_nonce(&b, "past 2", past).await), (0, Outcome::Forgotten));
}

#[tokio::test]
async fn a_table_of_nonces_that_was_emptied_is_noticed_and_what_was_signed_before_is_refused() {
    let (url, [(a, a_clock), (b, b_clock)]) = replicas().await;
    assert_eq!(use_nonce(&a, "n", NOW).await, Outcome::First);
    // As after a crash of the database, which loses the table.
    statement(&url, "TRUNCATE nonces").await;
    assert_eq!(use_nonce(&b, "n", NOW).await, Outcome::Forgotten);
    assert_eq!(use_nonce(&a, "m", NOW).await, Outcome::Forgotten);
    a_clock.pass(1);
    b_clock.pass(1);
    assert_eq!(use_nonce(&b, "x", b_clock.wall()).await, Outcome::First);
    assert_eq!(use_nonce(&a, "y", a_clock.wall()).await, Outcome::First);
    assert_eq!(use_nonce(&b, "y", a_clock.wall()).await, Outcome::Used);
    // Also while no process is running.
    statement(&url, "TRUNCATE nonces").await;
    let later = NOW.plus_millis(2 * MINUTE);
    let store = Arc::new(postgres::store(&url).await);
    let (c, _) = app_at(later, store, NonceSettings::default()).await;
    assert_eq!(use_nonce(&c, "y", a_clock.wall()).await, Outcome::Forgotten);
    assert_eq!(use_nonce(&c, "z", later.plus_millis(1)).await, Outcome::First);
}

#[test]
fn a_crash_of_the_database_lets_no_replay_pass() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut cluster = postgres::Cluster::start();
    let url = runtime.block_on(cluster.database());
    let key = "1".repeat(64);
    let server = Program::serve(&["--database", &url, "--auth", "signed"], &[("SESAME_ROOT_KEY", &key)]);
    let form = listing("n", machine());
    assert_eq!(posted(&server, &form), "200 OK");
    cluster.tell("stop");
    assert_eq!(posted(&server, &form), "ServiceUnavailableTemporary");
    cluster.tell("start");
    let later = listing("later", machine().plus_millis(10 * MINUTE));
    let mut answer = posted(&server, &later);
    while answer == "ServiceUnavailableTemporary" {
        answer = posted(&server, &later);
    }
    assert_eq!(answer, "200 OK");
    // This process still knows it; another one only knows that it cannot know.
    assert_eq!(posted(&server, &form), "SignatureNonceUsed");
    let other = Program::serve(&["--database", &url, "--auth", "signed"], &[("SESAME_ROOT_KEY", &key)]);
    assert_eq!(posted(&other, &form), "InvalidTimeStamp.Expired");
    assert_eq!(posted(&other, &later), "SignatureNonceUsed");
    assert!(server.kill().contains("the database lost the nonces"));
}
