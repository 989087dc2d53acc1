//! What is wrong with a file, and where.

use std::fmt;

use serde_saphyr::Location;

use crate::app::AppError;

/// Something that is wrong with a file: one line, with line number and field, and without any value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; `None` when it is not known.
    pub line: Option<u64>,
    /// The field, such as `secrets[1].versions[0].value`.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// Where the cause is.
    pub cause: Cause,
}

/// Where the cause of a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The file is wrong.
    File,
    /// Another process was faster; a second attempt may succeed.
    Conflict,
    /// The database did not answer, or the statement failed. The caller may try again later.
    Unavailable,
    /// Stored data is damaged.
    Damaged,
    /// Nobody waits for the answer any more.
    Abandoned,
}

impl From<&AppError> for Cause {
    fn from(error: &AppError) -> Self {
        match error {
            // A key that the file names or contains cannot be used for what the file wants.
            AppError::Refused(_) | AppError::Key(_) | AppError::Crypto(_) | AppError::Pair(_) => Self::File,
            AppError::Busy => Self::Conflict,
            AppError::Unavailable(_) => Self::Unavailable,
            AppError::Damaged(_) => Self::Damaged,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for Problem {}

/// A place in a file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    line: Option<u64>,
    field: String,
}

impl Place {
    /// An item of a list, which begins on a line.
    pub(super) fn new(field: String, location: Location) -> Self {
        Self { line: Some(location.line()).filter(|line| *line > 0), field }
    }

    /// A member of this.
    pub(super) fn member(&self, name: &str) -> Self {
        Self { line: self.line, field: format!("{}.{name}", self.field) }
    }

    /// The same, on the line where something begins.
    pub(super) fn on_line_of(self, location: Location) -> Self {
        let line = Some(location.line()).filter(|line| *line > 0).or(self.line);
        Self { line, ..self }
    }

    /// What is wrong here.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> Problem {
        Problem { line: self.line, field: self.field.clone(), problem: problem.into(), cause: Cause::File }
    }

    /// Nobody waits for the file to be read.
    pub(super) fn abandoned(&self) -> Problem {
        Problem { cause: Cause::Abandoned, ..self.wrong("the client went away, so nothing was changed") }
    }

    /// A failure of the server at this place.
    pub(super) fn failed(&self, error: &AppError) -> Problem {
        Problem { cause: error.into(), ..self.wrong(error.to_string()) }
    }
}
