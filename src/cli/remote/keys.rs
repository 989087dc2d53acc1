//! Access keys, and where they come from.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::identities::BUILT_IN_KEY;

/// An access key.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Keys {
    /// Its id.
    pub(in crate::cli) id: String,
    /// Its secret.
    pub(in crate::cli) secret: SecretString,
    /// The token of temporary credentials.
    pub(in crate::cli) token: Option<SecretString>,
}

/// Where an access key comes from.
#[derive(Debug)]
pub(in crate::cli) enum Source {
    /// It is known.
    Keys(Keys),
    /// STS gives it to who may assume a role.
    Role {
        /// Who assumes the role.
        first: Box<Self>,
        /// ARN of the role.
        role: String,
        /// Name of the session.
        session: String,
        /// Length of the session in seconds.
        seconds: Option<u64>,
    },
    /// STS gives it for a token of another issuer.
    Oidc {
        /// ARN of the issuer.
        provider: String,
        /// The file with the token.
        token_file: PathBuf,
        /// ARN of the role.
        role: String,
        /// Name of the session.
        session: String,
    },
    /// A server gives it at this address.
    Uri(String),
    /// The built-in key: nothing else was given.
    BuiltIn,
}

impl Source {
    /// What this is, for people.
    pub(in crate::cli) fn describe(&self) -> String {
        match self {
            Self::Keys(keys) if keys.token.is_some() => format!("temporary access key {}", keys.id),
            Self::Keys(keys) => format!("access key {}", keys.id),
            Self::Role { role, .. } => format!("role {role}"),
            Self::Oidc { role, provider, .. } => format!("role {role} by the token of {provider}"),
            Self::Uri(uri) => format!("credentials of {uri}"),
            Self::BuiltIn => format!("built-in access key {BUILT_IN_KEY}, because no other is given"),
        }
    }
}
