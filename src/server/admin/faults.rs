//! `/_sesame/faults`: rules of faults, and carrying out what they want of a call.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Failure, endpoints, failure, internal};
use crate::actions::{self, Context, Endpoint};
use crate::domain::FaultRule;
use crate::domain::faults::{Call, Count, DropWhen, Fault};
use crate::server::Shared;
use crate::wire::{ApiError, Fields};

/// The rules, each with how often it struck.
pub(in crate::server) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let row = |(rule, count): (FaultRule, Count)| {
        let mut row = json!(rule);
        if let Some(members) = row.as_object_mut() {
            members.insert("matched".to_owned(), count.matched.into());
            members.insert("fired".to_owned(), count.fired.into());
        }
        row
    };
    let rows: Vec<Value> = shared.settings.app.faults().list().into_iter().map(row).collect();
    Json(json!({ "faults": rows }))
}

const EXAMPLE: &str = r#"[{"action":"GetSecretValue","times":2,"code":"Rejected.Throttling"}]"#;

/// Puts rules instead of all others.
pub(in crate::server) async fn put(
    State(shared): State<Arc<Shared>>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let wrong = |message: &str| failure(StatusCode::BAD_REQUEST, message);
    let rules: Vec<FaultRule> = endpoints::json(&body, EXAMPLE)?;
    actions::check_faults(&rules).map_err(|why| wrong(&why))?;
    shared.settings.app.put_faults(Some(rules)).await.map_err(|e| internal(&e))?;
    Ok(list(State(shared)).await)
}

/// Removes all rules, also those of the configuration file.
pub(in crate::server) async fn remove(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Failure> {
    shared.settings.app.put_faults(Some(Vec::new())).await.map_err(|e| internal(&e))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a call suffers, if anything. Returns when it has waited as long as it shall, or the server stops.
pub(in crate::server) async fn strike(
    shared: &Shared,
    action: &dyn Endpoint,
    fields: Fields<'_>,
) -> Option<Fault> {
    let app = &shared.settings.app;
    if !app.faults().any() {
        return None;
    }
    let secrets = actions::secrets_named(fields);
    let fault = app.faults().inject(&Call { action: action.name(), secrets: &secrets }, app.entropy())?;
    if let Some(delay_ms) = fault.delay_ms {
        tokio::select! {
            () = app.clock().pause(delay_ms) => {}
            () = shared.shutdown.cancelled() => {}
        }
    }
    Some(fault)
}

/// What a call comes to that is not carried out; none when it is.
pub(in crate::server) fn instead(
    fault: &Fault,
    context: &Context,
    action: &dyn Endpoint,
    fields: Fields<'_>,
) -> Option<Result<Vec<u8>, ApiError>> {
    match (&fault.code, fault.drop) {
        (Some(code), _) => Some(Err(actions::injected((fault.rule, code), action, &context.scope, fields))),
        (None, Some(DropWhen::Before)) => Some(Ok(Vec::new())),
        (None, Some(DropWhen::After) | None) => None,
    }
}
