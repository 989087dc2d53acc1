//! The query, the body and the parameters of a request.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http::HeaderMap;
use http::request::Parts;

use crate::server::net::long_line::MAX_TARGET;
use crate::server::net::read_body::{Unreceived, whole};
use crate::server::shared::Shared;
use crate::wire::params::{Pairs, ParamError};
use crate::wire::{ApiError, Code};

/// The longest body, in bytes: room for the largest value, percent-encoded, and all other parameters.
const BODY_BYTES: usize = 256 * 1024;
/// Reads the whole body within `time`.
///
/// # Errors
/// RequestBodyTooLarge; ParseRequestParameterException when the body does not arrive in time or ends early.
pub(super) async fn read(headers: &HeaderMap, body: Body, time: Duration) -> Result<Bytes, ApiError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    whole(body, BODY_BYTES, time).await.map_err(|why| match why {
        Unreceived::TooLong => ApiError::new(Code::RequestBodyTooLarge, too_large(headers)),
        Unreceived::TooSlow => {
            let reason = format!("the body did not arrive within {} s", time.as_secs());
            ApiError::new(Code::ParseRequestParameter, reason)
        }
        Unreceived::Broken(why) => {
            ApiError::new(Code::ParseRequestParameter, format!("the body ended early: {why}"))
        }
    })
}

/// The reason for RequestBodyTooLarge.
fn too_large(headers: &HeaderMap) -> String {
    let sent =
        headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match sent {
        Some(sent) => format!("the body has {sent} bytes; at most {BODY_BYTES} are allowed"),
        None => format!("the body has more than {BODY_BYTES} bytes, which is the most that is allowed"),
    }
}

/// The raw query, from the request line or from the header that carries a long one.
///
/// # Errors
/// RequestURITooLong when the request line was too long.
pub(super) fn raw_query<'a>(shared: &Shared, parts: &'a Parts) -> Result<&'a str, ApiError> {
    match shared.long_query.query_of(&parts.headers) {
        None => Ok(parts.uri.query().unwrap_or_default()),
        Some(Ok(query)) => {
            let wrong = |_invalid| ApiError::new(Code::ParseRequestParameter, "the query is not UTF-8");
            std::str::from_utf8(query).map_err(wrong)
        }
        Some(Err(_too_long)) => {
            let reason = format!(
                "the request line is longer than {MAX_TARGET} bytes; send the parameters in a form body by POST"
            );
            Err(ApiError::new(Code::RequestUriTooLong, reason))
        }
    }
}

/// The parameters in the body (protocol P9, P17, P23). An empty body may have any Content-Type.
///
/// # Errors
/// Those of the parser. A body of another Content-Type has no parameters and is no error.
pub(super) fn body_pairs<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<Pairs<'a>, ParamError> {
    if body.is_empty() {
        return Ok(Pairs::new());
    }
    let declared = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = declared.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Pairs::parse_json(body)
    } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") || kind.is_empty() {
        Pairs::parse_bytes(body)
    } else {
        Ok(Pairs::new())
    }
}
