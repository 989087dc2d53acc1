//! Why a command failed, and the exit code that says so.

use std::fmt;
use std::io;

/// The kind of a failure. Its number is the exit code of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    /// The command line asks for something that cannot be.
    Usage = 2,
    /// The secret, version, label, key or profile does not exist.
    NotFound = 3,
    /// The credentials are missing, wrong or without permission.
    Denied = 4,
    /// It exists already, or its state does not allow this.
    Conflict = 5,
    /// The service refuses a parameter, or the action.
    Refused = 6,
    /// The service asks to come back later, or fails by itself.
    Busy = 7,
    /// No server answers, or it is not trusted.
    Unreachable = 8,
}

/// A failure with one line for people.
#[derive(Debug)]
pub(in crate::cli) struct Failure {
    /// The kind.
    pub(in crate::cli) kind: Kind,
    /// The code of the service, when the service refused.
    pub(in crate::cli) code: Option<String>,
    text: String,
}

impl Failure {
    /// A failure that did not come from the service.
    pub(in crate::cli) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, code: None, text: text.into() }
    }

    /// A refusal by the service, whose kind follows from its code and status.
    pub(in crate::cli) fn of_service(code: &str, status: u16, text: String) -> Self {
        Self { kind: kind_of(code, status), code: Some(code.to_owned()), text }
    }

    /// A refusal by `/_sesame`, whose kind follows from its status.
    pub(in crate::cli) fn of_status(status: u16, text: String) -> Self {
        let kind = match status {
            401 | 403 => Kind::Denied,
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            429 | 500.. => Kind::Busy,
            _ => Kind::Refused,
        };
        Self::new(kind, text)
    }

    /// Whether the service answered this code.
    pub(in crate::cli) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// Fails because of what the command line says.
pub(in crate::cli) fn usage(text: impl Into<String>) -> anyhow::Error {
    Failure::new(Kind::Usage, text).into()
}

/// The refusal by the service that an error tells of.
pub(in crate::cli) fn refusal(error: &anyhow::Error) -> Option<&Failure> {
    error.chain().find_map(|cause| cause.downcast_ref::<Failure>())
}

/// The exit code for an error: that of its kind, or 1.
pub(in crate::cli) fn exit_code(error: &anyhow::Error) -> u8 {
    refusal(error).map_or(1, |failure| failure.kind as u8)
}

fn kind_of(code: &str, status: u16) -> Kind {
    const AWAY: [&str; 6] = [
        "ResourceNotFound",
        "KeyNotFound",
        "AliasNotFound",
        "VersionNotFound",
        "ResourceId.NotFound",
        "EntityNotExist",
    ];
    const DENIED: [&str; 9] = [
        "InvalidAccessKeyId",
        "InvalidSecurityToken",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "IncompleteSignature",
        "InvalidTimeStamp",
        "AuthenticationFail",
        "NoPermission",
        "AccessDenied",
    ];
    if is_busy(code, status) {
        Kind::Busy
    } else if AWAY.iter().any(|word| code.contains(word)) {
        Kind::NotFound
    } else if DENIED.iter().any(|word| code.contains(word))
        || code.starts_with("Missing") && code != "MissingParameter"
    {
        Kind::Denied
    } else if status == 409 || code == "AliasAlreadyExists" {
        Kind::Conflict
    } else {
        Kind::Refused
    }
}

/// Whether a request may succeed when it is sent again.
pub(in crate::cli) fn is_busy(code: &str, status: u16) -> bool {
    code.contains("Throttling") || status == 429 || status >= 500
}

/// Marks the end of a command whose reader has closed the pipe.
#[derive(Debug)]
pub(in crate::cli) struct ClosedPipe;

impl fmt::Display for ClosedPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the output has closed the pipe")
    }
}

impl std::error::Error for ClosedPipe {}

/// Whether a command ended because nobody reads its output any more.
pub(in crate::cli) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        matches!(inner, Some(inner) if inner.is::<ClosedPipe>())
    })
}

/// Standard output. Its errors tell a closed pipe apart from a connection that breaks.
#[derive(Debug)]
pub(in crate::cli) struct Output(io::Stdout);

impl Output {
    /// Standard output.
    pub(in crate::cli) fn standard() -> Self {
        Self(io::stdout())
    }
}

fn marked(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        io::Error::new(io::ErrorKind::BrokenPipe, ClosedPipe)
    } else {
        error
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::code::TABLE;

    #[test]
    fn every_code_of_the_service_has_a_kind_and_the_common_ones_the_right_one() {
        for row in TABLE {
            let kind = kind_of(row.wire, row.status);
            assert!(!matches!(kind, Kind::Usage | Kind::Unreachable), "{}: {kind:?}", row.wire);
            if row.status == 404 && !row.wire.starts_with("InvalidA") {
                assert_eq!(kind, Kind::NotFound, "{}", row.wire);
            }
        }
        for (code, status, kind) in [
            ("Forbidden.ResourceNotFound", 404, Kind::NotFound),
            ("Forbidden.NoPermission", 403, Kind::Denied),
            ("InvalidAccessKeyId.NotFound", 404, Kind::Denied),
            ("SignatureDoesNotMatch", 400, Kind::Denied),
            ("MissingAccessKeyId", 400, Kind::Denied),
            ("MissingParameter", 400, Kind::Refused),
            ("Rejected.ResourceExist", 409, Kind::Conflict),
            ("InvalidParameter", 400, Kind::Refused),
            ("Rejected.LimitExceeded", 400, Kind::Refused),
            ("Rejected.Throttling", 429, Kind::Busy),
            ("Throttling.User", 400, Kind::Busy),
            ("InternalFailure", 500, Kind::Busy),
        ] {
            assert_eq!(kind_of(code, status), kind, "{code}");
        }
    }
}
