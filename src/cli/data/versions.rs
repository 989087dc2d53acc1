//! `sesame versions`: ListSecretVersionIds.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

pub(in crate::cli) use super::version_list::{labelled, labels, listed};

use super::named;
use super::output::{OutputArgs, member};
use crate::cli::remote::api::{Api, Connection};

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &VersionsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let found = all(&api, &args.name).await?;
    let row = |version: &Value| {
        let labels = labels(version).join(",");
        vec![member(version, "CreateTime"), member(version, "VersionId"), labels]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    args.output.list(out, &["CREATED", "VERSION", "LABELS"], &rows, &json!(found))
}

/// All versions, newest first, those without a label too.
///
/// # Errors
/// As [`Api::call`]; the nearest name is added.
pub(in crate::cli) async fn all(api: &Api, name: &str) -> anyhow::Result<Vec<Value>> {
    match listed(api, name).await {
        Ok(found) => Ok(found),
        Err(error) => Err(named::explained(api, name, &[], error).await),
    }
}
