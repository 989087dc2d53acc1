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
        Invalid::check_length(text, 1..=128)?;
        Invalid::check_characters(text, |c| c.is_ascii_alphanumeric() || c == '-', "A-Z a-z 0-9 -")?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an alias: begins with `alias/`, at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(String);

impl AliasName {
    /// The text, including `alias/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is reserved for the service.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/acs")
    }
}

impl FromStr for AliasName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rest = text.strip_prefix("alias/").filter(|rest| !rest.is_empty());
        rest.ok_or_else(|| {
            Invalid::new("is not the name of an alias; expected alias/ and more, such as alias/app")
        })?;
        Invalid::check_length(text, 1..=255)?;
        Invalid::check_characters(text, |c| !c.is_control(), "all but control characters")?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a request names a key: by id, by alias, or by the ARN of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRef {
    /// The scope written in an ARN.
    pub scope: Option<Scope>,
    /// The key or alias.
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
    /// The ARN of the key or alias. `own` is the scope when the request gave no ARN.
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
        let no_arn = || {
            Invalid::new(
                "is not the ARN of a key or alias; expected one such as \
                 acs:kms:cn-hangzhou:1000000000000001:key/key-abc, a key's id, or alias/app",
            )
        };
        let (region, rest) = rest.split_once(':').ok_or_else(no_arn)?;
        let (account, resource) = rest.split_once(':').ok_or_else(no_arn)?;
        let target = match resource.strip_prefix("key/") {
            Some(id) => KeyTarget::Id(id.parse().map_err(|e: Invalid| e.of_part("key's id"))?),
            None => KeyTarget::Alias(resource.parse().map_err(|_invalid| no_arn())?),
        };
        let account = account.parse().map_err(|e: Invalid| e.of_part("account"))?;
        let region = region.parse().map_err(|e: Invalid| e.of_part("region"))?;
        Ok(Self { scope: Some(Scope { account, region }), target })
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
            assert!(bad.parse::<KeyRef>().is_err(), "{bad}");
        }
    }
}
