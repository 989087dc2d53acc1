//! The actions of the API: one file each, one line each in [`ACTIONS`].
//!
//! Command line, documentation, policies and coverage tests are derived from the table.

mod endpoint;

mod batch_get_secret_value;
mod create_secret;
mod delete_secret;
mod describe_account_kms_status;
mod describe_regions;
mod describe_secret;
mod get_random_password;
mod get_secret_value;
mod list_resource_tags;
mod list_secret_version_ids;
mod list_secrets;
mod list_tag_resources;
mod open_kms_service;
mod put_secret_value;
mod refused;
mod restore_secret;
mod tag_resource;
mod tag_resources;
mod tagging;
mod untag_resource;
mod untag_resources;
mod update_secret;
mod update_secret_version_stage;

pub use endpoint::{Action, Answer, COMMON_CODES, Context, Endpoint, Kind, Parameter, Resource, State};

/// The API version of every action.
pub const VERSION: &str = "2016-01-20";

/// All actions, by name.
pub const ACTIONS: &[&dyn Endpoint] = &[
    &refused::ASYMMETRIC_DECRYPT,
    &refused::ASYMMETRIC_ENCRYPT,
    &refused::ASYMMETRIC_SIGN,
    &refused::ASYMMETRIC_VERIFY,
    &batch_get_secret_value::BatchGetSecretValue,
    &refused::CANCEL_KEY_DELETION,
    &refused::CREATE_ALIAS,
    &refused::CREATE_KEY,
    &refused::CREATE_KEY_VERSION,
    &create_secret::CreateSecret,
    &refused::DECRYPT,
    &refused::DELETE_ALIAS,
    &refused::DELETE_KEY_MATERIAL,
    &delete_secret::DeleteSecret,
    &describe_account_kms_status::DescribeAccountKmsStatus,
    &refused::DESCRIBE_KEY,
    &refused::DESCRIBE_KEY_VERSION,
    &describe_regions::DescribeRegions,
    &describe_secret::DescribeSecret,
    &refused::DISABLE_KEY,
    &refused::ENABLE_KEY,
    &refused::ENCRYPT,
    &refused::GENERATE_DATA_KEY,
    &refused::GENERATE_DATA_KEY_WITHOUT_PLAINTEXT,
    &refused::GET_CHALLENGE,
    &refused::GET_DEFAULT_KMS_INSTANCE,
    &refused::GET_KEY_POLICY,
    &refused::GET_MANAGED_DATA_KEY,
    &refused::GET_PARAMETERS_FOR_IMPORT,
    &refused::GET_PUBLIC_KEY,
    &get_random_password::GetRandomPassword,
    &refused::GET_SECRET_POLICY,
    &get_secret_value::GetSecretValue,
    &refused::IMPORT_KEY_MATERIAL,
    &refused::LIST_ALIASES,
    &refused::LIST_ALIASES_BY_KEY_ID,
    &refused::LIST_KEY_VERSIONS,
    &refused::LIST_KEYS,
    &refused::LIST_MANAGED_DATA_KEY_VERSIONS,
    &list_resource_tags::ListResourceTags,
    &list_secret_version_ids::ListSecretVersionIds,
    &list_secrets::ListSecrets,
    &list_tag_resources::ListTagResources,
    &open_kms_service::OpenKmsService,
    &put_secret_value::PutSecretValue,
    &refused::RE_ENCRYPT,
    &restore_secret::RestoreSecret,
    &refused::ROTATE_SECRET,
    &refused::SCHEDULE_KEY_DELETION,
    &refused::SET_DELETION_PROTECTION,
    &refused::SET_KEY_POLICY,
    &refused::SET_SECRET_POLICY,
    &tag_resource::TagResource,
    &tag_resources::TagResources,
    &untag_resource::UntagResource,
    &untag_resources::UntagResources,
    &refused::UPDATE_ALIAS,
    &refused::UPDATE_KEY_DESCRIPTION,
    &refused::UPDATE_ROTATION_POLICY,
    &update_secret::UpdateSecret,
    &refused::UPDATE_SECRET_ROTATION_POLICY,
    &update_secret_version_stage::UpdateSecretVersionStage,
];

/// The action of this name, which is case-sensitive (fact B5).
pub fn find(name: &str) -> Option<&'static dyn Endpoint> {
    ACTIONS.iter().find(|action| action.name() == name).copied()
}
