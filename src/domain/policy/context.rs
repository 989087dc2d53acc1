//! What conditions can ask about a request.

use std::borrow::Cow;

use core::net::IpAddr;

use super::principal::Principal;
use crate::domain::Timestamp;

/// The facts of a request that conditions look at (rule 10.9).
#[derive(Debug, Clone)]
pub struct ConditionContext<'a> {
    /// `acs:SourceIp`: where the request came from, if that is known.
    pub source_ip: Option<IpAddr>,
    /// `acs:CurrentTime`: when the request came; compared in whole seconds.
    pub current_time: Timestamp,
    /// `acs:SecureTransport`: whether it came by TLS.
    pub secure_transport: bool,
    /// `acs:SourceVpc`: the id of the network it came from; none from the internet.
    pub source_vpc: Option<&'a str>,
    /// `acs:MFAPresent`: whether the caller signed in with a second factor; none for access keys, as in the cloud.
    pub mfa_present: Option<bool>,
    /// Facts of the service, as condition key and value: `kms:tag/<key>` and such. A key with several values
    /// stands there several times.
    pub more: &'a [(&'a str, &'a str)],
}

/// A condition key, its name looked up once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    SourceIp,
    CurrentTime,
    SecureTransport,
    SourceVpc,
    MfaPresent,
    PrincipalArn,
    /// A key of a service; it may be that no request ever has it.
    More,
}

/// Names are compared without regard to case: both `acs:PrincipalARN` and `acs:PrincipalArn` are in use.
const KEYS: &[(&str, Key)] = &[
    ("acs:SourceIp", Key::SourceIp),
    ("acs:CurrentTime", Key::CurrentTime),
    ("acs:SecureTransport", Key::SecureTransport),
    ("acs:SourceVpc", Key::SourceVpc),
    ("acs:MFAPresent", Key::MfaPresent),
    ("acs:PrincipalARN", Key::PrincipalArn),
];

impl Key {
    pub(super) fn of(name: &str) -> Self {
        KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(Self::More, |(_, key)| *key)
    }
}

/// One value of a condition key.
#[derive(Debug, Clone)]
pub(super) enum Fact<'a> {
    Text(Cow<'a, str>),
    Time(Timestamp),
    Bool(bool),
    Ip(IpAddr),
}

impl Fact<'_> {
    /// The value as the operators of texts see it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Time(time) => Cow::Owned(time.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Ip(address) => Cow::Owned(address.to_canonical().to_string()),
        }
    }
}

impl ConditionContext<'_> {
    /// All values of a condition key in this request; `name` is the key as the policy writes it.
    pub(super) fn facts<'c>(
        &'c self,
        key: Key,
        name: &'c str,
        caller: &'c Principal,
    ) -> impl Iterator<Item = Fact<'c>> {
        let text = |text: &'c str| Fact::Text(Cow::Borrowed(text));
        let known = match key {
            Key::SourceIp => self.source_ip.map(Fact::Ip),
            Key::CurrentTime => Some(Fact::Time(self.current_time)),
            Key::SecureTransport => Some(Fact::Bool(self.secure_transport)),
            Key::SourceVpc => self.source_vpc.map(text),
            Key::MfaPresent => self.mfa_present.map(Fact::Bool),
            Key::PrincipalArn => Some(Fact::Text(Cow::Owned(caller.policy_arn()))),
            Key::More => None,
        };
        let more = if key == Key::More { self.more } else { &[] };
        known.into_iter().chain(more.iter().filter(|(key, _)| same_key(key, name)).map(move |(_, v)| text(v)))
    }
}

/// Whether two names mean the same key. What follows the slash is a tag's key, where case counts.
fn same_key(a: &str, b: &str) -> bool {
    match (a.split_once('/'), b.split_once('/')) {
        (Some((a, tag_a)), Some((b, tag_b))) => a.eq_ignore_ascii_case(b) && tag_a == tag_b,
        (None, None) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}
