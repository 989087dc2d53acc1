//! Checks of `Host`, of the request target and of `Origin`.

use http::request::Parts;
use http::uri::Scheme;
use http::{Version, header};

use super::allowed_hosts::{AllowedHosts, example};
use super::host::{Authority, RequestHost};
use super::rejection::{Rejection, quoted};

const NO_HOST: Rejection = Rejection::Malformed(
    "The request has no Host header. HTTP/1.1 requires one, for example: Host: 127.0.0.1:7070.",
);
const TWO_HOSTS: Rejection = Rejection::Malformed(
    "The request has more than one Host header. Send exactly one, for example: Host: 127.0.0.1:7070.",
);
const TARGET_DIFFERS: Rejection = Rejection::Malformed(
    "The address in the request line and the Host header name different servers. Send the same host and port in both.",
);

/// Refuses a missing or repeated Host, a Host that differs from the request target, and an `Origin` of another site.
/// `secure` says whether the request came over TLS. HTTP/1.0 allows requests without a Host, and no browser sends them. Such
/// a request passes here; [`check_host`](super::check_host) refuses it later.
///
/// # Errors
/// The [`Rejection`] to answer with.
pub(in crate::server) fn refuse_foreign_origin(
    parts: &Parts,
    host: &RequestHost<'_>,
    secure: bool,
    allowed: &AllowedHosts,
) -> Result<(), Rejection> {
    if host.is_repeated {
        return Err(TWO_HOSTS);
    }
    if !host.is_present && parts.version >= Version::HTTP_11 {
        return Err(NO_HOST);
    }
    if let (Some(scheme), Some(target)) = (parts.uri.scheme(), parts.uri.authority()) {
        // What stands before @ is not part of the host.
        let target = target.as_str().rsplit('@').next().and_then(Authority::parse);
        if !is_same(target.as_ref(), host, default_port(*scheme == Scheme::HTTPS)) {
            return Err(TARGET_DIFFERS);
        }
    }
    for origin in &parts.headers.get_all(header::ORIGIN) {
        expect_own(origin.to_str().unwrap_or_default(), host, secure, allowed)?;
    }
    Ok(())
}

fn expect_own(
    origin: &str,
    host: &RequestHost<'_>,
    secure: bool,
    allowed: &AllowedHosts,
) -> Result<(), Rejection> {
    let scheme = if secure { "https://" } else { "http://" };
    let named = origin.strip_prefix(scheme).and_then(Authority::parse);
    if !is_same(named.as_ref(), host, default_port(secure)) {
        return Err(Rejection::Forbidden(format!(
            "The Origin {} is not this server's own, which is {} for this request. Requests of other sites' pages are \
             refused, with any signature: let the page's own server send them.",
            quoted(origin),
            quoted(&format!("{scheme}{}", host.text()))
        )));
    }
    // With DNS rebinding, the page's Origin equals the Host.
    if !allowed.contains(host) {
        return Err(Rejection::Forbidden(format!(
            "The Origin {} has a host name under which this server answers no web page. Open the page by IP address or \
             localhost, or start the server with the name, for example --allow-host {}.",
            quoted(origin),
            example(host)
        )));
    }
    Ok(())
}

fn is_same(named: Option<&Authority<'_>>, host: &RequestHost<'_>, default_port: u16) -> bool {
    named.zip(host.authority()).is_some_and(|(named, host)| named.is_same(host, default_port))
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}
