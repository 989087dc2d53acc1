//! Actions on secrets.

pub(super) mod batch_get_secret_value;
pub(super) mod create_secret;
pub(super) mod delete_secret;
pub(super) mod describe_secret;
pub(super) mod get_random_password;
pub(super) mod get_secret_policy;
pub(super) mod get_secret_value;
pub(super) mod list_secret_version_ids;
pub(super) mod list_secrets;
pub(super) mod put_secret_value;
pub(super) mod restore_secret;
pub(super) mod rotate_secret;
pub(super) mod set_secret_policy;
mod shared;
pub(super) mod update_secret;
pub(super) mod update_secret_rotation_policy;
pub(super) mod update_secret_version_stage;
