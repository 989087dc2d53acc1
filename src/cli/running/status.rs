//! `sesame status`.

use std::io::Write;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::instance::Instance;
use crate::cli::data::output::{OutputArgs, member};

/// The server.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

pub(super) async fn run(args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let ask = |path| args.instance.ask("status", (Method::GET, path), None);
    let ready = ask("ready").await?;
    let mut facts = vec![
        ("server", args.instance.url().to_string()),
        ("status", member(&ready, "status")),
        ("version", member(&ready, "version")),
        ("up", format!("{} s", member(&ready, "uptime_seconds"))),
    ];
    let mut data = json!({ "server": args.instance.url().to_string(), "ready": ready });
    // These need the admin token where the server has one.
    match ask("clock").await {
        Ok(clock) => {
            let (faults, snapshots) = (ask("faults").await?, ask("snapshots").await?);
            let count = |all: &Value, name| all.get(name).and_then(Value::as_array).map_or(0, Vec::len);
            facts.push(("clock", super::clock::described(&clock)));
            facts.push(("faults", count(&faults, "faults").to_string()));
            facts.push(("snapshots", count(&snapshots, "snapshots").to_string()));
            for (name, value) in [("clock", clock), ("faults", faults), ("snapshots", snapshots)] {
                let inner = value.get(name).cloned();
                data[name] = inner.unwrap_or(value);
            }
        }
        Err(error) => facts.push(("more", format!("{error:#}"))),
    }
    args.output.facts(out, &facts, &data)
}
