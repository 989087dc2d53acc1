//! Identifiers as types: a value that exists is valid.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use super::invalid::Invalid;

/// Characters of a secret's name (rule 1.1). A longer name also needs a migration of the table `secrets`, whose CHECK has
/// the same number, and a change of `docs/seed.schema.json`.
pub const SECRET_NAME_CHARS: usize = 192;
/// Characters of a version id (rule 1.7) or a label. A longer one also needs a migration of the tables `versions` and
/// `stages`, whose CHECKs have the same number, and a change of `docs/seed.schema.json`.
pub const LABEL_CHARS: usize = 64;
/// Characters of the ids that Sesame makes, of secrets and data keys, and of ids of keys.
pub const ID_CHARS: usize = 64;

/// Characters of secret names, version ids and labels (rule 1.1; guess G14 for the other two).
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '+' | '=' | '.' | '-' | '@')
}

fn checked(text: &str, max: usize) -> Result<String, Invalid> {
    const ALLOWED: &str = "A-Z a-z 0-9 _ / + = . - @";
    Invalid::check_length(text, 1..=max)?;
    Invalid::check_characters(text, is_name_char, ALLOWED)?;
    Ok(text.to_owned())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                checked(text, $max).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// The name of a secret: 1 to 192 characters of `A-Z a-z 0-9 _ / + = . - @` (rule 1.1).
    SecretName,
    SECRET_NAME_CHARS
);
identifier!(
    /// The caller's id of a version: 1 to 64 characters, unique in its secret (rule 1.7).
    VersionId,
    LABEL_CHARS
);
identifier!(
    /// A stage label: 1 to 64 characters; `ACSCurrent` and `ACSPrevious` are built in (rule 3.2).
    StageLabel,
    LABEL_CHARS
);
identifier!(
    /// The internal identity of a secret, never reused: a name that is created again after a purge gets a new one.
    SecretId,
    ID_CHARS
);
identifier!(
    /// The id of a data key.
    DataKeyId,
    ID_CHARS
);
identifier!(
    /// The id of a customer master key (CMK).
    KeyId,
    ID_CHARS
);

impl SecretName {
    /// Whether the name is reserved for the service (`acs/`, rule 1.2).
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("acs/")
    }
}

impl StageLabel {
    /// `ACSCurrent`: the version that is read when the request names no version.
    pub const CURRENT: &'static str = "ACSCurrent";
    /// `ACSPrevious`: the version that had `ACSCurrent` before.
    pub const PREVIOUS: &'static str = "ACSPrevious";

    /// The label `ACSCurrent`.
    pub fn current() -> Self {
        Self(Self::CURRENT.to_owned())
    }

    /// The label `ACSPrevious`.
    pub fn previous() -> Self {
        Self(Self::PREVIOUS.to_owned())
    }

    /// Whether this is `ACSCurrent` or `ACSPrevious`.
    pub fn is_built_in(&self) -> bool {
        self.0 == Self::CURRENT || self.0 == Self::PREVIOUS
    }
}

/// An account id: 1 to 32 digits. Cheap to clone, which every request does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let valid = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let expected =
            || Invalid::new("is not an account id; expected 1 to 32 digits, such as 1000000000000001");
        if valid { Ok(Self(text.into())) } else { Err(expected()) }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region id such as `cn-hangzhou`: 1 to 32 lower-case letters, digits and hyphens. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Arc<str>);

impl Region {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let valid = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let expected = || {
            Invalid::new("is not a region id; expected 1 to 32 characters of a-z 0-9 -, such as cn-hangzhou")
        };
        if valid { Ok(Self(text.into())) } else { Err(expected()) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a name is unique: one account in one region (rule 1.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The owning account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Scope {
    /// The ARN of the secret `name` in this scope (rule 1.4).
    pub fn secret_arn(&self, name: &SecretName) -> String {
        format!("acs:kms:{}:{}:secret/{name}", self.region, self.account)
    }
}

/// How a request names a secret: by name, or by ARN with the scope written in it (rule 1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    /// The scope written in an ARN. `None` for a plain name.
    pub scope: Option<Scope>,
    /// The secret's name.
    pub name: SecretName,
}

impl FromStr for SecretRef {
    type Err = Invalid;

    /// Reads `name` or `acs:kms:<region>:<account>:secret/<name>`. A plain name cannot contain a colon, so the two forms
    /// cannot be confused.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some(rest) = text.strip_prefix("acs:kms:") else {
            return Ok(Self { scope: None, name: text.parse()? });
        };
        let no_arn = || {
            Invalid::new(
                "is not the ARN of a secret; expected one such as \
                 acs:kms:cn-hangzhou:1000000000000001:secret/app/db, or the name alone",
            )
        };
        let (region, rest) = rest.split_once(':').ok_or_else(no_arn)?;
        let (account, resource) = rest.split_once(':').ok_or_else(no_arn)?;
        let name = resource.strip_prefix("secret/").ok_or_else(no_arn)?;
        let account = account.parse().map_err(|e: Invalid| e.of_part("account"))?;
        let region = region.parse().map_err(|e: Invalid| e.of_part("region"))?;
        let name = name.parse().map_err(|e: Invalid| e.of_part("secret's name"))?;
        Ok(Self { scope: Some(Scope { account, region }), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_1_secret_names_have_1_to_192_characters_of_the_set() {
        for good in ["a", "A-Z_/+=.@9", &"x".repeat(192), "acs/ecs/i"] {
            assert_eq!(good.parse::<SecretName>().unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(193), "a b", "a:b", "a*b", "é", "a\0b", "a\nb", "a#b"] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad:?}");
        }
    }

    /// The last number N of `CHECK (length(column) BETWEEN 1 AND N)` in a database's migrations, which are in order of
    /// their names.
    fn length_in_migrations(database: &str, column: &str) -> usize {
        let dir = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let check = format!("CHECK (length({column}) BETWEEN 1 AND ");
        let (_, rest) = text.rsplit_once(&check).unwrap_or_else(|| panic!("{database}: {check}"));
        rest.split(')').next().unwrap().parse().unwrap()
    }

    #[test]
    fn lengths_of_names_are_those_of_the_migrations_and_the_schema_of_seeds() {
        for database in ["sqlite", "postgres"] {
            assert_eq!(length_in_migrations(database, "name"), SECRET_NAME_CHARS, "{database}");
            assert_eq!(length_in_migrations(database, "version_id"), LABEL_CHARS, "{database}");
            assert_eq!(length_in_migrations(database, "label"), LABEL_CHARS, "{database}");
        }
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/seed.schema.json")).unwrap();
        for (kind, length) in [("name", SECRET_NAME_CHARS), ("label", LABEL_CHARS)] {
            let pattern = schema["$defs"][kind]["pattern"].as_str().unwrap();
            assert!(pattern.ends_with(&format!("{{1,{length}}}$")), "{kind}: {pattern}");
        }
    }

    #[test]
    fn rule_1_2_names_below_acs_are_reserved() {
        assert!("acs/x".parse::<SecretName>().unwrap().is_reserved());
        assert!(!"acsx/y".parse::<SecretName>().unwrap().is_reserved());
        assert!(!"a/acs/".parse::<SecretName>().unwrap().is_reserved());
    }

    #[test]
    fn rule_1_4_the_arn_names_region_account_and_secret() {
        let scope = Scope { account: "1".parse().unwrap(), region: "cn-hangzhou".parse().unwrap() };
        assert_eq!(scope.secret_arn(&"a/b".parse().unwrap()), "acs:kms:cn-hangzhou:1:secret/a/b");
    }

    #[test]
    fn rule_1_5_a_secret_is_named_by_name_or_arn() {
        let plain: SecretRef = "a/b".parse().unwrap();
        assert_eq!((plain.scope, plain.name.as_str()), (None, "a/b"));
        let arn: SecretRef = "acs:kms:cn-beijing:42:secret/a/b".parse().unwrap();
        let scope = Scope { account: "42".parse().unwrap(), region: "cn-beijing".parse().unwrap() };
        assert_eq!((arn.scope, arn.name.as_str()), (Some(scope), "a/b"));
        for bad in [
            "acs:kms:",
            "acs:kms:r:1:key/x",
            "acs:kms:r:1:secret/",
            "acs:oss:r:1:secret/x",
            "acs:kms:r:x:secret/y",
        ] {
            assert!(bad.parse::<SecretRef>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn rule_1_7_version_ids_have_1_to_64_characters() {
        assert!("v1".parse::<VersionId>().is_ok());
        assert!("0".repeat(64).parse::<VersionId>().is_ok());
        assert!("0".repeat(65).parse::<VersionId>().is_err());
        assert!("".parse::<VersionId>().is_err());
    }

    #[test]
    fn rule_3_2_two_labels_are_built_in() {
        assert!(StageLabel::current().is_built_in());
        assert!(StageLabel::previous().is_built_in());
        assert!(!"ACSPending".parse::<StageLabel>().unwrap().is_built_in());
    }
}
