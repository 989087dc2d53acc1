//! The properties of a request that conditions can compare.

use std::borrow::Cow;

use core::net::IpAddr;

use super::principal::Principal;
use crate::domain::Timestamp;

/// The properties of a request that conditions compare (rule 10.9).
#[derive(Debug, Clone)]
pub struct ConditionContext<'a> {
    /// `acs:SourceIp`: the address of the client, if it is known.
    pub source_ip: Option<IpAddr>,
    /// `acs:CurrentTime`: when the request arrived; compared in whole seconds.
    pub current_time: Timestamp,
    /// `acs:SecureTransport`: whether it came over TLS.
    pub secure_transport: bool,
    /// `acs:SourceVpc`: the id of the network that it came from. `None` for the internet.
    pub source_vpc: Option<&'a str>,
    /// `acs:MFAPresent`: whether the caller signed in with a second factor. `None` for access keys, as on the cloud.
    pub mfa_present: Option<bool>,
    /// Condition keys of the service with their values, such as `kms:tag/<key>`. A key with several values occurs several
    /// times.
    pub more: &'a [(&'a str, &'a str)],
}

/// A condition key, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    SourceIp,
    CurrentTime,
    SecureTransport,
    SourceVpc,
    MfaPresent,
    PrincipalArn,
    /// A key of a service, which requests may or may not have.
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
pub(super) enum ContextValue<'a> {
    Text(Cow<'a, str>),
    Time(Timestamp),
    Bool(bool),
    Ip(IpAddr),
}

impl ContextValue<'_> {
    /// The value as text, for the string operators.
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
    /// All values that a condition key has in this request. `name` is the key as the policy writes it.
    pub(super) fn values<'c>(
        &'c self,
        key: Key,
        name: &'c str,
        caller: &'c Principal,
    ) -> impl Iterator<Item = ContextValue<'c>> {
        let text = |text: &'c str| ContextValue::Text(Cow::Borrowed(text));
        let known = match key {
            Key::SourceIp => self.source_ip.map(ContextValue::Ip),
            Key::CurrentTime => Some(ContextValue::Time(self.current_time)),
            Key::SecureTransport => Some(ContextValue::Bool(self.secure_transport)),
            Key::SourceVpc => self.source_vpc.map(text),
            Key::MfaPresent => self.mfa_present.map(ContextValue::Bool),
            Key::PrincipalArn => Some(ContextValue::Text(Cow::Owned(caller.policy_arn()))),
            Key::More => None,
        };
        let more = if key == Key::More { self.more } else { &[] };
        known.into_iter().chain(more.iter().filter(|(key, _)| same_key(key, name)).map(move |(_, v)| text(v)))
    }
}

/// Whether two names mean the same key. Case is significant after the slash, where a tag's key follows.
fn same_key(a: &str, b: &str) -> bool {
    match (a.split_once('/'), b.split_once('/')) {
        (Some((a, tag_a)), Some((b, tag_b))) => a.eq_ignore_ascii_case(b) && tag_a == tag_b,
        (None, None) => a.eq_ignore_ascii_case(b),
        _ => false,
    }
}
