//! `sesame snapshot`.

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};
use http::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::instance::Instance;
use crate::cli::client::AdminTarget;
use crate::cli::data::output::{OutputArgs, member};
use crate::cli::data_dir::DataDir;
use crate::cli::remote::api::Connection;
use crate::cli::remote::credentials::variable;
use crate::cli::remote::failure::{Failure, Kind, refusal};
use crate::domain::nearest::hint;
use crate::wire::canonical::encode_into;

/// What to do with a snapshot.
#[derive(Debug, Args)]
pub(in crate::cli) struct SnapshotArgs {
    #[command(subcommand)]
    command: SnapshotCommand,
}

/// What to do with a snapshot.
#[derive(Debug, Subcommand)]
enum SnapshotCommand {
    /// Keep a copy of all data; it replaces one of the same name.
    #[command(after_help = "Example: sesame snapshot save base")]
    Save(Named),
    /// Put a copy in place of all data.
    #[command(after_help = "Example: sesame snapshot restore base")]
    Restore(Named),
    /// List the copies.
    #[command(after_help = "Example: sesame snapshot ls")]
    Ls(Listed),
    /// Forget a copy.
    #[command(after_help = "Example: sesame snapshot rm base")]
    Rm(Named),
}

/// One copy.
#[derive(Debug, Args)]
struct Named {
    /// Name of the copy.
    name: String,
    #[command(flatten)]
    listed: Listed,
}

/// The server and the form of the output.
#[derive(Debug, Args)]
struct Listed {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

pub(super) async fn run(args: &SnapshotArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.command {
        SnapshotCommand::Save(one) => one.send((Method::POST, ""), "is kept", out).await,
        SnapshotCommand::Restore(one) => one.send((Method::POST, "/restore"), "is in force again", out).await,
        SnapshotCommand::Rm(one) => one.send((Method::DELETE, ""), "is forgotten", out).await,
        SnapshotCommand::Ls(listed) => {
            let all = listed.all().await?;
            let row = |one: &Value| vec![member(one, "name"), member(one, "taken"), member(one, "account")];
            let rows: Vec<Vec<String>> = all.iter().map(row).collect();
            listed.output.list(out, &["NAME", "TAKEN", "ACCOUNT"], &rows, &Value::Array(all))
        }
    }
}

/// The names of all copies.
///
/// # Errors
/// The server does not answer, or refuses.
pub(in crate::cli) async fn names(connection: &Connection) -> anyhow::Result<Vec<String>> {
    let server = AdminTarget { target: connection.target.clone(), admin_token: admin_token() };
    let place = DataDir { data_dir: connection.data_dir().map(Path::to_owned) };
    let all = Instance { server, place }.ask("snapshot", (Method::GET, "snapshots"), None).await?;
    Ok(listed(&all).iter().map(|one| member(one, "name")).collect())
}

/// The token of the environment.
fn admin_token() -> Option<SecretString> {
    variable("SESAME_ADMIN_TOKEN").map(|token| token.to_string_lossy().into_owned().into())
}

fn listed(answer: &Value) -> Vec<Value> {
    answer.get("snapshots").and_then(Value::as_array).cloned().unwrap_or_default()
}

impl Listed {
    async fn all(&self) -> anyhow::Result<Vec<Value>> {
        let answer = self.instance.ask("snapshot", (Method::GET, "snapshots"), None).await?;
        Ok(listed(&answer))
    }
}

impl Named {
    async fn send(
        &self,
        (method, end): (Method, &str),
        done: &str,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let mut path = "snapshots/".to_owned();
        encode_into(&mut path, &self.name);
        path.push_str(end);
        let sent = self.listed.instance.ask("snapshot", (method, &path), None).await;
        let answer = match sent {
            Err(error) if refusal(&error).is_some_and(|failure| failure.kind == Kind::NotFound) => {
                return Err(self.absent().await);
            }
            sent => sent?,
        };
        self.listed.output.done(out, &format!("snapshot {} {done}", self.name), &answer)
    }

    async fn absent(&self) -> anyhow::Error {
        let all = self.listed.all().await.unwrap_or_default();
        let hint = hint(&self.name, all.iter().filter_map(|one| one.get("name")?.as_str()));
        Failure::new(Kind::NotFound, format!("there is no snapshot \"{}\"{hint}", self.name)).into()
    }
}
