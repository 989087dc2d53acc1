//! Progress of long operations.

use std::fmt;

/// Receives the progress of a long operation.
pub trait Progress: fmt::Debug + Sync {
    /// `done` steps are finished, of `of` if the total is known.
    fn at(&self, done: usize, of: Option<usize>);

    /// Whether nobody waits for the operation any more, so that it may stop before it changed anything.
    fn is_abandoned(&self) -> bool {
        false
    }
}

/// Discards progress.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn at(&self, _done: usize, _of: Option<usize>) {}
}
