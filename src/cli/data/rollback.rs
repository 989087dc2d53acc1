//! `sesame rollback`: the version that is ACSPrevious becomes ACSCurrent.

use std::io::Write;

use clap::Args;

use super::change::ChangeArgs;
use super::{promote, versions};
use crate::cli::remote::failure::{Failure, Kind};

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &RollbackArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("roll {} back", args.name)).await?;
    let all = versions::all(&api, &args.name).await?;
    let current = versions::labelled(&all, "ACSCurrent");
    let Some(previous) = versions::labelled(&all, "ACSPrevious") else {
        let text = format!("no version of {} is ACSPrevious, so there is nothing to go back to", args.name);
        return Err(Failure::new(Kind::NotFound, text).into());
    };
    let answer = promote::moved(&api, &args.name, "ACSCurrent", (current.as_deref(), &previous)).await?;
    args.change.done(out, &format!("ACSCurrent of {} is version {previous} again", args.name), &answer)
}
