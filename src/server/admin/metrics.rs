//! `/_sesame/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use crate::server::shared::Shared;

/// Writes everything down.
pub(super) async fn read(State(shared): State<Arc<Shared>>) -> Response {
    match shared.metrics.encoded() {
        Ok(out) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], out).into_response()
        }
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
