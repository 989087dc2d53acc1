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

/// The code that says, after a lost answer, that the secret is back already.
const NOT_DELETED: &str = "Rejected.ResourceInUse";

pub(super) async fn run(args: &UndeleteArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("bring {} back", args.name)).await?;
    let answer = named::changed(&api, "RestoreSecret", &args.name, &[], &[NOT_DELETED]).await?;
    args.change.done(out, &format!("{} is back", args.name), &answer)
}
