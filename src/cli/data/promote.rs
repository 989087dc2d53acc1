//! `sesame promote`: UpdateSecretVersionStage.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::change::ChangeArgs;
use super::{named, versions};
use crate::cli::remote::api::Api;

/// The version and the label.
#[derive(Debug, Args)]
pub(in crate::cli) struct PromoteArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Id of the version that gets the label.
    version: String,
    /// The label.
    #[arg(long, value_name = "LABEL", default_value = "ACSCurrent")]
    stage: String,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &PromoteArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("move {} of {}", args.stage, args.name)).await?;
    let holder = versions::labelled(&versions::all(&api, &args.name).await?, &args.stage);
    let answer = moved(&api, &args.name, &args.stage, (holder.as_deref(), &args.version)).await?;
    args.change.done(out, &format!("{} of {} is version {}", args.stage, args.name, args.version), &answer)
}

/// Moves a label from the version that has it to another. Nothing is to do when that version has it already.
///
/// # Errors
/// As [`Api::call`]; the nearest version is added.
pub(super) async fn moved(
    api: &Api,
    name: &str,
    label: &str,
    (from, to): (Option<&str>, &str),
) -> anyhow::Result<Value> {
    if from == Some(to) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let mut more = vec![("VersionStage", label), ("MoveToVersion", to)];
    more.extend(from.map(|from| ("RemoveFromVersion", from)));
    let asked = [&[("SecretName", name)], &more[..]].concat();
    match api.attempted("UpdateSecretVersionStage", &asked).await {
        Ok(answer) => Ok(answer),
        Err((error, attempts)) => {
            // The answer to an earlier attempt was lost: it has succeeded when the label is there.
            let all = if attempts > 1 { versions::listed(api, name).await? } else { Vec::new() };
            if versions::labelled(&all, label).as_deref() == Some(to) {
                return Ok(Value::Object(serde_json::Map::new()));
            }
            Err(named::explained(api, name, &more, error).await)
        }
    }
}
