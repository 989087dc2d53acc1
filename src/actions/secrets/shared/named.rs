//! The answer of actions that return only the name of the secret.

use serde::Serialize;

use crate::domain::SecretRef;

/// The name of a secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct SecretNamed {
    secret_name: String,
}

impl SecretNamed {
    /// The plain name of the secret, even when the request had its ARN (rule 1.5).
    pub(in crate::actions) fn of(secret: &SecretRef) -> Self {
        Self { secret_name: secret.name.to_string() }
    }
}
