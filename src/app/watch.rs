//! What this process last saw of a database that other processes change.

use std::sync::atomic::AtomicU64;

use tokio::sync::Mutex;

use super::error::AppError;
use crate::store::Revisions;

/// Shared looks at the database: requests that wait at the same time share one look.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) asked: AtomicU64,
    pub(super) looked: Mutex<Looked>,
}

#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Requests with numbers up to this one have their answer.
    pub(super) upto: u64,
    pub(super) failed: Option<AppError>,
    pub(super) last: Revisions,
}
