//! Finding the action of a request.

use http::{HeaderName, header};

use super::reasons;
use super::region::OtherService;
use crate::actions::{self, Endpoint};
use crate::wire::params::Pairs;
use crate::wire::signature::{Claim, Scheme, SignedRequest};
use crate::wire::{ApiError, Code, Format};

/// The format according to the raw query, for errors that occur before the parameters are decoded.
pub(super) fn format_of(raw_query: Option<&str>) -> Format {
    let mut members = raw_query.unwrap_or_default().split('&');
    Format::of(members.find_map(|member| member.strip_prefix("Format=")))
}

/// A parameter that is not empty, from the query or else from the body.
pub(super) fn parameter<'a>(query: &'a Pairs<'_>, form: &'a Pairs<'_>, name: &str) -> Option<&'a str> {
    [query, form].into_iter().find_map(|pairs| pairs.get(name).filter(|text| !text.is_empty()))
}

/// The headers with the action and its version: of header signatures, and of the instance gateway.
pub(super) const ACTION: HeaderName = HeaderName::from_static("x-acs-action");
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-acs-version");
pub(super) const API_NAME: HeaderName = HeaderName::from_static("x-kms-apiname");
pub(super) const API_VERSION: HeaderName = HeaderName::from_static("x-kms-apiversion");

/// A header that is text and not empty.
pub(super) fn by_header<'a>(request: &SignedRequest<'a>, name: HeaderName) -> Option<&'a str> {
    request.headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
}

/// The names of the action and its version. With a header signature they come from headers, otherwise from parameters, because
/// clients also send the headers, unsigned, with other signatures (protocol P12, P13).
pub(super) fn named<'a>(
    request: &SignedRequest<'a>,
    claim: &Claim<'_>,
) -> (Option<&'a str>, Option<&'a str>) {
    let by_header = |name| by_header(request, name);
    let by_parameter = |name| parameter(request.query, request.form, name);
    let headers_decide = match claim {
        Claim::Signed(claim) => {
            !matches!(claim.scheme, Scheme::RpcHmacSha1 | Scheme::RpcHmacSha256 | Scheme::RpcRsaSha256)
        }
        Claim::Bearer => request.headers.contains_key("x-acs-bearer-token"),
        Claim::Unsigned => by_parameter("Action").is_none(),
    };
    match claim {
        Claim::Signed(c) if c.scheme == Scheme::ClientKey => (by_header(API_NAME), by_header(API_VERSION)),
        _ if headers_decide => (by_header(ACTION), by_header(VERSION)),
        _ => (by_parameter("Action"), by_parameter("Version")),
    }
}

/// Finds the action. Under the host of another service, the only action is that of Location.
pub(super) fn resolve(
    request: &SignedRequest<'_>,
    claim: &Claim<'_>,
    other_service: Option<OtherService>,
) -> Result<&'static dyn Endpoint, ApiError> {
    let (name, version) = named(request, claim);
    let missing = |name: &str| {
        let ignored = !request.body.is_empty() && request.form.is_empty();
        let kind = by_header(request, header::CONTENT_TYPE).filter(|_| ignored);
        ApiError::missing_from_gateway(name, reasons::missing(name, kind))
    };
    let name = name.ok_or_else(|| missing("Action"))?;
    let version = version.ok_or_else(|| missing("Version"))?;
    let product = actions::of_version(version);
    if let Some(other) = other_service
        && !(other == OtherService::Location
            && product.is_some_and(|product| product.name == actions::LOCATION.name))
    {
        return Err(ApiError::new(Code::InvalidActionNotFound, reasons::other_host(other.host())));
    }
    let unknown = || ApiError::new(Code::InvalidVersion, reasons::unknown_version(version));
    let served = product.ok_or_else(unknown)?.actions;
    // Names are case-sensitive (protocol P15).
    let place = served.binary_search_by(|action| action.name().cmp(name));
    let action = place.ok().and_then(|place| served.get(place)).copied();
    let unknown = || ApiError::new(Code::InvalidActionNotFound, reasons::unknown_action(name, version));
    action.ok_or_else(unknown)
}
