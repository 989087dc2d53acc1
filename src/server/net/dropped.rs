//! Closing a connection without an answer.

use std::fmt;

/// The error that has hyper close the connection without an answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed without an answer")
    }
}

impl std::error::Error for Dropped {}
