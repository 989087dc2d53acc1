//! `/_sesame/health`, `ready` and `ca.pem`: open to everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::failure::{Failure, INTERNAL, failure};
use crate::domain::with_causes;
use crate::ports::Clock;
use crate::server::shared::Shared;
use crate::store::StoreError;

/// The process runs.
pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(body(&shared, "ok"))
}

/// The process runs, and its database answers and takes writes; 503 otherwise.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    match shared.settings.app.store().health().await {
        Ok(()) => Ok(Json(body(&shared, "ready"))),
        Err(error) => {
            tracing::warn!(error = %with_causes(&error), "not ready");
            let told = match &error {
                StoreError::Unavailable(why) => why.told(),
                StoreError::Conflict | StoreError::Corrupt(_) => None,
            };
            Err(failure(StatusCode::SERVICE_UNAVAILABLE, told.unwrap_or("the database does not answer")))
        }
    }
}

/// The certificate that clients must trust. It is open to everybody because clients need it before they can connect. 404 when
/// the administrator supplied the certificate.
pub(super) async fn ca_pem(State(shared): State<Arc<Shared>>) -> Result<Response, Failure> {
    match shared.settings.tls.ca_pem().await {
        Ok(Some(pem)) => {
            Ok(([(header::CONTENT_TYPE, "application/pem-certificate-chain")], pem).into_response())
        }
        Ok(None) => Err(failure(
            StatusCode::NOT_FOUND,
            "the administrator supplied the server's certificate, so there is no certificate of our own to trust",
        )),
        Err(error) => {
            tracing::error!(error = %with_causes(&error), "cannot load or create the certificate authority");
            Err(failure(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL))
        }
    }
}

/// The answer of both health endpoints.
fn body(shared: &Shared, status: &str) -> Value {
    let uptime_ms = shared.settings.clock.wall().distance_ms(shared.started);
    let mut body =
        json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": uptime_ms / 1000 });
    // The cloud refuses what this allows, so it is told.
    if shared.settings.app.generic_rotates_by_call()
        && let Some(members) = body.as_object_mut()
    {
        members.insert("generic_rotation".to_owned(), "extended".into());
    }
    body
}
