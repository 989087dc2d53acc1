//! Types of secrets and of values.

use std::fmt;
use std::str::FromStr;

use super::names::Invalid;

/// Types of secrets (rule 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretType {
    /// Free text that the caller rotates.
    Generic,
    /// An ApsaraDB RDS account.
    Rds,
    /// A Redis account.
    Redis,
    /// A RAM user's access key.
    RamCredentials,
    /// An ECS login.
    Ecs,
    /// A PolarDB account.
    PolarDb,
}

impl SecretType {
    /// All types.
    pub const ALL: [Self; 6] =
        [Self::Generic, Self::Rds, Self::Redis, Self::RamCredentials, Self::Ecs, Self::PolarDb];
    /// The types that the service rotates by itself.
    pub const MANAGED: [Self; 5] = [Self::Rds, Self::Redis, Self::PolarDb, Self::RamCredentials, Self::Ecs];

    /// The API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "Generic",
            Self::Rds => "Rds",
            Self::Redis => "Redis",
            Self::RamCredentials => "RAMCredentials",
            Self::Ecs => "ECS",
            Self::PolarDb => "PolarDB",
        }
    }
}

impl FromStr for SecretType {
    type Err = Invalid;

    /// Case-sensitive (rule 8.1).
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|t| t.as_str() == text);
        found.ok_or_else(|| Invalid::not_one_of(text, Self::ALL.map(Self::as_str)))
    }
}

/// How clients interpret a value. It is stored and returned verbatim either way (rules 1.9, 1.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `text`, the default.
    Text,
    /// `binary`.
    Binary,
}

impl DataType {
    /// The API's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

impl FromStr for DataType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "text" => Ok(Self::Text),
            "binary" => Ok(Self::Binary),
            _ => Err(Invalid::not_one_of(text, [Self::Text.as_str(), Self::Binary.as_str()])),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
