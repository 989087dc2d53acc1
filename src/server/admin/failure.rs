//! How the endpoints of `/_sesame` answer a request that fails.

use axum::Json;
use http::StatusCode;
use serde_json::{Value, json};

use crate::app::AppError;
use crate::domain::with_causes;

/// The message of an internal error. The cause goes to the log only.
pub(super) const INTERNAL: &str = "internal error; the server's log has the cause";

/// The status and the JSON body `{"error": MESSAGE}`.
pub(super) type Failure = (StatusCode, Json<Value>);

/// A failure with this message.
pub(super) fn failure(status: StatusCode, message: &str) -> Failure {
    (status, Json(json!({ "error": message })))
}

/// 400 with this message.
pub(super) fn bad_request(message: &str) -> Failure {
    failure(StatusCode::BAD_REQUEST, message)
}

/// Logs an error of the application with all its causes. Answers 503 if the client may try again, 500 otherwise.
pub(super) fn internal(error: &AppError) -> Failure {
    tracing::error!(error = %with_causes(error), "an administrative request failed");
    let status = match error {
        AppError::Busy | AppError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    failure(status, INTERNAL)
}
