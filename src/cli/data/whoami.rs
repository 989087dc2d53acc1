//! `sesame whoami`: GetCallerIdentity.

use std::io::Write;

use clap::Args;

use super::output::{OutputArgs, member};
use crate::cli::remote::api::Connection;

/// The server, and as whom.
#[derive(Debug, Args)]
pub(in crate::cli) struct WhoamiArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &WhoamiArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let answer = api.call_sts("GetCallerIdentity").await?;
    let facts = [
        ("arn", member(&answer, "Arn")),
        ("account", member(&answer, "AccountId")),
        ("kind", member(&answer, "IdentityType")),
        ("access key", api.keys().id.clone()),
        ("server", api.url().to_string()),
    ];
    args.output.facts(out, &facts, &answer)
}
