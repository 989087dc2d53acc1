//! `/_sesame/requests`: the latest requests, or new ones as they come in.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use super::failure::Failure;
use super::parameters::Parameters;
use super::request_filter::{FieldPattern, of_query};
use super::window::{Window, follow, list as listed};
use crate::server::shared::{LoggedRequest, Shared};

/// Answers with the latest requests, newest first, or with `follow` with new ones as they come.
///
/// # Errors
/// 400 when a parameter of the window is not valid.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Extension(parameters): Extension<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let window = Window::of(&parameters)?;
    let patterns = of_query(&parameters);
    let wanted =
        move |entry: &LoggedRequest| patterns.iter().all(|pattern: &FieldPattern| pattern.fits(entry));
    if parameters.flag("follow") {
        return Ok(follow(&shared.request_log, window, wanted, &shared.shutdown, &headers));
    }
    Ok(listed("requests", &shared.request_log, &window, wanted).into_response())
}
