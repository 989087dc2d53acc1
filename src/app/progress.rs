//! Progress of long operations.

use std::fmt;

/// Receives the progress of a long operation.
pub trait Progress: fmt::Debug + Sync {
    /// `done` steps are finished, of `of` if the total is known.
    fn at(&self, done: usize, of: Option<usize>);
}

/// Discards progress.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn at(&self, _done: usize, _of: Option<usize>) {}
}
