//! `sesame undelete`: RestoreSecret.

use std::io::Write;

use clap::Args;

use super::named;
use super::output::OutputArgs;
use crate::cli::remote::api::Connection;
use crate::cli::remote::consent::Consent;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct UndeleteArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &UndeleteArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.consent.ask(&args.connection.url(), &format!("bring {} back", args.name))?;
    let api = args.connection.open().await?;
    let answer = named::call(&api, "RestoreSecret", &args.name, &[]).await?;
    args.output.done(out, &format!("{} is back", args.name), &answer)
}
