//! Names of keys, their versions and aliases.

use std::fmt;
use std::str::FromStr;

use crate::domain::names::Invalid;
use crate::domain::{KeyId, Scope};

/// The id of a key's version: 1 to 128 characters of `A-Z a-z 0-9 -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersionId(String);

impl KeyVersionId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyVersionId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let valid =
            (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if valid { Ok(Self(text.to_owned())) } else { Err(Invalid) }
    }
}

impl fmt::Display for KeyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an alias: `alias/` and more, at most 255 characters in all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(String);

impl AliasName {
    /// The text, with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name lies in the space reserved for the service.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/acs")
    }
}

impl FromStr for AliasName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix("alias/").ok_or(Invalid)?;
        let valid = !rest.is_empty() && text.chars().count() <= 255 && !rest.chars().any(char::is_control);
        if valid { Ok(Self(text.to_owned())) } else { Err(Invalid) }
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a request names a key: by id, alias, or ARN of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRef {
    /// The scope that an ARN names.
    pub scope: Option<Scope>,
    /// What is named in it.
    pub target: KeyTarget,
}

/// What a [`KeyRef`] names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTarget {
    /// A key, by its id.
    Id(KeyId),
    /// A key, by an alias.
    Alias(AliasName),
}

impl KeyRef {
    /// The ARN of what is named, for somebody in this scope.
    pub fn arn(&self, own: &Scope) -> String {
        let Scope { region, account } = self.scope.as_ref().unwrap_or(own);
        match &self.target {
            KeyTarget::Id(id) => format!("acs:kms:{region}:{account}:key/{id}"),
            KeyTarget::Alias(name) => format!("acs:kms:{region}:{account}:{name}"),
        }
    }
}

impl FromStr for KeyRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some(rest) = text.strip_prefix("acs:kms:") else {
            let target = if text.starts_with("alias/") {
                KeyTarget::Alias(text.parse()?)
            } else {
                KeyTarget::Id(text.parse()?)
            };
            return Ok(Self { scope: None, target });
        };
        let (region, rest) = rest.split_once(':').ok_or(Invalid)?;
        let (account, resource) = rest.split_once(':').ok_or(Invalid)?;
        let target = match resource.strip_prefix("key/") {
            Some(id) => KeyTarget::Id(id.parse()?),
            None => KeyTarget::Alias(resource.parse()?),
        };
        Ok(Self { scope: Some(Scope { account: account.parse()?, region: region.parse()? }), target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_id_alias_or_arn() {
        let id = |text: &str| KeyTarget::Id(text.parse().unwrap());
        let alias = |text: &str| KeyTarget::Alias(text.parse().unwrap());
        let scope = Some(Scope { account: "1".parse().unwrap(), region: "cn-beijing".parse().unwrap() });
        for (text, want_scope, want) in [
            ("key-abc", None, id("key-abc")),
            ("08c33a6f-4e0a-4a1b-a3fa-7ddfa1d40000", None, id("08c33a6f-4e0a-4a1b-a3fa-7ddfa1d40000")),
            ("alias/x/y", None, alias("alias/x/y")),
            ("acs:kms:cn-beijing:1:key/key-abc", scope.clone(), id("key-abc")),
            ("acs:kms:cn-beijing:1:alias/x", scope, alias("alias/x")),
        ] {
            assert_eq!(text.parse::<KeyRef>(), Ok(KeyRef { scope: want_scope, target: want }), "{text}");
        }
        for bad in [
            "",
            "alias/",
            "a b",
            "acs:kms:r:1:secret/x",
            "acs:kms:r:1:key/",
            &format!("alias/{}", "x".repeat(250)),
        ] {
            assert_eq!(bad.parse::<KeyRef>(), Err(Invalid), "{bad}");
        }
    }
}
