//! The names that certificates are signed for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use rcgen::SanType;

use crate::domain::Region;

/// The text is neither a host name nor an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a host name nor an address")]
pub struct InvalidName;

/// A name or an address that the administrator adds: `secrets.example.com`, `*.example.com`, `192.0.2.7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsName {
    /// A host name in lower case; its first label may be `*`.
    Host(String),
    /// An address.
    Address(IpAddr),
}

impl FromStr for TlsName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let rest = name.strip_prefix("*.").unwrap_or(&name);
        // A name whose last label is a number is a mistyped address.
        let last = rest.rsplit('.').next().unwrap_or_default();
        let is_host = name.len() <= 253 && rest.split('.').all(is_label) && !is_number(last);
        if is_host { Ok(Self::Host(name)) } else { Err(InvalidName) }
    }
}

impl TlsName {
    /// Whether `name` (in lower case, without a final dot) equals this host name, with one label in place of an
    /// asterisk. False for an address.
    pub fn covers(&self, name: &str) -> bool {
        match self {
            Self::Host(host) => match host.strip_prefix('*') {
                Some(end) => name.strip_suffix(end).is_some_and(is_label),
                None => host == name,
            },
            Self::Address(_) => false,
        }
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

fn is_number(label: &str) -> bool {
    label.bytes().all(|b| b.is_ascii_digit())
}

/// Letters, digits, hyphens except at the ends, and underscores, which compose services have.
fn is_label(label: &str) -> bool {
    let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
}

/// Which certificate a client gets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The certificate for localhost, loopback addresses and the names that the administrator added, and for the
    /// address that the client connected to, if that is another.
    Default(Option<IpAddr>),
    /// The certificate for one name.
    Named(String),
}

/// The names of the default certificate.
#[derive(Debug)]
pub(super) struct Names(Vec<TlsName>);

impl Names {
    pub(super) fn new(added: Vec<TlsName>, listen: IpAddr) -> Self {
        let mut names = vec![
            TlsName::Host("localhost".to_owned()),
            TlsName::Address(Ipv4Addr::LOCALHOST.into()),
            TlsName::Address(Ipv6Addr::LOCALHOST.into()),
        ];
        let listen = listen.to_canonical();
        let listen = (!listen.is_unspecified()).then_some(TlsName::Address(listen));
        for name in added.into_iter().chain(listen) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self(names)
    }

    /// Selects the certificate for a client that asked for `name` (in lower case, as the TLS library gives it). Clients
    /// that connect to an address ask for no name.
    pub(super) fn subject(&self, name: Option<&str>, local: IpAddr) -> Subject {
        match name {
            Some(name) if !self.has_host(name) && is_known_host(name) => Subject::Named(name.to_owned()),
            _ => {
                let local = TlsName::Address(local.to_canonical());
                match local {
                    TlsName::Address(address) if !self.0.contains(&local) => Subject::Default(Some(address)),
                    _ => Subject::Default(None),
                }
            }
        }
    }

    fn has_host(&self, name: &str) -> bool {
        self.0.iter().any(|known| known.covers(name))
    }

    /// The names for which the certificate is valid.
    pub(super) fn alternatives(&self, subject: &Subject) -> Result<Vec<SanType>, rcgen::Error> {
        let host = |name: &str| Ok(SanType::DnsName(name.try_into()?));
        match subject {
            Subject::Named(name) => Ok(vec![host(name)?]),
            Subject::Default(more) => {
                let known = self.0.iter().map(|name| match name {
                    TlsName::Host(name) => host(name),
                    TlsName::Address(address) => Ok(SanType::IpAddress(*address)),
                });
                known.chain(more.iter().map(|address| Ok(SanType::IpAddress(*address)))).collect()
            }
        }
    }
}

/// Whether a certificate is signed for this name (in lower case, without a final dot) even though nobody added it: the
/// cloud's host names, names without a dot such as `localhost` and the services of compose files, services of a
/// Kubernetes cluster, names below `localhost`, and a container's name for its host.
pub fn is_known_host(name: &str) -> bool {
    let cloud = |name: &str| match name.split_once('.') {
        None => matches!(name, "sts" | "ram" | "location-readonly"),
        Some((service, "cryptoservice.kms")) => is_label(service),
        Some(("kms" | "kms-vpc" | "kms-intl" | "sts" | "sts-vpc", region)) => {
            region.parse::<Region>().is_ok_and(|_| is_label(region))
        }
        Some(_) => false,
    };
    let is_below = |end: &str| name.strip_suffix(end).is_some_and(|above| above.split('.').all(is_label));
    name.strip_suffix(".aliyuncs.com").is_some_and(cloud)
        || [".svc", ".svc.cluster.local", ".localhost"].into_iter().any(is_below)
        || name == "host.docker.internal"
        || (is_label(name) && !is_number(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn names(added: &[&str], listen: &str) -> Names {
        Names::new(added.iter().map(|name| name.parse().unwrap()).collect(), listen.parse().unwrap())
    }

    #[test]
    fn the_clouds_names_services_and_nothing_else_get_their_own_certificate() {
        let names = names(&["added.example.com", "*.wild.example.com"], "127.0.0.1");
        for name in [
            "kms.cn-hangzhou.aliyuncs.com",
            "kms-vpc.eu-central-1.aliyuncs.com",
            "kst-abc123.cryptoservice.kms.aliyuncs.com",
            "sts.cn-hangzhou.aliyuncs.com",
            "sts-vpc.cn-hangzhou.aliyuncs.com",
            "sts.aliyuncs.com",
            "sesame",
            "my_service-1",
            "sesame.default.svc.cluster.local",
            "a.b.c.svc.cluster.local",
            "sesame.default.svc",
            "sesame.svc",
            "app.localhost",
            "kms.cn-beijing.localhost",
            "kms-intl.ap-southeast-1.aliyuncs.com",
            "ram.aliyuncs.com",
            "location-readonly.aliyuncs.com",
            "host.docker.internal",
        ] {
            assert_eq!(names.subject(Some(name), LOOPBACK), Subject::Named(name.to_owned()));
        }
        for name in [
            "localhost",
            "added.example.com",
            "a.wild.example.com",
            "a.b.wild.example.com",
            "wild.example.com",
            "example.com",
            "aliyuncs.com",
            "kms.aliyuncs.com",
            "oss.cn-hangzhou.aliyuncs.com",
            "kms.cn-hangzhou.evil.aliyuncs.com",
            "kms.cn-hangzhou.aliyuncs.com.evil.example",
            "evilkms.cn-hangzhou.aliyuncs.com",
            "kms.-a.aliyuncs.com",
            "a.b.cryptoservice.kms.aliyuncs.com",
            ".cryptoservice.kms.aliyuncs.com",
            "svc.cluster.local",
            ".svc.cluster.local",
            ".svc",
            "a..svc",
            "sesame.svc.evil.example",
            "evilsvc.example",
            ".localhost",
            "-a.localhost",
            "localhost.evil.example",
            "docker.internal",
            "a.host.docker.internal",
            "kms-intl.aliyuncs.com",
            "a.ram.aliyuncs.com",
            "location.aliyuncs.com",
            "2130706433",
            "-",
        ] {
            assert_eq!(names.subject(Some(name), LOOPBACK), Subject::Default(None), "{name}");
        }
    }

    #[test]
    fn the_default_certificate_is_for_the_address_of_the_connection_too() {
        let names = names(&["192.0.2.7"], "0.0.0.0");
        let subject = |local: &str| names.subject(None, local.parse().unwrap());
        assert_eq!(subject("127.0.0.1"), Subject::Default(None));
        assert_eq!(subject("::ffff:127.0.0.1"), Subject::Default(None));
        assert_eq!(subject("192.0.2.7"), Subject::Default(None));
        assert_eq!(subject("127.0.0.2"), Subject::Default(Some("127.0.0.2".parse().unwrap())));
        assert_eq!(subject("::ffff:10.0.0.1"), Subject::Default(Some("10.0.0.1".parse().unwrap())));
    }

    #[test]
    fn the_default_certificate_names_each_once() {
        let all = names(&["localhost", "a.example.com", "*.b.example.com", "192.0.2.7"], "192.0.2.7");
        let subject = Subject::Default(Some("10.0.0.1".parse().unwrap()));
        let said: Vec<String> = all
            .alternatives(&subject)
            .unwrap()
            .into_iter()
            .map(|name| match name {
                SanType::DnsName(name) => name.as_str().to_owned(),
                SanType::IpAddress(address) => address.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            said,
            ["localhost", "127.0.0.1", "::1", "a.example.com", "*.b.example.com", "192.0.2.7", "10.0.0.1"]
        );
    }

    #[test]
    fn invalid_names_are_refused() {
        for (text, read) in [
            ("Secrets.Example.COM.", "secrets.example.com"),
            ("*.example.com", "*.example.com"),
            ("host", "host"),
            ("::1", "::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(text.parse::<TlsName>().unwrap().to_string(), read);
        }
        let long = format!("{}.com", "a.".repeat(130));
        let label = format!("{}.com", "a".repeat(64));
        for text in [
            "",
            ".",
            "*",
            "*.",
            "a..b",
            "-a.com",
            "a-.com",
            "a b",
            "a.*.b",
            "ä.com",
            "1.2.3",
            "1.2.3.4.5",
            "https://a",
            "a:1",
            &long,
            &label,
        ] {
            assert_eq!(text.parse::<TlsName>(), Err(InvalidName), "{text}");
        }
    }
}
