//! Secret values in requests and answers. `Debug` does not show them, and their memory is wiped.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::domain::names::Invalid;

/// A secret value of a request.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text, for values that the service looks into.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The bytes, for sealing. Limits count bytes (rule 1.8).
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SecretText {
    type Err = Invalid;

    /// Refuses an empty value.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let empty = || Invalid::new("is empty; a secret's value has at least one byte");
        if text.is_empty() { Err(empty()) } else { Ok(Self(Zeroizing::new(text.to_owned()))) }
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// A secret value of an answer. Only the encoder of the answer prints it.
pub struct Disclosed(Zeroizing<String>);

impl Disclosed {
    /// Takes opened bytes. `None` if they are not UTF-8, which values of the API always are.
    pub fn from_bytes(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Some(Self(Zeroizing::new(text))),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                None
            }
        }
    }
}

impl From<String> for Disclosed {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Serialize for Disclosed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosed(***)")
    }
}
