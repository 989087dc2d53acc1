//! Middleware of `/_sesame`.

use std::pin::pin;
use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};

use super::failure::{INTERNAL, failure, internal};
use super::state::FILE_BYTES;
use crate::server::net::read_body::{self, Unreceived};
use crate::server::panics::caught;
use crate::server::shared::Shared;

/// Reads the whole body before the handler runs, with bounds on length and time.
pub(super) async fn received(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bounds = &shared.settings.bounds;
    let refusal = match read_body::file(body, FILE_BYTES, bounds.file, bounds.file_pause).await {
        Ok(body) => return next.run(Request::from_parts(parts, body.into())).await,
        Err(Unreceived::TooLong) => {
            let message =
                format!("the body is too long; at most {} MiB are allowed", FILE_BYTES / 1024 / 1024);
            failure(StatusCode::PAYLOAD_TOO_LARGE, &message)
        }
        Err(Unreceived::TooSlow) => {
            let message = format!(
                "the body did not arrive in time; the whole body may take {:?}, and a pause between bytes {:?}",
                bounds.file, bounds.file_pause
            );
            failure(StatusCode::REQUEST_TIMEOUT, &message)
        }
        Err(Unreceived::Broken(why)) => {
            failure(StatusCode::BAD_REQUEST, &format!("cannot read the body: {why}"))
        }
    };
    // The rest of the body is not read, so the connection cannot be reused.
    ([(header::CONNECTION, "close")], refusal).into_response()
}

/// Loads what other processes changed before the handler runs.
pub(super) async fn caught_up(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    match shared.settings.app.catch_up().await {
        Ok(()) => next.run(request).await,
        Err(error) => internal(&error).into_response(),
    }
}

/// Why a request was refused, for the log. It is an extension of those answers whose message may be logged: others quote
/// bodies.
#[derive(Debug, Clone)]
pub(super) struct Cause(pub(super) String);

/// Logs every refused request: method, path without query, status, and the cause if that may be logged.
pub(super) async fn logged(request: Request, next: Next) -> Response {
    let (method, path) = asked(&request);
    let response = next.run(request).await;
    if response.status().is_client_error() {
        let cause = response.extensions().get().map_or("see the answer", |Cause(cause)| cause.as_str());
        let status = response.status().as_u16();
        tracing::info!(%method, path, status, cause, "an administrative request was refused");
    }
    response
}

/// The method and the whole path of a request, without the query. The router has cut the prefix off the path of the request.
fn asked(request: &Request) -> (Method, String) {
    let whole = request.extensions().get().map_or_else(|| request.uri(), |OriginalUri(uri)| uri);
    (request.method().clone(), whole.path().to_owned())
}

/// Answers 500 when the handler panics.
pub(super) async fn survived(request: Request, next: Next) -> Response {
    let (method, path) = asked(&request);
    match caught(pin!(next.run(request))).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%method, path, %error, "an administrative request failed");
            failure(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL).into_response()
        }
    }
}
