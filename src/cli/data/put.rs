//! `sesame put`: PutSecretValue.

use std::io::Write;

use clap::Args;
use serde_json::json;

use super::change::ChangeArgs;
use super::named::{NOT_FOUND, explained};
use super::value::ValueArgs;
use super::versions::labels;
use crate::cli::remote::api::Api;
use crate::cli::remote::failure::{Failure, Kind, refusal};

/// The version.
#[derive(Debug, Args)]
pub(in crate::cli) struct PutArgs {
    /// Name or ARN of the secret.
    name: String,
    #[command(flatten)]
    value: ValueArgs,
    /// Id of the version [default: a new UUID].
    #[arg(long, value_name = "ID")]
    version: Option<String>,
    /// Label of the version instead of ACSCurrent; may be given several times.
    #[arg(long, value_name = "LABEL")]
    stage: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

pub(super) async fn run(args: &PutArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    args.change.ask(&format!("store a version of {}", args.name))?;
    let value = args.value.read(&args.name)?;
    let api = args.change.open().await?;
    let version = args.version.clone().unwrap_or_else(Api::new_version_id);
    let stages = json!(args.stage).to_string();
    let mut asked = vec![
        ("SecretName", args.name.as_str()),
        ("VersionId", &version),
        ("SecretData", &value.data),
        ("SecretDataType", value.data_type),
    ];
    if !args.stage.is_empty() {
        asked.push(("VersionStages", &stages));
    }
    let answer = match api.call("PutSecretValue", &asked).await {
        Ok(answer) => answer,
        Err(error) if refusal(&error).is_some_and(|failure| failure.is(NOT_FOUND)) => {
            let error = explained(&api, &args.name, &[], error).await;
            let text = format!("{error}; sesame create {} makes it", args.name);
            return Err(Failure::new(Kind::NotFound, text).into());
        }
        Err(error) => return Err(error),
    };
    let labels = labels(&answer).join(", ");
    let sentence = format!("stored version {version} of {} ({labels})", args.name);
    args.change.done(out, &sentence, &answer)
}
