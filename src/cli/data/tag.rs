//! `sesame tag`: TagResource.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::change::ChangeArgs;
use super::named;

/// Key and value of a tag.
pub(super) type Tag = (String, String);

/// The secret and its tags.
#[derive(Debug, Args)]
pub(in crate::cli) struct TagArgs {
    /// Name of the secret.
    name: String,
    /// Tags to set.
    #[arg(required = true, value_name = "KEY=VALUE", value_parser = parse)]
    tags: Vec<Tag>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &TagArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.change.begin(&format!("set tags of {}", args.name)).await?;
    let answer = named::call(&api, "TagResource", &args.name, &[("Tags", &as_json(&args.tags))]).await?;
    args.change.done(out, &format!("set {} tags of {}", args.tags.len(), args.name), &answer)
}

/// Reads `KEY=VALUE`.
///
/// # Errors
/// What was expected, with an example.
pub(super) fn parse(text: &str) -> Result<Tag, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as team=payments".to_owned()),
    }
}

/// Tags as the API takes them.
pub(super) fn as_json(tags: &[Tag]) -> String {
    let tag = |(key, value): &Tag| json!({ "TagKey": key, "TagValue": value });
    Value::Array(tags.iter().map(tag).collect()).to_string()
}
