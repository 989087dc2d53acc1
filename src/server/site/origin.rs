//! `Origin` and the request target.

use http::request::Parts;
use http::uri::Scheme;
use http::{Version, header};

use super::allowed_hosts::{AllowedHosts, example};
use super::host::{Place, host_of};
use super::refusal::{Refusal, shown};

const NO_HOST: Refusal = Refusal::Malformed(
    "The request has no Host header. HTTP/1.1 requires one, for example: Host: 127.0.0.1:7070.",
);
const TWO_HOSTS: Refusal = Refusal::Malformed(
    "The request has more than one Host header. Send exactly one, for example: Host: 127.0.0.1:7070.",
);
const TWO_PLACES: Refusal = Refusal::Malformed(
    "The address in the request line and the Host header name different servers. Send the same host and port in both.",
);

/// Refuses a missing or repeated Host, a Host that differs from the request target, and a foreign `Origin`. `secure` says
/// whether the request came by TLS. HTTP/1.0 allows requests without a Host, and no browser sends them. Such a request
/// passes here; [`expect_allowed_host`] refuses it later.
///
/// # Errors
/// [`Refusal`] with the reason.
pub(in crate::server) fn expect_own_origin(
    parts: &Parts,
    secure: bool,
    allowed: &AllowedHosts,
) -> Result<(), Refusal> {
    let headers = &parts.headers;
    let mut hosts = headers.get_all(header::HOST).iter();
    let first = hosts.next().is_some_and(|value| !value.is_empty());
    match (first, hosts.next()) {
        (_, Some(_)) => return Err(TWO_HOSTS),
        (false, None) if parts.version >= Version::HTTP_11 => return Err(NO_HOST),
        (_, None) => {}
    }
    if let (Some(scheme), Some(authority)) = (parts.uri.scheme(), parts.uri.authority()) {
        // The part before @ is not part of the host.
        let named = authority.as_str().rsplit('@').next().and_then(Place::parse);
        let port = default_port(*scheme == Scheme::HTTPS);
        let host = Place::parse(host_of(headers));
        if !host.zip(named).is_some_and(|(host, named)| host.is_same(&named, port)) {
            return Err(TWO_PLACES);
        }
    }
    for origin in &headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let scheme = if secure { "https://" } else { "http://" };
        let named = origin.strip_prefix(scheme).and_then(Place::parse);
        let host = Place::parse(host_of(headers));
        if !named.zip(host).is_some_and(|(named, host)| named.is_same(&host, default_port(secure))) {
            return Err(Refusal::Forbidden(format!(
                "The Origin {} is not this server's own, which is {} for this request. Requests of other sites' pages are \
                 refused, with any signature: let the page's own server send them.",
                shown(origin),
                shown(&format!("{scheme}{}", host_of(headers)))
            )));
        }
        // A page of a name that was made to resolve to this server has an Origin that equals its Host.
        if !allowed.has_host_of(headers) {
            return Err(Refusal::Forbidden(format!(
                "The Origin {} has a host name under which this server answers no web page. Open the page by IP address or \
                 localhost, or start the server with the name, for example --allow-host {}.",
                shown(origin),
                example(headers)
            )));
        }
    }
    Ok(())
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}
