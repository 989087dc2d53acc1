//! What actions of several rooms use.

pub(super) mod refused;
pub(super) mod resource_policies;
pub(super) mod tagging;
