//! `POST /_sesame/policy/test`: what policies would decide about a request, as `sesame policy test` does with files.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request};
use super::json_body::object;
use crate::app::PolicyTrial;
use crate::server::shared::Shared;
use crate::wire::encode::statement;
use crate::wire::signature::parse_time;

/// The request to decide about. A policy is an object, or its text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The ARN of the caller.
    caller: String,
    /// The permission.
    action: String,
    /// The ARN of the resource, or `*`.
    resource: String,
    /// The policy of the caller's session.
    session_policy: Option<Value>,
    /// The policy of the secret or key.
    resource_policy: Option<Value>,
    /// Condition keys and their values.
    #[serde(default)]
    context: BTreeMap<String, String>,
}

const EXAMPLE: &str = r#"{"caller":"acs:ram::1000000000000001:user/ann","action":"kms:GetSecretValue","resource":"acs:kms:cn-hangzhou:1000000000000001:secret/app/db"}"#;

fn policy_text(policy: Value) -> String {
    match policy {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Decides with the accounts of this server, and explains the decision.
///
/// # Errors
/// 400 when the body is not valid, or when the caller or the role does not exist.
pub(super) async fn test(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Failure> {
    let wanted: Body = object(&body, EXAMPLE)?;
    let [session_policy, resource_policy] =
        [wanted.session_policy, wanted.resource_policy].map(|policy| policy.map(policy_text));
    let app = &shared.settings.app;
    let trial = PolicyTrial {
        caller: &wanted.caller,
        action: &wanted.action,
        resource: &wanted.resource,
        session_policy: session_policy.as_deref(),
        resource_policy: resource_policy.as_deref(),
        context: &wanted.context.into_iter().collect::<Vec<_>>(),
        now: app.clock().now(),
        parse_time,
    };
    let verdict = trial.run(&app.directory().current());
    let verdict = verdict.map_err(|why| bad_request(&format!("{} {}", why.member, why.text)))?;
    let statements: Vec<Value> = verdict.statements.iter().map(statement).collect();
    let warnings: Vec<String> =
        verdict.warnings.iter().map(|(member, unknown)| format!("{member} {unknown}")).collect();
    Ok(Json(json!({
        "allowed": verdict.allowed,
        "decision": verdict.decision,
        "statements": statements,
        "warnings": warnings,
    })))
}
