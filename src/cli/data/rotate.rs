//! `sesame rotate`: RotateSecret.

use std::io::Write;

use clap::Args;

use super::change::ChangeArgs;
use super::{named, versions};
use crate::cli::remote::api::Api;
use crate::cli::remote::failure::{Failure, Kind};

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
    // The service answers before a long rotation ends, and after one that has failed.
    let current = versions::labelled(&versions::all(&api, &args.name).await?, "ACSCurrent");
    if current.as_deref() != Some(&version) {
        let text = format!(
            "the rotation of {0} to version {version} was started and is not done: it still runs, or it has failed; \
             `sesame versions {0}` shows the version when it is done",
            args.name
        );
        return Err(Failure::new(Kind::Busy, text).into());
    }
    args.change.done(out, &format!("{} is rotated to version {version}", args.name), &answer)
}
