//! `sesame rotate`: RotateSecret.

use std::io::Write;

use clap::Args;

use super::named;
use super::output::OutputArgs;
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::consent::Consent;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Id of the new version [default: a new UUID].
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &RotateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.consent.ask(&args.connection.url(), &format!("rotate {}", args.name))?;
    let api = args.connection.open().await?;
    let version = args.version.clone().unwrap_or_else(Api::new_version_id);
    let answer = named::call(&api, "RotateSecret", &args.name, &[("VersionId", &version)]).await?;
    args.output.done(out, &format!("{} is rotated to version {version}", args.name), &answer)
}
