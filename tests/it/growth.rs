//! Requests of strangers do not make the server grow.

use sesame::testing::domain::Page;
use sesame::testing::server::AuthMode;

use crate::support::program::{Program, run};
use crate::support::{ACCOUNT, Options, Server, scope_of};

/// The number of metric series.
async fn metrics(server: &Server) -> usize {
    let token = [("Authorization", "Bearer admin-token")];
    let text = server.send("GET", "/_sesame/metrics", &token, b"").await.body;
    text.lines().filter(|line| line.contains("_count{") || line.contains("_refused_total{")).count()
}

#[tokio::test]
async fn twenty_thousand_regions_leave_a_bounded_number_in_memory() {
    let server = Server::start().await;
    server.create("mine").await;
    let now = server.app.clock().now();
    for n in 0..20_000 {
        let scope = scope_of(ACCOUNT, &format!("r-{n}"));
        server.app.keys().of(&scope).await.unwrap();
        // Listings are cheap to request as well; `listings.rs` tests the limit on what is remembered of them.
        if n % 100 == 0 {
            let page = Page { number: 1, size: 1 };
            server.app.store().list_secrets(&scope, None, page, now).await.unwrap();
        }
    }
    let (scopes, things) = server.app.keys().held();
    assert!((500..=1_000).contains(&scopes) && things <= 1_000, "{scopes} scopes with {things} things");
    // What was evicted can be read again.
    assert_eq!(server.value("mine", &[]).await, "one");
    server.stop().await;
}

#[tokio::test]
async fn requests_for_ever_new_regions_accounts_and_names_leave_nothing_behind() {
    let server = Server::with(Options { mode: AuthMode::Enforced, ..Options::default() }).await;
    let ask = async |n: usize| {
        let region = format!("kms.r-{n}.aliyuncs.com");
        for (action, name, value) in [
            ("ListSecrets", "PageSize", "10".to_owned()),
            ("ListKeys", "PageSize", "10".to_owned()),
            ("GetSecretValue", "SecretName", format!("name-{n}")),
            ("DescribeKey", "KeyId", format!("acs:kms:r-{n}:{n}:alias/a{n}")),
            (&*format!("Unknown{n}"), "KeyId", format!("alias/a{n}")),
        ] {
            let time = crate::support::NOW.to_string();
            let nonce = format!("{action}-{n}");
            let mut parameters = crate::support::sign::rpc_system(action, "test", &time);
            parameters.retain(|(key, _)| *key != "SignatureNonce");
            parameters.extend([("SignatureNonce", nonce.as_str()), (name, value.as_str())]);
            let signature = crate::support::sign::rpc_signature("POST", "test", &parameters);
            parameters.push(("Signature", &signature));
            let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Host", region.as_str())];
            let form = crate::support::form(&parameters);
            let answer = server.send("POST", "/", &headers, form.as_bytes()).await;
            assert!(answer.status < 500, "{}", answer.body);
        }
    };
    ask(0).await;
    let before = metrics(&server).await;
    for n in 1..=1_100 {
        ask(n).await;
    }
    assert_eq!(metrics(&server).await, before, "labels of metrics grew");
    let (scopes, things) = server.app.keys().held();
    assert!(scopes <= 1_000 && things <= 1_000, "{scopes} scopes with {things} things");
    assert_eq!(server.app.cache_facts().secrets, 0, "absent names are not remembered");
    server.stop().await;
}

/// A few kilobytes that expand to a thousand million versions.
fn bomb() -> String {
    let versions = format!("&x {{id: v1, value: t}}{}", ", *x".repeat(1_000));
    let secret = format!("&s {{name: a, versions: &v [{versions}]}}");
    format!("secrets:\n- {secret}\n{}", "- {name: b, versions: *v}\n".repeat(1_000))
}

#[test]
fn a_seed_of_nested_aliases_is_refused_by_every_way_in() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("seed.yaml");
    std::fs::write(&path, bomb()).unwrap();
    let seed = path.to_str().unwrap();
    let data = dir.path().join("data");
    let server = Program::serve(&["--in-memory"], &[]);
    let url = format!("http://{}", server.address);
    let limit = "aliases (*name) repeat more than 1000000 nodes";
    for arguments in [
        &["serve", "--in-memory", "--listen", "127.0.0.1:0", "--seed", seed][..],
        &["seed", seed, "--url", &url],
        &["import", seed, "--data-dir", data.to_str().unwrap()],
        &["import", seed, "--replace", "--url", &url],
    ] {
        let output = run(arguments, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{arguments:?}: {said}");
        assert!(said.contains(limit) && said.contains("line "), "{arguments:?}: {said}");
    }
    for request in ["POST /_sesame/seed", "PUT /_sesame/state"] {
        let body = bomb();
        let head = format!("Host: {}\r\nConnection: close\r\nContent-Length: {}", server.address, body.len());
        let answer = server.send(format!("{request} HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(limit), "{request}: {answer}");
    }
    assert!(server.call("ListSecrets", &[]).contains("\"TotalCount\":0"));
}
