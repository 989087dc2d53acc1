//! The hosts that the server answers to.

use http::HeaderMap;

use super::host::{Name, Place, host_of};
use super::refusal::{Refusal, shorten, shown};
use crate::tls::{self, TlsName};

/// The hosts that every request may name: addresses, names that certificates are signed for, and names that the
/// administrator added.
#[derive(Debug, Default)]
pub struct AllowedHosts(Vec<TlsName>);

impl AllowedHosts {
    /// The hosts that are always allowed, and these.
    pub fn new(added: Vec<TlsName>) -> Self {
        Self(added)
    }

    pub(super) fn has_host_of(&self, headers: &HeaderMap) -> bool {
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

/// The name that `--allow-host` would allow, or one that shows its form.
pub(super) fn example(headers: &HeaderMap) -> String {
    match Place::parse(host_of(headers)) {
        Some(Place { name: Name::Host(name), .. }) if name.parse::<TlsName>().is_ok() => {
            shorten(&name).to_owned()
        }
        _ => "secrets.example.com".to_owned(),
    }
}
