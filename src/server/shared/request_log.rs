//! The latest requests, kept in memory for `/_sesame/requests`. For a refused permission a record holds every policy statement
//! that was evaluated. It never holds a secret value, a signature or a token.

use std::borrow::Cow;
use std::net::IpAddr;

use http::{HeaderMap, header};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::actions;
use crate::app::{Entry, Ring};
use crate::domain::faults::Fault;
use crate::domain::policy::Principal;
use crate::domain::{AccountId, Region, Timestamp};
use crate::wire::params::Pairs;
use crate::wire::{Fields, RequestId};

/// The longest name that is kept of what a request asks for, in bytes: an ARN of a secret.
const NAME_BYTES: usize = 320;
/// The longest part of a user agent that is kept, in bytes.
const USER_AGENT_BYTES: usize = 256;
/// The longest list of secrets that is kept, in bytes.
const LIST_BYTES: usize = 8 * 1024;

/// The latest requests.
pub(in crate::server) type RequestLog = Ring<LoggedRequest>;

/// A finished request. It is turned into text only when it is read.
#[derive(Debug)]
pub(in crate::server) struct LoggedRequest {
    /// Its number in this process, from 1.
    pub(in crate::server) number: u64,
    /// The service's time.
    pub(in crate::server) time: Timestamp,
    pub(in crate::server) request_id: RequestId,
    /// The action that the request names, even if it does not exist.
    pub(in crate::server) action: Option<Cow<'static, str>>,
    /// What it asks for.
    pub(in crate::server) asked: Asked,
    /// The version that the answer is about, and its labels, one a line.
    pub(in crate::server) answered: Option<String>,
    /// The caller, if it is known, and its access key.
    pub(in crate::server) caller: Option<(Principal, Option<String>)>,
    /// The access key that the request names, if it was refused before its caller was known.
    pub(in crate::server) claimed_access_key: Option<String>,
    /// The account of that access key, if there is such a key.
    pub(in crate::server) claimed_account: Option<AccountId>,
    pub(in crate::server) region: Region,
    /// The client's address.
    pub(in crate::server) source: IpAddr,
    pub(in crate::server) scheme: Option<&'static str>,
    /// The HTTP status; 0 when a fault rule closed the connection before the call ran.
    pub(in crate::server) status: u16,
    /// The error code; `None` for a success.
    pub(in crate::server) code: Option<String>,
    /// The reason of the error, for developers.
    pub(in crate::server) reason: Option<String>,
    pub(in crate::server) duration_ms: u64,
    /// The fault that a rule injected.
    pub(in crate::server) injected: Option<Fault>,
    /// The missing permission, with every policy statement that was evaluated.
    pub(in crate::server) denied: Option<Value>,
}

impl Entry for LoggedRequest {
    fn number(&self) -> u64 {
        self.number
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    fn account(&self) -> Option<&str> {
        let caller = self.caller.as_ref().map(|(principal, _)| &principal.account);
        caller.or(self.claimed_account.as_ref()).map(AccountId::as_str)
    }
}

impl LoggedRequest {
    /// The version of the answer.
    pub(in crate::server) fn answered_version(&self) -> Option<&str> {
        self.answered.as_ref()?.lines().next()
    }

    /// The labels of that version.
    pub(in crate::server) fn answered_labels(&self) -> impl Iterator<Item = &str> {
        self.answered.iter().flat_map(|text| text.lines().skip(1))
    }

    /// The access key of the signature.
    pub(in crate::server) fn access_key(&self) -> Option<&str> {
        self.caller.as_ref().and_then(|(_, key)| key.as_deref())
    }
}

impl Serialize for LoggedRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let asked = &self.asked;
        let mut members = serializer.serialize_struct("Request", 26)?;
        members.serialize_field("number", &self.number)?;
        members.serialize_field("time", &self.time.to_string())?;
        members.serialize_field("request_id", &self.request_id)?;
        members.serialize_field("action", &self.action)?;
        members.serialize_field("secret", &asked.secrets().next())?;
        if asked.secrets().nth(1).is_some() {
            members.serialize_field("secrets", &asked.secrets().collect::<Vec<_>>())?;
        }
        members.serialize_field("key", &asked.key())?;
        members.serialize_field("version", &asked.version())?;
        members.serialize_field("label", &asked.label())?;
        if let Some(version) = self.answered_version() {
            members.serialize_field("answered_version", version)?;
            members.serialize_field("answered_labels", &self.answered_labels().collect::<Vec<_>>())?;
        }
        members.serialize_field("account", &self.account())?;
        members.serialize_field("region", self.region.as_str())?;
        members.serialize_field("caller", &self.caller.as_ref().map(|(principal, _)| principal.arn()))?;
        members.serialize_field("access_key", &self.access_key())?;
        if let Some(claimed) = &self.claimed_access_key {
            members.serialize_field("claimed_access_key", claimed)?;
        }
        members.serialize_field("source", &self.source)?;
        members.serialize_field("user_agent", &asked.user_agent())?;
        members.serialize_field("scheme", &self.scheme)?;
        members.serialize_field("status", &self.status)?;
        members.serialize_field("code", &self.code)?;
        if let Some(reason) = &self.reason {
            members.serialize_field("reason", reason)?;
        }
        members.serialize_field("duration_ms", &self.duration_ms)?;
        if let Some(injected) = &self.injected {
            members.serialize_field("injected", injected)?;
        }
        if let Some(denied) = &self.denied {
            members.serialize_field("denied", denied)?;
        }
        members.end()
    }
}

/// What a request asks for, as one text: the names of secrets, one a line; the key; the version; the label; the user agent. Only
/// texts that have the form of a name are kept, so that a value that was sent as a name by mistake is not.
#[derive(Debug, Default)]
pub(in crate::server) struct Asked {
    text: Box<str>,
    /// Where each part ends.
    ends: [u16; 5],
}

impl Asked {
    /// What a request asks for in its query, its body and its headers.
    pub(in crate::server) fn of(query: &Pairs<'_>, form: &Pairs<'_>, headers: &HeaderMap) -> Self {
        let [mut secret, mut key, mut version, mut label] = [""; 4];
        let mut many = false;
        for (name, value) in query.iter().chain(form.iter()) {
            match name {
                "SecretName" => secret = name_of(value),
                "KeyId" => key = name_of(value),
                "EncryptionKeyId" if key.is_empty() => key = name_of(value),
                "VersionId" | "MoveToVersion" => version = name_of(value),
                "VersionStage" => label = name_of(value),
                "SecretsList" => many = true,
                _ => many |= name.starts_with("ResourceId"),
            }
        }
        let secret = secret.rsplit_once(":secret/").map_or(secret, |(_, name)| name);
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = agent.get(..agent.len().min(USER_AGENT_BYTES)).unwrap_or_default();
        if many {
            let all = [query, form].into_iter().flat_map(|pairs| actions::secrets_named(Fields::new(pairs)));
            let mut list = all.fold(String::new(), |list, name| list + &name + "\n");
            // All names are ASCII.
            list.truncate(LIST_BYTES);
            return Self::new([list.trim_end(), key, version, label, agent]);
        }
        Self::new([secret, key, version, label, agent])
    }

    fn new(parts: [&str; 5]) -> Self {
        let mut text = String::with_capacity(parts.iter().map(|part| part.len()).sum());
        let ends = parts.map(|part| {
            text.push_str(part);
            u16::try_from(text.len()).unwrap_or(u16::MAX)
        });
        Self { text: text.into_boxed_str(), ends }
    }

    fn part(&self, from: u16, to: u16) -> Option<&str> {
        self.text.get(usize::from(from)..usize::from(to)).filter(|part| !part.is_empty())
    }

    /// The names of the secrets.
    pub(in crate::server) fn secrets(&self) -> impl Iterator<Item = &str> {
        let [end, ..] = self.ends;
        self.part(0, end).into_iter().flat_map(str::lines)
    }

    /// The key or its alias.
    pub(in crate::server) fn key(&self) -> Option<&str> {
        let [from, to, ..] = self.ends;
        self.part(from, to)
    }

    /// The version.
    pub(in crate::server) fn version(&self) -> Option<&str> {
        let [_, from, to, ..] = self.ends;
        self.part(from, to)
    }

    /// The label.
    pub(in crate::server) fn label(&self) -> Option<&str> {
        let [_, _, from, to, _] = self.ends;
        self.part(from, to)
    }

    /// The user agent.
    pub(in crate::server) fn user_agent(&self) -> Option<&str> {
        let [_, _, _, from, to] = self.ends;
        self.part(from, to)
    }
}

/// A text, if it has the form of a name or an ARN; else an empty one.
fn name_of(text: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_/+=.@-:".contains(&byte);
    if text.len() <= NAME_BYTES && text.bytes().all(fits) { text } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        let agent = HeaderMap::from_iter([(header::USER_AGENT, "curl/8".parse().unwrap())]);
        Asked::of(&Pairs::parse(query).unwrap(), &Pairs::new(), &agent)
    }

    #[test]
    fn names_are_kept_and_other_texts_are_not() {
        let one =
            asked("SecretName=acs:kms:cn-hangzhou:1:secret/a/b&VersionId=v1&VersionStage=Mine&KeyId=alias/k");
        assert_eq!(one.secrets().collect::<Vec<_>>(), ["a/b"]);
        assert_eq!((one.key(), one.version()), (Some("alias/k"), Some("v1")));
        assert_eq!((one.label(), one.user_agent()), (Some("Mine"), Some("curl/8")));
        let many = asked(r#"SecretsList=[{"SecretName":"a"},{"SecretName":"b"}]&VersionStage=X"#);
        assert_eq!(many.secrets().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((many.version(), many.label()), (None, Some("X")));
        let none = asked("SecretName=two%20words&VersionId=%0A&SecretData=hush&KeyId=");
        assert_eq!(none.secrets().count(), 0);
        assert_eq!((none.key(), none.version(), none.label()), (None, None, None));
        assert!(!format!("{none:?}").contains("hush"));
        let long = "x".repeat(NAME_BYTES + 1);
        assert_eq!(asked(&format!("SecretName={long}")).secrets().count(), 0);
        assert_eq!(asked("").secrets().count(), 0);
    }

    #[test]
    fn a_long_list_of_secrets_is_cut() {
        let all: Vec<String> =
            (0..200).map(|n| format!("{{\"SecretName\":\"{}-{n}\"}}", "x".repeat(150))).collect();
        let asked = asked(&format!("SecretsList=[{}]&VersionId=v1", all.join(",")));
        assert!((10..200).contains(&asked.secrets().count()), "{}", asked.secrets().count());
        assert_eq!((asked.version(), asked.user_agent()), (Some("v1"), Some("curl/8")));
    }
}
