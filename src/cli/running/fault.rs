//! `sesame fault`.

use std::io::Write;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};

use super::instance::Instance;
use crate::cli::data::output::{OutputArgs, member};
use crate::cli::remote::failure::{Failure, Kind};
use crate::wire::signature::sign::encoded;

/// What to do with rules of faults.
#[derive(Debug, Args)]
pub(in crate::cli) struct FaultArgs {
    #[command(subcommand)]
    command: FaultCommand,
}

/// What to do with rules of faults.
#[derive(Debug, Subcommand)]
enum FaultCommand {
    /// Add a rule behind the others.
    #[command(after_help = "Examples:\n  sesame fault add throttle GetSecretValue 3\n  \
                            sesame fault add slow '*' --delay-ms 500\n  \
                            sesame fault add error PutSecretValue --code Rejected.LimitExceeded --secret 'app/*'")]
    Add(Box<Rule>),
    /// List the rules with how often each was used.
    Ls(Listed),
    /// Remove a rule by its id, or all.
    Rm {
        /// Id of the rule; all rules when absent.
        id: Option<u64>,
        #[command(flatten)]
        listed: Listed,
    },
}

/// The server and the form of the output.
#[derive(Debug, Args)]
struct Listed {
    /// Only rules of this account.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    instance: Instance,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Rejected.Throttling.
    Throttle,
    /// ServiceUnavailableTemporary.
    Unavailable,
    /// InternalFailure.
    Fail,
    /// The code of --code.
    Error,
    /// A wait of --delay-ms, 2000 unless given.
    Slow,
    /// The connection is closed and the call does not run.
    Cut,
    /// The call runs and its answer is lost.
    Lose,
}

/// A rule.
#[derive(Debug, Args)]
struct Rule {
    /// What happens.
    preset: Preset,
    /// To which action; * for all.
    action: String,
    /// How often; always when absent.
    times: Option<u64>,
    /// Only calls that name a secret of this name; * stands for any text, ? for one character.
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Error code of the answer.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Wait before the call, in milliseconds.
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u64>,
    /// How long the answer asks the client to wait, in milliseconds.
    #[arg(long, value_name = "MS")]
    retry_after_ms: Option<u64>,
    /// How likely the rule fires, 0 to 1.
    #[arg(long, value_name = "P", conflicts_with = "every")]
    probability: Option<f64>,
    /// The rule fires for every n-th call.
    #[arg(long, value_name = "N")]
    every: Option<u64>,
    #[command(flatten)]
    listed: Listed,
}

pub(super) async fn run(args: &FaultArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.command {
        FaultCommand::Add(rule) => {
            let listed = &rule.listed;
            let answer = listed.ask(Method::POST, &listed.path("faults"), Some(rule.as_json())).await?;
            listed.output.done(
                out,
                &format!("{} rules of faults are in force", rules(&answer)?.len()),
                &answer,
            )
        }
        FaultCommand::Ls(listed) => {
            let answer = listed.ask(Method::GET, &listed.path("faults"), None).await?;
            let rules = rules(&answer)?;
            let rows: Vec<Vec<String>> = rules.iter().map(row).collect();
            listed.output.list(out, &["ID", "ACTION", "WHAT", "WHEN", "FIRED"], &rows, &json!(rules))
        }
        FaultCommand::Rm { id: None, listed } => {
            let answer = listed.ask(Method::DELETE, &listed.path("faults"), None).await?;
            listed.output.done(out, "no rule of faults is in force", &answer)
        }
        FaultCommand::Rm { id: Some(id), listed } => {
            // A rule that is not there is a failure of its own kind, which scripts can tell apart.
            let before = listed.ask(Method::GET, &listed.path("faults"), None).await?;
            if !rules(&before)?.iter().any(|rule| rule.get("id").and_then(Value::as_u64) == Some(*id)) {
                let text = format!("there is no rule {id}; sesame fault ls lists the rules with their ids");
                return Err(Failure::new(Kind::NotFound, text).into());
            }
            let answer = listed.ask(Method::DELETE, &listed.path(&format!("faults/{id}")), None).await?;
            listed.output.done(out, &format!("rule {id} is removed"), &answer)
        }
    }
}

impl Listed {
    /// The path, limited to --account.
    fn path(&self, path: &str) -> String {
        match &self.account {
            None => path.to_owned(),
            Some(account) => format!("{path}?{}", encoded(&[("account", account)])),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.instance.ask("fault", (method, path), body).await
    }
}

fn rules(answer: &Value) -> anyhow::Result<&Vec<Value>> {
    answer.get("faults").and_then(Value::as_array).context("the answer has no faults")
}

fn row(rule: &Value) -> Vec<String> {
    let texts = |names: &[&str]| {
        let given = names.iter().filter(|name| rule.get(**name).is_some());
        given.map(|name| format!("{name}={}", member(rule, name))).collect::<Vec<_>>().join(" ")
    };
    vec![
        member(rule, "id"),
        member(rule, "action"),
        texts(&["code", "delay_ms", "drop", "retry_after_ms"]),
        texts(&["account", "secret", "probability", "every", "times"]),
        member(rule, "fired"),
    ]
}

impl Rule {
    fn as_json(&self) -> Value {
        let mut rule = Map::new();
        rule.insert("action".to_owned(), json!(self.action));
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                rule.insert(name.to_owned(), value);
            }
        };
        match self.preset {
            Preset::Throttle => set("code", json!("Rejected.Throttling")),
            Preset::Unavailable => set("code", json!("ServiceUnavailableTemporary")),
            Preset::Fail => set("code", json!("InternalFailure")),
            Preset::Error => {}
            Preset::Slow => set("delay_ms", json!(2000)),
            Preset::Cut => set("drop", json!("before")),
            Preset::Lose => set("drop", json!("after")),
        }
        set("times", json!(self.times));
        set("secret", json!(self.secret));
        set("code", json!(self.code));
        set("delay_ms", json!(self.delay_ms));
        set("retry_after_ms", json!(self.retry_after_ms));
        set("probability", json!(self.probability));
        set("every", json!(self.every));
        Value::Object(rule)
    }
}
