//! `sesame reset`.

use std::io::Write;

use clap::{Args, ValueEnum};
use http::Method;
use serde_json::json;

use super::instance::Instance;
use crate::cli::data::output::OutputArgs;
use crate::wire::signature::sign::encoded;

/// What to reset.
#[derive(Debug, Args)]
pub(in crate::cli) struct ResetArgs {
    /// What to reset to.
    #[arg(long, value_enum, default_value = "empty")]
    to: State,
    /// Reset only this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

/// The state after a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// Nothing is there.
    Empty,
    /// What the server's --seed says is there.
    Seed,
}

pub(super) async fn run(args: &ResetArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let query = args.account.as_deref().map(|account| format!("?{}", encoded(&[("account", account)])));
    let path = format!("reset{}", query.unwrap_or_default());
    let to = if args.to == State::Seed { "seed" } else { "empty" };
    let answer = args.instance.ask("reset", (Method::POST, &path), Some(json!({ "to": to }))).await?;
    let what = args.account.as_deref().map_or("the server".to_owned(), |id| format!("account {id}"));
    let now = if args.to == State::Seed { "back at its seed" } else { "empty" };
    args.output.done(out, &format!("{what} is {now}"), &answer)
}
