//! `sesame doctor`: does the server answer, is it trusted, whose clock is wrong, which settings would mislead an SDK.

use std::io::Write;
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::env::CA_VARIABLES;
use crate::app::SKEW_MS;
use crate::cli::data::output::{OutputArgs, member};
use crate::cli::environment;
use crate::cli::remote::api::Connection;
use crate::cli::remote::credentials::variable;
use crate::ports::{Clock, ServerClock};
use crate::wire::signature::parse_http_date;

/// The server and the settings to look at.
#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

/// A finding: what was looked at, whether it is good, and what was seen.
struct Finding(&'static str, bool, String);

/// Looks at everything; exit 0 when all is good, else 1.
pub(super) async fn run(args: &DoctorArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut found = server(&args.connection).await;
    found.push(credentials(&args.connection).await);
    found.extend(settings(&args.connection));
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|Finding(what, good, seen)| {
            vec![(if *good { "ok" } else { "BAD" }).to_owned(), (*what).to_owned(), seen.clone()]
        })
        .collect();
    let data: Value = found
        .iter()
        .map(|Finding(what, good, seen)| json!({ "check": what, "good": good, "seen": seen }))
        .collect();
    args.output.list(out, &["", "CHECK", "SEEN"], &rows, &data)?;
    let good = found.iter().all(|finding| finding.1);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The address, trust, the kind of server, its clock.
async fn server(connection: &Connection) -> Vec<Finding> {
    let url = connection.url();
    let client = match connection.client() {
        Ok(client) => client,
        Err(error) => return vec![Finding("certificates", false, format!("{error:#}"))],
    };
    let answer = match client.send(Method::GET, "/_sesame/ready", HeaderMap::new(), Bytes::new()).await {
        Ok(answer) => answer,
        Err(error) => return vec![Finding("server", false, format!("{error:#}"))],
    };
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut found = vec![match body.get("version") {
        Some(_) => Finding("server", true, format!("{url} is Sesame {}, ready", member(&body, "version"))),
        None if url.is_cloud() => Finding("server", true, format!("{url} is the cloud and answers")),
        None => Finding("server", false, format!("{url} answers {}, which is not Sesame's", answer.status)),
    }];
    let date = answer.headers.get("date").and_then(|date| parse_http_date(date.to_str().ok()?));
    if let Some(theirs) = date {
        let skew = crate::domain::Timestamp::from_millis(theirs).distance_ms(ServerClock::default().wall());
        let seen = format!("the clocks of the server and of this machine are {} s apart", skew / 1000);
        found.push(Finding("clock", skew < SKEW_MS.unsigned_abs(), seen));
    }
    found
}

/// Reports the source of the credentials, and the caller that the server sees.
async fn credentials(connection: &Connection) -> Finding {
    let source = match connection.credentials.source() {
        Ok(source) => source.describe(),
        Err(error) => return Finding("credentials", false, format!("{error:#}")),
    };
    let asked = async { connection.open().await?.call_sts("GetCallerIdentity").await };
    match asked.await {
        Ok(who) => Finding("credentials", true, format!("{source}: {}", member(&who, "Arn"))),
        Err(error) => Finding("credentials", false, format!("{source}: {error:#}")),
    }
}

/// Variables that would lead an SDK elsewhere.
fn settings(connection: &Connection) -> Vec<Finding> {
    let mut found = vec![match environment::check() {
        Err(error) => Finding("variables", false, format!("{error:#}")),
        Ok(unknown) if !unknown.is_empty() => {
            Finding("variables", false, format!("these are no settings: {}", unknown.join(", ")))
        }
        Ok(_) => Finding("variables", true, "every SESAME_… variable is a setting".to_owned()),
    }];
    let url = connection.url();
    let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
    let proxy = if url.is_secure() { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    if let Some(proxy) = proxy.into_iter().find(|name| text(name).is_some()) {
        let spared = ["NO_PROXY", "no_proxy"]
            .iter()
            .filter_map(|name| text(name))
            .any(|all| all.split(',').any(|spared| spared.trim() == "*" || spared.trim() == url.name()));
        let seen = if spared {
            "NO_PROXY keeps this server out"
        } else {
            "SDKs ask it for this server; name it in NO_PROXY"
        };
        found.push(Finding("proxy", spared, format!("{proxy} is set: {seen}")));
    }
    if url.is_secure() && !url.is_cloud() {
        let missing: Vec<&str> = CA_VARIABLES.into_iter().filter(|name| text(name).is_none()).collect();
        let seen = if missing.is_empty() {
            "SDKs are told which certificates to trust".to_owned()
        } else {
            format!("not set: {}; eval \"$(sesame env)\" sets them", missing.join(", "))
        };
        found.push(Finding("trust of SDKs", missing.is_empty(), seen));
    }
    found
}
