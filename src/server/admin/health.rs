//! `/_sesame/health`, `ready` and `ca.pem`: for everybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::failure::{Failure, failure};
use crate::ports::Clock;
use crate::server::shared::Shared;
use crate::tls;

pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(facts(&shared, "ok"))
}

pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Result<Json<Value>, Failure> {
    match shared.settings.app.store().health().await {
        Ok(()) => Ok(Json(facts(&shared, "ready"))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(failure(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"))
        }
    }
}

/// The certificate to trust; for everybody, because who cannot connect yet needs it.
pub(super) async fn ca_pem(State(shared): State<Arc<Shared>>) -> Result<Response, Failure> {
    match shared.settings.tls.ca_pem().await {
        Ok(Some(pem)) => {
            Ok(([(header::CONTENT_TYPE, "application/pem-certificate-chain")], pem).into_response())
        }
        Ok(None) => {
            Err(failure(StatusCode::NOT_FOUND, "the server's certificate was brought by its administrator"))
        }
        Err(error) => {
            tracing::error!(error = %tls::chain(&error), "there is no certificate authority");
            Err(failure(StatusCode::INTERNAL_SERVER_ERROR, "internal error; the server's log has the cause"))
        }
    }
}

fn facts(shared: &Shared, status: &str) -> Value {
    let uptime_ms = shared.settings.clock.wall().distance_ms(shared.started);
    json!({ "status": status, "version": env!("CARGO_PKG_VERSION"), "uptime_seconds": uptime_ms / 1000 })
}
