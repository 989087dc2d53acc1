//! From an HTTP request to its parts: method, query, body, parameters.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http::HeaderMap;
use http::request::Parts;

use crate::server::net::long_line::MAX_TARGET;
use crate::server::net::read_body::{Unreceived, whole};
use crate::server::shared::Shared;
use crate::wire::params::{Pairs, ParamError};
use crate::wire::{ApiError, Code};

/// The longest body, in bytes: the largest value, percent-encoded, with room for everything else.
const BODY_BYTES: usize = 256 * 1024;
/// A request that was read completely.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

/// Reads the whole request within `time`.
///
/// # Errors
/// RequestBodyTooLarge; ParseRequestParameterException when the body does not arrive.
pub(super) async fn read(parts: Parts, body: Body, time: Duration) -> Result<Received, ApiError> {
    if body.is_end_stream() {
        return Ok(Received { parts, body: Bytes::new() });
    }
    let body = whole(body, BODY_BYTES, time).await.map_err(|why| match why {
        Unreceived::TooLong => ApiError::new(Code::RequestBodyTooLarge, too_large(&parts.headers)),
        Unreceived::TooSlow => {
            let reason = format!("the body did not arrive within {} s", time.as_secs());
            ApiError::new(Code::ParseRequestParameter, reason)
        }
        Unreceived::Broken(why) => {
            ApiError::new(Code::ParseRequestParameter, format!("the body ended early: {why}"))
        }
    })?;
    Ok(Received { parts, body })
}

/// Why a body is too large.
fn too_large(headers: &HeaderMap) -> String {
    let sent =
        headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match sent {
        Some(sent) => format!("the body has {sent} bytes; at most {BODY_BYTES} are allowed"),
        None => format!("the body has more than {BODY_BYTES} bytes, which is the most that is allowed"),
    }
}

/// The raw query: of the request line, or from where a long one was moved to.
///
/// # Errors
/// RequestURITooLong.
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

/// The parameters in the body (facts A9, C1, C7). With an empty body its type does not matter.
///
/// # Errors
/// As the parser says; a type that holds no parameters gives none.
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
