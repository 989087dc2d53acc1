//! `sesame undelete`: RestoreSecret.

use std::io::Write;

use clap::Args;

use super::change::ChangeArgs;
use super::named;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct UndeleteArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &UndeleteArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("bring {} back", args.name)).await?;
    let answer = named::call(&api, "RestoreSecret", &args.name, &[]).await?;
    args.change.done(out, &format!("{} is back", args.name), &answer)
}
