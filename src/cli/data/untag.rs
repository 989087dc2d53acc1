//! `sesame untag`: UntagResource.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::change::ChangeArgs;
use super::named;

/// The secret and the keys of its tags.
#[derive(Debug, Args)]
pub(in crate::cli) struct UntagArgs {
    /// Name of the secret.
    name: String,
    /// Keys of the tags to remove.
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &UntagArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("remove tags of {}", args.name)).await?;
    let keys = json!(args.keys).to_string();
    let answer = named::call(&api, "UntagResource", &args.name, &[("TagKeys", &keys)]).await?;
    args.change.done(out, &format!("{} has no tag {}", args.name, args.keys.join(", ")), &answer)
}
