//! Errors with their causes.

use std::error::Error;

/// The message of an error followed by those of all its causes, on one line, for the log. A cause that the message before it
/// already ends with is not repeated.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let message = inner.to_string();
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Root;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect: {0}")]
    struct Repeats(#[source] Root);

    #[derive(Debug, thiserror::Error)]
    #[error("database unavailable")]
    struct Outer(#[source] Repeats);

    #[test]
    fn every_cause_is_named_once() {
        assert_eq!(with_causes(&Root), "connection refused");
        assert_eq!(
            with_causes(&Outer(Repeats(Root))),
            "database unavailable: cannot connect: connection refused"
        );
    }
}
