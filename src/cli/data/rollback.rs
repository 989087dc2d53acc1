//! `sesame rollback`: the version that is ACSPrevious becomes ACSCurrent.

use std::io::Write;

use clap::Args;

use super::output::OutputArgs;
use super::{promote, versions};
use crate::cli::remote::api::Connection;
use crate::cli::remote::consent::Consent;
use crate::cli::remote::failure::{Failure, Kind};

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &RollbackArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.consent.ask(&args.connection.url(), &format!("roll {} back", args.name))?;
    let api = args.connection.open().await?;
    let all = versions::all(&api, &args.name).await?;
    let current = versions::labelled(&all, "ACSCurrent");
    let Some(previous) = versions::labelled(&all, "ACSPrevious") else {
        let text = format!("no version of {} is ACSPrevious, so there is nothing to go back to", args.name);
        return Err(Failure::new(Kind::NotFound, text).into());
    };
    let answer = promote::moved(&api, &args.name, "ACSCurrent", (current.as_deref(), &previous)).await?;
    args.output.done(out, &format!("ACSCurrent of {} is version {previous} again", args.name), &answer)
}
