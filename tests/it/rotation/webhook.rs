//! Kind webhook: another program makes the value, or works through the API step by step (rules DY14.5 to DY14.9).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;

use super::receiver::{Received, Receiver, call, with_rotators};
use super::{both, create_rds, ended, newest, rotate};
use crate::state::done;
use crate::support::program::{Program, run};
use crate::support::{Options, Server, text};

fn value_of(text: &str) -> (u16, String) {
    (200, json!({ "SecretData": text }).to_string())
}

fn rotator(receiver: &Receiver, more: &str) -> String {
    format!(
        "[[rotators]]\nname='hook'\nsecrets=['*']\nkind='webhook'\nurl='http://{}/r?k=hidden-token'\n{more}\n",
        receiver.address
    )
}

async fn server_with(toml: &str) -> Server {
    let mut rotation = with_rotators(toml);
    rotation.generic_by_call = true;
    Server::with(Options { rotation, ..Options::default() }).await
}

#[tokio::test]
async fn rule_dy14_5_one_signed_request_has_everything_and_its_answer_is_the_value() {
    let receiver = Receiver::start(|_| value_of("next"));
    let server = server_with(&rotator(&receiver, "secret_env='shared'")).await;
    server.create("g").await;
    let before = server.ok("GetSecretValue", &[("SecretName", "g")]).await;
    rotate(&server, "g", "v2").await;
    assert_eq!(server.ok("GetSecretValue", &[("SecretName", "g")]).await["SecretData"], "next");
    assert_eq!(server.versions("g").await, "v2[ACSCurrent] v1[ACSPrevious]", "rule R9.1");
    let [one] = &receiver.received()[..] else { panic!("one request") };
    let wanted = json!({
        "Step": "new", "SecretName": "g", "SecretArn": "acs:kms:cn-hangzhou:1000000000000001:secret/g",
        "SecretType": "Generic", "VersionId": "v2", "CurrentVersionId": "v1",
        "CurrentSecretData": before["SecretData"], "Attempt": 1, "Region": "cn-hangzhou",
    });
    assert_eq!(one.body, wanted);
    assert!(one.head.starts_with("POST /r?k=hidden-token HTTP/1.1\n"), "{}", one.head);
    let signature = one.header("x-sesame-signature").unwrap();
    let (time, proof) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"shared").unwrap();
    mac.update(format!("{time}.{}", one.text).as_bytes());
    assert_eq!(proof, const_hex::encode(mac.finalize().into_bytes()));
}

#[tokio::test]
async fn send_value_false_leaves_the_value_out_and_without_a_secret_nothing_is_signed() {
    let receiver = Receiver::start(|_| value_of("next"));
    let server = server_with(&rotator(&receiver, "send_value=false")).await;
    server.create("g").await;
    rotate(&server, "g", "v2").await;
    let [one] = &receiver.received()[..] else { panic!("one request") };
    assert!(one.body.get("CurrentSecretData").is_none() && one.header("x-sesame-signature").is_none());
}

#[tokio::test]
async fn a_managed_type_takes_only_a_value_of_its_shape_for_the_account_whose_turn_it_is() {
    let answers = Arc::new(Mutex::new(Vec::<String>::new()));
    let given = Arc::clone(&answers);
    let receiver = Receiver::start(move |_| value_of(&given.lock().unwrap().pop().unwrap_or_default()));
    let server = server_with(&rotator(&receiver, "")).await;
    create_rds(&server, "s", &[]).await;
    for (wrong, said) in [
        ("hush", "is not JSON for Rds"),
        (r#"{"AccountName":"other","AccountPassword":"hush2"}"#, "this rotation is about \"app\""),
        ("", "empty or the same"),
    ] {
        answers.lock().unwrap().extend([wrong.to_owned(), wrong.to_owned(), wrong.to_owned()]);
        rotate(&server, "s", &format!("w{}", wrong.len())).await;
        let row = ended(&server).await;
        assert_eq!((&row["result"], &row["code"]), (&json!("failed"), &json!("Kms:RotatorFailed")), "{row}");
        assert!(
            row["message"].as_str().unwrap().contains(said) && !row.to_string().contains("hush"),
            "{row}"
        );
    }
    answers.lock().unwrap().push(r#"{"AccountName":"app","AccountPassword":"new"}"#.to_owned());
    rotate(&server, "s", "v2").await;
    assert_eq!(both(&server, "s").await, ("app/new".to_owned(), "app/hush".to_owned()));
}

#[tokio::test]
async fn every_other_answer_is_a_failure_that_repeats_nothing_and_leaves_the_secret_as_it_was() {
    let canary = "canary-of-the-answer";
    let long = json!({ "SecretData": "x".repeat(30_721) }).to_string();
    for (status, body, said) in [
        (500, canary.to_owned(), "answers 500"),
        (201, json!({ "SecretData": "next" }).to_string(), "answers 201"),
        (302, String::new(), "redirects are not followed"),
        (200, canary.to_owned(), "not the JSON"),
        (200, json!({ "SecretData": 7, "x": canary }).to_string(), "not the JSON"),
        (200, long, "at most 30720"),
        (200, "x".repeat(300_000), "too long"),
        (0, String::new(), "not HTTP"),
    ] {
        let receiver = Receiver::start(move |_| (status, body.clone()));
        let server = server_with(&rotator(&receiver, "")).await;
        server.create("g").await;
        rotate(&server, "g", "v2").await;
        let row = ended(&server).await;
        assert_eq!((&row["result"], &row["attempts"]), (&json!("failed"), &json!(3)), "{said}: {row}");
        let events = done(&server, "GET", "/_sesame/events", "").await.to_string();
        for shown in [row.to_string(), events] {
            assert!(!shown.contains(canary) && !shown.contains("hidden-token"), "{shown}");
        }
        assert!(row["message"].as_str().unwrap().contains(said), "{said}: {row}");
        assert_eq!(server.versions("g").await, "v1[ACSCurrent]");
        assert_eq!(receiver.received().len(), 3, "{said}: each attempt asks once");
        let ids: Vec<_> = receiver.received().iter().map(|one| one.body["VersionId"].clone()).collect();
        assert!(ids.iter().all(|id| id == "v2"), "rule DY10.6");
    }
}

#[tokio::test]
async fn a_receiver_that_is_away_or_slow_has_a_code_of_its_own() {
    let slow = Receiver::start(|_| {
        std::thread::sleep(std::time::Duration::from_secs(2));
        value_of("late")
    });
    let server = server_with(&rotator(&slow, "timeout='100ms'")).await;
    server.create("g").await;
    rotate(&server, "g", "v2").await;
    assert_eq!(ended(&server).await["code"], "Kms:RotatorTimeout");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = format!("[[rotators]]\nname='hook'\nsecrets=['*']\nkind='webhook'\nurl='http://{port}'");
    let server = server_with(&away).await;
    server.create("g").await;
    rotate(&server, "g", "v2").await;
    assert_eq!(ended(&server).await["code"], "Kms:TargetUnreachable");
    let checked = done(&server, "POST", "/_sesame/rotators/hook/check", "").await;
    assert_eq!((&checked["works"], &checked["code"]), (&json!(false), &json!("Kms:TargetUnreachable")));
}

#[tokio::test]
async fn a_check_connects_and_sends_no_request_and_the_list_shows_no_credential() {
    let receiver = Receiver::start(|_| value_of("next"));
    let server = server_with(&rotator(&receiver, "secret_env='shared-secret'")).await;
    let checked = done(&server, "POST", "/_sesame/rotators/hook/check", "").await;
    assert_eq!(checked["works"], true, "{checked}");
    assert!(receiver.received().is_empty());
    let list = done(&server, "GET", "/_sesame/rotators", "").await.to_string();
    assert!(list.contains("\"webhook\"") && !list.contains("hidden-token"), "{list}");
}

/// Does what a step asks for, through the API of the server.
fn work(server: std::net::SocketAddr, asked: &Received) -> (u16, String) {
    let body = &asked.body;
    let version = text(&body["VersionId"]).to_owned();
    match text(&body["Step"]) {
        "new" | "createSecret" => {
            let label = format!("[\"{}\"]", text(&body["PendingLabel"]));
            let put = [
                ("SecretName", "g"),
                ("VersionId", &version),
                ("SecretData", "from-steps"),
                ("VersionStages", &label),
            ];
            assert!(call(server, "PutSecretValue", &put).starts_with("HTTP/1.1 200"));
        }
        "finish" | "finishSecret" => {
            let current = ("RemoveFromVersion", text(&body["CurrentVersionId"]));
            let moves =
                [("SecretName", "g"), ("VersionStage", "ACSCurrent"), ("MoveToVersion", &version), current];
            assert!(call(server, "UpdateSecretVersionStage", &moves).starts_with("HTTP/1.1 200"));
        }
        _ => {}
    }
    (200, String::new())
}

/// A receiver of steps that fails `failing` times at a step, and where it reads the server's address.
fn steps_receiver(failing: usize, at: &'static str) -> (Receiver, Arc<Mutex<Option<std::net::SocketAddr>>>) {
    let address: Arc<Mutex<Option<std::net::SocketAddr>>> = Arc::default();
    let (server, left) = (Arc::clone(&address), AtomicUsize::new(failing));
    let receiver = Receiver::start(move |asked| {
        let is_failing = asked.body["Step"] == at && left.load(Ordering::SeqCst) > 0;
        if is_failing {
            left.fetch_sub(1, Ordering::SeqCst);
            return (503, String::new());
        }
        let server = server.lock().unwrap().unwrap();
        work(server, asked)
    });
    (receiver, address)
}

#[tokio::test]
async fn rule_dy14_6_the_receiver_works_step_by_step_through_the_api() {
    for (more, names) in [
        ("mode='steps'", ["new", "set", "test", "finish"]),
        ("mode='steps'\nstep_names='aws'", ["createSecret", "setSecret", "testSecret", "finishSecret"]),
    ] {
        let (receiver, address) = steps_receiver(0, "");
        let server = server_with(&rotator(&receiver, more)).await;
        *address.lock().unwrap() = Some(server.address);
        server.create("g").await;
        rotate(&server, "g", "v2").await;
        assert_eq!(ended(&server).await["result"], "done", "{}", newest(&server).await);
        assert_eq!(receiver.steps(), names);
        assert_eq!(server.versions("g").await, "v2[ACSCurrent] v1[ACSPrevious]");
        for one in receiver.received() {
            assert!(
                one.body.get("CurrentSecretData").is_none() && one.body["PendingLabel"] == "SesamePending"
            );
        }
    }
}

#[tokio::test]
async fn rule_dy14_8_a_step_that_failed_is_repeated_and_those_before_it_are_not() {
    let (receiver, address) = steps_receiver(2, "test");
    let server = server_with(&rotator(&receiver, "mode='steps'")).await;
    *address.lock().unwrap() = Some(server.address);
    server.create("g").await;
    rotate(&server, "g", "v2").await;
    assert_eq!(ended(&server).await["attempts"], 3);
    assert_eq!(receiver.steps(), ["new", "set", "test", "test", "test", "finish"]);
    assert_eq!(server.versions("g").await, "v2[ACSCurrent] v1[ACSPrevious]");
}

#[tokio::test]
async fn rule_dy14_7_steps_that_do_not_move_acscurrent_failed_and_the_pending_label_is_taken_off() {
    let address: Arc<Mutex<Option<std::net::SocketAddr>>> = Arc::default();
    let server_of = Arc::clone(&address);
    let receiver = Receiver::start(move |asked| {
        // The second attempt finds the version.
        if asked.body["Step"] == "finish" || asked.body["Attempt"] != 1 {
            return (200, String::new());
        }
        work(server_of.lock().unwrap().unwrap(), asked)
    });
    let server = server_with(&rotator(&receiver, "mode='steps'")).await;
    *address.lock().unwrap() = Some(server.address);
    server.create("g").await;
    rotate(&server, "g", "v2").await;
    let row = ended(&server).await;
    assert_eq!((&row["result"], &row["code"]), (&json!("failed"), &json!("Kms:RotatorFailed")), "{row}");
    assert!(row["message"].as_str().unwrap().contains("ACSCurrent is not on the new version"), "{row}");
    assert_eq!(server.versions("g").await, "v2[] v1[ACSCurrent]", "the label is gone");
    assert_eq!(receiver.steps().len(), 12, "all steps, three times");
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_steps_continues_with_the_same_version() {
    let dir = tempfile::tempdir().unwrap();
    let (told, killed) = std::sync::mpsc::channel();
    let address: Arc<Mutex<Option<std::net::SocketAddr>>> = Arc::default();
    let (server_of, first) = (Arc::clone(&address), AtomicUsize::new(0));
    let receiver = Receiver::start(move |asked| {
        if asked.body["Step"] == "test" && first.fetch_add(1, Ordering::SeqCst) == 0 {
            told.send(()).unwrap();
            // The server is killed now, and nothing is answered.
            std::thread::sleep(std::time::Duration::from_millis(300));
            return (0, String::new());
        }
        work(server_of.lock().unwrap().unwrap(), asked)
    });
    let config = dir.path().join("sesame.toml");
    std::fs::write(
        &config,
        format!("[managed]\ngeneric_rotation='extended'\n{}", rotator(&receiver, "mode='steps'")),
    )
    .unwrap();
    let data = dir.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let server = Program::serve(&arguments, &[]);
    *address.lock().unwrap() = Some(server.address);
    server.call("CreateSecret", &[("SecretName", "g"), ("VersionId", "v1"), ("SecretData", "old")]);
    let asked = server.address;
    let call_of_rotate = std::thread::spawn(move || {
        std::panic::catch_unwind(|| call(asked, "RotateSecret", &[("SecretName", "g"), ("VersionId", "v2")]))
    });
    killed.recv().unwrap();
    server.kill();
    drop(call_of_rotate.join());
    let server = Program::serve(&arguments, &[]);
    *address.lock().unwrap() = Some(server.address);
    let read = || server.call("GetSecretValue", &[("SecretName", "g")]);
    let mut polls = 0;
    while !read().contains("from-steps") {
        polls += 1;
        assert!(polls < 1200, "the rotation does not continue: {:?} {}", receiver.steps(), server.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(receiver.steps(), ["new", "set", "test", "test", "finish"]);
    assert!(receiver.received().iter().all(|one| one.body["VersionId"] == "v2"));
}

#[test]
fn a_wrong_webhook_stops_the_start_with_one_line_that_names_kind_and_type() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sesame.toml");
    let base = "[[rotators]]\nname='a'\nkind='webhook'\nurl='http://h/'\n";
    for (more, wanted) in [
        ("type='Rds'\nmode='steps'", "kind webhook: mode \"steps\" does not fit type Rds"),
        ("type='Rds'\ninterval='7d'", "kind webhook: interval does not fit type Rds"),
        (
            "secrets=['*']\nsecret_env='NO_SUCH_VARIABLE'",
            "variable NO_SUCH_VARIABLE of secret_env is not set",
        ),
        ("secrets=['*']\nargv=['x']", "kind webhook takes no argv"),
    ] {
        std::fs::write(&file, format!("{base}{more}")).unwrap();
        let output = run(
            &["serve", "--in-memory", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()],
            &[],
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(wanted) && said.contains("rotator \"a\""),
            "{said}"
        );
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}
