//! `sesame rotate`: RotateSecret.

use std::io::Write;

use clap::Args;

use super::change::ChangeArgs;
use super::named;
use crate::cli::remote::api::Api;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Id of the new version [default: a new UUID].
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &RotateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("rotate {}", args.name)).await?;
    let version = args.version.clone().unwrap_or_else(Api::new_version_id);
    let answer = named::call(&api, "RotateSecret", &args.name, &[("VersionId", &version)]).await?;
    args.change.done(out, &format!("{} is rotated to version {version}", args.name), &answer)
}
