//! The reference of `/_sesame/metrics`: the metrics that a server reports.

use std::fmt::Write;

use crate::support::Server;

#[tokio::test]
async fn the_metrics_are_documented() {
    let server = Server::start().await;
    server.create("s").await;
    server.call("GetSecretValue", &[("SecretName", "nothing")]).await;
    let scraped = server.send("GET", "/_sesame/metrics", &[], b"").await.body;
    let mut page = String::from(
        "# Metrics\n\nMade by a test from what a server shows. `GET /_sesame/metrics` is OpenMetrics text, for Prometheus; in `signed` and \
         `enforced` mode, and where the server has one, it needs the admin token (`authorization: { credentials: … }` in the scrape configuration). Labels hold names of \
         actions and codes, never those of secrets, accounts or callers.\n\n| series | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for help in scraped.lines().filter_map(|line| line.strip_prefix("# HELP ")) {
        let (name, help) = help.split_once(' ').unwrap();
        let kind = scraped.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} "))).unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            "histogram" => "_bucket",
            _ => "",
        };
        let series = format!("{name}{suffix}");
        let line = scraped.lines().find(|line| line.starts_with(&format!("{series}{{"))).unwrap_or_default();
        let inner = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let labels: Vec<&str> = inner.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
        writeln!(page, "| `{series}` | {kind} | {} | {} |", labels.join(", "), help.trim_end_matches('.'))
            .unwrap();
    }
    super::compare("metrics.md", &page);
}
