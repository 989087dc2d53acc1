//! The actions of the API: one file each, one line each in [`ACTIONS`].
//!
//! Command line, documentation, policies and coverage tests are derived from the table.

mod account;
mod endpoint;
mod faults;
mod keys;
mod permission;
mod secrets;
mod shared;
mod sts;
mod tags;

pub use faults::{check_faults, injected_error, secrets_named};
pub use permission::authorize;
pub use shared::resource_policies::unknown_actions;

pub use endpoint::{Action, Answer, COMMON_CODES, Context, Endpoint, Kind, Parameter, Resource, State};

/// The API version of every action.
pub const VERSION: &str = "2016-01-20";

/// All actions, by name.
pub const ACTIONS: &[&dyn Endpoint] = &[
    &keys::asymmetric::AsymmetricDecrypt,
    &keys::asymmetric::AsymmetricEncrypt,
    &keys::asymmetric::AsymmetricSign,
    &keys::asymmetric::AsymmetricVerify,
    &secrets::batch_get_secret_value::BatchGetSecretValue,
    &keys::lifecycle::CancelKeyDeletion,
    &keys::aliases::CreateAlias,
    &keys::metadata::CreateKey,
    &keys::rotation::CreateKeyVersion,
    &secrets::create_secret::CreateSecret,
    &keys::symmetric::Decrypt,
    &keys::aliases::DeleteAlias,
    &keys::import::DeleteKeyMaterial,
    &secrets::delete_secret::DeleteSecret,
    &account::describe_account_kms_status::DescribeAccountKmsStatus,
    &keys::metadata::DescribeKey,
    &keys::rotation::DescribeKeyVersion,
    &account::describe_regions::DescribeRegions,
    &secrets::describe_secret::DescribeSecret,
    &keys::lifecycle::DisableKey,
    &keys::lifecycle::EnableKey,
    &keys::symmetric::Encrypt,
    &keys::data_keys::GenerateDataKey,
    &keys::data_keys::GenerateDataKeyWithoutPlaintext,
    &shared::refused::GET_CHALLENGE,
    &shared::refused::GET_DEFAULT_KMS_INSTANCE,
    &keys::policy::GetKeyPolicy,
    &shared::refused::GET_MANAGED_DATA_KEY,
    &keys::import::GetParametersForImport,
    &keys::asymmetric::GetPublicKey,
    &secrets::get_random_password::GetRandomPassword,
    &secrets::get_secret_policy::GetSecretPolicy,
    &secrets::get_secret_value::GetSecretValue,
    &keys::import::ImportKeyMaterial,
    &keys::aliases::ListAliases,
    &keys::aliases::ListAliasesByKeyId,
    &keys::rotation::ListKeyVersions,
    &keys::listing::ListKeys,
    &shared::refused::LIST_MANAGED_DATA_KEY_VERSIONS,
    &tags::list_resource_tags::ListResourceTags,
    &secrets::list_secret_version_ids::ListSecretVersionIds,
    &secrets::list_secrets::ListSecrets,
    &tags::list_tag_resources::ListTagResources,
    &account::open_kms_service::OpenKmsService,
    &secrets::put_secret_value::PutSecretValue,
    &keys::symmetric::ReEncrypt,
    &secrets::restore_secret::RestoreSecret,
    &shared::refused::ROTATE_SECRET,
    &keys::lifecycle::ScheduleKeyDeletion,
    &keys::lifecycle::SetDeletionProtection,
    &keys::policy::SetKeyPolicy,
    &secrets::set_secret_policy::SetSecretPolicy,
    &tags::tag_resource::TagResource,
    &tags::tag_resources::TagResources,
    &tags::untag_resource::UntagResource,
    &tags::untag_resources::UntagResources,
    &keys::aliases::UpdateAlias,
    &keys::lifecycle::UpdateKeyDescription,
    &keys::rotation::UpdateRotationPolicy,
    &secrets::update_secret::UpdateSecret,
    &shared::refused::UPDATE_SECRET_ROTATION_POLICY,
    &secrets::update_secret_version_stage::UpdateSecretVersionStage,
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
/// Where services are.
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

/// The product that a version is of; `None` for a version that is not served.
pub fn of_version(version: &str) -> Option<&'static Product> {
    PRODUCTS.into_iter().find(|product| product.version == version)
}
