//! `sesame tag`: TagResource.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::named;
use super::output::OutputArgs;
use crate::cli::remote::api::Connection;
use crate::cli::remote::consent::Consent;

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
    consent: Consent,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &TagArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.consent.ask(&args.connection.url(), &format!("set tags of {}", args.name))?;
    let api = args.connection.open().await?;
    let answer = named::call(&api, "TagResource", &args.name, &[("Tags", &as_json(&args.tags))]).await?;
    args.output.done(out, &format!("{} has {} tags more or changed", args.name, args.tags.len()), &answer)
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
