//! `sesame create`: CreateSecret.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::change::ChangeArgs;
use super::tag::{self, Tag};
use super::value::ValueArgs;
use crate::cli::remote::api::Api;
use crate::cli::remote::failure::refusal;

/// The secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateArgs {
    /// Name of the secret.
    name: String,
    #[command(flatten)]
    value: ValueArgs,
    /// Id of the first version [default: a new UUID].
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    /// What the secret is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag::parse)]
    tag: Vec<Tag>,
    /// Id or alias of the key that encrypts the value.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &CreateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.change.ask(&format!("create the secret {}", args.name))?;
    let value = args.value.read(&args.name)?;
    let api = args.change.open().await?;
    let version = args.version.clone().unwrap_or_else(Api::new_version_id);
    let tags = tag::as_json(&args.tag);
    let mut asked = vec![
        ("SecretName", args.name.as_str()),
        ("VersionId", &version),
        ("SecretData", &value.data),
        ("SecretDataType", value.data_type),
    ];
    asked.extend(args.description.as_deref().map(|text| ("Description", text)));
    asked.extend(args.key.as_deref().map(|key| ("EncryptionKeyId", key)));
    if !args.tag.is_empty() {
        asked.push(("Tags", &tags));
    }
    let answer = match api.attempted("CreateSecret", &asked).await {
        Ok(answer) => answer,
        // The answer to an earlier attempt was lost: the secret is ours when it has our version.
        Err((error, attempts))
            if attempts > 1 && refusal(&error).is_some_and(|r| r.is("Rejected.ResourceExist")) =>
        {
            let ours = [("SecretName", args.name.as_str()), ("VersionId", &version)];
            api.call("GetSecretValue", &ours).await.map_err(|_other| error)?;
            json!({ "SecretName": args.name, "VersionId": version })
        }
        Err((error, _)) => return Err(error),
    };
    args.change.done(out, &format!("created {} with version {version}", args.name), &answer)
}
