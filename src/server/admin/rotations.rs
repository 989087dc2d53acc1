//! `/_sesame/rotators` and `/_sesame/rotations`: the rotators, the last rotations, and a rotation now.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::{Failure, bad_request, failure, internal};
use super::json_body::{empty, object};
use super::parameters::Parameters;
use crate::domain::AccountId;
use crate::domain::nearest::nearest;
use crate::domain::rotation::rotators::{RotatorFile, name_fits};
use crate::server::shared::Shared;

/// The maximum number of rotations in an answer.
const MOST: usize = 1000;

/// Lists the rotators, those of the configuration file first, without credentials.
pub(super) async fn rotators(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let row = |(file, built_in): (RotatorFile, bool)| {
        let mut row = json!(file);
        if let Some(members) = row.as_object_mut() {
            members.insert("built_in".to_owned(), built_in.into());
        }
        row
    };
    let all: Vec<Value> = shared.settings.app.rotators().list().into_iter().map(row).collect();
    Json(json!({ "rotators": all }))
}

/// Checks a rotator without changing anything.
///
/// # Errors
/// 400 for a body that is not empty, 404 when no rotator has this name.
pub(super) async fn check(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Failure> {
    empty(&body)?;
    let app = &shared.settings.app;
    let Some(checked) = app.check_rotator(&name).await else {
        let all = app.rotators().list();
        let hint = nearest(&name, all.iter().map(|(file, _)| file.name.as_str()));
        let hint = hint.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(failure(StatusCode::NOT_FOUND, &format!("there is no rotator of this name{hint}")));
    };
    Ok(Json(match checked {
        Ok(found) => json!({ "rotator": name, "works": true, "found": found }),
        Err(why) => {
            json!({ "rotator": name, "works": false, "code": why.cause.code(), "message": why.message })
        }
    }))
}

/// Lists the last rotations, the newest first. `limit` is 1 to 1,000.
///
/// # Errors
/// 400 for a parameter that is not valid.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
) -> Result<Json<Value>, Failure> {
    let limit = parameters.number("limit", MOST)?.unwrap_or(MOST);
    let pattern = parameters.text("secret");
    let all = shared.settings.app.event_log().rotations();
    let is_wanted = |name: &str| pattern.as_deref().is_none_or(|pattern| name_fits(pattern, name));
    let rows: Vec<_> = all.into_iter().filter(|row| is_wanted(&row.secret)).take(limit).collect();
    Ok(Json(json!({ "rotations": rows })))
}

/// Which secrets shall be rotated now.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Now {
    /// A pattern of names; `*` stands for any rest.
    secrets: String,
    /// Only those of this account.
    account: Option<String>,
}

/// Rotates secrets now and says how that ended. Waits at most 30 seconds; what takes longer goes on.
///
/// # Errors
/// 400 for a body that is not valid, 503 when the database fails.
pub(super) async fn now(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<Json<Value>, Failure> {
    let wanted: Now = object(&body, r#"{"secrets":"orders/*"}"#)?;
    let wrong = |invalid| bad_request(&format!("account {invalid}"));
    let account: Option<AccountId> = wanted.account.map(|id| id.parse().map_err(wrong)).transpose()?;
    let app = &shared.settings.app;
    let counts = app
        .rotate_all(|scope, name| {
            account.as_ref().is_none_or(|account| scope.account == *account)
                && name_fits(&wanted.secrets, name.as_str())
        })
        .await
        .map_err(|e| internal(&e))?;
    Ok(Json(json!({ "rotations": counts })))
}
