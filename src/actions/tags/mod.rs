//! Actions on tags of secrets and keys.

pub(super) mod list_resource_tags;
pub(super) mod list_tag_resources;
pub(super) mod tag_resource;
pub(super) mod tag_resources;
pub(super) mod untag_resource;
pub(super) mod untag_resources;
