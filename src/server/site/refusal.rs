//! Why a request is refused.

use crate::wire::{ApiError, Code};

/// Why a request is refused. The text says what is wrong, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) enum Refusal {
    /// The request is not well formed.
    Malformed(&'static str),
    /// A web page may have sent it.
    Forbidden(String),
}

impl Refusal {
    /// The text.
    pub(in crate::server) fn message(&self) -> &str {
        match self {
            Self::Malformed(message) => message,
            Self::Forbidden(message) => message,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed(_) => Code::ParseRequestParameter,
            Refusal::Forbidden(_) => Code::ForbiddenNoPermission,
        };
        let message = refusal.message().to_owned();
        Self::with_message(code, message.clone(), message)
    }
}

/// The longest part of a header that is shown, in characters.
const SHOWN: usize = 100;

pub(super) fn shorten(text: &str) -> &str {
    text.char_indices().nth(SHOWN).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A header's value for people and for the log.
pub(super) fn shown(text: &str) -> String {
    format!("\"{}\"", shorten(text).escape_default())
}
