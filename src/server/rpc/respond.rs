//! The answer as HTTP.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::facts::Facts;
use crate::server::net::Dropped;
use crate::wire::reason::{self, shown};
use crate::wire::{ApiError, Code, RequestId, encode};

/// Where the answer carries the request's id, too.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-acs-request-id");
/// Why the request was refused, for developers, in mode `open`.
const REASON: HeaderName = HeaderName::from_static(reason::HEADER);
/// When to try again, in milliseconds: clients wait so long when they see it. Only a rule of faults asks for it (TH2.5).
/// What was accepted and is probably a mistake.
const WARNING: HeaderName = HeaderName::from_static("x-sesame-warning");
const RETRY_AFTER: HeaderName = HeaderName::from_static("x-acs-retry-after");

pub(super) fn respond(facts: &Facts, answered: Result<Vec<u8>, ApiError>, reason: Option<&str>) -> Response {
    if facts.dropped().is_some() {
        return Dropped::response();
    }
    let (status, body, close) = match answered {
        Ok(body) => (StatusCode::OK, body, false),
        Err(error) => {
            let body = encode::error(facts.format, &error, facts.request_id, &facts.host_id());
            let status =
                StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let close = matches!(error.code, Code::RequestBodyTooLarge | Code::RequestUriTooLong);
            (status, body, close)
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(facts.format.content_type()));
    if let Ok(id) = HeaderValue::from_str(facts.request_id.text(&mut RequestId::BUFFER.clone())) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(wait) = facts.injected.as_ref().and_then(|fault| fault.retry_after_ms) {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    if let Some(value) = reason.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(REASON, value);
    }
    let warning = facts.warning.as_deref().map(|text| shown(text, reason::MOST_BYTES));
    if let Some(value) = warning.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(WARNING, value);
    }
    if close {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
