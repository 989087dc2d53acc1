//! `/_sesame/rotators` and `/_sesame/rotations`: the rotators of managed secrets, the latest rotations, and rotating now.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, failure, internal};
use super::json_body::{empty, object};
use super::parameters::{Parameters, pattern};
use super::window::{Window, list as listed};
use crate::app::RotationRecord;
use crate::domain::nearest;
use crate::domain::rotation::rotators::RotatorFile;
use crate::server::shared::Shared;

/// Lists the rotators, those of the configuration file first, without credentials.
pub(super) async fn rotators(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let row = |(file, built_in): (&RotatorFile, bool)| {
        let mut row = json!(file);
        if let Some(members) = row.as_object_mut() {
            members.insert("built_in".to_owned(), built_in.into());
        }
        row
    };
    let all: Vec<Value> = shared.settings.app.rotators().list().map(row).collect();
    Json(json!({ "rotators": all }))
}

/// Tries a rotator without changing anything.
///
/// # Errors
/// 404 when there is no rotator of this name; 400 when the body has members.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    empty(&body)?;
    let app = &shared.settings.app;
    let Some(checked) = app.check_rotator(&name).await else {
        let hint = nearest::hint(&name, app.rotators().list().map(|(file, _)| file.name.as_str()));
        return Err(failure(StatusCode::NOT_FOUND, &format!("there is no rotator of this name{hint}")));
    };
    Ok(Json(match checked {
        Ok(found) => json!({ "rotator": name, "works": true, "found": found }),
        Err(why) => {
            json!({ "rotator": name, "works": false, "code": why.cause.code(), "message": why.message })
        }
    }))
}

/// Lists the latest rotations, newest first.
///
/// # Errors
/// 400 when a parameter is not valid.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Json<Value>, Failure> {
    let window = Window::of(&parameters)?;
    let pattern = parameters.pattern("secret")?;
    let wanted = |row: &RotationRecord| pattern.as_ref().is_none_or(|pattern| pattern.matches(&row.secret));
    Ok(listed("rotations", &shared.settings.app.event_log().rotations, &window, wanted))
}

/// Which secrets to rotate now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateNow {
    /// A pattern of names; `*` stands for any text and `?` for one character.
    secrets: String,
}

/// Rotates secrets now, those of one account with `account`, and answers how that ended. Rotations that take longer than 30
/// seconds continue after the answer.
///
/// # Errors
/// 400 when the body or `account` is not valid; 503 when the database does not answer.
pub(super) async fn now(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    let wanted: RotateNow = object(&body, r#"{"secrets":"orders/*"}"#)?;
    let account = parameters.account()?;
    let pattern = pattern("secrets", &wanted.secrets)?;
    let app = &shared.settings.app;
    let (counts, refused) = app
        .rotate_all(|scope, name| {
            account.as_ref().is_none_or(|account| scope.account == *account) && pattern.matches(name.as_str())
        })
        .await
        .map_err(|e| internal(&e))?;
    Ok(Json(json!({ "rotations": counts, "refused": refused })))
}
