//! `/_sesame/accounts`: accounts with users, groups, roles, policies and access keys, set at run time. Their form is that of
//! `[[accounts]]` in the configuration file, as JSON. No answer contains a secret.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;

use super::failure::{Failure, bad_request, failure, internal};
use super::json_body::{json, not_json};
use super::warnings::with_warnings;
use crate::app::{AppError, DirectoryError};
use crate::identities::file::AccountFile;
use crate::identities::warnings;
use crate::server::shared::Shared;

/// Lists all accounts.
pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(serde_json::json!({ "accounts": shared.settings.app.directory().list().await }))
}

/// Answers with one account.
///
/// # Errors
/// 404 when there is no such account.
pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<AccountFile>, Failure> {
    let accounts = shared.settings.app.directory().list().await;
    accounts.into_iter().find(|account| account.id == id).map(Json).ok_or_else(unknown)
}

const EXAMPLE: &str = r#"{"users":[{"name":"alice","policies":["AliyunKMSReadOnlyAccess"]}]}"#;

/// Creates or replaces an account. An access key without a secret keeps the secret it had.
///
/// # Errors
/// 400 when the account is not valid; 409 when the configuration file defines it; 503 when the database does not answer.
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let mut account: Value = json(&body, EXAMPLE)?;
    let members = account
        .as_object_mut()
        .ok_or_else(|| bad_request(&format!("an account is a JSON object, for example {EXAMPLE}")))?;
    let named = members.entry("id").or_insert_with(|| Value::String(id.clone()));
    if *named != Value::String(id.clone()) {
        return Err(bad_request("id differs from the id in the path; leave it out"));
    }
    let account: AccountFile = serde_json::from_value(account).map_err(|error| not_json(&error, EXAMPLE))?;
    let warnings = warnings(&account);
    shared.settings.app.directory().put(account).await.map_err(refused)?;
    let Json(account) = read(State(shared), Path(id)).await?;
    let damaged = |e: serde_json::Error| internal(&AppError::Damaged(e.to_string()));
    let answer = serde_json::to_value(account).map_err(damaged)?;
    Ok(Json(with_warnings(answer, warnings)))
}

/// Removes an account that was set at run time.
///
/// # Errors
/// 404 when there is no such account; 409 when the configuration file defines it; 503 when the database does not answer.
pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let removed = shared.settings.app.directory().remove(&id).await.map_err(refused)?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown()) }
}

fn unknown() -> Failure {
    failure(StatusCode::NOT_FOUND, "there is no such account")
}

fn refused(error: DirectoryError) -> Failure {
    match error {
        DirectoryError::Wrong(_) => bad_request(&error.to_string()),
        DirectoryError::Declared(_) => failure(StatusCode::CONFLICT, &error.to_string()),
        DirectoryError::Failed(error) => internal(&error),
    }
}
