//! The answers of actions that encrypt and decrypt.

use serde::Serialize;

use crate::wire::Disclosed;

/// The longest ciphertext that is read, in bytes: room for the largest plaintext and its envelope.
pub(in crate::actions) const MAX_CIPHERTEXT: usize = 16 * 1024;

/// The answer of Encrypt and ReEncrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Ciphertext {
    pub(in crate::actions) key_id: String,
    pub(in crate::actions) key_version_id: String,
    pub(in crate::actions) ciphertext_blob: String,
}

/// The answer of Decrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Plaintext {
    pub(in crate::actions) key_id: String,
    pub(in crate::actions) key_version_id: String,
    pub(in crate::actions) plaintext: Disclosed,
}
