//! What the handlers share.

pub(super) mod metrics;
pub(super) mod request_log;
