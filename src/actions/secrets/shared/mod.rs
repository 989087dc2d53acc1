//! What several actions on secrets use.

pub(super) mod labels;
pub(super) mod limits;
pub(super) mod named;
pub(super) mod reading;
