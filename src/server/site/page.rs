//! Checks of what browsers say about the page that sends a request.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::rejection::Rejection;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses requests that `Sec-Fetch-Site` marks as coming from another site. Browsers omit `Origin` for images, scripts and
/// frames.
///
/// # Errors
/// The [`Rejection`] to answer with.
pub(in crate::server) fn refuse_foreign_page(headers: &HeaderMap) -> Result<(), Rejection> {
    let is_foreign = |value: &&HeaderValue| matches!(value.as_bytes(), b"cross-site" | b"same-site");
    match headers.get_all(SEC_FETCH_SITE).iter().find(is_foreign) {
        None => Ok(()),
        Some(value) => Err(Rejection::Forbidden(format!(
            "The browser says that another site's page sent this request (Sec-Fetch-Site: {}). Only this server's own \
             pages and programs other than browsers are answered.",
            value.to_str().unwrap_or_default()
        ))),
    }
}

/// Refuses a change by GET when a browser sends it without naming the page. Browsers omit `Sec-Fetch-Site` for plain HTTP to
/// other machines, and `Origin` for images and links, so a page of another site could change data unseen. Requests of other
/// programs pass.
///
/// # Errors
/// The [`Rejection`] to answer with.
pub(in crate::server) fn refuse_get_change_from_browser(headers: &HeaderMap) -> Result<(), Rejection> {
    let is_browser =
        headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    let is_marked = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if !is_browser || is_marked {
        return Ok(());
    }
    Err(Rejection::Forbidden(
        "A browser sent this change by GET without Sec-Fetch-Site or Origin, so any page may have caused it. Send it by \
         POST, with a signature, or with another User-Agent than Mozilla/."
            .to_owned(),
    ))
}
