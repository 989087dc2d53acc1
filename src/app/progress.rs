//! How far long work is.

use std::fmt;

/// Who is told how far long work is.
pub trait Progress: fmt::Debug + Sync {
    /// So many things are done, of so many where that is known.
    fn at(&self, done: usize, of: Option<usize>);
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl Progress for Unseen {
    fn at(&self, _done: usize, _of: Option<usize>) {}
}
