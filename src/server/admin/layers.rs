//! What every request to `/_sesame` passes.

use std::pin::pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use super::failure::{failure, internal};
use super::state::FILE_BYTES;
use crate::server::net::read_body::{self, Unreceived};
use crate::server::panics::caught;
use crate::server::shared::Shared;

/// Lets a request through once its body has arrived.
pub(super) async fn received(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bounds = &shared.settings.bounds;
    let refusal = match read_body::file(body, FILE_BYTES, bounds.file, bounds.file_pause).await {
        Ok(body) => return next.run(Request::from_parts(parts, body.into())).await,
        Err(Unreceived::TooLong) => {
            failure(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long: at most 512 MiB are taken")
        }
        Err(Unreceived::TooSlow) => {
            let message = format!(
                "the body did not arrive in time: it may take {:?} as a whole, and {:?} without a byte",
                bounds.file, bounds.file_pause
            );
            failure(StatusCode::REQUEST_TIMEOUT, &message)
        }
        Err(Unreceived::Broken(why)) => {
            failure(StatusCode::BAD_REQUEST, &format!("the body cannot be read: {why}"))
        }
    };
    // What is left of the body is not read.
    ([(header::CONNECTION, "close")], refusal).into_response()
}

/// Lets a request through once what other processes changed is known.
pub(super) async fn caught_up(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.settings.app.catch_up().await {
        Ok(()) => next.run(request).await,
        Err(error) => internal(&error).into_response(),
    }
}

/// Answers 500 for a handler of `/_sesame` that panics.
pub(super) async fn survived(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    match caught(pin!(next.run(request))).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%method, path, %error, "an administrative request failed");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "internal error; the log says more").into_response()
        }
    }
}
