//! `/_sesame/accounts`: accounts with users, groups, roles, policies and access keys, put at run time. They look like
//! `[[accounts]]` of the configuration file, as JSON. No answer holds a secret.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;

use super::endpoints::{json, not_json};
use super::{Failure, failure};
use crate::app::{AppError, DirectoryError};
use crate::identities::file::AccountFile;
use crate::identities::warnings;
use crate::server::Shared;

/// All accounts, without secrets.
pub(in crate::server) async fn list(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(serde_json::json!({ "accounts": shared.settings.app.directory().list().await }))
}

/// One account, without secrets.
pub(in crate::server) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Json<AccountFile>, Failure> {
    let accounts = shared.settings.app.directory().list().await;
    accounts.into_iter().find(|account| account.id == id).map(Json).ok_or_else(unknown)
}

const EXAMPLE: &str = r#"{"users":[{"name":"alice","policies":["AliyunKMSReadOnlyAccess"]}]}"#;

/// Puts an account instead of the one that was put before. A key without a secret keeps the one that it has.
pub(in crate::server) async fn put(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let wrong = |message: &str| failure(StatusCode::BAD_REQUEST, message);
    let mut account: Value = json(&body, EXAMPLE)?;
    let members = account
        .as_object_mut()
        .ok_or_else(|| wrong(&format!("an account is a JSON object such as {EXAMPLE}")))?;
    let named = members.entry("id").or_insert_with(|| Value::String(id.clone()));
    if *named != Value::String(id.clone()) {
        return Err(wrong("id is not the one in the path; leave it out"));
    }
    let account: AccountFile = serde_json::from_value(account).map_err(|error| not_json(&error, EXAMPLE))?;
    let warnings = warnings(&account);
    shared.settings.app.directory().put(account).await.map_err(refused)?;
    let Json(account) = read(State(shared), Path(id)).await?;
    let damaged = |e: serde_json::Error| super::internal(&AppError::Damaged(e.to_string()));
    let answer = serde_json::to_value(account).map_err(damaged)?;
    Ok(Json(with_warnings(answer, warnings)))
}

/// The answer with what is probably a mistake in the request, which is logged as well.
pub(in crate::server) fn with_warnings(mut answer: Value, warnings: Vec<String>) -> Value {
    for warning in &warnings {
        tracing::warn!("accepted, but {warning}");
    }
    if let (Some(members), false) = (answer.as_object_mut(), warnings.is_empty()) {
        members.insert("warnings".to_owned(), warnings.into());
    }
    answer
}

/// Removes an account that was put.
pub(in crate::server) async fn remove(
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
        DirectoryError::Wrong(_) => failure(StatusCode::BAD_REQUEST, &error.to_string()),
        DirectoryError::Declared(_) => failure(StatusCode::CONFLICT, &error.to_string()),
        DirectoryError::Failed(error) => super::internal(&error),
    }
}
