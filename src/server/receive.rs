//! From an HTTP request to its parts: method, query, body, parameters.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use http::HeaderMap;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::Shared;
use crate::wire::params::{Pairs, ParamError};
use crate::wire::{ApiError, Code};

/// The longest body, in bytes: the largest value, percent-encoded, with room for everything else.
const BODY_BYTES: usize = 256 * 1024;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A request that was read completely.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
}

/// Reads the whole request.
///
/// # Errors
/// RequestBodyTooLarge; ParseRequestParameterException when the body does not arrive.
pub(super) async fn read(parts: Parts, body: Body) -> Result<Received, ApiError> {
    if body.is_end_stream() {
        return Ok(Received { parts, body: Bytes::new() });
    }
    let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            return Err(ApiError::new(Code::RequestBodyTooLarge));
        }
        Ok(Err(error)) => {
            let cut =
                ApiError { cause: Some(error.to_string()), ..ApiError::new(Code::ParseRequestParameter) };
            return Err(cut);
        }
        Err(_elapsed) => return Err(ApiError::new(Code::ParseRequestParameter)),
    };
    Ok(Received { parts, body })
}

/// The raw query: of the request line, or from where a long one was moved to.
///
/// # Errors
/// RequestURITooLong.
pub(super) fn raw_query<'a>(shared: &Shared, parts: &'a Parts) -> Result<&'a str, ApiError> {
    match shared.long_query.query_of(&parts.headers) {
        None => Ok(parts.uri.query().unwrap_or_default()),
        Some(Ok(query)) => {
            std::str::from_utf8(query).map_err(|_invalid| ApiError::new(Code::ParseRequestParameter))
        }
        Some(Err(_too_long)) => Err(ApiError::new(Code::RequestUriTooLong)),
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
