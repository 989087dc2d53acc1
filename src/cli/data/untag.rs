//! `sesame untag`: UntagResource.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::named;
use super::output::OutputArgs;
use crate::cli::remote::api::Connection;
use crate::cli::remote::consent::Consent;

/// The secret and the keys of its tags.
#[derive(Debug, Args)]
pub(in crate::cli) struct UntagArgs {
    /// Name of the secret.
    name: String,
    /// Keys of the tags to remove.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &UntagArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.consent.ask(&args.connection.url(), &format!("remove tags of {}", args.name))?;
    let api = args.connection.open().await?;
    let keys = json!(args.keys).to_string();
    let answer = named::call(&api, "UntagResource", &args.name, &[("TagKeys", &keys)]).await?;
    args.output.done(out, &format!("{} has no tag {}", args.name, args.keys.join(", ")), &answer)
}
