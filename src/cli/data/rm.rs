//! `sesame rm`: DeleteSecret.

use std::io::Write;

use clap::Args;

use super::change::ChangeArgs;
use super::named;
use super::output::member;

/// The secret and its recovery window.
#[derive(Debug, Args)]
pub(in crate::cli) struct RmArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Recovery window in days, 7 to 30 [default: 30].
    #[arg(long, value_name = "N", conflicts_with = "force")]
    days: Option<u32>,
    /// Delete it at once and for good.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// The codes that say, after a lost answer, that the secret is deleted already.
const DONE: [&str; 2] = [named::NOT_FOUND, "Rejected.ResourceInDeleteWindow"];

pub(super) async fn run(args: &RmArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("delete {}", args.name)).await?;
    let days = args.days.map(|days| days.to_string());
    let mut more = Vec::new();
    if args.force {
        more.push(("ForceDeleteWithoutRecovery", "true"));
    }
    more.extend(days.as_deref().map(|days| ("RecoveryWindowInDays", days)));
    let answer = named::changed(&api, "DeleteSecret", &args.name, &more, &DONE).await?;
    let sentence = if args.force {
        format!("deleted {} for good", args.name)
    } else {
        let until = member(&answer, "PlannedDeleteTime");
        // After a lost answer the service does not say the time again.
        let until = if until.is_empty() { until } else { format!(" until {until}") };
        format!("deleted {0};{until} `sesame undelete {0}` brings it back", args.name)
    };
    args.change.done(out, &sentence, &answer)
}
