//! `sesame fault`.

use std::io::Write;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};

use super::instance::Instance;
use crate::cli::data::output::{OutputArgs, member};
use crate::cli::remote::failure::{Failure, Kind};

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
    /// Remove a rule by its number in the list, or all.
    Rm {
        /// Number of the rule; all rules when absent.
        number: Option<usize>,
        #[command(flatten)]
        listed: Listed,
    },
}

/// The server and the form of the output.
#[derive(Debug, Args)]
struct Listed {
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
    /// Only calls that name this secret; a * at the end matches any rest.
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
            let mut rules = rule.listed.rules().await?;
            rules.iter_mut().for_each(without_counts);
            rules.push(rule.as_json());
            let answer = rule.listed.put(rules).await?;
            rule.listed.output.done(out, &format!("{} rules of faults are in force", count(&answer)), &answer)
        }
        FaultCommand::Ls(listed) => {
            let rules = listed.rules().await?;
            let rows: Vec<Vec<String>> =
                rules.iter().enumerate().map(|(at, rule)| row(at + 1, rule)).collect();
            listed.output.list(out, &["#", "ACTION", "WHAT", "WHEN", "FIRED"], &rows, &Value::Array(rules))
        }
        FaultCommand::Rm { number: None, listed } => {
            let answer = listed.instance.ask("fault", (Method::DELETE, "faults"), None).await?;
            listed.output.done(out, "no rule of faults is in force", &answer)
        }
        FaultCommand::Rm { number: Some(number), listed } => {
            let mut rules = listed.rules().await?;
            if !(1..=rules.len()).contains(number) {
                let text =
                    format!("there is no rule {number}; there are {}, see sesame fault ls", rules.len());
                return Err(Failure::new(Kind::NotFound, text).into());
            }
            rules.remove(number - 1);
            rules.iter_mut().for_each(without_counts);
            let answer = listed.put(rules).await?;
            listed.output.done(out, &format!("{} rules of faults are in force", count(&answer)), &answer)
        }
    }
}

impl Listed {
    async fn rules(&self) -> anyhow::Result<Vec<Value>> {
        let answer = self.instance.ask("fault", (Method::GET, "faults"), None).await?;
        answer.get("faults").and_then(Value::as_array).cloned().context("the answer has no faults")
    }

    async fn put(&self, rules: Vec<Value>) -> anyhow::Result<Value> {
        self.instance.ask("fault", (Method::PUT, "faults"), Some(Value::Array(rules))).await
    }
}

fn count(answer: &Value) -> usize {
    answer.get("faults").and_then(Value::as_array).map_or(0, Vec::len)
}

/// The counts are in the list and not in what may be put.
fn without_counts(rule: &mut Value) {
    if let Some(members) = rule.as_object_mut() {
        members.remove("matched");
        members.remove("fired");
    }
}

fn row(number: usize, rule: &Value) -> Vec<String> {
    let texts = |names: &[&str]| {
        let given = names.iter().filter(|name| rule.get(**name).is_some());
        given.map(|name| format!("{name}={}", member(rule, name))).collect::<Vec<_>>().join(" ")
    };
    vec![
        number.to_string(),
        member(rule, "action"),
        texts(&["code", "delay_ms", "drop", "retry_after_ms"]),
        texts(&["secret", "probability", "every", "times"]),
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
