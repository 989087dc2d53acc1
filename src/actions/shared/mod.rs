//! What actions of several rooms use.

pub(super) mod bounded_text;
pub(super) mod dry_run;
pub(super) mod empty;
pub(super) mod filters;
pub(super) mod paging;
pub(super) mod refused;
pub(super) mod resource_policies;
pub(super) mod rotation_facts;
pub(super) mod tagged;
pub(super) mod tags;
pub(super) mod unsupported;
