//! `sesame policy test`: what a server in mode `enforced` would decide. It reads files only and needs no server.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::values;
use crate::app::statement_trace;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::domain::policy::{
    AccessRequest, ConditionContext, Decision, Explanation, Identity, Policies, PolicyDocument, PolicyKind,
    Principal, Trace, explain,
};
use crate::identities::Identities;
use crate::ports::{Clock, ServerClock};

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
    let caller = principal(&args.caller).with_context(|| {
        format!(
            "--caller \"{}\" is not the ARN of a caller, such as acs:ram::1000000000000001:user/ann",
            args.caller
        )
    })?;
    ensure_known(&identities, &caller)?;
    let owner = match args.resource.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["*"] => caller.account.clone(),
        ["acs", _, _, account, _] | ["acs", _, _, account, _, _] => {
            account.parse().with_context(|| format!("--resource \"{}\" names no account", args.resource))?
        }
        _ => bail!("--resource \"{}\" is neither an ARN nor *", args.resource),
    };
    let session = document(args.session_policy.as_deref(), &PolicyKind::Session)?;
    let attached =
        document(args.resource_policy.as_deref(), &PolicyKind::Resource { account: owner.clone() })?;
    let role =
        args.resource.split_once(":role/").map(|(_, name)| name).filter(|_| args.action == "sts:AssumeRole");
    let trust = role.and_then(|name| identities.account(&owner)?.roles.get(name)).map(|role| &*role.trust);
    ensure!(
        role.is_none() || trust.is_some(),
        "--resource \"{}\" is a role that does not exist",
        args.resource
    );
    let facts = Facts::read(&args.facts)?;
    let policies = Policies {
        identity: identities.policies_of(&caller),
        session: session.as_ref(),
        resource: attached.as_ref().or(trust),
    };
    let request = AccessRequest {
        action: &args.action,
        resource: &args.resource,
        owner: &owner,
        principal: &caller,
        context: &facts.context(),
    };
    for (name, given) in [("--session-policy", &session), ("--resource-policy", &attached)] {
        let unknown = given.iter().flat_map(PolicyDocument::unknown_actions);
        warnings.extend(unknown.map(|unknown| format!("{name} {unknown}")));
    }
    let code = show(&explain(&policies, &request), out)?;
    for warning in warnings {
        writeln!(out, "Warning: {warning}")?;
    }
    Ok(code)
}

fn show(explanation: &Explanation<'_>, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match explanation.decision {
        Decision::Allowed => writeln!(out, "Allowed")?,
        Decision::ImplicitDeny(missing) => writeln!(out, "Denied: nothing allows it ({missing})")?,
        Decision::ExplicitDeny(_) => writeln!(out, "Denied by a statement")?,
    }
    for trace in &explanation.statements {
        writeln!(out, "  {}", line(trace))?;
    }
    let allowed = explanation.decision.is_allowed();
    Ok(if allowed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(trace: &Trace<'_>) -> String {
    let looked = statement_trace(trace);
    let sid = looked.sid.map(|sid| format!(" \"{sid}\"")).unwrap_or_default();
    let outcome = match looked.mismatch {
        None => "applies".to_owned(),
        Some(mismatch) => format!("does not apply: {mismatch}"),
    };
    format!("{} statement {}{sid} {}: {outcome}", looked.policy, looked.statement, looked.effect)
}

fn document(path: Option<&Path>, kind: &PolicyKind) -> anyhow::Result<Option<PolicyDocument>> {
    let Some(path) = path else { return Ok(None) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {shown}"))?;
    PolicyDocument::parse(&text, kind.clone()).map(Some).with_context(|| format!("the policy {shown}"))
}

fn principal(arn: &str) -> Option<Principal> {
    let (account, identity) = arn.strip_prefix("acs:ram::")?.split_once(':')?;
    let mut parts = identity.splitn(3, '/');
    let identity = match (parts.next()?, parts.next(), parts.next()) {
        ("root", None, None) => Identity::Root,
        ("user", Some(name), None) => Identity::User { name: name.to_owned() },
        ("role", Some(role), None) => {
            Identity::RoleSession { role: role.to_owned(), session: "session".to_owned() }
        }
        ("assumed-role", Some(role), Some(session)) => {
            Identity::RoleSession { role: role.to_owned(), session: session.to_owned() }
        }
        _ => return None,
    };
    Some(Principal { account: account.parse().ok()?, identity })
}

/// Refuses an unknown action, because a misspelt name would look like a missing permission.
fn ensure_known(identities: &Identities, caller: &Principal) -> anyhow::Result<()> {
    let account = identities.account(&caller.account);
    let account = account.with_context(|| format!("there is no account {}", caller.account))?;
    match &caller.identity {
        Identity::User { name } => ensure!(account.users.contains_key(name), "there is no user \"{name}\""),
        Identity::RoleSession { role, .. } => {
            ensure!(account.roles.contains_key(role), "there is no role \"{role}\"");
        }
        Identity::Root | Identity::Federated { .. } => {}
    }
    Ok(())
}

/// The condition keys of the request.
struct Facts<'a> {
    all: Vec<(&'a str, &'a str)>,
    time: Timestamp,
    source_ip: Option<std::net::IpAddr>,
    secure: bool,
    mfa: Option<bool>,
}

impl<'a> Facts<'a> {
    fn read(given: &'a [String]) -> anyhow::Result<Self> {
        let time = ServerClock::default().now();
        let mut facts = Self { all: Vec::new(), time, source_ip: None, secure: false, mfa: None };
        for fact in given {
            let (key, value) =
                fact.split_once('=').with_context(|| format!("--context \"{fact}\" is not KEY=VALUE"))?;
            let wrong = || format!("--context \"{fact}\": the value does not fit the key");
            match key {
                "acs:SourceIp" => facts.source_ip = Some(value.parse().with_context(wrong)?),
                "acs:SecureTransport" => facts.secure = value.parse().with_context(wrong)?,
                "acs:MFAPresent" => facts.mfa = Some(value.parse().with_context(wrong)?),
                "acs:CurrentTime" => {
                    let at = crate::wire::signature::parse_time(value).with_context(wrong)?;
                    facts.time = Timestamp::from_millis(at);
                }
                _ => facts.all.push((key, value)),
            }
        }
        Ok(facts)
    }

    fn context(&self) -> ConditionContext<'_> {
        let vpc = self.all.iter().find(|(key, _)| *key == "acs:SourceVpc");
        ConditionContext {
            source_ip: self.source_ip,
            current_time: self.time,
            secure_transport: self.secure,
            source_vpc: vpc.map(|(_, value)| *value),
            mfa_present: self.mfa,
            more: &self.all,
        }
    }
}
