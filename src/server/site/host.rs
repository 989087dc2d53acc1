//! The Host that a request names.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, header};

/// The host and port that the request names, as the client wrote them but for a scheme before them; `None` when that is
/// no host.
pub(in crate::server) fn address_of(headers: &HeaderMap) -> Option<&str> {
    let host = host_of(headers);
    Place::parse(host).filter(|_| !host.is_empty()).map(|_| host)
}

/// The Host header, without the scheme that some clients put before it and the slash after it (fact A7); empty when
/// there is none, or when it is not ASCII, which is on no list.
pub(in crate::server) fn host_of(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match host.split_once("://") {
        Some(("http" | "https", rest)) => rest.strip_suffix('/').unwrap_or(rest),
        _ => host,
    }
}

/// A host, and a port if one was named.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Place<'a> {
    pub(in crate::server) name: Name<'a>,
    pub(in crate::server) port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Name<'a> {
    Address(IpAddr),
    /// In lower case, without a final dot; anything that is no address.
    Host(Cow<'a, str>),
}

impl<'a> Place<'a> {
    /// Reads `HOST`, `HOST:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT`, and IPv6 addresses without brackets.
    pub(in crate::server) fn parse(text: &'a str) -> Option<Self> {
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

    pub(in crate::server) fn is_same(&self, other: &Self, default_port: u16) -> bool {
        let port = |place: &Self| place.port.unwrap_or(default_port);
        self.name == other.name && port(self) == port(other)
    }
}
