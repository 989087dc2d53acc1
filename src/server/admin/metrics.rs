//! `/_sesame/metrics`: metrics in the OpenMetrics text format.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

use crate::server::shared::Shared;

/// Answers with all metrics.
pub(super) async fn read(State(shared): State<Arc<Shared>>) -> Response {
    match shared.metrics.encoded() {
        Ok(out) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], out).into_response()
        }
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
