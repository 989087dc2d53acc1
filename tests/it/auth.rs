//! Authentication in the modes `open` and `signed`: which requests are accepted, and as whom.

use serde_json::{Value, json};
use sesame::testing::domain::Timestamp;
use sesame::testing::identities::file::{KeyFile, Status};
use sesame::testing::ports::Clock as _;
use sesame::testing::server::AuthMode;

use crate::support::program::Program;
use crate::support::sign::{Acs, rpc_signature, rpc_string_to_sign, rpc_system};
use crate::support::{
    ACCOUNT, Answer, NOW, OTHER_ACCOUNT, Options, Server, form, key_file, not_found, refusal, text,
};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TESTID: (&str, &str) = ("testid", "testsecret");
const OTHER: (&str, &str) = ("other", "other-secret");
/// A time far from the time of any machine: 2016-03-28T03:13:08Z.
const LONG_AGO: Timestamp = Timestamp::from_millis(1_459_134_788_000);
const MODES: [AuthMode; 2] = [AuthMode::Open, AuthMode::Signed];

/// A server with one more key, `idle` / `idle-secret`, which is inactive.
async fn server(mode: AuthMode) -> Server {
    let idle = KeyFile { status: Status::Inactive, ..key_file("idle", "idle-secret") };
    let fixed = key_file("STS.fixed", "fixed-secret");
    Server::with(Options { mode, keys: vec![idle, fixed], ..Options::default() }).await
}

/// Parameters with their `Signature`, by RPC v1 and POST.
fn with_signature(key: (&str, &str), time: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut parameters = rpc_system("ListSecrets", key.0, time);
    parameters.extend(more);
    let signature = rpc_signature("POST", key.1, &parameters);
    parameters.push(("Signature", &signature));
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn post(server: &Server, parameters: &[(String, String)]) -> Answer {
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    server.send("POST", "/", &[FORM], form(&parameters).as_bytes()).await
}

/// ListSecrets, signed with RPC v1.
async fn rpc(server: &Server, key: (&str, &str), time: &str, more: &[(&str, &str)]) -> Answer {
    post(server, &with_signature(key, time, more)).await
}

/// ListSecrets, signed with ACS3.
fn acs<'a>(key: (&'a str, &'a str), nonce: &'a str, time: &str) -> Acs<'a> {
    Acs { key, time: time.to_owned(), ..Acs::new("ListSecrets", nonce, &[]) }
}

/// `Missing<Name>` as the gateway answers it.
fn gateway_misses(name: &str) -> (u16, String, String) {
    refusal(400, &format!("Missing{name}"), &format!("{name} is mandatory for this action."))
}

fn used() -> (u16, String, String) {
    refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
}

fn expired() -> (u16, String, String) {
    refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
}

/// The account in the ARN of an answer to CreateSecret.
fn account(answer: &Value) -> &str {
    text(&answer["Arn"]).split(':').nth(3).unwrap()
}

#[tokio::test]
async fn an_unsigned_request_is_root_in_open_and_refused_in_signed() {
    let open = server(AuthMode::Open).await;
    assert_eq!(account(&open.create("s").await), ACCOUNT);
    let signed = server(AuthMode::Signed).await;
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    assert_eq!(signed.refused("CreateSecret", &creation).await, gateway_misses("AccessKeyId"));
    // Also with the headers that name an action.
    let headers = [("x-acs-action", "ListSecrets"), ("x-acs-version", "2016-01-20")];
    assert_eq!(signed.send("POST", "/", &headers, b"").await.refused(), gateway_misses("AccessKeyId"));
    open.send("POST", "/", &headers, b"").await.ok();
    assert_eq!(signed.stored("s").await, None);
}

#[tokio::test]
async fn an_unknown_key_is_root_in_open_and_not_found_in_signed() {
    let stranger = ("stranger", "whatever");
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    let open = server(AuthMode::Open).await;
    assert_eq!(account(&open.call_as(stranger, "CreateSecret", &creation).await.ok()), ACCOUNT);
    acs(stranger, "n", &NOW.to_string()).send(&open).await.ok();
    let signed = server(AuthMode::Signed).await;
    let unknown = refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.");
    assert_eq!(signed.call_as(stranger, "CreateSecret", &creation).await.refused(), unknown);
    // The key is checked before the time and the signature.
    assert_eq!(acs(stranger, "n", &LONG_AGO.to_string()).send(&signed).await.refused(), unknown);
    for id in ["TESTID", "testid ", "test/id"] {
        let answer = signed.call_as((id, "testsecret"), "ListSecrets", &[]).await;
        assert_eq!(answer.refused(), unknown, "{id}");
    }
    assert_eq!(signed.stored("s").await, None);
}

#[tokio::test]
async fn a_disabled_key_is_refused() {
    let disabled = refusal(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.");
    let idle = ("idle", "idle-secret");
    for mode in MODES {
        let server = server(mode).await;
        assert_eq!(server.call_as(idle, "ListSecrets", &[]).await.refused(), disabled, "{mode:?}");
        assert_eq!(acs(idle, "n", &NOW.to_string()).send(&server).await.refused(), disabled, "{mode:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_refused_with_the_string_to_sign() {
    for mode in MODES {
        let server = server(mode).await;
        let time = NOW.to_string();
        let more = [("SignatureNonce", "n:1"), ("SecretName", "a b+c/中~*")];
        let parameters = [rpc_system("ListSecrets", "testid", &time), more.to_vec()].concat();
        let wanted = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{}",
            rpc_string_to_sign("POST", &parameters)
        );
        let answer = rpc(&server, ("testid", "wrong"), &time, &more).await.refused();
        assert_eq!(answer, refusal(400, "SignatureDoesNotMatch", &wanted), "{mode:?}");

        for region in [None, Some("cn-hangzhou")] {
            let query = [("SecretName", "a b+c/中~*")];
            let mut request = Acs::new("DescribeSecret", "n1", &query);
            request.key = ("testid", "wrong");
            request.acs4_region = region;
            let wanted = format!(
                "Specified signature does not match our calculation. server StringToSign is [{}], \
                 server CanonicalRequest is [{}]",
                request.string_to_sign(),
                request.canonical_request()
            );
            let answer = request.send(&server).await.refused();
            assert_eq!(answer, refusal(400, "SignatureDoesNotMatch", &wanted), "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_does_not_repeat_a_token() {
    let server = server(AuthMode::Signed).await;
    let mut request = acs(("STS.fixed", "wrong"), "n", &NOW.to_string());
    request.headers = vec![("x-acs-security-token", "the-token")];
    let answer = request.send(&server).await;
    assert_eq!(answer.refused().1, "SignatureDoesNotMatch");
    assert!(!answer.body.contains("the-token"), "{}", answer.body);
    assert!(answer.body.contains("x-acs-security-token:***"), "{}", answer.body);
}

#[tokio::test]
async fn what_was_signed_cannot_be_changed() {
    let server = server(AuthMode::Signed).await;
    let time = NOW.to_string();
    let good = with_signature(TESTID, &time, &[("PageSize", "10")]);
    let mut other = good.clone();
    other.push(("PageNumber".to_owned(), "2".to_owned()));
    assert_eq!(post(&server, &other).await.refused().1, "SignatureDoesNotMatch");
    let without: Vec<_> = good.iter().filter(|(name, _)| name != "PageSize").cloned().collect();
    assert_eq!(post(&server, &without).await.refused().1, "SignatureDoesNotMatch");
    post(&server, &good).await.ok();

    let mut base = acs(TESTID, "n1", &time);
    base.query = vec![("PageSize", "10")];
    base.body = "FetchTags=true".to_owned();
    let authorization = base.authorization();
    let query = Acs { query: vec![("PageSize", "11")], ..base.clone() };
    let action = Acs { action: "DescribeRegions", ..base.clone() };
    let body = Acs { body: "FetchTags=false".to_owned(), ..base.clone() };
    let host = Acs { host: "kms.cn-beijing.aliyuncs.com", ..base.clone() };
    let nonce = Acs { nonce: Some("n2"), ..base.clone() };
    for changed in [query, action, body, host, nonce] {
        let answer = changed.send_with(&server, &authorization).await.refused();
        assert_eq!(answer.1, "SignatureDoesNotMatch");
    }
    // A header of the gateway that is not signed is ignored.
    let mut more = base.clone();
    more.headers = vec![("x-acs-zz", "1")];
    let answer = more.send_with(&server, &authorization).await.refused();
    let incomplete = "The request signature does not conform to Alibaba Cloud standards.";
    assert_eq!(answer, refusal(400, "IncompleteSignature", incomplete));
    // A hash that does not match the body is refused although it is signed.
    for body in ["FetchTags=false", ""] {
        let (status, code, message) = base.send_body(&server, body).await.refused();
        assert_eq!((status, code.as_str()), (400, "SignatureDoesNotMatch"));
        assert!(message.ends_with("x-acs-content-sha256 is not the hash of the body."), "{message}");
    }
    base.send(&server).await.ok();
}

#[tokio::test]
async fn a_time_may_be_off_by_15_minutes() {
    for mode in MODES {
        let server = server(mode).await;
        server.clock.set(LONG_AGO);
        let seconds = |n: i64| LONG_AGO.plus_millis(n * 1000).to_string();
        for n in [-900, 0, 900] {
            rpc(&server, TESTID, &seconds(n), &[]).await.ok();
            acs(TESTID, &n.to_string(), &seconds(n)).send(&server).await.ok();
        }
        for n in [-86_400, -901, 901, 86_400] {
            assert_eq!(rpc(&server, TESTID, &seconds(n), &[]).await.refused(), expired(), "{n}");
            let answer = acs(TESTID, &n.to_string(), &seconds(n)).send(&server).await;
            assert_eq!(answer.refused(), expired(), "{n}");
            // Before the signature is checked.
            assert_eq!(rpc(&server, ("testid", "wrong"), &seconds(n), &[]).await.refused(), expired());
        }
        // The clock is precise to the millisecond, and so may the request be.
        rpc(&server, TESTID, "2016-03-28T03:28:08.000Z", &[]).await.ok();
        assert_eq!(rpc(&server, TESTID, "2016-03-28T03:28:08.001Z", &[]).await.refused(), expired());
        server.clock.advance(1);
        rpc(&server, TESTID, "2016-03-28T03:28:08.001Z", &[]).await.ok();
        assert_eq!(rpc(&server, TESTID, &seconds(-900), &[]).await.refused(), expired());
    }
}

#[tokio::test]
async fn an_invalid_time_is_refused() {
    let server = server(AuthMode::Signed).await;
    let wanted =
        refusal(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.");
    for time in [
        "yesterday",
        "2026-11-24",
        "2026-11-24T03:30:00",
        "2026-11-24T03:30:00+00:00",
        "1795491000",
        "2026-02-30T00:00:00Z",
    ] {
        assert_eq!(rpc(&server, TESTID, time, &[]).await.refused(), wanted, "{time}");
        assert_eq!(acs(TESTID, time, time).send(&server).await.refused(), wanted, "{time}");
    }
}

#[tokio::test]
async fn a_moved_clock_does_not_lock_out_clients_that_sign_with_the_machines_time() {
    let server = server(AuthMode::Signed).await;
    let machine = || server.clock.wall().to_string();
    let token = [("Authorization", "Bearer admin-token")];
    for body in [
        r#"{"set":"2040-01-01T00:00:00Z"}"#,
        r#"{"advance_seconds":8640000}"#,
        r#"{"set":"2016-03-28T03:13:08Z"}"#,
    ] {
        assert_eq!(server.send("POST", "/_sesame/clock", &token, body.as_bytes()).await.status, 200);
        rpc(&server, TESTID, &machine(), &[]).await.ok();
        acs(TESTID, body, &machine()).send(&server).await.ok();
        // By the service's time too.
        rpc(&server, TESTID, &server.clock.now().to_string(), &[]).await.ok();
        // A nonce stays used, wherever the clock is moved.
        let replayed = acs(TESTID, r#"{"set":"2040-01-01T00:00:00Z"}"#, &machine()).send(&server).await;
        assert_eq!(replayed.refused(), used(), "{body}");
    }
    // But a time that matches neither clock is refused.
    assert_eq!(rpc(&server, TESTID, "2040-01-01T00:00:00Z", &[]).await.refused(), expired());
}

#[tokio::test]
async fn a_nonce_is_used_once_a_key() {
    for mode in MODES {
        let server = server(mode).await;
        let time = NOW.to_string();
        let nonce = [("SignatureNonce", "n")];
        // Someone who does not know the secret cannot use up a nonce.
        let answer = rpc(&server, ("testid", "wrong"), &time, &nonce).await.refused();
        assert_eq!(answer.1, "SignatureDoesNotMatch");
        rpc(&server, TESTID, &time, &nonce).await.ok();
        assert_eq!(rpc(&server, TESTID, &time, &nonce).await.refused(), used());
        // Also in a different request with another signature type.
        let later = NOW.plus_millis(1000).to_string();
        assert_eq!(rpc(&server, TESTID, &later, &nonce).await.refused(), used());
        assert_eq!(acs(TESTID, "n", &time).send(&server).await.refused(), used());
        rpc(&server, OTHER, &time, &nonce).await.ok();
        rpc(&server, ("test", "test"), &time, &nonce).await.ok();
        assert_eq!(rpc(&server, OTHER, &time, &nonce).await.refused(), used());
        // Nonces are compared exactly. A missing or blank one is not a nonce.
        for other in ["N", "n ", "nn", &"n".repeat(64)] {
            rpc(&server, TESTID, &time, &[("SignatureNonce", other)]).await.ok();
        }
        for _ in 0..2 {
            rpc(&server, TESTID, &time, &[]).await.ok();
            rpc(&server, TESTID, &time, &[("SignatureNonce", "")]).await.ok();
        }
    }
}

#[tokio::test]
async fn a_header_signature_needs_a_nonce() {
    for mode in MODES {
        let server = server(mode).await;
        for region in [None, Some("cn-hangzhou")] {
            let mut request = acs(TESTID, "", &NOW.to_string());
            request.acs4_region = region;
            // A blank one counts as missing.
            assert_eq!(request.send(&server).await.refused(), gateway_misses("SignatureNonce"));
            request.nonce = None;
            assert_eq!(request.send(&server).await.refused(), gateway_misses("SignatureNonce"));
        }
    }
}

#[tokio::test]
async fn an_incomplete_signature_is_refused_with_what_is_missing() {
    for mode in MODES {
        let server = server(mode).await;
        let time = NOW.to_string();
        let all = with_signature(TESTID, &time, &[]);
        for name in ["Signature", "Timestamp", "SignatureMethod", "SignatureVersion", "AccessKeyId"] {
            let without: Vec<_> = all.iter().filter(|(n, _)| n != name).cloned().collect();
            assert_eq!(post(&server, &without).await.refused(), gateway_misses(name), "{mode:?}");
            let mut blank = all.clone();
            blank.iter_mut().filter(|(n, _)| n == name).for_each(|(_, value)| value.clear());
            assert_eq!(post(&server, &blank).await.refused(), gateway_misses(name), "{mode:?}");
        }
        let mut unknown = all.clone();
        unknown.iter_mut().filter(|(n, _)| n == "SignatureMethod").for_each(|(_, v)| *v = "MD5".to_owned());
        let method = refusal(400, "InvalidSignatureMethod", "Specified signature method is not valid.");
        assert_eq!(post(&server, &unknown).await.refused(), method);

        let request = acs(TESTID, "n", &time);
        let authorization = request.authorization();
        let other = authorization.replace("ACS3-HMAC-SHA256", "ACS3-HMAC-MD5");
        assert_eq!(request.send_with(&server, &other).await.refused(), method);
        for cut in ["Credential=testid,", "Signature="] {
            let cut = authorization.replace(cut, "");
            let answer = request.send_with(&server, &cut).await.refused();
            assert_eq!((answer.0, answer.1.as_str()), (400, "IncompleteSignature"), "{cut}");
        }
        let headers = [
            ("x-acs-action", "ListSecrets"),
            ("x-acs-version", "2016-01-20"),
            ("Authorization", authorization.as_str()),
        ];
        let answer = server.send("POST", "/", &headers, b"").await.refused();
        assert_eq!(answer, gateway_misses("Timestamp"));
    }
}

#[tokio::test]
async fn a_bearer_token_opens_nothing_in_signed() {
    let headers = [
        ("x-acs-bearer-token", "token"),
        ("x-acs-action", "ListSecrets"),
        ("x-acs-version", "2016-01-20"),
        ("x-acs-date", "2026-11-24T03:30:00Z"),
        ("x-acs-signature-nonce", "n"),
    ];
    let parameters = [("BearerToken", "token"), ("SignatureType", "BEARERTOKEN")];
    let open = server(AuthMode::Open).await;
    open.send("POST", "/?SignatureType=BEARERTOKEN", &headers, b"").await.ok();
    open.ok("ListSecrets", &parameters).await;
    let signed = server(AuthMode::Signed).await;
    let method = refusal(400, "InvalidSignatureMethod", "Specified signature method is not valid.");
    let answer = signed.send("POST", "/?SignatureType=BEARERTOKEN", &headers, b"").await;
    assert_eq!(answer.refused(), method);
    assert_eq!(signed.refused("ListSecrets", &parameters).await, method);
    // The admin token is not valid for the API.
    let admin = [("Authorization", "Bearer admin-token"), FORM];
    let body = form(&[("Action", "ListSecrets"), ("Version", "2016-01-20")]);
    let answer = signed.send("POST", "/", &admin, body.as_bytes()).await;
    assert_eq!(answer.refused(), gateway_misses("AccessKeyId"));
}

#[tokio::test]
async fn a_json_body_holds_the_parameters() {
    let server = server(AuthMode::Signed).await;
    let mut request = Acs::new("CreateSecret", "n1", &[("SecretName", "s")]);
    request.content_type = "application/json; charset=utf-8";
    let tags = json!([{"TagKey": "k", "TagValue": "中"}]);
    request.body = json!({"VersionId": "v1", "SecretData": "a b+c\n%41", "Tags": tags}).to_string();
    request.send(&server).await.ok();
    let mut read = Acs::new("DescribeSecret", "n2", &[]);
    read.content_type = "application/json";
    read.body = r#"{"SecretName":"s","FetchTags":true}"#.to_owned();
    let described = read.send(&server).await.ok();
    assert_eq!(described["Tags"]["Tag"], tags);
    let value = server.call_as(TESTID, "GetSecretValue", &[("SecretName", "s")]).await.ok();
    assert_eq!(value["SecretData"], "a b+c\n%41");
    // The hash covers the text, not its meaning.
    let mut changed = Acs { nonce: Some("n3"), ..read.clone() };
    let authorization = changed.authorization();
    changed.body.push(' ');
    assert_eq!(changed.send_with(&server, &authorization).await.refused().1, "SignatureDoesNotMatch");
    for (n, broken) in ["{", "[]", "\"s\""].into_iter().enumerate() {
        let nonce = format!("broken{n}");
        let request = Acs { nonce: Some(&nonce), body: broken.to_owned(), ..read.clone() };
        assert_eq!(request.send(&server).await.refused().1, "ParseRequestParameterException", "{broken}");
    }
}

#[tokio::test]
async fn regions_are_kept_apart_however_they_are_named() {
    for mode in MODES {
        let server = server(mode).await;
        // Host, scope of the credential, parameter, and the region that each one selects.
        let ways: [(&str, Option<&str>, Option<&str>, &str); 8] = [
            ("127.0.0.1", None, None, "cn-hangzhou"),
            ("kms.cn-beijing.aliyuncs.com", None, None, "cn-beijing"),
            ("kms.eu-central-1.localhost:7070", None, None, "eu-central-1"),
            ("cn-shanghai.localhost", None, None, "cn-shanghai"),
            // Neither the scope nor RegionId changes the region.
            ("kms-vpc.cn-beijing.aliyuncs.com:443", Some("eu-central-1"), Some("cn-shanghai"), "cn-beijing"),
            ("kms.cn-shanghai.aliyuncs.com", None, Some("cn-beijing"), "cn-shanghai"),
            ("kms.aliyuncs.com", Some("eu-central-1"), Some("cn-shanghai"), "cn-hangzhou"),
            ("a.example", None, Some("no region!"), "cn-hangzhou"),
        ];
        for (n, (host, scope, parameter, region)) in ways.into_iter().enumerate() {
            let mut query = vec![("SecretName", "s")];
            query.extend(parameter.map(|region| ("RegionId", region)));
            let (create, read) = (format!("create{n}"), format!("read{n}"));
            let request = |action, nonce, more: &[(&'static str, &'static str)]| {
                let mut request = Acs::new(action, nonce, &query);
                request.query.extend(more);
                Acs { host, acs4_region: scope, ..request }
            };
            if n < 4 {
                let mut creation = request("CreateSecret", &create, &[("VersionId", "v1")]);
                creation.query.push(("SecretData", region));
                let created = creation.send(&server).await.ok();
                assert_eq!(text(&created["Arn"]), format!("acs:kms:{region}:{ACCOUNT}:secret/s"));
            }
            let answer = request("GetSecretValue", &read, &[]).send(&server).await.ok();
            assert_eq!(answer["SecretData"], region, "{host} {scope:?} {parameter:?}");
        }
        let elsewhere = Acs {
            host: "kms.us-east-1.aliyuncs.com",
            ..Acs::new("GetSecretValue", "n", &[("SecretName", "s")])
        };
        let answer = elsewhere.send(&server).await;
        assert_eq!(answer.refused(), not_found());
        assert!(answer.body.contains("kms.us-east-1.aliyuncs.com"), "{}", answer.body);
        // Where an action requires the parameter, it must be well formed.
        let no_region = [("RegionId", "no region!"), ("ResourceType", "secret")];
        let answer = server.call_as(TESTID, "ListTagResources", &no_region).await.refused();
        assert_eq!((answer.0, answer.1.as_str()), (400, "InvalidParameter"));
    }
}

#[tokio::test]
async fn accounts_are_kept_apart() {
    for mode in MODES {
        let server = server(mode).await;
        for (key, id) in [(TESTID, ACCOUNT), (OTHER, OTHER_ACCOUNT)] {
            let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", id)];
            assert_eq!(account(&server.call_as(key, "CreateSecret", &creation).await.ok()), id);
            let own = [("SecretName", id), ("VersionId", "v1"), ("SecretData", id)];
            server.call_as(key, "CreateSecret", &own).await.ok();
        }
        for (key, id, foreign) in [(TESTID, ACCOUNT, OTHER_ACCOUNT), (OTHER, OTHER_ACCOUNT, ACCOUNT)] {
            let read =
                async |name: &str| server.call_as(key, "GetSecretValue", &[("SecretName", name)]).await;
            assert_eq!(read("s").await.ok()["SecretData"], id);
            assert_eq!(read(foreign).await.refused(), not_found());
            let arn = format!("acs:kms:cn-hangzhou:{foreign}:secret/s");
            let answer = read(&arn).await.refused();
            assert_eq!((answer.0, answer.1.as_str()), (403, "Forbidden.NoPermission"));
            let list = server.call_as(key, "ListSecrets", &[]).await.ok();
            assert_eq!(list["TotalCount"], 2);
            let rows = list["SecretList"]["Secret"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["SecretName"] != foreign), "{list}");
        }
        // Two keys of the same account see the same secrets.
        let read = server.call_as(("test", "test"), "GetSecretValue", &[("SecretName", "s")]).await.ok();
        assert_eq!(read["SecretData"], ACCOUNT);
        let force = [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")];
        server.call_as(OTHER, "DeleteSecret", &force).await.ok();
        assert!(server.stored("s").await.is_some());
    }
}

#[tokio::test]
async fn administration_needs_its_token_in_signed() {
    let server = server(AuthMode::Signed).await;
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    server.call_as(TESTID, "CreateSecret", &creation).await.ok();
    let basic = acs(TESTID, "n", &NOW.to_string()).authorization();
    let wrong = [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Bearer admin-toke"),
        Some("Bearer admin-token1"),
        Some("Bearer ADMIN-TOKEN"),
        Some("admin-token"),
        Some("Basic admin-token"),
        Some(basic.as_str()),
    ];
    let set = br#"{"set":"2027-01-01T00:00:00Z"}"#;
    let calls: [(&str, &str, &[u8]); 4] = [
        ("POST", "/_sesame/clock", set),
        ("GET", "/_sesame/clock", b""),
        ("POST", "/_sesame/reset", b""),
        ("GET", "/_sesame/else", b""),
    ];
    for authorization in wrong {
        let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
        for (method, path, body) in calls {
            let answer = server.send(method, path, &headers, body).await;
            assert_eq!(answer.status, 401, "{authorization:?} {method} {path}");
            let is_sent = authorization
                .is_some_and(|value| value.len() > "Bearer ".len() && value.starts_with("Bearer "));
            let words = if is_sent { "the admin token is wrong" } else { "no admin token was sent" };
            assert!(answer.body.contains(words), "{authorization:?}: {}", answer.body);
            // Where the token is not the name of the flag.
            assert!(!answer.body.replace("--admin-token", "").contains("admin-token"), "{}", answer.body);
        }
    }
    assert_eq!(server.clock.now(), NOW);
    assert!(server.stored("s").await.is_some());
    for path in ["/_sesame/health", "/_sesame/ready"] {
        assert_eq!(server.send("GET", path, &[], b"").await.status, 200, "{path}");
    }
    // A page of another site is refused even with the token.
    let token = ("Authorization", "Bearer admin-token");
    for (method, path, body) in calls {
        let headers = [token, ("Sec-Fetch-Site", "cross-site")];
        assert_eq!(server.send(method, path, &headers, body).await.status, 403, "{path}");
    }
    assert_eq!(server.send("GET", "/_sesame/else", &[token], b"").await.status, 404);
    let moved = server.send("POST", "/_sesame/clock", &[token], set).await;
    let moved: Value = serde_json::from_str(&moved.body).unwrap();
    assert_eq!((&moved["now"], &moved["running"]), (&json!("2027-01-01T00:00:00Z"), &json!(false)));
    let nonce = [("SignatureNonce", "n")];
    rpc(&server, TESTID, "2027-01-01T00:00:00Z", &nonce).await.ok();
    let now = server.clock.wall().to_string();
    rpc(&server, TESTID, &now, &[("SignatureNonce", "m")]).await.ok();
    assert_eq!(server.send("POST", "/_sesame/reset", &[token], b"").await.status, 200);
    assert_eq!(server.stored("s").await, None);
    // The clock runs again, and nonces are still known.
    assert_eq!(rpc(&server, TESTID, &now, &[("SignatureNonce", "m")]).await.refused(), used());
    rpc(&server, TESTID, &server.clock.now().to_string(), &[("SignatureNonce", "o")]).await.ok();
}

#[tokio::test]
async fn a_given_admin_token_is_needed_in_open_too() {
    let server = Server::with(Options { admin_token: Some("admin-token"), ..Options::default() }).await;
    server.create("s").await;
    let token = ("Authorization", "Bearer admin-token");
    for (headers, words) in [
        (&[][..], "no admin token was sent"),
        (&[("Authorization", "Bearer wrong")], "the admin token is wrong"),
    ] {
        let answer = server.send("POST", "/_sesame/reset", headers, b"").await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(server.value("s", &[]).await, "one");
    for path in ["/_sesame/health", "/_sesame/ready", "/_sesame/ca.pem"] {
        assert_eq!(server.send("GET", path, &[], b"").await.status, 200, "{path}");
    }
    assert_eq!(server.send("POST", "/_sesame/reset", &[token], b"").await.status, 200);
    assert_eq!(server.stored("s").await, None);
}

#[test]
fn without_an_admin_token_administration_is_closed_in_signed_and_enforced() {
    for mode in ["signed", "enforced"] {
        let server = Program::serve(&["--in-memory", "--auth", mode], &[]);
        for authorization in
            ["", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n", "Authorization: Bearer x\r\n"]
        {
            let head = format!(
                "POST /_sesame/reset HTTP/1.1\r\nHost: x\r\n{authorization}Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let answer = server.send(head.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 403"), "{mode} {authorization:?}: {answer}");
            assert!(answer.contains("the server has no admin token"), "{answer}");
        }
    }
}

#[tokio::test]
async fn in_open_administration_answers_everyone_except_pages_of_other_sites() {
    let server = server(AuthMode::Open).await;
    server.create("s").await;
    for site in ["cross-site", "same-site"] {
        let headers = [("Sec-Fetch-Site", site)];
        let set = br#"{"set":"2027-01-01T00:00:00Z"}"#;
        assert_eq!(server.send("POST", "/_sesame/clock", &headers, set).await.status, 403);
        assert_eq!(server.send("POST", "/_sesame/reset", &headers, b"").await.status, 403);
    }
    assert_eq!(server.clock.now(), NOW);
    assert!(server.stored("s").await.is_some());
    server.advance_seconds(1).await;
    assert_eq!(server.send("POST", "/_sesame/reset", &[], b"").await.status, 200);
    assert_eq!(server.stored("s").await, None);
}

#[tokio::test]
async fn a_page_cannot_change_anything_by_a_get_that_browsers_do_not_mark() {
    let open = server(AuthMode::Open).await;
    open.create("s").await;
    let agent = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")];
    let query = |action| form(&[("Action", action), ("Version", "2016-01-20"), ("SecretName", "s")]);
    let target = format!("/?{}", query("DeleteSecret"));
    let (status, code, message) = open.send("GET", &target, &agent, b"").await.refused();
    assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{message}");
    assert!(open.stored("s").await.unwrap().secret.require_live().is_ok());
    // A developer may read in the address bar, and programs other than browsers may do everything.
    open.send("GET", &format!("/?{}", query("GetSecretValue")), &agent, b"").await.ok();
    open.send("GET", &target, &[("User-Agent", "curl/8.5")], b"").await.ok();
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_an_open_server() {
    let open = server(AuthMode::Open).await;
    open.create("s").await;
    let query = form(&[("Action", "DeleteSecret"), ("Version", "2016-01-20"), ("SecretName", "s")]);
    let target = format!("/?{query}");
    for site in ["cross-site", "same-site"] {
        for method in ["GET", "POST"] {
            let answer = open.send(method, &target, &[("Sec-Fetch-Site", site)], b"").await;
            let (status, code, _) = answer.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{site}");
        }
    }
    assert!(open.stored("s").await.unwrap().secret.require_live().is_ok());
    for site in ["same-origin", "none"] {
        let read = target.replace("Delete", "Describe");
        open.send("GET", &read, &[("Sec-Fetch-Site", site)], b"").await.ok();
    }
}
