//! The actions of the API. Each has a file of its own and one line in [`ACTIONS`].
//!
//! The command line, the documentation, policies and the coverage tests are derived from that table.

mod account;
mod endpoint;
mod faults;
mod keys;
mod permission;
mod secrets;
mod shared;
mod sts;
mod tags;
#[cfg(test)]
mod tests;

pub use faults::{check_faults, injected_error, secrets_named};
pub use permission::authorize;
pub use shared::resource_policies::unknown_actions;

pub use endpoint::{AnsweredVersion, COMMON_CODES, Context, Endpoint, Kind, Parameter, Support};

/// The API version of KMS.
pub const VERSION: &str = "2016-01-20";

/// All actions, by name.
pub const ACTIONS: &[&dyn Endpoint] = &[
    &keys::asymmetric_decrypt::AsymmetricDecrypt,
    &keys::asymmetric_encrypt::AsymmetricEncrypt,
    &keys::asymmetric_sign::AsymmetricSign,
    &keys::asymmetric_verify::AsymmetricVerify,
    &secrets::batch_get_secret_value::BatchGetSecretValue,
    &keys::cancel_key_deletion::CancelKeyDeletion,
    &keys::create_alias::CreateAlias,
    &keys::create_key::CreateKey,
    &keys::create_key_version::CreateKeyVersion,
    &secrets::create_secret::CreateSecret,
    &keys::decrypt::Decrypt,
    &keys::delete_alias::DeleteAlias,
    &keys::delete_key_material::DeleteKeyMaterial,
    &secrets::delete_secret::DeleteSecret,
    &account::describe_account_kms_status::DescribeAccountKmsStatus,
    &keys::describe_key::DescribeKey,
    &keys::describe_key_version::DescribeKeyVersion,
    &account::describe_regions::DescribeRegions,
    &secrets::describe_secret::DescribeSecret,
    &keys::disable_key::DisableKey,
    &keys::enable_key::EnableKey,
    &keys::encrypt::Encrypt,
    &keys::generate_data_key::GenerateDataKey,
    &keys::generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext,
    &keys::get_challenge::GET_CHALLENGE,
    &account::get_default_kms_instance::GET_DEFAULT_KMS_INSTANCE,
    &keys::get_key_policy::GetKeyPolicy,
    &keys::get_managed_data_key::GET_MANAGED_DATA_KEY,
    &keys::get_parameters_for_import::GetParametersForImport,
    &keys::get_public_key::GetPublicKey,
    &secrets::get_random_password::GetRandomPassword,
    &secrets::get_secret_policy::GetSecretPolicy,
    &secrets::get_secret_value::GetSecretValue,
    &keys::import_key_material::ImportKeyMaterial,
    &keys::list_aliases::ListAliases,
    &keys::list_aliases_by_key_id::ListAliasesByKeyId,
    &keys::list_key_versions::ListKeyVersions,
    &keys::list_keys::ListKeys,
    &keys::list_managed_data_key_versions::LIST_MANAGED_DATA_KEY_VERSIONS,
    &tags::list_resource_tags::ListResourceTags,
    &secrets::list_secret_version_ids::ListSecretVersionIds,
    &secrets::list_secrets::ListSecrets,
    &tags::list_tag_resources::ListTagResources,
    &account::open_kms_service::OpenKmsService,
    &secrets::put_secret_value::PutSecretValue,
    &keys::re_encrypt::ReEncrypt,
    &secrets::restore_secret::RestoreSecret,
    &secrets::rotate_secret::RotateSecret,
    &keys::schedule_key_deletion::ScheduleKeyDeletion,
    &keys::set_deletion_protection::SetDeletionProtection,
    &keys::set_key_policy::SetKeyPolicy,
    &secrets::set_secret_policy::SetSecretPolicy,
    &tags::tag_resource::TagResource,
    &tags::tag_resources::TagResources,
    &tags::untag_resource::UntagResource,
    &tags::untag_resources::UntagResources,
    &keys::update_alias::UpdateAlias,
    &keys::update_key_description::UpdateKeyDescription,
    &keys::update_rotation_policy::UpdateRotationPolicy,
    &secrets::update_secret::UpdateSecret,
    &secrets::update_secret_rotation_policy::UpdateSecretRotationPolicy,
    &secrets::update_secret_version_stage::UpdateSecretVersionStage,
];

/// The host of a product, which errors name as `HostId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// One host in each region: this prefix, then `.<region>.aliyuncs.com`.
    InRegion(&'static str),
    /// One host for all regions.
    Everywhere(&'static str),
}

/// A product of the cloud: the actions of one API version.
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// The version of its API. Requests name the product by it (protocol P14).
    pub version: &'static str,
    /// Its host.
    pub host: Host,
    /// Its actions, by name.
    pub actions: &'static [&'static dyn Endpoint],
}

impl std::fmt::Debug for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Keys and secrets.
pub static KMS: Product =
    Product { name: "Kms", version: VERSION, host: Host::InRegion("kms"), actions: ACTIONS };
/// Temporary credentials.
pub static STS: Product = Product {
    name: "Sts",
    version: "2015-04-01",
    host: Host::InRegion("sts"),
    actions: &[
        &sts::assume_role::AssumeRole,
        &sts::assume_role_with_oidc::AssumeRoleWithOidc,
        &sts::get_caller_identity::GetCallerIdentity,
    ],
};
/// Tells SDKs where services are.
pub static LOCATION: Product = Product {
    name: "Location",
    version: "2015-06-12",
    host: Host::Everywhere("location-readonly.aliyuncs.com"),
    actions: &[&account::describe_endpoints::DescribeEndpoints],
};

/// All products.
pub static PRODUCTS: [&Product; 3] = [&KMS, &STS, &LOCATION];

/// All actions of all products.
pub fn all() -> impl Iterator<Item = &'static dyn Endpoint> {
    PRODUCTS.iter().flat_map(|product| product.actions).copied()
}

/// The product that has this API version; `None` for a version that is not served.
pub fn of_version(version: &str) -> Option<&'static Product> {
    PRODUCTS.into_iter().find(|product| product.version == version)
}
