//! `sesame describe`: DescribeSecret.

use std::io::Write;

use clap::Args;

use super::named;
use super::output::{OutputArgs, member, tags};
use crate::cli::remote::api::Connection;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct DescribeArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &DescribeArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let answer = named::call(&api, "DescribeSecret", &args.name, &[("FetchTags", "true")]).await?;
    let mut facts = vec![
        ("name", member(&answer, "SecretName")),
        ("arn", member(&answer, "Arn")),
        ("type", member(&answer, "SecretType")),
        ("description", member(&answer, "Description")),
        ("key", member(&answer, "EncryptionKeyId")),
        ("created", member(&answer, "CreateTime")),
        ("changed", member(&answer, "UpdateTime")),
        ("deleted on", member(&answer, "PlannedDeleteTime")),
        ("automatic rotation", member(&answer, "AutomaticRotation")),
        ("last rotation", member(&answer, "LastRotationDate")),
        ("next rotation", member(&answer, "NextRotationDate")),
        ("tags", tags(&answer).join(",")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    args.output.facts(out, &facts, &answer)
}
