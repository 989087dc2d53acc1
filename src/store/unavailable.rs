//! The error of a database that did not answer, or of a statement that failed, with its causes.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a database operation failed: a description, and the error behind it. The description alone decides equality.
#[derive(Debug, Clone)]
pub struct Unavailable {
    what: String,
    /// The part of the description that may be told to everybody.
    told: Option<&'static str>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Unavailable {
    /// A problem that this program found.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), told: None, cause: None }
    }

    /// An error of a driver, whose text is the description.
    pub fn from_error(error: impl Error + Send + Sync + 'static) -> Self {
        Self { what: error.to_string(), told: None, cause: Some(Arc::new(error)) }
    }

    /// A description of an error.
    pub fn because(what: impl Into<String>, error: impl Error + Send + Sync + 'static) -> Self {
        Self { what: what.into(), told: None, cause: Some(Arc::new(error)) }
    }

    /// A problem that this program found, and that may be told to everybody who asks whether the server is ready.
    pub fn public(what: &'static str) -> Self {
        Self { what: what.to_owned(), told: Some(what), cause: None }
    }

    /// What may be told to everybody. `None` for errors of a driver, whose texts may contain names of machines.
    pub fn told(&self) -> Option<&'static str> {
        self.told
    }

    /// The error that this was made from.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database unavailable: {}", self.what)
    }
}

impl Error for Unavailable {
    /// The first cause whose text is not in the description. Drivers repeat the texts of their causes, and a log line must not
    /// do that too.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let mut cause: Option<&(dyn Error + 'static)> = self.cause.as_deref().map(|cause| cause as _);
        while let Some(known) = cause.filter(|cause| self.what.contains(&cause.to_string())) {
            cause = known.source();
        }
        cause
    }
}

impl PartialEq for Unavailable {
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what
    }
}

impl Eq for Unavailable {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::with_causes;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    fn layers() -> Layer {
        let inner = Layer("the certificate has expired", None);
        Layer("no connection: handshake", Some(Box::new(Layer("handshake", Some(Box::new(inner))))))
    }

    #[test]
    fn every_cause_is_told_once() {
        let expected = "database unavailable: no connection: handshake: the certificate has expired";
        assert_eq!(with_causes(&Unavailable::from_error(layers())), expected);
        let named = Unavailable::because("no answer", layers());
        let expected =
            "database unavailable: no answer: no connection: handshake: the certificate has expired";
        assert_eq!(with_causes(&named), expected);
        assert!(named.cause().is_some_and(|cause| cause.downcast_ref::<Layer>().is_some()));
        assert_eq!(with_causes(&Unavailable::new("closed")), "database unavailable: closed");
    }
}
