//! `sesame ls`: ListSecrets, and ListSecretVersionIds for --all-versions.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::output::{OutputArgs, member, tags};
use super::tag::{self, Tag};
use crate::cli::remote::api::{Api, Connection};

/// Which secrets.
#[derive(Debug, Args)]
pub(in crate::cli) struct LsArgs {
    /// Only secrets whose name begins with this.
    prefix: Option<String>,
    /// Only secrets with this tag; several tags must all be there.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag::parse)]
    tag: Vec<Tag>,
    /// Only secrets of this type, such as Generic or RDS.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// List every version of every secret, those without a label too.
    #[arg(long)]
    all_versions: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &LsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let mut found = api.list("ListSecrets", &[("FetchTags", "true")], ("SecretList", "Secret")).await?;
    found.retain(|secret| args.wants(secret));
    found.sort_by_key(|secret| member(secret, "SecretName"));
    if args.all_versions {
        return versions(args, &api, &found, out).await;
    }
    let row = |secret: &Value| {
        let text = |name| member(secret, name);
        vec![
            text("SecretName"),
            text("SecretType"),
            text("UpdateTime"),
            tags(secret).join(","),
            text("PlannedDeleteTime"),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    args.output.list(out, &["NAME", "TYPE", "CHANGED", "TAGS", "DELETED ON"], &rows, &json!(found))
}

impl LsArgs {
    /// The service's own filters match words anywhere, so the exact conditions are checked here.
    fn wants(&self, secret: &Value) -> bool {
        let given = tags(secret);
        let named =
            self.prefix.as_ref().is_none_or(|prefix| member(secret, "SecretName").starts_with(prefix));
        let kind =
            self.kind.as_ref().is_none_or(|kind| member(secret, "SecretType").eq_ignore_ascii_case(kind));
        named && kind && self.tag.iter().all(|(key, value)| given.contains(&format!("{key}={value}")))
    }
}

async fn versions(args: &LsArgs, api: &Api, found: &[Value], out: &mut dyn Write) -> anyhow::Result<()> {
    let (mut rows, mut data) = (Vec::new(), Vec::new());
    for secret in found {
        let name = member(secret, "SecretName");
        for mut version in super::versions::all(api, &name).await? {
            let labels = super::versions::labels(&version).join(",");
            rows.push(vec![
                name.clone(),
                member(&version, "VersionId"),
                labels,
                member(&version, "CreateTime"),
            ]);
            if let Some(members) = version.as_object_mut() {
                members.insert("SecretName".to_owned(), json!(name));
            }
            data.push(version);
        }
    }
    args.output.list(out, &["NAME", "VERSION", "LABELS", "CREATED"], &rows, &json!(data))
}
