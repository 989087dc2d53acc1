//! Which requests a web page may have sent, and which hosts the server answers to.
//!
//! A page that a developer has open can send requests to a server on the developer's machine or network. Two checks
//! keep it away from secrets:
//!
//! - **Origin.** Browsers name the site of the page that sends a request, in `Origin` and in `Sec-Fetch-Site`. Every
//!   site but the server's own is refused, even with a valid signature.
//! - **Host.** A page can have the name of its own site resolve to this server (DNS rebinding). The browser then takes
//!   page and server for one site and sends neither of the two headers. `Host` still carries the page's name, so only
//!   hosts on a list are answered. A page has neither the admin token nor a secret access key, so requests that
//!   prove one of them may name any host. The key `test`/`test` is public and proves nothing.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};

use crate::domain::Region;
use crate::tls::{self, TlsName};
use crate::wire::{ApiError, Code};

/// The hosts that every request may name: addresses, names that certificates are signed for, and names that the
/// administrator added.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<TlsName>);

impl AllowedHosts {
    /// The hosts that are always allowed, and these.
    pub fn new(added: Vec<TlsName>) -> Self {
        Self(added)
    }

    fn has_host_of(&self, headers: &HeaderMap) -> bool {
        match Place::parse(host_of(headers)).map(|place| place.name) {
            // Nobody can make an address resolve to something else.
            Some(Name::Address(_)) => true,
            Some(Name::Host(name)) => {
                tls::is_known_host(&name) || self.0.iter().any(|added| added.covers(&name))
            }
            None => false,
        }
    }
}

/// Why a request is refused. The text says what is wrong, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) enum Refusal {
    /// The request is not well formed.
    Malformed(&'static str),
    /// A web page may have sent it.
    Forbidden(String),
}

impl Refusal {
    /// The text.
    pub(in crate::server) fn message(&self) -> &str {
        match self {
            Self::Malformed(message) => message,
            Self::Forbidden(message) => message,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed(_) => Code::ParseRequestParameter,
            Refusal::Forbidden(_) => Code::ForbiddenNoPermission,
        };
        let message = refusal.message().to_owned();
        Self::with_message(code, message.clone(), message)
    }
}

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

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what `Sec-Fetch-Site` marks as another site's. Browsers omit `Origin` for images, scripts and frames.
///
/// # Errors
/// [`Refusal`] with the reason.
pub(in crate::server) fn expect_own_page(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_foreign = |value: &&HeaderValue| matches!(value.as_bytes(), b"cross-site" | b"same-site");
    match headers.get_all(SEC_FETCH_SITE).iter().find(is_foreign) {
        None => Ok(()),
        Some(value) => Err(Refusal::Forbidden(format!(
            "The browser says that another site's page sent this request (Sec-Fetch-Site: {}). Only this server's own \
             pages and programs other than browsers are answered.",
            value.to_str().unwrap_or_default()
        ))),
    }
}

/// Refuses a change by GET that a browser sends without saying from which page. Browsers omit `Sec-Fetch-Site` towards plain
/// HTTP on other machines, and `Origin` for images and links, so a foreign page could change data unseen. Reads, and
/// programs other than browsers, pass.
///
/// # Errors
/// [`Refusal`] with the reason.
pub(in crate::server) fn expect_no_unmarked_change(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_browser =
        headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"));
    let is_marked = headers.contains_key("sec-fetch-site") || headers.contains_key(header::ORIGIN);
    if !is_browser || is_marked {
        return Ok(());
    }
    Err(Refusal::Forbidden(
        "A browser sent this change by GET without Sec-Fetch-Site or Origin, so any page may have caused it. Send it by \
         POST, with a signature, or with another User-Agent than Mozilla/."
            .to_owned(),
    ))
}

/// Lets only hosts of the list through; for requests without a valid signature or the admin token.
///
/// # Errors
/// When the host is not on the list.
pub(in crate::server) fn expect_allowed_host(
    headers: &HeaderMap,
    allowed: &AllowedHosts,
) -> Result<(), Refusal> {
    if allowed.has_host_of(headers) {
        return Ok(());
    }
    Err(Refusal::Forbidden(format!(
        "The Host {} is not one that this server answers to without a valid signature or the admin token. Use an IP \
         address, localhost or a service name, or start the server with the name, for example --allow-host {}.",
        shown(host_of(headers)),
        example(headers)
    )))
}

/// The services whose host names say the region, on the cloud.
const SERVICES: [&str; 5] = ["kms", "kms-vpc", "kms-intl", "sts", "sts-vpc"];
/// The beginnings of region ids. Below `localhost` only names that begin so mean a region, because programs of all kinds
/// are given names there (`app.localhost`, `my-app.localhost`).
const AREAS: [&str; 8] = ["ap-", "cn-", "eu-", "me-", "na-", "rus-", "sa-", "us-"];

/// The region that the Host names (rule 14.12): that of `kms.<region>.aliyuncs.com` and of the like names of the cloud,
/// and for local use that of `<region>.localhost` and `kms.<region>.localhost`. Every other host names none.
pub(in crate::server) fn region_of(headers: &HeaderMap) -> Option<Region> {
    let Name::Host(name) = Place::parse(host_of(headers))?.name else { return None };
    let of_service = |name: &str| {
        let (service, region) = name.split_once('.')?;
        SERVICES.contains(&service).then(|| region.to_owned())
    };
    let region = if let Some(above) = name.strip_suffix(".aliyuncs.com") {
        of_service(above)
    } else {
        let above = name.strip_suffix(".localhost")?;
        let region = of_service(above).unwrap_or_else(|| above.to_owned());
        AREAS.iter().any(|area| region.starts_with(area)).then_some(region)
    };
    region?.parse().ok()
}

/// The host and port that the request names, as the client wrote them but for a scheme before them; `None` when that is
/// no host.
pub(in crate::server) fn address_of(headers: &HeaderMap) -> Option<&str> {
    let host = host_of(headers);
    Place::parse(host).filter(|_| !host.is_empty()).map(|_| host)
}

/// A host of the cloud where something else than Kms and Sts is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum OtherService {
    /// `location-readonly.aliyuncs.com`, which says where services are.
    Location,
    /// `ram.aliyuncs.com`, which manages users and roles.
    Ram,
}

impl OtherService {
    /// The one whose host the request names.
    pub(in crate::server) fn of(headers: &HeaderMap) -> Option<Self> {
        match Place::parse(host_of(headers))?.name {
            Name::Host(name) if name == Self::Location.host() => Some(Self::Location),
            Name::Host(name) if name == Self::Ram.host() => Some(Self::Ram),
            _ => None,
        }
    }

    /// Its host name.
    pub(in crate::server) const fn host(self) -> &'static str {
        match self {
            Self::Location => "location-readonly.aliyuncs.com",
            Self::Ram => "ram.aliyuncs.com",
        }
    }
}

/// The name that `--allow-host` would allow, or one that shows its form.
fn example(headers: &HeaderMap) -> String {
    match Place::parse(host_of(headers)) {
        Some(Place { name: Name::Host(name), .. }) if name.parse::<TlsName>().is_ok() => {
            shorten(&name).to_owned()
        }
        _ => "secrets.example.com".to_owned(),
    }
}

/// The Host header, without the scheme that some clients put before it and the slash after it (fact A7); empty when
/// there is none, or when it is not ASCII, which is on no list.
fn host_of(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match host.split_once("://") {
        Some(("http" | "https", rest)) => rest.strip_suffix('/').unwrap_or(rest),
        _ => host,
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// The longest part of a header that is shown, in characters.
const SHOWN: usize = 100;

fn shorten(text: &str) -> &str {
    text.char_indices().nth(SHOWN).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A header's value for people and for the log.
fn shown(text: &str) -> String {
    format!("\"{}\"", shorten(text).escape_default())
}

/// A host, and a port if one was named.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    name: Name<'a>,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Name<'a> {
    Address(IpAddr),
    /// In lower case, without a final dot; anything that is no address.
    Host(Cow<'a, str>),
}

impl<'a> Place<'a> {
    /// Reads `HOST`, `HOST:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT`, and IPv6 addresses without brackets.
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            // The zone of a link-local address stands after a percent sign.
            let address: Ipv6Addr = address.split('%').next()?.parse().ok()?;
            let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
            return Self::of(Name::Address(address.into()), port);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Self::of(Name::Address(address.into()), "");
        }
        let (name, port) = text.rsplit_once(':').unwrap_or((text, ""));
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = match name.parse::<Ipv4Addr>() {
            Ok(address) => Name::Address(address.into()),
            Err(_) if name.bytes().any(|b| b.is_ascii_uppercase()) => {
                Name::Host(name.to_ascii_lowercase().into())
            }
            Err(_) => Name::Host(name.into()),
        };
        Self::of(name, port)
    }

    /// With a port as text; an empty one means the scheme's own.
    fn of(name: Name<'a>, port: &str) -> Option<Self> {
        let port = match port {
            "" => None,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Self { name, port })
    }

    fn is_same(&self, other: &Self, default_port: u16) -> bool {
        let port = |place: &Self| place.port.unwrap_or(default_port);
        self.name == other.name && port(self) == port(other)
    }
}
