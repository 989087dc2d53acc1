//! The Host header of a request, parsed once.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, header};

/// The Host header of a request. It is parsed once for each request; the checks of the site, the region and the service
/// all read this value.
#[derive(Debug)]
pub(in crate::server) struct RequestHost<'a> {
    /// The value without the scheme that some clients put before it and the slash after it (protocol P7). Empty when there is no
    /// Host, or when it is not ASCII.
    text: &'a str,
    /// `None` when the text is not a host.
    authority: Option<Authority<'a>>,
    /// Whether there is a Host that is not empty.
    pub(super) is_present: bool,
    /// Whether there is more than one Host.
    pub(super) is_repeated: bool,
}

impl<'a> RequestHost<'a> {
    /// Reads the Host header.
    pub(in crate::server) fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(header::HOST).iter();
        let first = values.next();
        let text = first.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let text = match text.split_once("://") {
            Some(("http" | "https", rest)) => rest.strip_suffix('/').unwrap_or(rest),
            _ => text,
        };
        Self {
            text,
            authority: Authority::parse(text),
            is_present: first.is_some_and(|value| !value.is_empty()),
            is_repeated: values.next().is_some(),
        }
    }

    /// The host and port as the client wrote them; `None` when there is no Host or it is not a host.
    pub(in crate::server) fn address(&self) -> Option<&'a str> {
        self.authority.as_ref().map(|_| self.text).filter(|text| !text.is_empty())
    }

    /// The host name, in lower case and without a final dot; `None` for an IP address.
    pub(in crate::server) fn name(&self) -> Option<&str> {
        match &self.authority.as_ref()?.name {
            Name::Host(name) => Some(name),
            Name::Address(_) => None,
        }
    }

    /// The value as it is shown to people, see the field.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The host and port.
    pub(super) fn authority(&self) -> Option<&Authority<'a>> {
        self.authority.as_ref()
    }
}

/// A host and an optional port.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    name: Name<'a>,
    port: Option<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Name<'a> {
    Address(IpAddr),
    /// Anything that is not an IP address, in lower case and without a final dot.
    Host(Cow<'a, str>),
}

impl<'a> Authority<'a> {
    /// Parses `HOST`, `HOST:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT`, and an IPv6 address without brackets.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            // A link-local address has its zone after a percent sign.
            let address: Ipv6Addr = address.split('%').next()?.parse().ok()?;
            let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
            return Self::with_port(Name::Address(address.into()), port);
        }
        let (name, port) = text.rsplit_once(':').unwrap_or((text, ""));
        // Two colons: this may be an IPv6 address.
        if name.contains(':')
            && let Ok(address) = text.parse::<Ipv6Addr>()
        {
            return Self::with_port(Name::Address(address.into()), "");
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        let name = match name.parse::<Ipv4Addr>() {
            Ok(address) => Name::Address(address.into()),
            Err(_) if name.bytes().any(|b| b.is_ascii_uppercase()) => {
                Name::Host(name.to_ascii_lowercase().into())
            }
            Err(_) => Name::Host(name.into()),
        };
        Self::with_port(name, port)
    }

    /// Parses the port; an empty one means the scheme's default.
    fn with_port(name: Name<'a>, port: &str) -> Option<Self> {
        let port = match port {
            "" => None,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Self { name, port })
    }

    /// Whether both name the same server, when `default_port` stands for a missing port.
    pub(super) fn is_same(&self, other: &Self, default_port: u16) -> bool {
        let port = |authority: &Self| authority.port.unwrap_or(default_port);
        self.name == other.name && port(self) == port(other)
    }

    /// Whether the host is an IP address.
    pub(super) fn is_address(&self) -> bool {
        matches!(self.name, Name::Address(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, Option<u16>)> {
        let Authority { name, port } = Authority::parse(text)?;
        let name = match name {
            Name::Address(address) => format!("address {address}"),
            Name::Host(name) => format!("host {name}"),
        };
        Some((name, port))
    }

    #[test]
    fn hosts_and_addresses_are_parsed_with_and_without_a_port() {
        for (text, name, port) in [
            ("localhost", "host localhost", None),
            ("KMS.cn-hangzhou.aliyuncs.com.:443", "host kms.cn-hangzhou.aliyuncs.com", Some(443)),
            ("localhost:", "host localhost", None),
            ("127.0.0.1:7070", "address 127.0.0.1", Some(7070)),
            ("::1", "address ::1", None),
            ("::", "address ::", None),
            ("2001:db8::1:80", "address 2001:db8::1:80", None),
            ("::ffff:10.0.0.1", "address ::ffff:10.0.0.1", None),
            ("[::1]", "address ::1", None),
            ("[fe80::1%25eth0]:7070", "address fe80::1", Some(7070)),
            ("a:b:80", "host a:b", Some(80)),
            ("", "host ", None),
        ] {
            assert_eq!(parsed(text), Some((name.to_owned(), port)), "{text}");
        }
        for text in ["[::1", "[::1]x", "[localhost]:80", "a:b", "a:65536", "a:+80", "a: 80"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn missing_empty_and_repeated_host_headers_are_told_apart() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::HOST, value.parse().unwrap());
            }
            let host = RequestHost::of(&headers);
            (host.is_present, host.is_repeated, host.address().map(str::to_owned))
        };
        assert_eq!(of(&[]), (false, false, None));
        assert_eq!(of(&[""]), (false, false, None));
        assert_eq!(of(&["a:1"]), (true, false, Some("a:1".to_owned())));
        assert_eq!(of(&["http://a:1/"]), (true, false, Some("a:1".to_owned())));
        assert_eq!(of(&["a", "b"]), (true, true, Some("a".to_owned())));
        assert_eq!(of(&["", ""]), (false, true, None));
    }
}
