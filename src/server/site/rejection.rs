//! Why a request is refused before anything else is looked at.

use crate::wire::{ApiError, Code};

/// Why the checks of this folder refuse a request. The message says what is wrong, what is expected and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) enum Rejection {
    /// The request is malformed.
    Malformed(&'static str),
    /// A web page may have sent the request.
    Forbidden(String),
}

impl Rejection {
    /// The message, for the client and the log.
    pub(in crate::server) fn message(&self) -> &str {
        match self {
            Self::Malformed(message) => message,
            Self::Forbidden(message) => message,
        }
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let code = match rejection {
            Rejection::Malformed(_) => Code::ParseRequestParameter,
            Rejection::Forbidden(_) => Code::ForbiddenNoPermission,
        };
        let message = rejection.message().to_owned();
        Self::with_message(code, message.clone(), message)
    }
}

/// How many characters of a header's value a message shows.
const SHOWN: usize = 100;

/// The first [`SHOWN`] characters.
pub(super) fn shortened(text: &str) -> &str {
    text.char_indices().nth(SHOWN).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// A header's value as messages and the log show it: in quotes, shortened, control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", shortened(text).escape_default())
}
