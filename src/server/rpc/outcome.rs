//! How a call ends.

use crate::wire::ApiError;

/// How a call ends: with an answer, an error, or a closed connection.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Success: the document to answer with.
    Answer(Vec<u8>),
    /// The error to answer with.
    Error(ApiError),
    /// A fault rule closes the connection without an answer. If the call ran first, this is how it ended.
    Drop(Option<Result<(), ApiError>>),
}

impl Outcome {
    /// The error of the call, also when the client does not get it.
    pub(super) fn error(&self) -> Option<&ApiError> {
        match self {
            Self::Error(error) | Self::Drop(Some(Err(error))) => Some(error),
            Self::Answer(_) | Self::Drop(_) => None,
        }
    }

    /// The HTTP status for the request log: 0 when the connection was closed before the call ran.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Drop(None) => 0,
            _ => self.error().map_or(200, |error| error.code.status()),
        }
    }

    /// Whether the connection is closed without an answer.
    pub(super) fn is_dropped(&self) -> bool {
        matches!(self, Self::Drop(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Code;

    #[test]
    fn the_request_log_shows_status_0_only_for_a_call_that_did_not_run() {
        let error = || ApiError::new(Code::ResourceNotFound, "");
        for (outcome, status, has_error, is_dropped) in [
            (Outcome::Answer(Vec::new()), 200, false, false),
            (Outcome::Error(error()), 404, true, false),
            (Outcome::Drop(None), 0, false, true),
            (Outcome::Drop(Some(Ok(()))), 200, false, true),
            (Outcome::Drop(Some(Err(error()))), 404, true, true),
        ] {
            let seen = (outcome.status(), outcome.error().is_some(), outcome.is_dropped());
            assert_eq!(seen, (status, has_error, is_dropped), "{outcome:?}");
        }
    }
}
