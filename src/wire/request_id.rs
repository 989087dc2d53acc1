//! Ids of requests.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// The id of a request: an upper-case UUID, like those of the gateway (protocol P32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A buffer for the text of an id.
    pub const BUFFER: [u8; Hyphenated::LENGTH] = [0; Hyphenated::LENGTH];

    /// The id of a random UUID.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Writes the text of the id to a [`BUFFER`](Self::BUFFER).
    pub fn text(self, buffer: &mut [u8; Hyphenated::LENGTH]) -> &str {
        self.0.hyphenated().encode_upper(buffer)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut Self::BUFFER.clone()))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut Self::BUFFER.clone()))
    }
}
