//! Actions that concern neither a secret nor a key: the account, regions, endpoints.

pub(super) mod describe_account_kms_status;
pub(super) mod describe_endpoints;
pub(super) mod describe_regions;
pub(super) mod get_default_kms_instance;
pub(super) mod open_kms_service;
