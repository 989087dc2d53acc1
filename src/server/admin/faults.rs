//! `/_sesame/faults`: the fault rules.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request, internal};
use super::json_body;
use crate::actions;
use crate::domain::FaultRule;
use crate::domain::faults::Count;
use crate::server::shared::Shared;

/// Lists the rules with their counts.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
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

/// Replaces all rules.
pub(super) async fn put(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Failure> {
    let rules: Vec<FaultRule> = json_body::json(&body, EXAMPLE)?;
    actions::check_faults(&rules).map_err(|why| bad_request(&why))?;
    shared.settings.app.put_faults(Some(rules)).await.map_err(|e| internal(&e))?;
    Ok(list(State(shared)).await)
}

/// Removes all rules, including those of the configuration file.
pub(super) async fn remove(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Failure> {
    shared.settings.app.put_faults(Some(Vec::new())).await.map_err(|e| internal(&e))?;
    Ok(StatusCode::NO_CONTENT)
}
