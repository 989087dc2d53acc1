//! What the endpoints of `/_sesame` answer when they do not succeed.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use crate::app::AppError;

/// What these endpoints answer when they do not succeed: a status and one sentence.
pub(super) type Failure = (StatusCode, Json<Value>);

pub(super) fn failure(status: StatusCode, message: &str) -> Failure {
    (status, Json(json!({ "error": message })))
}

/// 400 with this message.
pub(super) fn bad_request(message: &str) -> Failure {
    failure(StatusCode::BAD_REQUEST, message)
}

pub(super) fn internal(error: &AppError) -> Failure {
    tracing::error!(%error, "an administrative request failed");
    let status = match error {
        AppError::Busy | AppError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    failure(status, "internal error; the server's log has the cause")
}
