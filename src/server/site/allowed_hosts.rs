//! The hosts that requests without a valid signature or admin token may name.

use super::host::{Authority, RequestHost};
use super::rejection::{Rejection, quoted, shortened};
use crate::tls::{self, TlsName};

/// The hosts that any request may name: IP addresses, the names in the server's own certificates, and the names that the
/// administrator added.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<TlsName>);

impl AllowedHosts {
    /// The hosts that are always allowed, and the added ones.
    pub fn new(added: Vec<TlsName>) -> Self {
        Self(added)
    }

    /// Whether the request's host is allowed.
    pub(super) fn contains(&self, host: &RequestHost<'_>) -> bool {
        match host.name() {
            Some(name) => tls::is_known_host(name) || self.0.iter().any(|added| added.covers(name)),
            // Nobody can make an IP address resolve to something else.
            None => host.authority().is_some_and(Authority::is_address),
        }
    }
}

/// Refuses hosts that are not allowed. For requests without a valid signature and without the admin token.
///
/// # Errors
/// [`Rejection::Forbidden`], with a message that names the host and how to allow it.
pub(in crate::server) fn check_host(host: &RequestHost<'_>, allowed: &AllowedHosts) -> Result<(), Rejection> {
    if allowed.contains(host) {
        return Ok(());
    }
    Err(Rejection::Forbidden(format!(
        "The Host {} is not one that this server answers to without a valid signature or the admin token. Use an IP \
         address, localhost or a service name, or start the server with the name, for example --allow-host {}.",
        quoted(host.text()),
        example(host)
    )))
}

/// The value of `--allow-host` that would allow this host, or one that shows the form.
pub(super) fn example<'h>(host: &'h RequestHost<'_>) -> &'h str {
    match host.name() {
        Some(name) if name.parse::<TlsName>().is_ok() => shortened(name),
        _ => "secrets.example.com",
    }
}
