//! `sesame policy test`: what a server in mode `enforced` would decide. It reads files only and needs no server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::values;
use crate::app::{PolicyTrial, StatementTrace};
use crate::config::Config;
use crate::identities::Identities;
use crate::ports::{Clock, ServerClock};
use crate::wire::signature::parse_time;

/// Arguments of `sesame policy test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Configuration file with accounts, users, roles and policies.
    #[arg(long, env = "SESAME_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Account that exists even if the configuration does not name it.
    #[arg(long, env = "SESAME_ACCOUNT_ID", default_value = values::DEFAULT_ACCOUNT, value_name = "ID")]
    account_id: String,
    /// The caller: acs:ram::ACCOUNT:root, :user/NAME, :role/NAME or :assumed-role/NAME/SESSION.
    #[arg(long, value_name = "ARN")]
    caller: String,
    /// The permission, such as kms:GetSecretValue.
    #[arg(long)]
    action: String,
    /// The resource: an ARN, or *. For sts:AssumeRole it is the role, whose trust policy comes from the configuration.
    #[arg(long, value_name = "ARN")]
    resource: String,
    /// Policy of the secret or key.
    #[arg(long, value_name = "FILE")]
    resource_policy: Option<PathBuf>,
    /// Policy of the caller's session.
    #[arg(long, value_name = "FILE")]
    session_policy: Option<PathBuf>,
    /// A condition key of the request and its value, such as acs:SourceIp=10.0.0.1 or kms:tag/team=a; acs:CurrentTime is now unless given.
    #[arg(long = "context", value_name = "KEY=VALUE")]
    facts: Vec<String>,
}

/// Decides and explains the decision. Exits with 0 if the call is allowed, with 1 if it is not.
pub(super) fn test(args: &TestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let default = values::account_id(&args.account_id)?;
    let config = Config::load(args.config.as_deref(), &default)?;
    let mut warnings = config.warnings;
    let identities = Identities::new(config.accounts, &default)?;
    let [session_policy, resource_policy] =
        [read(args.session_policy.as_deref())?, read(args.resource_policy.as_deref())?];
    let trial = PolicyTrial {
        caller: &args.caller,
        action: &args.action,
        resource: &args.resource,
        session_policy: session_policy.as_deref(),
        resource_policy: resource_policy.as_deref(),
        context: &args.facts.iter().map(|fact| pair(fact)).collect::<anyhow::Result<Vec<_>>>()?,
        now: ServerClock::default().now(),
        parse_time,
    };
    let flag = |member: &str| format!("--{}", member.replace('_', "-"));
    let verdict =
        trial.run(&identities).map_err(|why| anyhow::anyhow!("{} {}", flag(why.member), why.text))?;
    warnings.extend(verdict.warnings.iter().map(|(member, unknown)| format!("{} {unknown}", flag(member))));
    writeln!(out, "{}", verdict.decision)?;
    for trace in &verdict.statements {
        writeln!(out, "  {}", line(trace))?;
    }
    for warning in warnings {
        writeln!(out, "Warning: {warning}")?;
    }
    Ok(if verdict.allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(looked: &StatementTrace) -> String {
    let sid = looked.sid.as_ref().map(|sid| format!(" \"{sid}\"")).unwrap_or_default();
    let outcome = match &looked.mismatch {
        None => "applies".to_owned(),
        Some(mismatch) => format!("does not apply: {mismatch}"),
    };
    format!("{} statement {}{sid} {}: {outcome}", looked.policy, looked.statement, looked.effect)
}

fn read(path: Option<&Path>) -> anyhow::Result<Option<String>> {
    let text = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {}", path.display()))
    };
    path.map(text).transpose()
}

/// A condition key and its value.
fn pair(fact: &str) -> anyhow::Result<(String, String)> {
    let (key, value) =
        fact.split_once('=').with_context(|| format!("--context \"{fact}\" is not KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}
