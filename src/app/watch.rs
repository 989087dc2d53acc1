//! What is known of the database that other processes change, too.

use std::sync::atomic::AtomicU64;

use tokio::sync::Mutex;

use super::error::AppError;
use crate::store::Installation;

/// Looks that are shared by all who wait for one.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) asked: AtomicU64,
    pub(super) looked: Mutex<Looked>,
}

#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Whoever asked with a number up to this one is answered.
    pub(super) upto: u64,
    pub(super) failed: Option<AppError>,
    pub(super) last: Installation,
}
