//! The answers of the actions that encrypt and decrypt.

use serde::Serialize;

use crate::wire::Disclosed;

/// The most that is decrypted at once, in bytes: the largest plaintext with everything around it, with room.
pub(in crate::actions) const MAX_CIPHERTEXT: usize = 16 * 1024;

/// What is answered by Encrypt and ReEncrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Ciphertext {
    pub(in crate::actions) key_id: String,
    pub(in crate::actions) key_version_id: String,
    pub(in crate::actions) ciphertext_blob: String,
}

/// What is answered by Decrypt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::actions) struct Plaintext {
    pub(in crate::actions) key_id: String,
    pub(in crate::actions) key_version_id: String,
    pub(in crate::actions) plaintext: Disclosed,
}
