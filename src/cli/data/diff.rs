//! `sesame diff`: what differs between two versions.

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use serde_json::{Map, Value, json};

use super::get::{Bytes, bytes_of, fetch};
use super::output::OutputArgs;
use crate::cli::remote::api::Connection;

/// The secret and the two versions.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// Name or ARN of the secret.
    name: String,
    /// Id of the first version.
    #[arg(default_value = "", hide_default_value = true, value_name = "V1")]
    first: String,
    /// Id of the second version; without versions ACSPrevious is compared with ACSCurrent.
    #[arg(default_value = "", hide_default_value = true, value_name = "V2")]
    second: String,
    /// Show the values that differ.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

/// A member that differs: its name, and its values before and after.
type Difference = (String, Option<Value>, Option<Value>);

pub(super) async fn run(args: &DiffArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = args.connection.open().await?;
    let given = |id: &str| Some(id.to_owned()).filter(|id| !id.is_empty());
    let (first, second) = (given(&args.first), given(&args.second));
    let stage = first.is_none().then_some("ACSPrevious");
    let before = bytes_of(&fetch(&api, &args.name, first.as_deref(), stage).await?)?;
    let after = bytes_of(&fetch(&api, &args.name, second.as_deref(), None).await?)?;
    let found = differences(&before, &after);
    let shown = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let row = |(name, before, after): &Difference| {
        let kind = match (before, after) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let mut row = vec![name.clone(), kind.to_owned()];
        if args.reveal {
            row.extend([shown(before), shown(after)]);
        }
        row
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let titles: &[&str] =
        if args.reveal { &["MEMBER", "DIFFERENCE", "BEFORE", "AFTER"] } else { &["MEMBER", "DIFFERENCE"] };
    let names = ["Member", "Difference", "Before", "After"];
    let data = |row: &Vec<String>| -> Value {
        let members = names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), json!(cell)));
        Value::Object(members.collect())
    };
    let data = rows.iter().map(data).collect();
    args.output.list(out, titles, &rows, &data)
}

/// The members of two JSON objects that differ; of anything else the whole value, which has no name.
fn differences(before: &Bytes, after: &Bytes) -> Vec<Difference> {
    let object = |bytes: &Bytes| -> Option<Map<String, Value>> { serde_json::from_slice(bytes).ok() };
    let (Some(before_members), Some(after_members)) = (object(before), object(after)) else {
        if before == after {
            return Vec::new();
        }
        let whole = |bytes: &Bytes| Some(Value::String(String::from_utf8_lossy(bytes).into_owned()));
        return vec![("(value)".to_owned(), whole(before), whole(after))];
    };
    let names: BTreeSet<&String> = before_members.keys().chain(after_members.keys()).collect();
    let pairs = names
        .into_iter()
        .map(|name| (name.clone(), before_members.get(name).cloned(), after_members.get(name).cloned()));
    pairs.filter(|(_, before, after)| before != after).collect()
}
