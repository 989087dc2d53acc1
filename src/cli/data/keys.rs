//! `sesame keys`: the keys that encrypt secrets.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{OutputArgs, member};
use crate::cli::remote::api::{Api, Connection};
use crate::cli::remote::consent::Consent;

/// What to do with keys.
#[derive(Debug, Args)]
pub(in crate::cli) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// List keys with their aliases.
    #[command(after_help = "Example: sesame keys ls")]
    Ls(Listed),
    /// Print what a key is.
    #[command(after_help = "Example: sesame keys describe alias/app")]
    Describe(Named),
    /// Create a key.
    #[command(after_help = "Example: sesame keys create --alias alias/app")]
    Create(Created),
    /// Let a key be used again.
    #[command(after_help = "Example: sesame keys enable KEY_ID")]
    Enable(Changed),
    /// Keep a key from being used.
    #[command(after_help = "Example: sesame keys disable KEY_ID")]
    Disable(Changed),
    /// Delete a key after its waiting period.
    #[command(after_help = "Example: sesame keys rm KEY_ID --days 7")]
    Rm {
        /// Waiting period in days, 7 to 366.
        #[arg(long, value_name = "N", default_value_t = 30)]
        days: u32,
        #[command(flatten)]
        changed: Changed,
    },
    /// Keep a key that waits for its deletion.
    #[command(after_help = "Example: sesame keys undelete KEY_ID")]
    Undelete(Changed),
}

/// The server and the form of the output.
#[derive(Debug, Args)]
struct Listed {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: Connection,
}

/// One key.
#[derive(Debug, Args)]
struct Named {
    /// Id, ARN or alias of the key.
    key: String,
    #[command(flatten)]
    listed: Listed,
}

/// One key that is changed.
#[derive(Debug, Args)]
struct Changed {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    consent: Consent,
}

/// A new key.
#[derive(Debug, Args)]
struct Created {
    /// Alias of the key, such as alias/app.
    #[arg(long, value_name = "ALIAS")]
    alias: Option<String>,
    /// What the key is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Kind of the key, such as Aliyun_AES_256 or RSA_2048.
    #[arg(long, value_name = "SPEC")]
    spec: Option<String>,
    /// What the key does, such as ENCRYPT/DECRYPT or SIGN/VERIFY.
    #[arg(long, value_name = "USAGE")]
    usage: Option<String>,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    listed: Listed,
}

/// States of keys after a change.
const ENABLED: &[&str] = &["Enabled"];
const DISABLED: &[&str] = &["Disabled"];
const PENDING: &[&str] = &["PendingDeletion"];
const KEPT: &[&str] = &["Enabled", "Disabled"];

pub(super) async fn run(args: &KeysArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.command {
        KeysCommand::Ls(listed) => list(listed, out).await,
        KeysCommand::Describe(named) => describe(named, out).await,
        KeysCommand::Create(created) => create(created, out).await,
        KeysCommand::Enable(changed) => changed.send("EnableKey", &[], (ENABLED, "is enabled"), out).await,
        KeysCommand::Disable(changed) => {
            changed.send("DisableKey", &[], (DISABLED, "is disabled"), out).await
        }
        KeysCommand::Rm { days, changed } => {
            let days = days.to_string();
            let more = [("PendingWindowInDays", days.as_str())];
            changed.send("ScheduleKeyDeletion", &more, (PENDING, "waits for its deletion"), out).await
        }
        KeysCommand::Undelete(changed) => changed.send("CancelKeyDeletion", &[], (KEPT, "stays"), out).await,
    }
}

async fn list(listed: &Listed, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = listed.connection.open().await?;
    let mut keys = api.list("ListKeys", &[], ("Keys", "Key")).await?;
    let aliases = api.list("ListAliases", &[], ("Aliases", "Alias")).await?;
    for key in &mut keys {
        let id = member(key, "KeyId");
        let own = aliases.iter().filter(|alias| member(alias, "KeyId") == id);
        let names: Vec<String> = own.map(|alias| member(alias, "AliasName")).collect();
        if let Some(members) = key.as_object_mut() {
            members.insert("Aliases".to_owned(), json!(names));
        }
    }
    let row = |key: &Value| {
        let aliases = super::output::texts(key.get("Aliases"));
        vec![member(key, "KeyId"), aliases.join(",")]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    listed.output.list(out, &["KEY", "ALIASES"], &rows, &json!(keys))
}

async fn describe(named: &Named, out: &mut dyn Write) -> anyhow::Result<()> {
    let api = named.listed.connection.open().await?;
    let key = &described(&api, &named.key).await?;
    let mut facts = vec![
        ("key", member(key, "KeyId")),
        ("arn", member(key, "Arn")),
        ("state", member(key, "KeyState")),
        ("kind", member(key, "KeySpec")),
        ("usage", member(key, "KeyUsage")),
        ("origin", member(key, "Origin")),
        ("description", member(key, "Description")),
        ("created", member(key, "CreationDate")),
        ("deleted on", member(key, "DeleteDate")),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    named.listed.output.facts(out, &facts, key)
}

async fn create(created: &Created, out: &mut dyn Write) -> anyhow::Result<()> {
    created.consent.ask(&created.listed.connection.url(), "create a key")?;
    let api = created.listed.connection.open().await?;
    let mut asked = Vec::new();
    for (name, value) in
        [("Description", &created.description), ("KeySpec", &created.spec), ("KeyUsage", &created.usage)]
    {
        asked.extend(value.as_deref().map(|value| (name, value)));
    }
    let answer = api.call("CreateKey", &asked).await?;
    let key = answer.get("KeyMetadata").unwrap_or(&answer);
    let id = member(key, "KeyId");
    if let Some(alias) = &created.alias {
        named_alias(&api, alias, &id).await?;
    }
    created.listed.output.done(out, &format!("created key {id}"), key)
}

async fn named_alias(api: &Api, alias: &str, id: &str) -> anyhow::Result<Value> {
    match api.attempted("CreateAlias", &[("AliasName", alias), ("KeyId", id)]).await {
        Ok(answer) => Ok(answer),
        Err((error, attempts)) => {
            // The answer to an earlier attempt was lost: it has succeeded when the alias leads to the key.
            let named = if attempts > 1 { described(api, alias).await.ok() } else { None };
            if named.is_some_and(|key| member(&key, "KeyId") == id) {
                return Ok(Value::Object(serde_json::Map::new()));
            }
            Err(error.context(format!("the key {id} is created, but without its alias")))
        }
    }
}

/// What a key is.
async fn described(api: &Api, key: &str) -> anyhow::Result<Value> {
    let mut answer = api.call("DescribeKey", &[("KeyId", key)]).await?;
    Ok(answer.get_mut("KeyMetadata").map_or(Value::Null, Value::take))
}

impl Changed {
    async fn send(
        &self,
        action: &str,
        more: &[(&str, &str)],
        (states, done): (&[&str], &str),
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let Listed { output, connection } = &self.named.listed;
        self.consent.ask(&connection.url(), &format!("change the key {}", self.named.key))?;
        let api = connection.open().await?;
        let asked = [&[("KeyId", self.named.key.as_str())], more].concat();
        let answer = match api.attempted(action, &asked).await {
            Ok(answer) => answer,
            Err((error, attempts)) => {
                // The answer to an earlier attempt was lost: it has succeeded when the key is in the state that was asked for.
                let key = if attempts > 1 { described(&api, &self.named.key).await.ok() } else { None };
                let key = key.filter(|key| states.contains(&member(key, "KeyState").as_str()));
                key.ok_or(error)?
            }
        };
        output.done(out, &format!("key {} {done}", self.named.key), &answer)
    }
}
