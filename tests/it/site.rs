//! Which hosts and web pages the server answers: the API and every route of `/_sesame`, in every mode.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use sesame::testing::ports::Clock as _;
use sesame::testing::server::AuthMode;

use crate::support::program::Program;
use crate::support::sign::{Acs, rpc_signature, rpc_system};
use crate::support::{Answer, NOW, Options, Server, form, text};

const MODES: [AuthMode; 3] = [AuthMode::Open, AuthMode::Signed, AuthMode::Enforced];
const TOKEN: (&str, &str) = ("Authorization", "Bearer admin-token");
const READ: &str = "/?Action=GetSecretValue&Version=2016-01-20&SecretName=s";

/// A server with the secret `s`.
async fn server(mode: AuthMode) -> Server {
    let server = Server::with(Options { mode, ..Options::default() }).await;
    let creation = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one")];
    signed(&server, "127.0.0.1", &[], "CreateSecret", &creation).await.ok();
    server
}

/// Calls an action with a valid signature (ACS3) of the root of the default account; header names in lower case.
async fn signed(
    server: &Server,
    host: &str,
    headers: &[(&str, &str)],
    action: &str,
    parameters: &[(&str, &str)],
) -> Answer {
    static NONCES: AtomicU32 = AtomicU32::new(0);
    let nonce = NONCES.fetch_add(1, Ordering::SeqCst).to_string();
    let acs = Acs { host, headers: headers.to_vec(), ..Acs::new(action, &nonce, parameters) };
    acs.send(server).await
}

/// The message of a refusal under `/_sesame`.
fn error(answer: &Answer) -> String {
    let said: Value = serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.body));
    text(&said["error"]).to_owned()
}

/// Every method and path of `/_sesame`, read from the table of routes, with names in place of parameters; and whether it
/// answers every host.
fn routes() -> Vec<(&'static str, String, bool)> {
    let source = include_str!("../../src/server/admin/mod.rs");
    let mut found = Vec::new();
    for route in source.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once('"').unwrap();
        let rest = rest.split([';', '\n']).next().unwrap();
        let path = format!("/_sesame{}", path.replace("{id}", "1000000000000003").replace("{name}", "n"));
        let open = ["health", "ready", "ca.pem"].iter().any(|name| path.ends_with(name));
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if rest.contains(&format!("{}(", method.to_lowercase())) {
                found.push((method, path.clone(), open));
            }
        }
    }
    assert!(found.len() >= 20, "the table of routes is not found: {found:?}");
    assert_eq!(found.iter().filter(|(.., open)| *open).count(), 3, "{found:?}");
    // Paths without a route are refused as well.
    found.extend([("GET", "/_sesame/nothing".to_owned(), false), ("POST", "/_sesame".to_owned(), false)]);
    found
}

/// Checks that a refused request has changed nothing.
async fn assert_untouched(server: &Server) {
    assert!(server.stored("s").await.unwrap().secret.require_live().is_ok());
    assert_eq!(server.clock.now(), NOW);
    assert_eq!(server.stored_count().await, 1);
}

/// Hosts that every request may name: the endpoint forms of official clients, and what users type.
const ALLOWED: [&str; 47] = [
    // As official clients send them.
    "127.0.0.1:8080",
    "localhost:8080",
    "http://127.0.0.1:8080",
    "http://127.0.0.1:8080/",
    "http://localhost:8080",
    "https://localhost:8443",
    "127.0.0.1:8443",
    "localhost:8444",
    "kms.cn-hangzhou.aliyuncs.com",
    "kms.cn-hangzhou.aliyuncs.com:443",
    "kms-vpc.cn-beijing.aliyuncs.com",
    "kms-intl.ap-southeast-1.aliyuncs.com",
    "kst-abc123.cryptoservice.kms.aliyuncs.com",
    "sts.cn-hangzhou.aliyuncs.com",
    "sts-vpc.cn-hangzhou.aliyuncs.com",
    "sts.aliyuncs.com",
    "ram.aliyuncs.com",
    "location-readonly.aliyuncs.com",
    // Addresses.
    "127.0.0.1",
    "127.0.0.1.:7070",
    "10.1.2.3:7070",
    "192.0.2.7",
    "[::1]",
    "[::1]:7070",
    "[2001:db8::7]:7070",
    "[::ffff:127.0.0.1]:7070",
    "[fe80::1%25eth0]:7070",
    "::1",
    "127.0.0.1:",
    // Names that only this machine or its network resolves.
    "localhost",
    "LOCALHOST:7070",
    "localhost.",
    "localhost.:7070",
    "app.localhost:7070",
    "kms.cn-beijing.localhost:7070",
    "sesame",
    "sesame:7070",
    "my_service-1:7070",
    "Sesame.:7070",
    "sesame.default.svc:7070",
    "sesame.svc",
    "sesame.default.svc.cluster.local:7070",
    "SESAME.default.SVC.cluster.local.:7070",
    "host.docker.internal:7070",
    "Host.Docker.Internal.",
    // `--allow-host` and `--tls-name`.
    "Added.example.com.:7070",
    "a.wild.example.com",
];

/// Hosts that a web page can have.
const FOREIGN: [&str; 38] = [
    "evil.example:7070",
    "evil.example",
    "EVIL.example.:7070",
    "http://evil.example:7070",
    "127.0.0.1.evil.example:7070",
    "localhost.evil.example",
    "evil.localhost.example",
    "svc.evil.example",
    "sesame.svc.evil.example:7070",
    "sesame.default.svc.cluster.local.evil.example",
    "kms.cn-hangzhou.aliyuncs.com.evil.example",
    "evil.aliyuncs.com",
    "oss.cn-hangzhou.aliyuncs.com",
    "evil-kms.cn-hangzhou.aliyuncs.com",
    "host.docker.internal.evil.example",
    "evil.host.docker.internal",
    "added.example.com.evil.example",
    "example.com",
    "wild.example.com",
    "a.b.wild.example.com",
    "evilwild.example.com",
    // What only looks like an address or an allowed name.
    "127.0.0.1@evil.example",
    "127.0.0.1:80@evil.example",
    "evil.example#localhost",
    "evil.example/localhost",
    "localhost, evil.example",
    "evil.example, localhost",
    "localhost evil.example",
    "[::1].evil.example",
    "[::1",
    "[evil.example]",
    "[127.0.0.1]",
    "::1.evil.example",
    "127.0.0.1:7070x",
    "127.0.0.1:+70",
    "127.0.0.1:99999",
    "1.2.3",
    ".",
];

#[tokio::test]
async fn every_endpoint_form_of_clients_is_answered() {
    let options =
        Options { allowed_hosts: &["added.example.com", "*.wild.example.com"], ..Options::default() };
    let server = Server::with(options).await;
    // Not READ: the name may imply another region.
    let list = "/?Action=ListSecrets&Version=2016-01-20";
    for host in ALLOWED {
        let answer = server.send("GET", list, &[("Host", host)], b"").await;
        // Another service is at that name, which answers that it has no such action.
        let elsewhere = ["ram.aliyuncs.com", "location-readonly.aliyuncs.com"].contains(&host);
        assert_eq!(answer.status, if elsewhere { 404 } else { 200 }, "{host}: {}", answer.body);
        let answer = server.send("GET", "/_sesame/state?plaintext", &[("Host", host)], b"").await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_rebound_name_reads_nothing_and_resets_nothing() {
    let options =
        Options { allowed_hosts: &["added.example.com", "*.wild.example.com"], ..Options::default() };
    let server = Server::with(options).await;
    server.create("s").await;
    for host in FOREIGN {
        let headers = [("Host", host)];
        for method in ["GET", "POST"] {
            let (status, code, message) = server.send(method, READ, &headers, b"").await.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{host}");
            assert!(message.contains("The Host \"") && message.contains("--allow-host "), "{message}");
        }
        for (method, path) in [("GET", "/_sesame/state?plaintext"), ("POST", "/_sesame/reset")] {
            let answer = server.send(method, path, &headers, b"").await;
            assert_eq!(answer.status, 403, "{host}: {}", answer.body);
            assert!(error(&answer).contains("--allow-host "), "{}", answer.body);
        }
    }
    assert_untouched(&server).await;
    let (.., message) = server.send("GET", READ, &[("Host", "Evil.Example:7070")], b"").await.refused();
    assert!(message.contains("The Host \"Evil.Example:7070\" is not one"), "{message}");
    assert!(message.ends_with("for example --allow-host evil.example."), "{message}");
}

/// Sends a request to `/_sesame` that must be refused with 403 and these words.
async fn assert_forbidden(
    server: &Server,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    words: &str,
) {
    let answer = server.send(method, path, headers, b"").await;
    assert_eq!(answer.status, 403, "{method} {path} {headers:?}: {}", answer.body);
    assert!(error(&answer).contains(words), "{method} {path} {headers:?}: {}", answer.body);
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_by_every_route_in_every_mode() {
    let host = ("Host", "evil.example:7070");
    for mode in MODES {
        let server = server(mode).await;
        for (method, path, _) in routes() {
            let route = (method, path.as_str());
            for origin in FOREIGN_ORIGINS {
                let headers = [("Host", "127.0.0.1:7070"), ("Origin", origin), TOKEN];
                assert_forbidden(&server, route, &headers, "The Origin").await;
            }
            // A page of a rebound name sends its own name in both.
            let headers = [host, ("Origin", "http://evil.example:7070"), TOKEN];
            assert_forbidden(&server, route, &headers, "--allow-host evil.example").await;
        }
        for (method, path, _) in routes().iter().filter(|(.., open)| !open) {
            assert_forbidden(&server, (method, path), &[host], "The Host \"evil.example:7070\"").await;
            for site in ["cross-site", "same-site"] {
                assert_forbidden(&server, (method, path), &[TOKEN, ("Sec-Fetch-Site", site)], site).await;
            }
        }
        assert_untouched(&server).await;
    }
}

#[tokio::test]
async fn health_ready_and_the_certificate_answer_any_host() {
    for mode in MODES {
        let server = server(mode).await;
        for (method, path, _) in routes().iter().filter(|(.., open)| *open) {
            for headers in [&[("Host", "evil.example:7070")][..], &[("Host", "balancer.example.com"), TOKEN]]
            {
                let answer = server.send(method, path, headers, b"").await;
                assert_eq!(answer.status, 200, "{mode:?} {method} {path}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn unsigned_requests_to_the_api_under_a_foreign_host_are_refused_in_every_mode() {
    for mode in MODES {
        let server = server(mode).await;
        for action in ["GetSecretValue", "DeleteSecret", "AssumeRoleWithOIDC", "NoSuchAction"] {
            let version = if action.starts_with("Assume") { "2015-04-01" } else { "2016-01-20" };
            let target = format!("/?Action={action}&Version={version}&SecretName=s");
            let (status, code, message) =
                server.send("POST", &target, &[("Host", "evil.example:7070")], b"").await.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{mode:?} {action}");
            assert!(message.contains("The Host \"evil.example:7070\""), "{message}");
        }
        assert_untouched(&server).await;
    }
}

#[tokio::test]
async fn a_signature_by_the_built_in_key_proves_nothing() {
    let read = [("SecretName", "s")];
    for mode in MODES {
        let server = server(mode).await;
        for host in FOREIGN.iter().filter(|host| host.is_ascii()) {
            let by_test = Acs { host, key: ("test", "test"), ..Acs::new("GetSecretValue", host, &read) };
            let answer = by_test.send(&server).await;
            let (status, code, message) = answer.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{mode:?} {host}");
            assert!(message.contains("The Host"), "{message}");
        }
        let by_test = Acs { key: ("test", "test"), ..Acs::new("GetSecretValue", "own", &read) };
        by_test.send(&server).await.ok();
        assert_untouched(&server).await;
    }
}

#[tokio::test]
async fn a_valid_signature_may_name_any_host_but_no_foreign_origin() {
    let read = [("SecretName", "s")];
    for mode in MODES {
        let server = server(mode).await;
        for host in FOREIGN.iter().filter(|host| host.is_ascii()) {
            signed(&server, host, &[], "GetSecretValue", &read).await.ok();
        }
        for origin in FOREIGN_ORIGINS {
            let headers = [("origin", origin)];
            let answer = signed(&server, "127.0.0.1:7070", &headers, "GetSecretValue", &read).await;
            let (status, code, message) = answer.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{mode:?} {origin}");
            assert!(message.contains("The Origin"), "{message}");
        }
        let headers = [("origin", "http://evil.example:7070")];
        let answer = signed(&server, "evil.example:7070", &headers, "GetSecretValue", &read).await;
        assert_eq!(answer.refused().0, 403, "the page of a rebound name");
        for site in ["cross-site", "same-site"] {
            let headers = [("sec-fetch-site", site)];
            let answer = signed(&server, "127.0.0.1:7070", &headers, "GetSecretValue", &read).await;
            assert_eq!(answer.refused().0, 403, "{site}");
        }
        // The server's own pages may sign.
        let headers = [("origin", "http://127.0.0.1:7070"), ("sec-fetch-site", "same-origin")];
        signed(&server, "127.0.0.1:7070", &headers, "GetSecretValue", &read).await.ok();
        assert_untouched(&server).await;
    }
}

#[tokio::test]
async fn the_admin_token_may_name_any_host() {
    for mode in MODES {
        let options = Options { mode, admin_token: Some("admin-token"), ..Options::default() };
        let server = Server::with(options).await;
        for host in FOREIGN {
            let answer = server.send("GET", "/_sesame/clock", &[("Host", host), TOKEN], b"").await;
            assert_eq!(answer.status, 200, "{host}: {}", answer.body);
        }
    }
    // For the API as well, where `open` mode needs nothing else.
    let options = Options { admin_token: Some("admin-token"), ..Options::default() };
    let server = Server::with(options).await;
    server.create("s").await;
    let host = ("Host", "evil.example");
    server.send("GET", READ, &[host, TOKEN], b"").await.ok();
    let wrong = ("Authorization", "Bearer admin-tokem");
    assert_eq!(server.send("GET", READ, &[host, wrong], b"").await.refused().0, 403);
}

#[tokio::test]
async fn a_signature_that_proves_nothing_may_not_name_any_host() {
    let server = server(AuthMode::Open).await;
    let time = NOW.to_string();
    let call = async |key: &str, secret: &str| {
        let mut parameters = rpc_system("ListSecrets", key, &time);
        let signature = rpc_signature("GET", secret, &parameters);
        parameters.push(("Signature", &signature));
        let target = format!("/?{}", form(&parameters));
        server.send("GET", &target, &[("Host", "evil.example")], b"").await
    };
    // An unknown key is the root of the default account in `open` mode, whatever its signature is.
    let (status, code, _) = call("stranger", "whatever").await.refused();
    assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"));
    let (status, code, _) = call("testid", "wrong").await.refused();
    assert_eq!((status, code.as_str()), (400, "SignatureDoesNotMatch"));
    call("testid", "testsecret").await.ok();
    // Also with a token that was never issued.
    let target = "/?Action=ListSecrets&Version=2016-01-20&BearerToken=x";
    assert_eq!(server.send("GET", target, &[("Host", "evil.example")], b"").await.refused().0, 403);
}

/// Values of Origin, while Host is `127.0.0.1:7070`, that are not the server's own.
const FOREIGN_ORIGINS: [&str; 24] = [
    "http://evil.example",
    "http://evil.example:7070",
    "null",
    "",
    "file://",
    "chrome-extension://abcdefgh",
    "http://127.0.0.1",
    "http://127.0.0.1:80",
    "http://127.0.0.1:7071",
    "http://127.0.0.1:07070x",
    "https://127.0.0.1:7070",
    "HTTP://127.0.0.1:7070",
    "http://localhost:7070",
    "http://127.0.0.2:7070",
    "http://[::1]:7070",
    "http://[::ffff:127.0.0.1]:7070",
    "http://127.0.0.1:7070/",
    "http://127.0.0.1:7070/path",
    "http://127.0.0.1:7070@evil.example",
    "http://evil.example@127.0.0.1:7070",
    "http://127.0.0.1:7070, http://evil.example",
    "http://http://127.0.0.1:7070",
    "127.0.0.1:7070",
    "//127.0.0.1:7070",
];

#[tokio::test]
async fn an_origin_other_than_the_servers_own_reads_nothing() {
    let server = server(AuthMode::Open).await;
    for origin in FOREIGN_ORIGINS {
        let headers = [("Host", "127.0.0.1:7070"), ("Origin", origin)];
        for method in ["GET", "POST"] {
            let (status, code, message) = server.send(method, READ, &headers, b"").await.refused();
            assert_eq!((status, code.as_str()), (403, "Forbidden.NoPermission"), "{origin}");
            assert!(message.contains("http://127.0.0.1:7070"), "{message}");
        }
        for (method, path) in [("GET", "/_sesame/state?plaintext"), ("POST", "/_sesame/reset")] {
            assert_eq!(server.send(method, path, &headers, b"").await.status, 403, "{origin}");
        }
        // A browser asks beforehand by OPTIONS, and gets nothing that would let it continue.
        let answer = server.send("OPTIONS", "/", &headers, b"").await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    // One Origin of the server's own does not excuse a second one.
    let two =
        [("Host", "127.0.0.1:7070"), ("Origin", "http://127.0.0.1:7070"), ("Origin", "http://evil.example")];
    assert_eq!(server.send("GET", READ, &two, b"").await.refused().0, 403);
    assert_untouched(&server).await;
}

#[tokio::test]
async fn the_servers_own_pages_are_answered() {
    let options = Options { allowed_hosts: &["added.example.com"], ..Options::default() };
    let server = Server::with(options).await;
    server.create("s").await;
    for (host, origin) in [
        ("127.0.0.1:7070", "http://127.0.0.1:7070"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("127.0.0.1:80", "http://127.0.0.1"),
        ("localhost:7070", "http://localhost:7070"),
        ("LOCALHOST.:7070", "http://localhost:7070"),
        ("[::1]:7070", "http://[::1]:7070"),
        ("sesame:7070", "http://sesame:7070"),
        ("added.example.com:7070", "http://added.example.com:7070"),
    ] {
        for site in ["same-origin", "none"] {
            let headers = [("Host", host), ("Origin", origin), ("Sec-Fetch-Site", site)];
            server.send("GET", READ, &headers, b"").await.ok();
            let answer = server.send("GET", "/_sesame/clock", &headers, b"").await;
            assert_eq!(answer.status, 200, "{host}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_missing_or_doubled_host_is_refused_with_400() {
    for mode in MODES {
        let server = server(mode).await;
        let twice = "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n";
        let mixed = "Host: 127.0.0.1\r\nhost: evil.example\r\n";
        for (hosts, words) in
            [("", "no Host"), ("Host:\r\n", "no Host"), (twice, "more than one"), (mixed, "more than one")]
        {
            let ask = |method: &str, path: &str| {
                format!(
                    "{method} {path} HTTP/1.1\r\n{hosts}Authorization: Bearer admin-token\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            };
            let (status, code, message) = server.raw(ask("GET", READ).as_bytes()).await.refused();
            assert_eq!((status, code.as_str()), (400, "ParseRequestParameterException"), "{hosts:?}");
            assert!(message.contains(words) && message.contains("127.0.0.1:7070"), "{message}");
            for (method, path, _) in routes() {
                let answer = server.raw(ask(method, &path).as_bytes()).await;
                assert_eq!(answer.status, 400, "{mode:?} {hosts:?} {method} {path}: {}", answer.body);
                assert!(error(&answer).contains(words), "{}", answer.body);
            }
        }
        assert_untouched(&server).await;
    }
}

/// HTTP/1.0 allows requests without a Host, and load balancers send them as probes. No browser does.
#[tokio::test]
async fn http_1_0_without_a_host_is_answered_where_any_host_is() {
    let server = server(AuthMode::Open).await;
    let ask = |method: &str, path: &str, host: &str| format!("{method} {path} HTTP/1.0\r\n{host}\r\n");
    for (method, path, open) in routes() {
        let answer = server.raw(ask(method, &path, "").as_bytes()).await;
        assert_eq!(answer.status, if open { 200 } else { 403 }, "{method} {path}: {}", answer.body);
    }
    assert_eq!(server.raw(ask("GET", READ, "").as_bytes()).await.refused().0, 403);
    server.raw(ask("GET", READ, "Host: 127.0.0.1\r\n").as_bytes()).await.ok();
    assert_eq!(server.raw(ask("GET", READ, "Host: evil.example\r\n").as_bytes()).await.refused().0, 403);
    let twice = "Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n";
    assert_eq!(server.raw(ask("GET", READ, twice).as_bytes()).await.refused().0, 400);
    assert_untouched(&server).await;
}

#[tokio::test]
async fn an_absolute_request_target_must_agree_with_host() {
    let server = server(AuthMode::Open).await;
    let ask = |place: &str, path: &str, host: &str| {
        format!("GET {place}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    for (place, host) in [
        ("http://127.0.0.1:7070", "127.0.0.1:7070"),
        ("http://kms.cn-hangzhou.aliyuncs.com", "kms.cn-hangzhou.aliyuncs.com"),
        ("http://KMS.cn-hangzhou.aliyuncs.com:80", "kms.cn-hangzhou.aliyuncs.com."),
        ("https://sesame", "sesame:443"),
        ("http://[::1]:7070", "[::1]:7070"),
        ("http://user:word@localhost:7070", "localhost:7070"),
    ] {
        server.raw(ask(place, READ, host).as_bytes()).await.ok();
        let answer = server.raw(ask(place, "/_sesame/clock", host).as_bytes()).await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.body);
    }
    for (place, host) in [
        ("http://evil.example", "127.0.0.1"),
        ("http://127.0.0.1", "evil.example"),
        ("http://127.0.0.1:7070", "127.0.0.1"),
        ("http://127.0.0.1:7070", "127.0.0.1:7071"),
        ("https://sesame", "sesame:80"),
        ("http://localhost@evil.example", "localhost"),
        ("http://localhost", "127.0.0.1"),
    ] {
        let (status, code, _) = server.raw(ask(place, READ, host).as_bytes()).await.refused();
        assert_eq!((status, code.as_str()), (400, "ParseRequestParameterException"), "{place} {host}");
        for path in ["/_sesame/clock", "/_sesame/health"] {
            let answer = server.raw(ask(place, path, host).as_bytes()).await;
            assert_eq!(answer.status, 400, "{place} {host}: {}", answer.body);
        }
    }
    // Both name the same host, which is not allowed.
    let evil = ask("http://evil.example:7070", READ, "evil.example:7070");
    assert_eq!(server.raw(evil.as_bytes()).await.refused().0, 403);
}

#[test]
fn allow_host_and_tls_name_add_to_the_list() {
    let ask = |server: &Program, host: &str| {
        let head = format!("GET /_sesame/clock HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        server.send(head.as_bytes()).starts_with("HTTP/1.1 200")
    };
    let flags =
        ["--in-memory", "--allow-host", "a.example.com,*.b.example.com", "--allow-host", "C.example."];
    let server =
        Program::serve(&[&flags[..], &["--tls-name", "d.example.com,*.e.example.com"]].concat(), &[]);
    for host in [
        "a.example.com",
        "x.b.example.com:7070",
        "c.example",
        "d.example.com",
        "x.e.example.com",
        "127.0.0.1",
    ] {
        assert!(ask(&server, host), "{host}");
    }
    for host in ["x.a.example.com", "b.example.com", "x.y.b.example.com", "example.com", "x.c.example"] {
        assert!(!ask(&server, host), "{host}");
    }
    let variable = [("SESAME_ALLOW_HOST", "a.example.com, b.example.com"), ("SESAME_TLS_NAME", "")];
    let server = Program::serve(&["--in-memory"], &variable);
    assert!(ask(&server, "a.example.com") && ask(&server, "b.example.com") && !ask(&server, "c.example.com"));
    // A variable with an empty value adds nothing.
    let server = Program::serve(&["--in-memory"], &[("SESAME_ALLOW_HOST", "")]);
    assert!(!ask(&server, "a.example.com") && ask(&server, "localhost"));
}

#[test]
fn a_refused_host_is_named_in_the_log() {
    let server = Program::serve(&["--in-memory"], &[]);
    for path in [READ, "/_sesame/clock"] {
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: secrets.example.com:7070\r\nConnection: close\r\n\r\n");
        assert!(server.send(head.as_bytes()).starts_with("HTTP/1.1 403"));
    }
    let label = "x".repeat(5000);
    let head = format!("GET {READ} HTTP/1.1\r\nHost: {label}.example.com\r\nConnection: close\r\n\r\n");
    assert!(server.send(head.as_bytes()).starts_with("HTTP/1.1 403"));
    let (_, log) = server.terminate();
    let said = log.lines().filter(|line| line.contains("secrets.example.com:7070")).count();
    assert_eq!(said, 2, "{log}");
    assert!(log.contains("--allow-host secrets.example.com"), "{log}");
    assert!(!log.contains(&"x".repeat(101)), "{log}");
}
