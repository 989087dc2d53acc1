//! The written form of accounts: in the configuration file, over `/_sesame/accounts`, and, sealed, in the database. An
//! unknown field is an error.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::BUILT_IN_KEY;

/// An account with everything in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFile {
    /// 1 to 32 digits.
    pub id: String,
    /// Access keys of the account's root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<KeyFile>,
    /// Custom policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyFile>,
    /// RAM users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserFile>,
    /// Groups of users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupFile>,
    /// RAM roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleFile>,
    /// Issuers of OIDC tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oidc_providers: Vec<ProviderFile>,
}

/// An access key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// Its id.
    pub id: String,
    /// The AccessKey secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Hidden>,
    /// Alternative to a secret: the public RSA key of a key pair, SPKI in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The security token that must be sent with the key: fixed temporary credentials, for tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_token: Option<Hidden>,
    /// Whether the key may be used.
    #[serde(default)]
    pub status: Status,
}

impl KeyFile {
    /// Whether this is the built-in key: its id and its secret are both [`BUILT_IN_KEY`].
    pub fn is_well_known(&self) -> bool {
        self.id == BUILT_IN_KEY && self.secret.as_ref().is_some_and(|secret| secret.is(BUILT_IN_KEY))
    }
}

/// Whether an access key may be used.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The key may be used.
    #[default]
    Active,
    /// The key may not be used.
    Inactive,
}

/// A custom policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its name.
    pub name: String,
    /// The policy.
    pub document: Document,
}

/// A RAM user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserFile {
    /// The name.
    pub name: String,
    /// Names of policies: custom ones or system policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The user's access keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<KeyFile>,
}

/// A group of RAM users.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFile {
    /// The name.
    pub name: String,
    /// Names of its users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Names of policies: custom ones or system policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

/// A RAM role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleFile {
    /// The name.
    pub name: String,
    /// The trust policy: who may assume the role.
    pub trust: Document,
    /// Names of policies: custom ones or system policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The maximum session duration, 3,600 to 43,200 seconds. Default 3,600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session_seconds: Option<u32>,
}

/// An issuer of OIDC tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    /// The name.
    pub name: String,
    /// The issuer's address: the claim `iss` of its tokens.
    pub issuer: String,
    /// The accepted audiences of its tokens: the claim `aud`.
    pub client_ids: Vec<String>,
    /// Its public keys, a JWK set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Document>,
    /// Alternative to `jwks`, only in the configuration file: the file that contains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<String>,
    /// The maximum age of a token, 1 to 168 hours. Default 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuance_limit_hours: Option<u32>,
}

/// A JSON document, given as a string or as an object.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Document(pub String);

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            object @ serde_json::Value::Object(_) => Ok(Self(object.to_string())),
            _ => Err(serde::de::Error::custom(
                "a document must be a JSON object or a string that contains one",
            )),
        }
    }
}

/// A text that is only shown in the sealed form.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(SecretString);

impl Hidden {
    /// Whether it equals this text, which is not secret.
    #[expect(clippy::disallowed_methods, reason = "compares with a text that is not secret")]
    fn is(&self, known: &str) -> bool {
        self.0.expose_secret() == known
    }

    /// Whether it contains only white space.
    #[expect(clippy::disallowed_methods, reason = "only tells whether the secret is blank")]
    pub fn is_blank(&self) -> bool {
        self.0.expose_secret().trim().is_empty()
    }

    /// The text, still protected.
    pub fn into_secret(self) -> SecretString {
        self.0
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::disallowed_methods, reason = "the serialised form is sealed, or has no secrets")]
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl AccountFile {
    fn every_key(&mut self) -> impl Iterator<Item = &mut KeyFile> {
        self.access_keys.iter_mut().chain(self.users.iter_mut().flat_map(|user| &mut user.access_keys))
    }

    /// The account without secrets and tokens, which may be shown.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        for key in self.every_key() {
            key.secret = None;
            key.security_token = None;
        }
        self
    }

    /// Completes each key without a secret or public key with those that the key of this id had in `before`, so that a
    /// client can read, change and write back an account.
    #[must_use]
    pub fn with_secrets_of(mut self, mut before: Self) -> Self {
        let known: Vec<KeyFile> = before.every_key().map(|key| key.clone()).collect();
        for key in self.every_key().filter(|key| key.secret.is_none() && key.public_key.is_none()) {
            if let Some(known) = known.iter().find(|known| known.id == key.id) {
                key.secret = known.secret.clone();
                key.security_token = key.security_token.take().or_else(|| known.security_token.clone());
            }
        }
        self
    }
}
