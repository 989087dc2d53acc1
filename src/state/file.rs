//! The format of seeds, exports and `/_sesame/state`: keys, secrets and accounts in YAML or JSON. An unknown field is an
//! error. Fields that only exports write are optional, and get fresh values.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_saphyr::{Location, Spanned};

use crate::domain::AccountId;
use crate::identities::file::{AccountFile, Document};

/// The format's version.
pub const VERSION: u32 = 1;

/// A whole file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// The format's version: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// In a sealed export: the marker that identifies the root key it was sealed with, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_with: Option<String>,
    /// Accounts, as in the configuration file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Spanned<AccountEntry>>,
    /// Customer master keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Spanned<KeyEntry>>,
    /// Secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Spanned<SecretEntry>>,
    /// What rotations did to AccessKeys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<Spanned<AccessKeyEntry>>,
}

impl StateFile {
    /// The part of the file that concerns one account. Items without an account belong to `default`.
    #[must_use]
    pub fn only_of(&self, account: &AccountId, default: &AccountId) -> Self {
        let owns = |named: Option<&str>| named.unwrap_or(default.as_str()) == account.as_str();
        let mut one = self.clone();
        one.accounts.retain(|entry| entry.value.id() == account.as_str());
        one.keys.retain(|entry| owns(entry.value.account.as_deref()));
        one.secrets.retain(|entry| owns(entry.value.account.as_deref()));
        one.access_keys.retain(|entry| owns(entry.value.account.as_deref()));
        one
    }

    /// Whether the file is empty and has no version either, as when it was truncated.
    pub fn says_nothing(&self) -> bool {
        self.version.is_none() && self.accounts.is_empty() && self.keys.is_empty() && self.secrets.is_empty()
    }

    /// The accounts that are not sealed.
    pub fn open_accounts(&self) -> impl Iterator<Item = &AccountFile> {
        self.accounts.iter().filter_map(|account| match &account.value {
            AccountEntry::Open(account) => Some(account),
            AccountEntry::Sealed(_) => None,
        })
    }
}

/// An account: open, or sealed.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum AccountEntry {
    /// Sealed.
    Sealed(SealedAccount),
    /// Open.
    Open(AccountFile),
}

impl AccountEntry {
    /// The account's id.
    fn id(&self) -> &str {
        match self {
            Self::Sealed(account) => &account.id,
            Self::Open(account) => &account.id,
        }
    }
}

/// The field `sealed` decides between the two, so that an error message is about the form that was meant.
impl<'de> Deserialize<'de> for AccountEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entry = serde_json::Value::deserialize(deserializer)?;
        let read = if entry.get("sealed").is_some() {
            SealedAccount::deserialize(entry).map(Self::Sealed)
        } else {
            AccountFile::deserialize(entry).map(Self::Open)
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// A sealed account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedAccount {
    /// Its id.
    pub id: String,
    /// The whole account, sealed, in base64.
    pub sealed: String,
}

/// A customer master key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The id by which secrets and callers name it.
    pub id: String,
    /// The owning account; the default account when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region; the default region when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `User` (default), or `Service` for the key of secrets without an `EncryptionKeyId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The key spec: `Aliyun_AES_256` (default) or another one of CreateKey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// `ENCRYPT/DECRYPT` or `SIGN/VERIFY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// `Aliyun_KMS` (default) or `EXTERNAL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// `SOFTWARE` (default) or `HSM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// `Enabled` (default), `Disabled`, `PendingDeletion` or `PendingImport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its aliases, each with the prefix `alias/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Its policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Document>,
    /// The time of its creation; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The time of its deletion, in the state `PendingDeletion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<String>,
    /// The reason of its deletion protection; may be blank. Absent without protection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<String>,
    /// When its imported material expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material_expires: Option<String>,
    /// The interval of its automatic rotation, such as `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,
    /// When it was last rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rotation: Option<String>,
    /// The digest of its imported material, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<String>,
    /// The material of its only version, in base64: 32 bytes for AES, 16 for SM4, PKCS#8 in DER for a key pair. Generated
    /// when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Hidden>,
    /// Its versions, oldest first, in place of `material`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<KeyVersionEntry>,
    /// Its revision: the number of its changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// A version of a key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVersionEntry {
    /// Its id.
    pub id: String,
    /// Its number, from 1.
    pub number: u32,
    /// The time of its creation.
    pub created: String,
    /// Its material, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Hidden>,
    /// Its material, sealed by the root key, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// A secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretEntry {
    /// Its name.
    pub name: String,
    /// The owning account; the default account when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region; the default region when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// `Generic` (default) or a managed type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its encryption key, by id or alias; the service's own key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Its policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Document>,
    /// The time of its creation; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The time of its last change; that of its creation when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    /// The time of its deletion, if that is scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_deletion: Option<String>,
    /// `ExtendedConfig` of a managed type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_config: Option<Document>,
    /// The plan of a managed type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationEntry>,
    /// Its versions, oldest first.
    pub versions: Vec<Spanned<VersionEntry>>,
    /// In a sealed export: its internal id, to which its values are bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In a sealed export: the data keys that its values are sealed with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_keys: Vec<DataKeyEntry>,
    /// Its revision: the number of its changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// The plan of a managed secret, and what is under way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationEntry {
    /// `Enabled`, `Disabled` or `Invalid`; with an interval `Enabled` when absent, else `Disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// A whole number and one of d, h, m, s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// When it was last rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The time in which two AccessKeys work, as an export has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// In a sealed export: the rotation under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// In a sealed export: the value that it made, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// The data key that seals it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_data_key: Option<String>,
}

/// An AccessKey that a rotation made, switched off or deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKeyEntry {
    /// Its id.
    pub id: String,
    /// The account; the default account when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The RAM user.
    pub user: String,
    /// `Active`, `Inactive` or `Deleted`.
    pub status: String,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Whether the user is there for this key only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_user: bool,
    /// Its secret; absent for a key that is written down elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
    /// The sealed secret, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

/// A version of a secret, with its value in one of four forms.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionEntry {
    /// Its id.
    pub id: String,
    /// `text` (default) or `binary`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// Its labels; `ACSCurrent` for the last version when no version has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<String>,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Hidden>,
    /// Where the value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
    /// The sealed value, in base64, and the data key that seals it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The data key that seals the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_key: Option<String>,
    /// When it was written; when the secret was made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Its place in the secret's history, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u64>,
}

/// Where a value comes from: exactly one of these.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSource {
    /// An environment variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// A file, whose name is relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Made at random, as GetRandomPassword does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Password>,
}

/// A password to be made, as by GetRandomPassword.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of GetRandomPassword")]
pub struct Password {
    /// 8 to 128 characters; default 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// No lower-case letters.
    pub exclude_lowercase: bool,
    /// No upper-case letters.
    pub exclude_uppercase: bool,
    /// No digits.
    pub exclude_numbers: bool,
    /// No punctuation.
    pub exclude_punctuation: bool,
    /// None of these characters.
    pub exclude_characters: String,
}

/// A wrapped data key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataKeyEntry {
    /// Its id.
    pub id: String,
    /// The key that wraps it.
    pub key: String,
    /// The version of that key.
    pub key_version: u32,
    /// The wrapped bytes, in base64.
    pub wrapped: String,
    /// The time of its creation.
    pub created: String,
}

pub use crate::identities::file::Hidden;

/// Something that was made here, and is in no file.
pub(super) fn written<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}

/// A text that is a secret.
pub(super) fn hidden(text: &str) -> Hidden {
    Hidden::from(text)
}

/// The text itself, still guarded.
pub(super) fn secret(hidden: &Hidden) -> SecretString {
    hidden.clone().into_secret()
}
