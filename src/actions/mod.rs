//! The actions of the API: one file each, one line each in [`ACTIONS`].
//!
//! Command line, documentation, policies and coverage tests are derived from the table.

mod endpoint;
mod faults;

mod batch_get_secret_value;
mod create_secret;
mod delete_secret;
mod describe_account_kms_status;
mod describe_regions;
mod describe_secret;
mod get_random_password;
mod get_secret_policy;
mod get_secret_value;
mod keys;
mod list_resource_tags;
mod list_secret_version_ids;
mod list_secrets;
mod list_tag_resources;
pub mod location;
mod open_kms_service;
mod permission;
mod policy;
mod put_secret_value;
mod refused;
mod restore_secret;
mod set_secret_policy;
pub mod sts;
mod tag_resource;
mod tag_resources;
mod tagging;
mod untag_resource;
mod untag_resources;
mod update_secret;
mod update_secret_version_stage;

pub use faults::{check_faults, injected_error, secrets_named};
pub use permission::authorize;
pub use policy::unknown_actions;

pub use endpoint::{Action, Answer, COMMON_CODES, Context, Endpoint, Kind, Parameter, Resource, State};

/// The API version of every action.
pub const VERSION: &str = "2016-01-20";

/// All actions, by name.
pub const ACTIONS: &[&dyn Endpoint] = &[
    &keys::asymmetric::AsymmetricDecrypt,
    &keys::asymmetric::AsymmetricEncrypt,
    &keys::asymmetric::AsymmetricSign,
    &keys::asymmetric::AsymmetricVerify,
    &batch_get_secret_value::BatchGetSecretValue,
    &keys::lifecycle::CancelKeyDeletion,
    &keys::aliases::CreateAlias,
    &keys::metadata::CreateKey,
    &keys::rotation::CreateKeyVersion,
    &create_secret::CreateSecret,
    &keys::symmetric::Decrypt,
    &keys::aliases::DeleteAlias,
    &keys::import::DeleteKeyMaterial,
    &delete_secret::DeleteSecret,
    &describe_account_kms_status::DescribeAccountKmsStatus,
    &keys::metadata::DescribeKey,
    &keys::rotation::DescribeKeyVersion,
    &describe_regions::DescribeRegions,
    &describe_secret::DescribeSecret,
    &keys::lifecycle::DisableKey,
    &keys::lifecycle::EnableKey,
    &keys::symmetric::Encrypt,
    &keys::data_keys::GenerateDataKey,
    &keys::data_keys::GenerateDataKeyWithoutPlaintext,
    &refused::GET_CHALLENGE,
    &refused::GET_DEFAULT_KMS_INSTANCE,
    &keys::policy::GetKeyPolicy,
    &refused::GET_MANAGED_DATA_KEY,
    &keys::import::GetParametersForImport,
    &keys::asymmetric::GetPublicKey,
    &get_random_password::GetRandomPassword,
    &get_secret_policy::GetSecretPolicy,
    &get_secret_value::GetSecretValue,
    &keys::import::ImportKeyMaterial,
    &keys::aliases::ListAliases,
    &keys::aliases::ListAliasesByKeyId,
    &keys::rotation::ListKeyVersions,
    &keys::listing::ListKeys,
    &refused::LIST_MANAGED_DATA_KEY_VERSIONS,
    &list_resource_tags::ListResourceTags,
    &list_secret_version_ids::ListSecretVersionIds,
    &list_secrets::ListSecrets,
    &list_tag_resources::ListTagResources,
    &open_kms_service::OpenKmsService,
    &put_secret_value::PutSecretValue,
    &keys::symmetric::ReEncrypt,
    &restore_secret::RestoreSecret,
    &refused::ROTATE_SECRET,
    &keys::lifecycle::ScheduleKeyDeletion,
    &keys::lifecycle::SetDeletionProtection,
    &keys::policy::SetKeyPolicy,
    &set_secret_policy::SetSecretPolicy,
    &tag_resource::TagResource,
    &tag_resources::TagResources,
    &untag_resource::UntagResource,
    &untag_resources::UntagResources,
    &keys::aliases::UpdateAlias,
    &keys::lifecycle::UpdateKeyDescription,
    &keys::rotation::UpdateRotationPolicy,
    &update_secret::UpdateSecret,
    &refused::UPDATE_SECRET_ROTATION_POLICY,
    &update_secret_version_stage::UpdateSecretVersionStage,
];

/// Which host is a product's own, as errors name it (`HostId`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// One in each region: this, and `.<region>.aliyuncs.com`.
    InRegion(&'static str),
    /// The same one for all regions.
    Everywhere(&'static str),
}

/// A product of the cloud: actions under one version.
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// The version of its API, by which requests name it (fact B4).
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
pub static STS: Product =
    Product { name: "Sts", version: sts::VERSION, host: Host::InRegion("sts"), actions: sts::ACTIONS };
/// Where services are.
pub static LOCATION: Product = Product {
    name: "Location",
    version: location::VERSION,
    host: Host::Everywhere("location-readonly.aliyuncs.com"),
    actions: location::ACTIONS,
};

/// All products.
pub static PRODUCTS: [&Product; 3] = [&KMS, &STS, &LOCATION];

/// All actions of all products.
pub fn all() -> impl Iterator<Item = &'static dyn Endpoint> {
    PRODUCTS.iter().flat_map(|product| product.actions).copied()
}

/// The product that a version is of; `None` for a version that is not served.
pub fn of_version(version: &str) -> Option<&'static Product> {
    PRODUCTS.into_iter().find(|product| product.version == version)
}
