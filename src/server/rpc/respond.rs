//! The outcome of a call as an HTTP response.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::outcome::Outcome;
use super::request_info::RequestInfo;
use crate::domain::faults::Fault;
use crate::server::net::Dropped;
use crate::wire::reason::{self, shown};
use crate::wire::{Code, RequestId, encode};

/// Carries the request id, as the document does.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-acs-request-id");
/// Carries the reason of a refusal, for developers, in mode `open`.
const REASON: HeaderName = HeaderName::from_static(reason::HEADER);
/// Carries what was accepted although it is probably a mistake.
const WARNING: HeaderName = HeaderName::from_static("x-sesame-warning");
/// Tells the client how many milliseconds to wait before it tries again. Only fault rules set it (protocol P43).
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

/// Makes the response. `reason` is what the client may know of an error's reason.
///
/// # Errors
/// [`Dropped`] when there is no response.
pub(super) fn respond(
    info: &RequestInfo,
    outcome: Outcome,
    reason: Option<&str>,
) -> Result<Response, Dropped> {
    let (status, body, close) = match outcome {
        Outcome::Answer(body) => (StatusCode::OK, body, false),
        Outcome::Error(error) => {
            let body = encode::error(info.format, &error, info.request_id, &info.host_id());
            let status =
                StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let close = matches!(error.code, Code::RequestBodyTooLarge | Code::RequestUriTooLong);
            (status, body, close)
        }
        Outcome::Drop(_) => return Err(Dropped),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(info.format.content_type()));
    if let Ok(id) = HeaderValue::from_str(info.request_id.text(&mut RequestId::BUFFER.clone())) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(wait) = info.injected.as_ref().and_then(Fault::retry_after_ms) {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    if let Some(value) = reason.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(REASON, value);
    }
    let warning = info.warning.as_deref().map(|text| shown(text, reason::MOST_BYTES));
    if let Some(value) = warning.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(WARNING, value);
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
