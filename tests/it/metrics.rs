//! `/_sesame/metrics`.

use sesame::testing::server::AuthMode;

use crate::support::{Options, Server};

async fn scrape(server: &Server) -> String {
    let answer = server.send("GET", "/_sesame/metrics", &[], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    answer.body
}

/// The value of a series in Prometheus's text format.
fn value(scraped: &str, series: &str) -> Option<f64> {
    let line =
        scraped.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn requests_refusals_and_the_cache_are_counted() {
    let server = Server::start().await;
    let before = scrape(&server).await;
    assert_eq!(value(&before, "sesame_request_duration_seconds_count{action=\"CreateSecret\"}"), None);
    assert_eq!(value(&before, "sesame_cache_secrets"), Some(0.0));
    server.create("planted-name").await;
    for _ in 0..3 {
        server.call("GetSecretValue", &[("SecretName", "planted-name")]).await.ok();
    }
    for _ in 0..2 {
        assert_eq!(server.call("GetSecretValue", &[("SecretName", "nothing")]).await.status, 404);
    }
    server.call("Nonsense", &[]).await;
    let after = scrape(&server).await;
    for (series, wanted) in [
        ("sesame_request_duration_seconds_count{action=\"CreateSecret\"}", 1.0),
        ("sesame_request_duration_seconds_count{action=\"GetSecretValue\"}", 5.0),
        ("sesame_requests_refused_total{action=\"GetSecretValue\",code=\"Forbidden.ResourceNotFound\"}", 2.0),
        ("sesame_requests_refused_total{action=\"-\",code=\"InvalidAction.NotFound\"}", 1.0),
        ("sesame_requests_in_flight", 0.0),
        ("sesame_cache_secrets", 1.0),
        ("sesame_cache_hits_total", 3.0),
    ] {
        assert_eq!(value(&after, series), Some(wanted), "{series} in {after}");
    }
    assert!(value(&after, "sesame_cache_used_bytes") > Some(0.0), "{after}");
    assert!(value(&after, "sesame_cache_misses_total") > Some(0.0), "{after}");
    assert!(!after.contains("planted-name") && !after.contains("1000000000000001"), "{after}");
}

#[tokio::test]
async fn metrics_need_the_admin_token() {
    for mode in [AuthMode::Signed, AuthMode::Enforced] {
        let server = Server::with(Options { mode, ..Options::default() }).await;
        assert_eq!(server.send("GET", "/_sesame/metrics", &[], b"").await.status, 401);
        let token = ("Authorization", "Bearer admin-token");
        assert_eq!(server.send("GET", "/_sesame/metrics", &[token], b"").await.status, 200);
    }
}
